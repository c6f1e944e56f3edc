"""What patients meet in the practice dialect: the own record in a reduced shape, and nothing that is meant for staff."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from accounts.models import AuditEvent
from accounts.models.catalogs import Catalog
from clinical.models import Alert, Appointment, CommunicationLog, RuleOverride
from patients.models import (
    ChartEntry,
    FieldDefinition,
    FieldValue,
    Patient,
    PatientTag,
    ReferralAttribution,
    ReferralPartner,
    Relationship,
    TagDefinition,
)
from patients.practice.serializers import PracticePatientItemOut
from patients.services.patients import update_patient
from tests import policy
from tests.cast import ROUTES, Cast, ask, model_of
from tests.contracts.facts import table
from tests.factories import SYSTEM
from tests.policy import POLICY, Caller, Dialect, Place
from tests.shared import made_once

PRACTICE = [route for route in ROUTES if policy.dialect_of(route) is Dialect.PRACTICE and not route.startswith("^")]
# Charts of which patients see entries, without what staff write there.
REDUCED_ENTRIES: dict[type[ChartEntry], dict[str, Any]] = {
    Alert: {"note": "ZZ note of an alert"},
    CommunicationLog: {"note": "ZZ note of a contact"},
}
OF_A_PATIENT = "api/v1/<org_id>/patients/<patient_uuid>"

# All that answers a patient with 200, the lists of catalogs aside, in which there is nothing for them.
READABLE = {
    "api/v1/me",
    "api/v1/<org_id>/patients",
    "api/v1/<org_id>/patients/cursor",
    "api/v1/<org_id>/patients/search",
    "api/v1/<org_id>/patients/counts/by-location",
    "api/v1/<org_id>/appointments",
    "api/v1/<org_id>/appointments/<appointment_uuid>",
    OF_A_PATIENT,
    *(
        f"{OF_A_PATIENT}/{name}"
        for name in (
            "family",
            "guardians",
            "dependents",
            "medical-summary",
            "alerts",
            "alerts/<alert_uuid>",
            "allergies",
            "allergies/<allergy_uuid>",
            "communication-logs",
            "communication-logs/<log_uuid>",
            "diseases",
            "diseases/<disease_uuid>",
            "medications",
            "medications/<medication_uuid>",
            "relationships",
            "relationships/<relationship_uuid>",
            "social-history",
            "social-history/<entry_uuid>",
            "vital-signs",
            "vital-signs/<vitals_uuid>",
        )
    ),
}

SEALED = {"social_security_number": "078-05-1120", "medicaid_id": "ZZMEDICAID"}
NOTES = ("address_note", "appointment_module_note", "medical_summary", "medical_urgent_note", "treatment_notes")
# Charts that staff keep for each other: what an entry holds, with a row of its own in the catalog that it names.
STAFF_ENTRIES: dict[type[ChartEntry], dict[str, Any]] = {
    FieldValue: {"value": "ZZ value", "field_definition_id": FieldDefinition},
    PatientTag: {"tag_definition_id": TagDefinition},
    RuleOverride: {"kind": "remark", "rules": [{"kind": "remark", "flag": "red"}]},
    ReferralAttribution: {"source_note": "ZZ note of a referral", "referral_partner_id": ReferralPartner, "provider_id": None},
}


@pytest.fixture(scope="module")
def copied_cast(django_db_setup, django_db_blocker) -> Iterator[Callable[[], Cast]]:
    with made_once(django_db_blocker, furnished) as copied:
        yield copied


@pytest.fixture
def cast(db, copied_cast) -> Cast:
    return copied_cast()


@pytest.fixture
def own(cast) -> Patient:
    """The record of the PATIENT caller."""
    return cast.patients[Place.OWN]


def furnished() -> Cast:
    """Return a cast whose PATIENT caller has a family, and a canary wherever staff write what is not for patients."""
    cast = Cast()
    clinic, own = cast.clinic, cast.patients[Place.OWN]
    guarantor = clinic.patient(last_name="ZZ guarantor")
    canaries = {**SEALED, **{name: f"ZZ {name}" for name in NOTES}, "responsible_party_id": guarantor.pk}
    update_patient(actor=SYSTEM, patient_id=own.pk, base_version=own.version, changes=canaries)
    sibling = clinic.patient(last_name="ZZ sibling", responsible_party_id=guarantor.pk)
    clinic.entry(Relationship, own, to_patient_id=sibling.pk, is_guardian=True)
    clinic.entry(Relationship, sibling, to_patient_id=own.pk, is_guardian=True)
    clinic.entry(Appointment, own, note="ZZ note of an appointment")
    clinic.entry(Appointment, sibling, note="ZZ appointment of another")
    for model, values in (STAFF_ENTRIES | REDUCED_ENTRIES).items():
        clinic.entry(model, own, **{name: made(cast, value) for name, value in values.items()})
    for route in PRACTICE:
        cast.object(route, Place.OWN)  # an entry of each of the other charts
    return cast


def made(cast: Cast, value: Any) -> Any:
    """Return `value`, or for a catalog the id of a new row with a canary for its name."""
    if not (isinstance(value, type) and issubclass(value, Catalog)):
        return value
    return cast.clinic.catalog(value, f"ZZ {value._meta.verbose_name}", **cast.clinic.least(value)).pk


def canaries() -> set[str]:
    """Return every text that has been planted."""
    held = [value for columns in (STAFF_ENTRIES | REDUCED_ENTRIES).values() for value in columns.values()]
    values = [value for value in held if isinstance(value, type) or str(value).startswith("ZZ")]
    planted = {f"ZZ {value._meta.verbose_name}" if isinstance(value, type) else value for value in values}
    others = {"ZZ guarantor", "ZZ sibling", "ZZ note of an appointment", "ZZ appointment of another"}
    return {*planted, *others, *SEALED.values(), *(f"ZZ {name}" for name in NOTES)}


def read(cast: Cast, caller: Caller) -> dict[str, Any]:
    """Return the answer to every GET under the own record."""
    client = cast.client("api/", caller)
    return {route: ask(client, "GET", cast.path(route, Place.OWN)) for route in PRACTICE if "GET" in POLICY[route]}


def objects(value: Any) -> Iterator[dict]:
    """Yield every object in an answer, at any depth."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects(inner)


def test_the_canaries_stand_in_every_chart_that_patients_do_not_read():
    charts = {route: policy.CHART[name] for route in PRACTICE if (name := policy.chart_of(route))}
    closed = {model_of(route) for route, chart in charts.items() if Caller.PATIENT not in chart.readers}
    assert closed == set(STAFF_ENTRIES)


def test_patients_read_what_is_listed_here_and_nothing_else(cast, own):
    answers = read(cast, Caller.PATIENT)
    catalogs = {route for route in answers if policy.catalog_of(route)}
    assert {route for route, answer in answers.items() if answer.status_code == 200} - catalogs == READABLE
    # What belongs to the organization alone is out of a patient's sight.
    hidden = {route for route in answers if "<endpoint_uuid>" in route}
    assert {answers[route].status_code for route in hidden} == {404}
    assert {answer.status_code for route, answer in answers.items() if route not in READABLE | catalogs | hidden} == {403}
    shown = [answers[route].json()["items"] for route in catalogs if answers[route].status_code == 200]
    assert len(shown) == len(policy.CATALOGS)
    assert not any(shown)


def test_patients_change_nothing(cast, own):
    client, allowed = cast.client("api/", Caller.PATIENT), set()
    for route in PRACTICE:
        for method in POLICY[route].keys() - {"GET"}:
            answer = ask(client, method, cast.path(route, Place.OWN), cast.body(route, method))
            allowed |= {route} if answer.status_code not in (403, 404) else set()
    assert allowed == {"api/v1/<org_id>/patients/check-duplicates"}, "which writes nothing"


OTHERS = (Place.OTHER_GROUP, Place.NO_GROUP, Place.ARCHIVED, Place.FOREIGN, Place.FOREIGN_UNDER_OWN_PATH)


@pytest.mark.parametrize("place", OTHERS)
def test_the_record_of_another_is_unknown_by_every_path(cast, place):
    client = cast.client("api/", Caller.PATIENT)
    for route in (route for route in PRACTICE if route.startswith(OF_A_PATIENT)):
        for method in POLICY[route]:
            answer = ask(client, method, cast.path(route, place), cast.body(route, method, place))
            assert answer.status_code == 404, f"{method} {route}"


def test_nothing_that_staff_write_for_each_other_reaches_the_patient(cast, own):
    for route, answer in read(cast, Caller.PATIENT).items():
        found = {canary for canary in canaries() if canary.encode() in answer.content}
        assert found == set(), route
        # Masked numbers are for readers of the organization.
        assert b"*CAID" not in answer.content, route


def test_staff_meet_every_canary(cast, own):
    """Or their absence from the answers to patients would prove nothing."""
    answers = b"".join(answer.content for answer in read(cast, Caller.HC_ADMIN).values())
    assert {canary for canary in canaries() if canary.encode() not in answers} == set()
    masked = b"".join(answer.content for answer in read(cast, Caller.HC_VIEW_ALL).values())
    assert b"*CAID" in masked
    assert b"ZZMEDICAID" not in masked


def test_patients_meet_themselves_only_and_in_the_reduced_shape(cast, own):
    reduced = table("practice").schemas["ReducedPatient"].keys()
    item = PracticePatientItemOut().fields.keys()
    shapes = set()
    for route, answer in read(cast, Caller.PATIENT).items():
        if answer.status_code != 200:
            continue
        for one in objects(json.loads(answer.content)):
            if "last_name" in one:
                assert one["id"] == str(own.uuid), route
                assert one.keys() in (reduced, item), route
                shapes.add(frozenset(one))
            for name in ("patient", "from_patient"):
                assert one.get(name) in (None, {"uuid": str(own.uuid), "name": f"{own.first_name} {own.last_name}"}), route
    assert shapes == {frozenset(reduced), frozenset(item)}


@pytest.mark.parametrize("name", ["alerts", "communication-logs"])
def test_entries_are_reduced_and_their_reading_is_audited(cast, own, name):
    client, path = cast.client("api/", Caller.PATIENT), cast.path(f"{OF_A_PATIENT}/{name}", Place.OWN)
    staff = cast.client("api/", Caller.HC_ADMIN).get(path).json()["items"][0]
    (shown,) = client.get(path).json()["items"]
    hidden = {"note", "created_by", *(("version",) if name == "alerts" else ())}
    assert shown == {field: value for field, value in staff.items() if field not in hidden}
    assert client.get(f"{path}/{shown['id']}").json() == shown
    assert client.get(path, {"include_family": "true"}).json()["total"] == 1
    events = AuditEvent.objects.filter(role="PATIENT", outcome="ok").order_by("-pk")[:3]
    assert [list(event.patients.values_list("patient_id", flat=True)) for event in events] == [[own.pk]] * 3


def test_patients_cannot_find_out_a_note_by_searching_it(cast):
    path = cast.path(f"{OF_A_PATIENT}/communication-logs", Place.OWN)
    for text in ("zz note", "nothing"):
        answer = cast.client("api/", Caller.PATIENT).get(path, {"q": text})
        assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["query", "q"])
    assert cast.client("api/", Caller.PATIENT).get(path, {"q": ""}).json()["total"] == 1


def test_the_own_chart_has_something_to_read(cast, own):
    """Entries of every open chart, the own appointment, and whose guardian one is, without their name."""
    answers = read(cast, Caller.PATIENT)
    for name, chart in policy.CHART.items():
        if Caller.PATIENT in chart.readers:
            assert answers[f"{OF_A_PATIENT}/{name}"].json()["total"] == 1, name
    assert answers["api/v1/<org_id>/appointments"].json()["total"] == 1
    (related,) = answers[f"{OF_A_PATIENT}/relationships"].json()["items"]
    assert (related["to_patient"]["name"], related["to_patient_name"]) == (None, None)
    for name in ("family", "guardians", "dependents"):
        assert answers[f"{OF_A_PATIENT}/{name}"].json() == [], "others are not theirs to see"
    summary = answers[f"{OF_A_PATIENT}/medical-summary"].json()
    assert (summary["alerts"], summary["medical_urgent_note"]) == ([], None)
    assert answers["api/v1/<org_id>/patients"].json()["total"] == 1
    assert answers["api/v1/<org_id>/patients/search"].json()["total"] == 1
