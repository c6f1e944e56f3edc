"""Creating a patient, in three dialects: groups, keys of repetition, uniqueness, and what it leaves behind."""

import datetime

import pytest
from django.utils import timezone

from accounts.models import AuditEvent, IdempotencyRecord, OutboxEvent, Role, User
from patients.models import Enrolment, Patient
from tests.cast import public_body
from tests.factories import archive

BODY = {"first_name": "Ada", "last_name": "Lovelace"}
BORN = {"date_of_birth": "1980-05-17"}


def create(api, clinic, role: str = Role.HC_ADMIN, headers: dict | None = None, **values):
    return api(role).post(f"{clinic.base}/patients", {**BODY, **values}, **(headers or {}))


def once(key: str) -> dict:
    return {"Idempotency_Key": key}


# --- groups -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.HC_PRIMARY, Role.HC_SECONDARY])
def test_a_caregivers_patient_joins_their_default_group(clinic, api, general, role):
    assert create(api, clinic, role).json()["care_group"]["uuid"] == str(clinic.group.uuid)
    plain = general(role).post("/general/v1/patients", {"patient": {**BODY, **BORN}})
    assert Patient.objects.get(pk=plain.json()["id"]).care_group_id == clinic.group.pk


def test_an_administrators_patient_joins_no_group_unless_told(clinic, api):
    assert create(api, clinic).json()["care_group"] is None
    told = create(api, clinic, care_group_uuid=str(clinic.other_group.uuid))
    assert told.json()["care_group"]["uuid"] == str(clinic.other_group.uuid)


def test_a_caregiver_without_a_default_group_creates_no_patient(clinic, api, general):
    User.objects.filter(pk=clinic.users[Role.HC_PRIMARY].pk).update(default_group=None)
    assert create(api, clinic, Role.HC_PRIMARY).status_code == 403
    assert general(Role.HC_PRIMARY).post("/general/v1/patients", {"patient": {**BODY, **BORN}}).status_code == 403
    assert not Patient.objects.exists()


def test_a_default_group_that_a_caregiver_has_left_is_none(clinic, api):
    clinic.users[Role.HC_PRIMARY].memberships.all().delete()
    assert create(api, clinic, Role.HC_PRIMARY).status_code == 403


def test_a_caregiver_may_name_a_group_of_theirs(clinic, api):
    User.objects.filter(pk=clinic.users[Role.HC_PRIMARY].pk).update(default_group=None)
    assert create(api, clinic, Role.HC_PRIMARY, care_group_uuid=str(clinic.group.uuid)).status_code == 201


def test_care_networks_turn_the_group_from_required_to_prohibited(clinic, api):
    without = {name: value for name, value in public_body(clinic).items() if name != "groupId"}
    refused = api().post("/v1/patients", without)
    assert (refused.status_code, refused.json()["errors"][0]["attribute"]) == (422, "groupId")
    type(clinic.organization).objects.filter(pk=clinic.organization.pk).update(care_networks_enabled=True)
    assert api().post("/v1/patients", without).status_code == 201
    refused = api().post("/v1/patients", public_body(clinic))
    assert (refused.status_code, refused.json()["errors"][0]["attribute"]) == (422, "groupId")


# --- values -----------------------------------------------------------------------------------------


def test_a_new_patient_is_active_and_of_version_one(clinic, api):
    answer = create(api, clinic).json()
    assert (answer["status"], answer["version"], answer["deleted_at"]) == ("active", 1, None)
    assert answer["created_at"] == answer["updated_at"]


@pytest.mark.parametrize(
    ("values", "loc"),
    [
        ({"status": "archived"}, "status"),
        ({"first_name": None}, "first_name"),
        ({"last_name": ""}, "last_name"),
        ({"date_time_deceased": "2024-01-01T00:00:00Z"}, "date_time_deceased"),
        ({"date_of_birth": "2999-01-01"}, "date_of_birth"),
        ({"date_of_birth": "1850-01-01"}, "date_of_birth"),
    ],
)
def test_values_that_cannot_be_are_refused_by_name(clinic, api, values, loc):
    response = create(api, clinic, **values)
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["body", loc]
    assert not Patient.objects.exists()


def test_null_for_what_cannot_be_null_takes_the_default(clinic, api):
    answer = create(api, clinic, receives_email=None, consent_flags=None, allergy_review_status=None, status=None).json()
    shown = [answer[name] for name in ("receives_email", "consent_flags", "allergy_review_status", "status")]
    assert shown == [False, 0, "not_reviewed", "active"]


def test_a_public_create_enrols_the_patient_today(clinic, api):
    answer = api().post("/v1/patients", public_body(clinic)).json()["data"]
    enrolment = Enrolment.objects.get(patient__uuid=answer["id"])
    today = datetime.datetime.now(clinic.organization.zone).date()
    assert (enrolment.start_date, enrolment.end_date, enrolment.created_by_id) == (today, None, clinic.users[Role.HC_ADMIN].pk)
    assert answer["program"]["startDate"] == today.isoformat()


def test_a_protocol_of_another_program_is_refused(clinic, api):
    program = clinic.catalog(type(clinic.catalogs["program"]), "Other")
    response = api().post("/v1/patients", public_body(clinic, programId=str(program.uuid)))
    assert (response.status_code, response.json()["errors"][0]["attribute"]) == (422, "protocolId")
    assert not Patient.objects.exists()


# --- uniqueness -------------------------------------------------------------------------------------


def test_a_chart_number_is_taken_once_whatever_its_case(clinic, neighbour, api):
    assert create(api, clinic, chart_number="Ab-1").status_code == 201
    again = create(api, clinic, chart_number=" aB-1")
    assert (again.status_code, again.json()) == (409, {"detail": "duplicate chart number"})
    other = api(Role.HC_ADMIN, neighbour).post(f"{neighbour.base}/patients", {**BODY, "chart_number": "Ab-1"})
    assert other.status_code == 201


def test_the_chart_number_of_an_archived_patient_is_free(clinic, api):
    archive(clinic.patient(chart_number="A-1"))
    assert create(api, clinic, chart_number="A-1").status_code == 201


def test_patients_without_a_chart_number_do_not_collide(clinic, api):
    assert [create(api, clinic, chart_number=value).status_code for value in (None, None, "", "", "  ")] == [201] * 5


def test_a_login_name_is_taken_once_in_all_organizations(clinic, neighbour, api):
    assert api().post("/v1/patients", public_body(clinic, accountName="Ada")).status_code == 201
    again = api(Role.HC_ADMIN, neighbour).post("/v1/patients", public_body(neighbour, accountName="ÅDÁ"))
    assert again.status_code == 422
    assert [(error["code"], error["attribute"]) for error in again.json()["errors"]] == [("validation", "accountName")]
    taken, unusable = again.json()["errors"][0]["message"], "This value cannot be used."
    assert taken == unusable, "the wording must not tell whether somebody elsewhere has it"


# --- the same request again -------------------------------------------------------------------------


def test_the_same_request_again_gets_the_first_answer(clinic, api):
    first, again = (create(api, clinic, headers=once("k1")) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert "Idempotent-Replayed" not in first
    assert again["Idempotent-Replayed"] == "true"
    assert Patient.objects.count() == 1


def test_the_first_answer_is_given_though_the_patient_has_changed(clinic, api):
    first = create(api, clinic, headers=once("k1"))
    body = {"base_version": 1, "first_name": "Grace"}
    assert api().patch(f"{clinic.base}/patients/{first.json()['id']}", body).status_code == 200
    assert create(api, clinic, headers=once("k1")).content == first.content


def test_the_key_with_another_body_is_a_conflict(clinic, api):
    create(api, clinic, headers=once("k1"))
    again = create(api, clinic, headers=once("k1"), first_name="Grace")
    assert (again.status_code, again.json()) == (409, {"detail": "Idempotency conflict"})
    assert Patient.objects.count() == 1


def test_the_key_of_another_user_is_another_key(clinic, api):
    assert create(api, clinic, headers=once("k1")).status_code == 201
    other = create(api, clinic, Role.HC_PRIMARY, headers=once("k1"))
    assert other.status_code == 201
    assert "Idempotent-Replayed" not in other
    assert Patient.objects.count() == 2


def test_the_key_in_another_organization_is_another_key(clinic, neighbour, api):
    first = create(api, clinic, Role.FC_ADMIN, headers=once("k1"))
    other = api(Role.FC_ADMIN).post(f"{neighbour.base}/patients", BODY, **once("k1"))
    assert (first.status_code, other.status_code) == (201, 201)
    assert first.json()["id"] != other.json()["id"]


def test_a_key_is_forgotten_after_a_day(clinic, api):
    create(api, clinic, headers=once("k1"))
    almost = timezone.now() - datetime.timedelta(hours=23, minutes=59)
    IdempotencyRecord.objects.update(created_at=almost)
    assert create(api, clinic, headers=once("k1"))["Idempotent-Replayed"] == "true"
    IdempotencyRecord.objects.update(created_at=timezone.now() - datetime.timedelta(hours=24, seconds=1))
    anew = create(api, clinic, headers=once("k1"), first_name="Grace")
    assert anew.status_code == 201
    assert "Idempotent-Replayed" not in anew


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ({"status": "nope"}, 422),
        ({"primary_provider_uuid": "9890ed24-5a36-4f32-8f6c-8b4bd2f1a0c3"}, 404),
        ({"chart_number": "A-1"}, 409),
    ],
)
def test_a_refusal_is_not_remembered(clinic, api, values, status):
    clinic.patient(chart_number="A-1")
    assert create(api, clinic, headers=once("k1"), **values).status_code == status
    assert not IdempotencyRecord.objects.exists()
    assert create(api, clinic, headers=once("k1")).status_code == 201


def test_the_remembered_answer_is_not_readable_in_the_database(clinic, api):
    create(api, clinic, headers=once("k1"))
    assert b"Lovelace" not in bytes(IdempotencyRecord.objects.get().answer)


def test_an_answer_given_again_is_audited_as_a_read_of_the_patient(clinic, api):
    create(api, clinic, headers=once("k1"))
    before = AuditEvent.objects.count()
    create(api, clinic, headers=once("k1"))
    event = AuditEvent.objects.order_by("id").last()
    assert AuditEvent.objects.count() == before + 1
    assert [touched.patient_id for touched in event.patients.all()] == [Patient.objects.get().pk]


def test_a_header_without_a_meaning_is_ignored_where_no_key_is_honoured(clinic, general):
    body = {"patient": {**BODY, **BORN}}
    for _ in range(2):
        assert general().post("/general/v1/patients", body, **once("k1")).status_code == 201
    assert Patient.objects.count() == 2


# --- what it leaves behind --------------------------------------------------------------------------


@pytest.mark.parametrize("dialect", ["practice", "public", "general"])
def test_a_create_leaves_one_audit_event_and_one_event_to_tell(clinic, api, general, dialect):
    made = {
        "practice": lambda: create(api, clinic),
        "public": lambda: api().post("/v1/patients", public_body(clinic)),
        "general": lambda: general().post("/general/v1/patients", {"patient": {**BODY, **BORN}}),
    }
    seen, told = AuditEvent.objects.count(), OutboxEvent.objects.count()
    assert made[dialect]().status_code == 201
    patient, event = Patient.objects.get(), AuditEvent.objects.order_by("id").last()
    assert AuditEvent.objects.count() == seen + 1
    assert (event.action, event.outcome, event.subject, event.subject_id) == ("patient.create", "ok", "patient", patient.pk)
    assert [(row.organization_id, row.patient_id) for row in event.patients.all()] == [(clinic.organization.pk, patient.pk)]
    assert OutboxEvent.objects.count() == told + 1
    outbox = OutboxEvent.objects.order_by("id").last()
    assert (outbox.type, outbox.subject_uuid, outbox.organization_id) == ("patient.created", patient.uuid, clinic.organization.pk)


def test_a_create_that_fails_leaves_nothing(clinic, api):
    clinic.patient(chart_number="A-1")
    before = OutboxEvent.objects.count(), Patient.objects.count(), AuditEvent.objects.filter(outcome="ok").count()
    assert create(api, clinic, chart_number="A-1").status_code == 409
    assert before == (OutboxEvent.objects.count(), Patient.objects.count(), AuditEvent.objects.filter(outcome="ok").count())
