"""Relationships between patients, and who is whose guardian: only as far as the caller sees them."""

import uuid
from collections.abc import Callable

import pytest

from accounts.models import AuditedPatient, AuditEvent, OutboxEvent, Role
from config.core.exceptions import UnknownReference
from patients.models import Patient, Relationship
from patients.services.charts import create_entry
from tests.clock import moment
from tests.contracts.facts import table
from tests.factories import SYSTEM, archive

TABLE = table("practice")
TYPES = TABLE.schemas["Relationship"]["relationship_type"]["enum"]
RANDOM = "01890000-0000-7000-8000-000000000000"
UNKNOWN = (404, {"detail": "Patient not found"})


@pytest.fixture
def patient(clinic) -> Patient:
    return clinic.patient(care_group_id=clinic.group.pk)


@pytest.fixture
def other(clinic) -> Patient:
    return clinic.patient(care_group_id=clinic.group.pk)


@pytest.fixture
def hidden(clinic) -> Patient:
    """Somebody whom the clinic's caregivers do not see."""
    return clinic.patient(care_group_id=clinic.other_group.pk)


@pytest.fixture
def at(clinic) -> Callable[..., str]:
    """Return `at(patient, what)`: the address of a patient's relationships, or of another view of them."""
    return lambda patient, what="relationships": f"{clinic.base}/patients/{patient.uuid}/{what}"


@pytest.fixture
def guards(clinic) -> Callable[..., Relationship]:
    """Return `guards(guardian, ward)`, which makes one the legal guardian of the other."""
    return lambda guardian, ward, **values: clinic.entry(
        Relationship, guardian, **{"to_patient_id": ward.pk, "relationship_type": "parent", "is_guardian": True, **values}
    )


def body(other: Patient, **values) -> dict:
    return {"to_patient_uuid": str(other.uuid), "relationship_type": "sibling", **values}


def places(answer) -> list:
    assert answer.status_code == 422, answer.content
    return [problem["loc"] for problem in answer.json()["detail"]]


def ids(answer) -> list[str]:
    assert answer.status_code == 200, answer.content
    assert list(TABLE.faults("Relationship[]", answer.json())) == []
    return [row["id"] for row in answer.json()]


def affected_patients(action: str) -> set[int]:
    """Return the patients of the last event of `action`."""
    event = AuditEvent.objects.filter(action=f"relationship.{action}", outcome="ok").latest("id")
    return set(AuditedPatient.objects.filter(event=event).values_list("patient_id", flat=True))


def reference(patient: Patient, *, named: bool = True) -> dict:
    return {"uuid": str(patient.uuid), "name": patient.full_name if named else None}


# --- recording --------------------------------------------------------------------------------------


def test_a_relationship_is_recorded_with_all_it_says(api, at, patient, other):
    sent = body(other, relationship_type="foster_child", is_guardian=True, note=" Since\nspring ")
    assert sent.keys() == TABLE.schemas["NewRelationship"].keys()
    answer = api(Role.HC_SECONDARY).post(at(patient), sent)
    shown = answer.json()
    assert answer.status_code == 201, answer.content
    assert list(TABLE.faults("Relationship", shown)) == []
    assert (shown["from_patient"], shown["to_patient"]) == (reference(patient), reference(other))
    assert (shown["from_patient_name"], shown["to_patient_name"]) == (patient.full_name, other.full_name)
    assert {name: shown[name] for name in sent if name in shown} == {
        "relationship_type": "foster_child",
        "is_guardian": True,
        "note": " Since\nspring ",
    }
    assert (shown["version"], shown["deleted_at"]) == (1, None)
    assert affected_patients("create") == {patient.pk, other.pk}
    event = AuditEvent.objects.get(action="relationship.create", outcome="ok")
    assert event.changed_fields == "is_guardian,note,relationship_type,to_patient_id"
    assert "spring" not in str(vars(event))


def test_a_type_and_another_patient_are_enough(api, at, patient, other):
    shown = api().post(at(patient), body(other, is_guardian=None, note=None)).json()
    assert (shown["is_guardian"], shown["note"]) == (False, None)
    assert api().post(at(patient), body(other)).json()["is_guardian"] is False
    assert places(api().post(at(patient), {})) == [["body", "to_patient_uuid"], ["body", "relationship_type"]]


def test_the_other_direction_is_not_recorded(api, at, patient, other):
    api().post(at(patient), body(other))
    assert api().get(at(other)).json()["items"] == []
    assert Relationship.objects.count() == 1


@pytest.mark.parametrize("word", TYPES)
def test_every_type_is_taken(api, at, patient, other, word):
    answer = api().post(at(patient), body(other, relationship_type=word))
    assert (answer.status_code, answer.json()["relationship_type"]) == (201, word)
    assert len(TYPES) == 15


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("relationship_type", None),
        ("relationship_type", ""),
        ("relationship_type", "Sibling"),
        ("relationship_type", "friend"),
        ("relationship_type", 1),
        ("is_guardian", "ja"),
        ("is_guardian", 1),
        ("note", 7),
        ("note", ["x"]),
        ("to_patient_uuid", None),
        ("to_patient_uuid", ""),
        ("to_patient_uuid", 1),
        ("to_patient_uuid", f"urn:uuid:{RANDOM}"),
        ("to_patient_uuid", f"{{{RANDOM}}}"),
        ("to_patient_uuid", RANDOM.replace("-", "")),
    ],
)
def test_values_that_make_no_sense_are_named(clinic, api, at, patient, other, field, value):
    assert places(api().post(at(patient), body(other, **{field: value}))) == [["body", field]]
    assert not Relationship.objects.exists()
    made = clinic.entry(Relationship, patient)
    if value is not None and field != "to_patient_uuid":
        answer = api().patch(f"{at(patient)}/{made.uuid}", {"base_version": 1, field: value})
        assert places(answer) == [["body", field]]
        assert Relationship.objects.get().version == 1


def test_nobody_is_related_to_themselves(api, at, patient):
    assert places(api().post(at(patient), body(patient))) == [["body", "to_patient_uuid"]]
    assert not Relationship.objects.exists()
    assert not OutboxEvent.objects.filter(type="relationship.created").exists()


def test_the_other_patient_is_one_whom_the_caller_sees_and_who_is_not_archived(clinic, neighbour, api, at, patient, hidden):
    gone, foreign = archive(clinic.patient(care_group_id=clinic.group.pk)), neighbour.patient()
    unknown = api(Role.HC_PRIMARY).post(at(patient), {**body(patient), "to_patient_uuid": RANDOM})
    for role, whom in ((Role.HC_PRIMARY, hidden), (Role.HC_ADMIN, gone), (Role.HC_ADMIN, foreign), (Role.FC_ADMIN, foreign)):
        answer = api(role).post(at(patient), body(whom))
        assert (answer.status_code, answer.json()) == UNKNOWN
        assert answer.content == unknown.content
    assert not Relationship.objects.exists()
    assert api().post(at(patient), {**body(hidden), "to_patient_uuid": str(hidden.uuid).upper()}).status_code == 201


def test_who_is_archived_while_they_are_looked_for_is_unknown_too(clinic, patient, other):
    archive(other)
    with pytest.raises(UnknownReference) as refused:
        create_entry(actor=SYSTEM, model=Relationship, patient_id=patient.pk, to_patient_id=other.pk, relationship_type="sibling")
    assert (refused.value.field, refused.value.message) == ("to_patient", "Patient not found")


def test_two_patients_may_have_several_relationships_also_alike_ones(api, at, patient, other):
    for word in ("guardian", "grandparent", "guardian"):
        assert api().post(at(patient), body(other, relationship_type=word)).status_code == 201
    assert api().get(at(patient)).json()["total"] == 3


# --- reading ----------------------------------------------------------------------------------------


def test_the_list_has_the_rows_where_the_patient_is_the_from_side_oldest_first(clinic, api, at, patient, other):
    made = [clinic.entry(Relationship, patient, relationship_type=word) for word in ("spouse", "child", "merge")]
    clinic.entry(Relationship, other, to_patient_id=patient.pk)
    page = api().get(at(patient)).json()
    assert list(TABLE.faults("RelationshipPage", page)) == []
    assert [row["id"] for row in page["items"]] == [str(row.uuid) for row in made]
    assert api().get(at(patient), {"page": 2, "page_size": 2}).json() == {
        "items": page["items"][2:],
        "page": 2,
        "page_size": 2,
        "total": 3,
    }
    assert affected_patients("search") == {patient.pk, clinic.relative.pk}


def test_whom_the_caller_does_not_see_is_shown_without_a_name(clinic, api, at, patient, hidden):
    made = clinic.entry(Relationship, patient, to_patient_id=hidden.pk)
    one, client = f"{at(patient)}/{made.uuid}", api(Role.HC_PRIMARY)
    (listed,) = client.get(at(patient)).json()["items"]
    changed = client.patch(one, {"base_version": 1, "note": "x"}).json()
    for shown in (listed, client.get(one).json(), changed, client.post(f"{one}/archive").json()):
        assert (shown["to_patient"], shown["to_patient_name"]) == (reference(hidden, named=False), None)
        assert (shown["from_patient"], shown["from_patient_name"]) == (reference(patient), patient.full_name)
        assert list(TABLE.faults("Relationship", shown)) == []
    assert api().get(one).json()["to_patient_name"] == hidden.full_name


def test_who_is_archived_keeps_their_name_in_the_list(clinic, api, at, patient, other):
    clinic.entry(Relationship, patient, to_patient_id=other.pk)
    archive(other)
    (shown,) = api(Role.HC_PRIMARY).get(at(patient)).json()["items"]
    assert (shown["to_patient"], shown["to_patient_name"]) == (reference(other), other.full_name)


def test_patients_read_their_own_without_the_names_of_others(clinic, api, at, other, guards):
    own = clinic.own_patient
    guards(own, other)
    guards(other, own)
    client = api(Role.PATIENT)
    (shown,) = client.get(at(own)).json()["items"]
    assert (shown["from_patient_name"], shown["to_patient_name"]) == (own.full_name, None)
    assert ids(client.get(at(own, "guardians"))) == ids(client.get(at(own, "dependents"))) == []
    for refused in (client.post(at(own), body(other)), client.patch(f"{at(own)}/{shown['id']}", {"base_version": 1})):
        assert refused.status_code == 403


# --- correcting and archiving -----------------------------------------------------------------------


def test_a_relationship_is_corrected_by_version(api, at, patient, other):
    made = api().post(at(patient), body(other, note="x")).json()
    one = f"{at(patient)}/{made['id']}"
    changes = {"relationship_type": "guardian", "is_guardian": True, "note": None}
    assert {"base_version", *changes} == TABLE.schemas["ChangedRelationship"].keys()
    answer = api().patch(one, {"base_version": 1, **changes})
    assert answer.status_code == 200, answer.content
    assert {**made, **changes, "version": 2, "updated_at": answer.json()["updated_at"]} == answer.json()
    assert moment(answer.json()["updated_at"]) > moment(made["updated_at"])
    stale = api().patch(one, {"base_version": 1, "note": "y"})
    assert (stale.status_code, stale.json()) == (409, {"detail": "Version conflict: expected 2, got 1"})
    assert places(api().patch(one, {"note": "y"})) == [["body", "base_version"]]
    assert affected_patients("update") == {patient.pk, other.pk}
    assert OutboxEvent.objects.filter(type="relationship.updated", subject_uuid=made["id"]).count() == 1


def test_a_correction_does_not_move_a_relationship_to_anybody_else(clinic, api, at, patient, other, hidden):
    made = api().post(at(patient), body(other)).json()
    moved = {"to_patient_uuid": str(hidden.uuid), "from_patient_uuid": str(hidden.uuid), "id": RANDOM, "deleted_at": None}
    for uuid_sent in (moved["to_patient_uuid"], RANDOM, "nonsense"):
        version = Relationship.objects.get().version
        changed = {"base_version": version, **moved, "to_patient_uuid": uuid_sent}
        shown = api().patch(f"{at(patient)}/{made['id']}", changed).json()
        assert [shown[name] for name in ("id", "from_patient", "to_patient")] == [
            made["id"],
            reference(patient),
            reference(other),
        ]


def test_a_relationship_of_another_patient_is_unknown(clinic, api, at, patient, other):
    """It leads to the patient of the path: but it stands on the chart of the other."""
    made = clinic.entry(Relationship, other, to_patient_id=patient.pk)
    one = f"{at(patient)}/{made.uuid}"
    answers = [api().get(one), api().patch(one, {"base_version": 1, "note": "x"}), api().post(f"{one}/archive")]
    for answer in answers:
        assert (answer.status_code, answer.json()) == (404, {"detail": "Relationship not found"})
    assert Relationship.objects.get().version == 1


def test_an_archived_relationship_makes_nobody_a_guardian(api, at, patient, other, guards):
    made = guards(patient, other)
    answer = api().post(f"{at(patient)}/{made.uuid}/archive")
    assert (answer.status_code, answer.json()["deleted_at"] is not None, answer.json()["version"]) == (200, True, 2)
    assert list(TABLE.faults("Relationship", answer.json())) == []
    assert ids(api().get(at(patient, "dependents"))) == ids(api().get(at(other, "guardians"))) == []
    assert OutboxEvent.objects.filter(type="relationship.archived", subject_uuid=made.uuid).count() == 1


# --- guardians and dependents -----------------------------------------------------------------------


def test_guardians_and_dependents_are_the_two_sides_of_one_row(clinic, api, at, patient, other, guards):
    made = guards(patient, other)
    clinic.entry(Relationship, patient, to_patient_id=other.pk, relationship_type="guardian")
    dependents, guardians = api().get(at(patient, "dependents")), api().get(at(other, "guardians"))
    assert ids(dependents) == ids(guardians) == [str(made.uuid)], "the flag makes a guardian, the type does not"
    assert dependents.json() == guardians.json()
    assert ids(api().get(at(other, "dependents"))) == ids(api().get(at(patient, "guardians"))) == []
    api().patch(f"{at(patient)}/{made.uuid}", {"base_version": 1, "is_guardian": False})
    assert ids(api().get(at(patient, "dependents"))) == ids(api().get(at(other, "guardians"))) == []


def test_there_may_be_several_guardians_and_dependents_oldest_row_first(clinic, api, at, patient, other, guards):
    ward = clinic.patient(care_group_id=clinic.group.pk)
    rows = [guards(other, ward), guards(patient, ward), guards(patient, other)]
    assert ids(api().get(at(ward, "guardians"))) == [str(row.uuid) for row in rows[:2]]
    assert ids(api().get(at(patient, "dependents"))) == [str(row.uuid) for row in rows[1:]]


def test_relatives_whom_the_caller_does_not_see_are_left_out(clinic, api, at, patient, other, hidden, guards):
    seen = [guards(other, patient), guards(patient, other)]
    guards(hidden, patient)
    guards(patient, hidden)
    guards(clinic.patient(), patient)
    for role, number in ((Role.HC_PRIMARY, 1), (Role.HC_SECONDARY, 1), (Role.HC_VIEW_ALL, 2), (Role.FC_ADMIN, 2)):
        found = [ids(api(role).get(at(patient, what))) for what in ("guardians", "dependents")]
        assert [rows[:1] for rows in found] == [[str(row.uuid)] for row in seen]
        assert len(found[1]) == number
    assert str(hidden.uuid) not in api(Role.HC_PRIMARY).get(at(patient, "guardians")).content.decode()
    assert hidden.first_name not in api(Role.HC_PRIMARY).get(at(patient, "dependents")).content.decode()


def test_archived_relatives_are_left_out_and_an_archived_patient_has_theirs(api, at, patient, other, guards):
    made = [guards(patient, other), guards(other, patient)]
    archive(other)
    assert ids(api().get(at(patient, "guardians"))) == ids(api().get(at(patient, "dependents"))) == []
    assert ids(api().get(at(other, "guardians"))) == [str(made[0].uuid)]
    assert ids(api().get(at(other, "dependents"))) == [str(made[1].uuid)]


def test_guardians_of_each_other_are_told_and_no_more(api, at, patient, other):
    for one, whom in ((patient, other), (other, patient)):
        assert api().post(at(one), body(whom, relationship_type="guardian", is_guardian=True)).status_code == 201
    for one in (patient, other):
        assert len(ids(api().get(at(one, "guardians")))) == len(ids(api().get(at(one, "dependents")))) == 1


def test_who_was_shown_is_in_the_audit_trail(clinic, api, at, patient, other, hidden, guards):
    api().get(at(patient, "guardians"))
    assert affected_patients("guardians") == {patient.pk}, "it has been read that there are none"
    guards(other, patient)
    guards(patient, hidden)
    api(Role.HC_PRIMARY).get(at(patient, "guardians"))
    assert affected_patients("guardians") == {patient.pk, other.pk}
    api(Role.HC_PRIMARY).get(at(patient, "dependents"))
    assert affected_patients("dependents") == {patient.pk}, "who was left out was not shown"
    api().get(at(patient, "dependents"))
    assert affected_patients("dependents") == {patient.pk, hidden.pk}


@pytest.mark.parametrize("what", ["guardians", "dependents"])
def test_the_patient_must_be_one_whom_the_caller_sees(api, at, hidden, neighbour, what):
    for address in (
        at(hidden, what),
        at(neighbour.patient(), what),
        at(hidden, what).replace(str(hidden.uuid), str(uuid.uuid4())),
    ):
        answer = api(Role.HC_PRIMARY).get(address)
        assert (answer.status_code, answer.json()) == UNKNOWN
    assert api().post(at(hidden, what)).status_code == 405
