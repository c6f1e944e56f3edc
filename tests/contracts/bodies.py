"""Bodies that give every field of a patient a value, made from the contract tables."""

from tests.contracts.facts import table

PRACTICE, PUBLIC, GENERAL = table("practice"), table("public"), table("general")


def filled(fields: dict[str, dict], **values) -> dict:
    """Return a value for each field that holds text or words of an enumeration, and `values` for those that need more."""
    words = {name: fact["enum"][0] for name, fact in fields.items() if "enum" in fact}
    texts = {name: f"Some {name}" for name, fact in fields.items() if fact["type"] == "string"}
    return {**texts, **words, **values}


def practice_body(clinic) -> dict:
    """Return a body with a value for every field that a practice create takes."""
    catalogs = {name: str(row.uuid) for name, row in clinic.catalogs.items()}
    return filled(
        PRACTICE.schemas["NewPatient"],
        primary_provider_uuid=catalogs["provider"],
        secondary_provider_uuid=catalogs["provider"],
        location_uuid=catalogs["location"],
        fee_schedule_uuid=catalogs["fee_schedule"],
        billing_type_uuid=catalogs["billing_type"],
        employer_uuid=catalogs["employer"],
        care_group_uuid=str(clinic.group.uuid),
        responsible_party_uuid=str(clinic.patient().uuid),
        status="deceased",
        date_of_birth="1931-02-28",
        date_time_deceased="2020-05-04T03:02:01Z",
        date_first_visit="1999-12-31",
        email="some@body.test",
        billing_account={"mode": "new"},
        ask_to_arrive_early_mins=15,
        billing_cycle_day=31,
        consent_flags=3,
        premedication_required=True,
        receives_email=True,
        receives_sms=False,
    )


def public_body(clinic) -> dict:
    """Return a body with a value for every field that a public create takes."""
    return filled(
        PUBLIC.schemas["NewPatient"],
        email="jo@live.test",
        smsLoginEnabled=True,
        organizationId=str(clinic.organization.uuid),
        groupId=str(clinic.group.uuid),
        programId=str(clinic.catalogs["program"].uuid),
        protocolId=str(clinic.catalogs["protocol"].uuid),
        timezone="Europe/Berlin",
        dateOfBirth="1980-01-02",
        phoneNumber="+31612345678",
        addressCountry="nl",
    )


def general_body() -> dict:
    """Return a body with a value for every field that a general create takes."""
    return filled(
        GENERAL.schemas["NewPatient"],
        date_of_birth="1979-05-06",
        email="al@rails.test",
        address=filled(GENERAL.schemas["Address"]),
    )
