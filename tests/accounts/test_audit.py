"""The audit trail: one event for every read, write and refusal, and no answer without one."""

import datetime
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts import audit
from accounts.models import AuditEvent, OutboxEvent, Role
from accounts.scope import Actor
from clinical.models import Disease, DiseaseDefinition
from config.core.databases import on_postgres
from patients.models import Patient
from patients.services.charts import archive_entry, create_entry, update_entry
from patients.services.lifecycle import archive_patient, record_death, restore_patient, transition_status
from tests.factories import SYSTEM, archive, key_row


@pytest.fixture
def people(clinic) -> list[Patient]:
    return [clinic.patient(last_name=f"Last{number}", first_name="Same", care_group_id=clinic.group.pk) for number in range(3)]


def event_of(speak) -> AuditEvent:
    """Return the one event that `speak()` leaves."""
    before = AuditEvent.objects.count()
    speak()
    assert AuditEvent.objects.count() == before + 1
    return AuditEvent.objects.order_by("id").last()


def affected_patients(event: AuditEvent) -> list[tuple[int, int]]:
    return sorted(event.patients.values_list("organization_id", "patient_id"))


if not on_postgres():

    @pytest.mark.django_db(transaction=True)
    def test_only_the_commit_of_a_read_does_not_wait_for_the_disk(people, monkeypatch):
        def read() -> list[str]:
            with CaptureQueriesContext(connection) as queries:
                audit.record_read(SYSTEM, "patient.read", patients=[(people[0].organization_id, people[0].pk)])
            return [query["sql"] for query in queries]

        def safety() -> int:
            with connection.cursor() as cursor:
                return cursor.execute("PRAGMA synchronous").fetchone()[0]

        first, begin, *_, commit, last = read()
        assert (first, begin, commit, last) == (
            "PRAGMA synchronous=NORMAL",
            "BEGIN IMMEDIATE",
            "COMMIT",
            "PRAGMA synchronous=FULL",
        )
        with transaction.atomic():
            assert not any("PRAGMA" in statement for statement in read())
        monkeypatch.setattr(audit, "_save", lambda *args: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            read()
        assert safety() == 2  # FULL


LISTS = ["{base}/patients", "{base}/patients/cursor", "{base}/patients/search?q=same", "/v1/patients", "/general/v1/patients"]


def speaker(path: str, api, general, role: str = Role.HC_ADMIN):
    return (general if path.startswith("/general") else api)(role)


@pytest.mark.parametrize("path", LISTS)
def test_a_list_leaves_one_event_with_the_patients_it_showed(clinic, api, general, people, path):
    client = speaker(path, api, general)
    event = event_of(lambda: client.get(path.format(base=clinic.base)))
    assert affected_patients(event) == sorted((clinic.organization.pk, patient.pk) for patient in people)
    assert (event.action, event.outcome, event.role) == ("patient.search", "ok", Role.HC_ADMIN)


SIZED = [
    "{base}/patients?page_size=2",
    "{base}/patients/cursor?first=2",
    "{base}/patients/search?q=same&limit=2",
    "/v1/patients?perPage=2",
]


@pytest.mark.parametrize("path", SIZED)
def test_a_page_tells_of_its_own_patients_only(clinic, api, people, path):
    event = event_of(lambda: api().get(path.format(base=clinic.base)))
    assert event.patients.count() == 2


@pytest.mark.parametrize("path", LISTS)
def test_a_list_without_rows_leaves_an_event_without_patients(clinic, api, general, path):
    client = speaker(path, api, general)
    event = event_of(lambda: client.get(path.format(base=clinic.base)))
    assert affected_patients(event) == []


ONE = ["{base}/patients/{uuid}", "/v1/patients/{uuid}", "/general/v1/patients/{pk}"]


@pytest.mark.parametrize("path", ONE)
@pytest.mark.parametrize("role", [Role.FC_ADMIN, Role.HC_VIEW_ALL, Role.HC_PRIMARY])
def test_a_read_says_who_by_which_key_and_way_saw_whom(clinic, api, general, people, path, role):
    client = speaker(path, api, general, role)
    address = path.format(base=clinic.base, uuid=people[0].uuid, pk=people[0].pk)
    answers = []
    event = event_of(lambda: answers.append(client.get(address)))
    assert affected_patients(event) == [(clinic.organization.pk, people[0].pk)]
    assert (event.action, event.user_id, event.role) == ("patient.read", clinic.users[role].pk, role)
    assert (event.key_id, event.request_id) == (key_row(clinic.keys[role]).key_id, answers[0]["X-Request-Id"])
    assert event.organization_id == (None if role == Role.FC_ADMIN else clinic.organization.pk)
    assert event.route.startswith("GET /")
    assert str(people[0].uuid) not in event.route, "a route names no patient"


def test_who_read_my_record_is_one_look_up(clinic, api, people):
    api().get(f"{clinic.base}/patients")
    api(Role.HC_PRIMARY).get(f"/v1/patients/{people[1].uuid}")
    readers = AuditEvent.objects.filter(patients__patient_id=people[1].pk, action__in=["patient.search", "patient.read"])
    assert list(readers.order_by("id").values_list("role", flat=True)) == [Role.HC_ADMIN, Role.HC_PRIMARY]


# --- refusals ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ONE)
def test_a_read_that_is_refused_leaves_one_event_that_names_nobody(clinic, neighbour, api, general, path):
    foreign = neighbour.patient()
    client = speaker(path, api, general, Role.HC_PRIMARY)
    event = event_of(lambda: client.get(path.format(base=clinic.base, uuid=foreign.uuid, pk=foreign.pk)))
    assert (event.outcome, event.organization_id, affected_patients(event)) == ("denied", clinic.organization.pk, [])


def test_a_write_that_is_refused_leaves_one_event(clinic, api, people):
    body = {"base_version": 1, "first_name": "Eve"}
    event = event_of(lambda: api(Role.HC_VIEW_ALL).patch(f"{clinic.base}/patients/{people[0].uuid}", body))
    assert (event.outcome, event.action, event.role) == ("denied", "patient.update", Role.HC_VIEW_ALL)


def test_a_foreign_organization_leaves_one_event(clinic, neighbour, api):
    event = event_of(lambda: api().get(f"{neighbour.base}/patients"))
    assert (event.outcome, event.organization_id) == ("denied", clinic.organization.pk)


def test_a_reference_that_is_refused_leaves_its_event_though_the_work_was_undone(clinic, neighbour, api):
    body = {"first_name": "A", "last_name": "B", "location_uuid": str(neighbour.catalogs["location"].uuid)}
    assert event_of(lambda: api().post(f"{clinic.base}/patients", body)).outcome == "denied"
    assert not Patient.objects.exists()


def test_a_request_without_a_good_key_leaves_no_event(clinic):
    from tests.conftest import ApiClient

    before = AuditEvent.objects.count()
    assert ApiClient("garbage").get("/v1/patients").status_code == 401
    assert AuditEvent.objects.count() == before


# --- without an event nothing leaves ----------------------------------------------------------------


class TrailBroken(Exception):
    """The trail cannot be written."""


def break_trail(*args, **kwargs):
    raise TrailBroken


@pytest.mark.parametrize("path", [*LISTS, *ONE])
def test_a_read_whose_event_cannot_be_written_is_unavailable(clinic, api, general, people, path, monkeypatch):
    monkeypatch.setattr(audit, "_audit_event", break_trail)
    client = speaker(path, api, general)
    answer = client.get(path.format(base=clinic.base, uuid=people[0].uuid, pk=people[0].pk))
    assert answer.status_code == 503
    assert int(answer["Retry-After"]) > 0
    assert not any(word in answer.content for word in (b"Same", b"Last0", str(people[0].uuid).encode()))


REFUSE = {
    "postgresql": "ALTER TABLE accounts_auditevent ADD CONSTRAINT none_at_all CHECK (false) NOT VALID",
    "sqlite": "CREATE TRIGGER none_at_all BEFORE INSERT ON accounts_auditevent BEGIN SELECT RAISE(ABORT, 'refused'); END",
}


@pytest.mark.parametrize("path", [*LISTS, *ONE])
def test_a_read_whose_event_the_database_refuses_is_unavailable(clinic, api, general, people, path):
    """Also where the event is part of the statement that fetches the rows."""
    with connection.cursor() as cursor:
        cursor.execute(REFUSE[connection.vendor])
    answer = speaker(path, api, general).get(path.format(base=clinic.base, uuid=people[0].uuid, pk=people[0].pk))
    transaction.set_rollback(True)
    assert answer.status_code == 503
    assert not any(word in answer.content for word in (b"Same", b"Last0", str(people[0].uuid).encode()))


@pytest.mark.parametrize("path", ["{base}/patients", "{base}/patients/cursor?first=2"])
def test_a_page_that_is_refused_as_too_long_leaves_no_event(clinic, api, people, path, monkeypatch):
    Patient.objects.filter(pk=people[0].pk).update(treatment_notes="ø" * 60)
    address = path.format(base=clinic.base)
    for longest, status, events in ((60, 200, 1), (59, 422, 0)):
        monkeypatch.setattr("config.rest.pagination.MAX_PAGE_LENGTH", longest)
        before = AuditEvent.objects.count()
        assert api().get(address).status_code == status
        assert AuditEvent.objects.count() == before + events


@pytest.mark.parametrize("half", ["_save", "OutboxEvent"])
def test_a_write_whose_event_cannot_be_written_does_not_happen(clinic, api, people, monkeypatch, half):
    monkeypatch.setattr(audit, half, break_trail)
    assert api().post(f"{clinic.base}/patients", {"first_name": "Eve", "last_name": "L"}).status_code == 500
    body = {"base_version": 1, "first_name": "Eve"}
    assert api().patch(f"{clinic.base}/patients/{people[0].uuid}", body).status_code == 500
    assert not Patient.objects.filter(first_name="Eve").exists()


def test_a_refusal_whose_event_cannot_be_written_stays_a_refusal(clinic, neighbour, api, monkeypatch):
    monkeypatch.setattr(audit, "record_denied", break_trail)
    assert api().get(f"{neighbour.base}/patients").status_code == 404


# --- what stands in it ------------------------------------------------------------------------------


def test_no_value_of_a_patient_stands_in_the_trail(clinic, api, people):
    body = {"first_name": "Canary", "last_name": "Canary", "email": "canary@example.test", "medicaid_id": "QX-77-ZZ"}
    made = api().post(f"{clinic.base}/patients", body).json()
    api().patch(f"{clinic.base}/patients/{made['id']}", {"base_version": 1, "medical_urgent_note": "Canary"})
    api().get(f"{clinic.base}/patients", {"search": "Canary"})
    stored = " ".join(str(row) for row in AuditEvent.objects.values())
    assert not any(word in stored.lower() for word in ("canary", "qx-77", "qx77"))


def test_a_read_of_a_patient_twice_in_one_answer_is_told_once_each(clinic, people):
    pairs = [(clinic.organization.pk, patient.pk) for patient in people]
    event = event_of(lambda: audit.record_read(SYSTEM, "patient.search", patients=pairs))
    assert affected_patients(event) == sorted(pairs)
    assert event.at is not None


def test_an_archived_patient_is_in_the_trail_too(clinic, api, people):
    archive(people[0])
    event = event_of(lambda: api().get(f"{clinic.base}/patients", {"status": "archived"}))
    assert affected_patients(event) == [(clinic.organization.pk, people[0].pk)]


def test_a_read_costs_one_statement_on_postgresql(clinic, people, django_assert_num_queries):
    pairs = [(clinic.organization.pk, patient.pk) for patient in people]
    with django_assert_num_queries(1 if on_postgres() else 4):
        audit.record_read(SYSTEM, "patient.search", patients=pairs)


@pytest.mark.skipif(not on_postgres(), reason="SQLite has no such setting")
def test_a_read_in_a_transaction_that_has_written_lets_its_commit_wait_for_the_disk(clinic):
    """PostgreSQL need not wait for the event of a read alone; the write that it stands beside must not be lost with it."""
    actor = Actor(role=Role.HC_ADMIN, organization_id=clinic.organization.pk, user_id=clinic.users[Role.HC_ADMIN].pk)
    clinic.patient()
    audit.record_read(actor, "patient.search", patients=[])
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        assert cursor.fetchone() == ("on",)


# --- changes ----------------------------------------------------------------------------------------

DEATH = datetime.datetime(2024, 5, 1, 10, tzinfo=datetime.UTC)


def change_life(patient: Patient, change: str) -> None:
    of_patient: dict[str, Any] = {"actor": SYSTEM, "patient_id": patient.pk}
    if change == "archive":
        archive_patient(**of_patient)
    elif change == "restore":
        restore_patient(**of_patient)
    elif change == "transition":
        transition_status(base_version=1, new_status="inactive", **of_patient)
    else:
        record_death(at=DEATH, **of_patient)


@pytest.mark.parametrize(
    ("change", "action", "changed", "published"),
    [
        ("archive", "patient.archive", "deleted_at,status", "patient.archived"),
        ("restore", "patient.restore", "deleted_at,status", "patient.restored"),
        ("transition", "patient.transition_status", "status", "patient.inactive"),
        ("death", "patient.record_death", "date_time_deceased,status", "patient.deceased"),
    ],
)
def test_a_change_in_the_life_of_a_patient_is_audited_and_published_once(clinic, people, change, action, changed, published):
    patient = archive(people[0]) if change == "restore" else people[0]
    others = set(OutboxEvent.objects.values_list("pk", flat=True))
    event = event_of(lambda: change_life(patient, change))
    assert (event.action, event.changed_fields, event.outcome) == (action, changed, "ok")
    assert (event.subject, event.subject_id) == ("patient", patient.pk)
    assert affected_patients(event) == [(clinic.organization.pk, patient.pk)]
    assert list(OutboxEvent.objects.exclude(pk__in=others).values_list("type", "subject_uuid")) == [(published, patient.uuid)]


def change_entry(patient: Patient, change: str, entry: Disease | None, definition_id: int) -> None:
    of_patient: dict[str, Any] = {"actor": SYSTEM, "model": Disease, "patient_id": patient.pk}
    if entry is None:
        create_entry(disease_definition_id=definition_id, **of_patient)
    elif change == "update":
        update_entry(entry_id=entry.pk, base_version=1, changes={"patient_note": "Rests"}, **of_patient)
    else:
        archive_entry(entry_id=entry.pk, **of_patient)


@pytest.mark.parametrize(
    ("change", "changed", "published"),
    [
        ("create", "disease_definition_id", "disease.created"),
        ("update", "patient_note", "disease.updated"),
        ("archive", "deleted_at", "disease.archived"),
    ],
)
def test_a_change_in_a_chart_is_audited_and_published_once(clinic, people, change, changed, published):
    patient, definition = people[0], clinic.row(DiseaseDefinition)
    entry = None if change == "create" else clinic.entry(Disease, patient)
    others = set(OutboxEvent.objects.values_list("pk", flat=True))
    event = event_of(lambda: change_entry(patient, change, entry, definition.pk))
    stored = Disease.objects.get()
    assert (event.action, event.changed_fields, event.outcome) == (f"disease.{change}", changed, "ok")
    assert (event.subject, event.subject_id) == ("disease", stored.pk)
    assert affected_patients(event) == [(clinic.organization.pk, patient.pk)]
    assert list(OutboxEvent.objects.exclude(pk__in=others).values_list("type", "subject_uuid")) == [(published, stored.uuid)]
