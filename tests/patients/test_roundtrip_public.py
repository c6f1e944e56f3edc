"""Public: what POST accepts is kept unchanged, shown where the contract shows it and stored where it does not."""

import datetime
from typing import Any

import pytest

from accounts.models import Organization
from patients.models import Patient
from patients.public.serializers import PublicPatientIn
from tests.cast import public_body
from tests.factories import Clinic
from tests.patients.test_roundtrip_practice import EMAILS, TEXTS, bodies, values_of

PHONES = ("+31612345678", "+12025550123", "+4915112345678", "+31698765432", "+15551234567", "+999123456789012")
OWN_VALUES: dict[str, tuple] = {
    # Unique across all organizations on their folded form, so each is its own.
    "accountName": tuple(f"{number}{text}" for number, text in enumerate(TEXTS)),
    "email": EMAILS,
    "phoneNumber": PHONES,
    "addressCountry": ("NL", "nl", "uS", None),
    "timezone": ("Europe/Amsterdam", "America/New_York", "Asia/Kathmandu", "UTC"),
    # Null shows that of the organization.
    "language": ("nl", "en", "en_US", "de", "fr"),
    "patientNumber": (*(f"{number}{text}"[:64] for number, text in enumerate(TEXTS)), None),
}
REFERENCES = {"organizationId", "groupId", "programId", "protocolId"}
# Where the answer shows a field of the body under another name.
SHOWN = {
    "accountName": lambda answer: answer["accountName"],
    "email": lambda answer: answer["email"],
    "patientNumber": lambda answer: next((i["value"] for i in answer["identifiers"] if i["system"] == "hospital_mrn"), None),
    "organizationId": lambda answer: answer["organization"]["id"],
    "groupId": lambda answer: answer["group"]["id"],
    "programId": lambda answer: answer["program"]["id"],
    "protocolId": lambda answer: answer["protocol"]["id"],
    "phoneNumber": lambda answer: answer["phone"],
}
# Fields that no answer of this dialect shows, and the columns that keep them.
STORED_ONLY = {
    "smsLoginEnabled": "sms_login_enabled",
    "comments": "comments",
    "addressCountry": "country",
    "addressCity": "city",
    "addressPostalCode": "postal_code",
    "addressStreet": "street",
    "addressHouseNumber": "house_number",
    "addressHouseNumberSuffix": "house_number_suffix",
}


def accepted(clinic: Clinic) -> dict[str, list[Any]]:
    """Return the accepted values of every field but references, which public_body gives."""
    return {
        name: list(OWN_VALUES.get(name) or values_of(name, field, clinic))
        for name, field in PublicPatientIn().fields.items()
        if name not in REFERENCES
    }


def unique(values: dict[str, Any], turn: int) -> dict[str, Any]:
    """Return `values` with a login name and patient number that no other turn has had."""
    number = values.pop("patientNumber")
    own = {"accountName": f"{turn} {values.pop('accountName')}", "patientNumber": number and f"{turn} {number}"[:64]}
    return {**values, **own}


def kept(answer: dict, name: str) -> Any:
    """Return what became of a field of the body."""
    if name in STORED_ONLY:
        return Patient.objects.values_list(STORED_ONLY[name], flat=True).get(uuid=answer["id"])
    return SHOWN[name](answer) if name in SHOWN else answer[name]


def test_what_post_takes_is_kept(clinic, api):
    wrong = []
    for turn, values in enumerate(bodies(accepted(clinic))):
        body = public_body(clinic, **unique(values, turn))
        made = api().post("/v1/patients", body)
        assert made.status_code == 201, made.content
        answer = api().get(f"/v1/patients/{made.json()['data']['id']}").json()["data"]
        assert made.json()["data"] == answer
        wrong += [(name, value, kept(answer, name)) for name, value in body.items() if kept(answer, name) != value]
    assert wrong == []


def test_every_field_of_the_body_is_tried(clinic):
    assert set(public_body(clinic, **dict.fromkeys(accepted(clinic)))) == set(PublicPatientIn().fields)


def test_a_body_of_required_fields_gets_the_documented_defaults(clinic, api):
    answer = api().post("/v1/patients", public_body(clinic)).json()["data"]
    defaults = ("timezone", "language", "status", "middleName", "dateOfBirth", "phone", "identifiers")
    assert [answer[name] for name in defaults] == ["Europe/Amsterdam", "nl", "active", None, None, None, []]
    assert answer["activatedAt"] == answer["createdAt"]


def test_a_language_that_nobody_chose_is_that_of_the_organization(clinic, api):
    Organization.objects.filter(pk=clinic.organization.pk).update(language="de")
    shown = [api().post("/v1/patients", public_body(clinic, language=language)).json()["data"] for language in (None, "fr")]
    assert [patient["language"] for patient in shown] == ["de", "fr"]
    assert list(Patient.objects.order_by("pk").values_list("language", flat=True)) == [None, "fr"]


@pytest.mark.parametrize("group", [{}, {"groupId": None}])
def test_a_null_group_is_as_good_as_none(clinic, api, group):
    body = {name: value for name, value in public_body(clinic).items() if name != "groupId"} | group
    missing = api().post("/v1/patients", body)
    assert (missing.status_code, missing.json()["errors"][0]["attribute"]) == (422, "groupId")
    Organization.objects.filter(pk=clinic.organization.pk).update(care_networks_enabled=True)
    assert api().post("/v1/patients", body).status_code == 201


def test_nobody_became_active_before_they_were_created(clinic, api):
    """The process and the database each have a clock."""
    created = datetime.datetime(2025, 1, 15, 9, 0, 1, tzinfo=datetime.UTC)
    early, late = (clinic.patient(last_name=name) for name in ("Early", "Late"))
    for patient, seconds in ((early, -1), (late, 1)):
        moved = {"created_at": created, "activated_at": created + datetime.timedelta(seconds=seconds)}
        Patient.objects.filter(pk=patient.pk).update(**moved)
    rows = api().get("/v1/patients").json()["data"]
    assert [row["activatedAt"][:19] for row in rows] == ["2025-01-15T10:00:01", "2025-01-15T10:00:02"]
    rows = api().get("/v1/export/patients").json()["data"]
    assert [row["Activated_Date"][-2:] for row in rows] == ["01", "02"]


def test_a_patient_number_comes_back_as_an_identifier_with_all_keys(clinic, api):
    answer = api().post("/v1/patients", public_body(clinic, patientNumber=" MRN 7 ")).json()["data"]
    assert answer["identifiers"] == [{"use": None, "system": "hospital_mrn", "value": " MRN 7 ", "assigner": None}]


@pytest.mark.parametrize(
    ("parts", "line"),
    [
        ({"addressStreet": "Damrak", "addressHouseNumber": "1", "addressHouseNumberSuffix": "bis"}, "Damrak 1-bis"),
        ({"addressStreet": "Damrak", "addressHouseNumber": "1"}, "Damrak 1"),
        ({"addressStreet": "Damrak"}, "Damrak"),
        ({"addressHouseNumber": "1"}, "1"),
        ({}, None),
    ],
)
def test_the_practice_dialect_shows_the_address_as_one_line(clinic, api, parts, line):
    made = api().post("/v1/patients", public_body(clinic, **parts)).json()["data"]
    assert api().get(f"{clinic.base}/patients/{made['id']}").json()["address_line1"] == line


def test_times_are_told_in_the_patients_zone(clinic, api):
    answer = api().post("/v1/patients", public_body(clinic, timezone="Asia/Kathmandu")).json()["data"]
    assert answer["createdAt"].endswith("+05:45")
    assert "." not in answer["createdAt"]


def test_a_composed_line_that_is_too_long_is_cut_and_its_parts_are_kept(clinic, api):
    parts = {"addressStreet": "s" * 255, "addressHouseNumber": "1" * 32, "addressHouseNumberSuffix": "x" * 32}
    made = api().post("/v1/patients", public_body(clinic, **parts))
    assert made.status_code == 201
    stored = Patient.objects.get(uuid=made.json()["data"]["id"])
    assert [stored.street, stored.house_number, stored.house_number_suffix] == list(parts.values())
    assert stored.address_line1 == "s" * 255


def test_who_has_no_time_zone_is_in_that_of_the_organization_and_in_this_dialect_in_the_documented_one(api, clinic):
    clinic.organization.timezone = "America/New_York"
    clinic.organization.save()
    here = api().post(f"/api/v1/{clinic.organization.uuid}/patients", {"first_name": "Ada", "last_name": "Quist"}).json()
    for given in ({}, {"timezone": None}):
        there = api().post("/v1/patients", {**public_body(clinic), **given}).json()["data"]
        assert there["timezone"] == "Europe/Amsterdam"
    assert Patient.objects.get(uuid=here["id"]).timezone == "America/New_York"
