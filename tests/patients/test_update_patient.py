"""Changing a patient: versions, nulls, what a change may not touch, and what it leaves behind."""

import pytest

from accounts.models import AuditEvent, OutboxEvent, Role
from config.core.exceptions import NotFound, VersionConflict
from patients.general.views import PatientViewSet as GeneralPatients
from patients.models import Patient
from patients.practice.views import PatientViewSet as PracticePatients
from patients.services.patients import update_patient
from tests.clock import moment
from tests.declared import body_serializers
from tests.factories import SYSTEM, archive


@pytest.fixture
def patient(clinic) -> Patient:
    return clinic.patient(first_name="Ada", middle_name="M", care_group_id=clinic.group.pk, receives_email=True)


@pytest.fixture
def patch(clinic, api, patient):
    """Return a function that patches the patient: patch(base_version, **changes)."""

    def send(base_version=1, role: str = Role.HC_ADMIN, **changes):
        return api(role).patch(f"{clinic.base}/patients/{patient.uuid}", {"base_version": base_version, **changes})

    return send


# --- versions ---------------------------------------------------------------------------------------


def test_a_change_raises_the_version_by_one_and_the_time_of_change(patch, patient):
    answer = patch(1, first_name="Grace").json()
    assert (answer["version"], answer["first_name"]) == (2, "Grace")
    assert moment(answer["updated_at"]) > moment(answer["created_at"])
    assert patch(2, first_name="Ada").json()["version"] == 3


@pytest.mark.parametrize("base", [2, 7, 2**63, 10**30])
def test_a_version_that_is_not_the_stored_one_is_a_conflict(patch, patient, base):
    response = patch(base, first_name="Grace")
    assert (response.status_code, response.json()) == (409, {"detail": f"Version conflict: expected 1, got {base}"})
    patient.refresh_from_db()
    assert (patient.first_name, patient.version) == ("Ada", 1)


def test_the_loser_of_two_writers_is_told_both_versions(patch):
    assert patch(1, first_name="One").status_code == 200
    assert patch(1, first_name="Two").json() == {"detail": "Version conflict: expected 2, got 1"}


@pytest.mark.parametrize("base", [None, True, "one", "1_0", 1.5, 0, -1, [1]])
def test_a_version_that_is_no_whole_number_is_refused_by_name(patch, base):
    response = patch(base, first_name="Grace")
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["body", "base_version"]


def test_a_patch_without_a_version_is_refused(clinic, api, patient):
    response = api().patch(f"{clinic.base}/patients/{patient.uuid}", {"first_name": "Grace"})
    assert response.json()["detail"] == [{"loc": ["body", "base_version"], "msg": "This field is required.", "type": "missing"}]


def test_the_general_dialect_changes_whatever_stands_there(general, patch, patient):
    patch(1, first_name="Grace")
    answer = general().put(f"/general/v1/patients/{patient.pk}", {"patient": {"last_name": "Hopper"}}).json()
    assert (answer["first_name"], answer["last_name"]) == ("Grace", "Hopper")
    patient.refresh_from_db()
    assert patient.version == 3


def test_a_versioned_row_is_not_saved_past_its_service(patient):
    with pytest.raises(TypeError):
        patient.save()


def test_a_row_that_went_away_meanwhile_is_not_found(clinic, patient):
    with pytest.raises(NotFound):
        Patient.objects.filter(deleted_at=None).change(patient.pk + 1, 1, "Patient", first_name="x")
    with pytest.raises(VersionConflict) as caught:
        Patient.objects.change(patient.pk, 5, "Patient", first_name="x")
    assert (caught.value.expected, caught.value.got) == (1, 5)


# --- nulls ------------------------------------------------------------------------------------------


def test_null_clears_what_can_be_null(patch):
    assert patch(1, middle_name=None).json()["middle_name"] is None


def test_null_leaves_what_cannot_be_null(patch):
    answer = patch(1, receives_email=None, consent_flags=None, allergy_review_status=None).json()
    assert [answer[name] for name in ("receives_email", "consent_flags", "allergy_review_status")] == [True, 0, "not_reviewed"]


@pytest.mark.parametrize("name", ["first_name", "last_name"])
def test_a_name_cannot_be_null_or_empty(patch, name):
    for value in (None, ""):
        response = patch(1, **{name: value})
        assert response.status_code == 422
        assert response.json()["detail"][0]["loc"] == ["body", name]


def test_null_clears_a_reference_and_a_sealed_value(clinic, patch):
    answer = patch(1, primary_provider_uuid=str(clinic.catalogs["provider"].uuid), social_security_number="123456789").json()
    assert answer["primary_provider"]
    assert answer["social_security_number"] == "123456789"
    cleared = patch(2, primary_provider_uuid=None, social_security_number=None).json()
    assert (cleared["primary_provider"], cleared["social_security_number"]) == (None, None)


# --- what a patch may not do ------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["inactive", "deceased", "archived", "prospective"])
def test_a_patch_does_not_change_the_status(patch, patient, status):
    response = patch(1, status=status)
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["body", "status"]
    patient.refresh_from_db()
    assert patient.status == "active"


@pytest.mark.parametrize("status", ["active", None])
def test_the_stored_status_or_null_may_be_sent_back(patch, status):
    assert patch(1, status=status).json()["status"] == "active"


def test_nobody_is_their_own_guarantor(patch, patient):
    response = patch(1, responsible_party_uuid=str(patient.uuid))
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["body", "responsible_party_uuid"]


def test_a_chart_number_of_another_patient_is_a_conflict(clinic, patch):
    clinic.patient(chart_number="A-1")
    response = patch(1, chart_number="a-1")
    assert (response.status_code, response.json()) == (409, {"detail": "duplicate chart number"})


def test_unknown_fields_change_nothing(patch, patient):
    before = Patient.objects.filter(pk=patient.pk).values().get()
    idle = {"version": 9, "organization": 1, "deleted_at": "2024-01-01", "balance_total": "9.99", "created_at": "x"}
    patch(1, medical_urgent_note="Latex", id=7, nonsense={"a": 1}, **idle)
    after = Patient.objects.filter(pk=patient.pk).values().get()
    assert {name for name in before if before[name] != after[name]} == {"medical_urgent_note", "version", "updated_at"}


def bodies_without_a_change(view, action: str) -> list[dict]:
    """Return bodies that name nothing to change: nothing at all, an unknown field, null where a column cannot be null."""
    fields = body_serializers(view)[action]().fields
    columns = {name: (field.source or name).removesuffix("_id") for name, field in fields.items() if field.allow_null}
    never_null = {column.name for column in Patient._meta.concrete_fields if not column.null}
    kept = {name: None for name, column in columns.items() if column in never_null}
    return [{}, {"unknown": 1}, kept]


def test_a_change_of_nothing_is_a_read(api, general, clinic, patient):
    before, published = Patient.objects.filter(pk=patient.pk).values().get(), OutboxEvent.objects.count()
    one = f"{clinic.base}/patients/{patient.uuid}"
    sent = [api().patch(one, {**body, "base_version": 1}) for body in bodies_without_a_change(PracticePatients, "partial_update")]
    bodies = bodies_without_a_change(GeneralPatients, "update")
    sent += [general(Role.HC_ADMIN).put(f"/general/v1/patients/{patient.pk}", {"patient": body}) for body in bodies]
    assert [answer.status_code for answer in sent] == [200] * len(sent)
    assert Patient.objects.filter(pk=patient.pk).values().get() == before
    reads = AuditEvent.objects.filter(action="patient.read", outcome="ok", patients__patient_id=patient.pk)
    assert (reads.count(), AuditEvent.objects.filter(action="patient.update").exists()) == (len(sent), False)
    assert OutboxEvent.objects.count() == published
    stale = api().patch(one, {"base_version": 2})
    assert (stale.status_code, stale.json()) == (409, {"detail": "Version conflict: expected 1, got 2"})


@pytest.mark.parametrize("dialect", ["practice", "general"])
def test_an_archived_patient_is_not_found_for_a_change(clinic, general, patch, patient, dialect):
    archive(patient)
    body, path = {"patient": {"first_name": "Grace"}}, f"/general/v1/patients/{patient.pk}"
    sent = {
        "practice": lambda: patch(patient.version, first_name="Grace"),
        "general": lambda: general(Role.HC_PRIMARY).put(path, body),
    }
    assert sent[dialect]().status_code == 404


# --- who may ----------------------------------------------------------------------------------------


FORBIDDEN = {"errors": "You are not authorized to access this patient"}
MISSING = {"errors": "Patient not found"}


@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize("role", [Role.HC_PRIMARY, Role.HC_SECONDARY])
def test_the_general_dialect_tells_caregivers_whose_patients_are_not_theirs(clinic, neighbour, general, role, method):
    body = {"patient": {"first_name": "Grace"}}
    hidden = clinic.patient(care_group_id=clinic.other_group.pk)
    refused = general(role)(method, f"/general/v1/patients/{hidden.pk}", body)
    assert (refused.status_code, refused.json()) == (403, FORBIDDEN)
    for pk in (neighbour.patient().pk, 2**62):
        missing = general(role)(method, f"/general/v1/patients/{pk}", body)
        assert (missing.status_code, missing.json()) == (404, MISSING)


def test_a_patient_is_told_of_no_other_patient(clinic, general):
    missing = general(Role.PATIENT).get(f"/general/v1/patients/{clinic.patient().pk}")
    assert (missing.status_code, missing.json()) == (404, MISSING)


@pytest.mark.parametrize("role", [Role.HC_VIEW_ALL, Role.PATIENT])
def test_who_may_only_read_is_refused_a_write(clinic, api, general, role):
    own = clinic.own_patient
    assert api(role).patch(f"{clinic.base}/patients/{own.uuid}", {"base_version": 1}).status_code == 403
    plain = general(role).put(f"/general/v1/patients/{own.pk}", {"patient": {}})
    assert (plain.status_code, plain.json()) == (403, {"errors": "You are not permitted to do this"})


# --- what it leaves behind --------------------------------------------------------------------------


def test_a_change_leaves_one_audit_event_with_names_and_no_values(patch, patient):
    seen, told = AuditEvent.objects.count(), OutboxEvent.objects.count()
    patch(1, last_name="Hopper", medical_urgent_note="never in the trail")
    event = AuditEvent.objects.order_by("id").last()
    assert AuditEvent.objects.count() == seen + 1
    assert (event.action, event.subject_id) == ("patient.update", patient.pk)
    assert event.changed_fields == "last_name,medical_urgent_note"
    assert [row.patient_id for row in event.patients.all()] == [patient.pk]
    assert OutboxEvent.objects.count() == told + 1
    assert OutboxEvent.objects.order_by("id").last().type == "patient.updated"


def test_a_change_that_conflicts_leaves_nothing(patch):
    before = AuditEvent.objects.filter(outcome="ok").count(), OutboxEvent.objects.count()
    assert patch(5, last_name="Hopper").status_code == 409
    assert before == (AuditEvent.objects.filter(outcome="ok").count(), OutboxEvent.objects.count())


def test_only_changed_columns_are_written(clinic, patient, django_assert_num_queries):
    """A change of a note must not write back names that another writer has just changed."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        update_patient(actor=SYSTEM, patient_id=patient.pk, base_version=1, changes={"comments": "x"})
    (update,) = [query["sql"] for query in queries if query["sql"].startswith("UPDATE")]
    assert "comments" in update
    assert "first_name" not in update
    assert "search_text" not in update
