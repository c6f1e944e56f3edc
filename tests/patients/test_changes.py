"""Lists of what has changed: full reads, changes since, tombstones, scope and cursors. test_change_histories.py has the rest."""

import datetime
import sqlite3
from contextlib import closing

import pytest
from django.db import OperationalError, connections
from django.db.utils import ConnectionHandler

from accounts.models import AuditedPatient, CareGroup, Role, UserStatus
from clinical.models import Alert, Allergy, Measurement, MonitoringAlert
from clinical.services.alerts import archive_alert
from config.core.databases import DatabaseNow, change_horizon
from patients.models import (
    BY_CHANGE,
    ChartEntry,
    Enrolment,
    FieldDefinition,
    GroupMove,
    Patient,
    PatientIdentifier,
    Protocol,
    Relationship,
)
from patients.services.charts import archive_entry, update_entry
from patients.services.enrolments import enrol_patient
from patients.services.field_values import set_field_values
from patients.services.lifecycle import restore_patient
from patients.services.patients import update_patient
from tests import policy
from tests.append_only import lifted
from tests.changes import LISTS, PRACTICE, PUBLIC, Copy, settled
from tests.factories import NOON, SYSTEM, archive
from tests.test_import_law import ROOT

PATIENTS, ALLERGIES, ALERTS = (f"{PRACTICE}{name}" for name in ("patients", "allergies", "alerts"))
A_DAY = datetime.timedelta(days=1)


@pytest.fixture
def copy(api, clinic):
    """Return what makes an empty copy of a list, for a role."""
    return lambda route, role=Role.HC_ADMIN, **given: Copy.of(api(role), clinic, route, **given)


def ids(changes) -> list[str]:
    return [change["id"] for change in changes]


# --- reads and changes ------------------------------------------------------------------------------
def test_a_full_read_leads_on_to_what_changes_after_it(clinic, copy):
    first, second, third = (clinic.patient() for _ in range(3))
    held = copy(PATIENTS, size=2)
    assert ids(held.poll()) == [str(one.uuid) for one in (first, second, third)]
    assert held.poll() == []
    update_patient(actor=SYSTEM, patient_id=first.pk, base_version=1, changes={"first_name": "Ada"})
    (change,) = held.poll()
    assert (change["id"], change["patient_uuid"], change["deleted"]) == (str(first.uuid), str(first.uuid), False)
    assert (change["object"]["first_name"], change["object"]["version"]) == ("Ada", 2)
    assert change["updated_at"] == change["object"]["updated_at"]


def test_a_list_that_is_empty_has_a_cursor_too(clinic, copy):
    held = copy(ALLERGIES)
    assert held.poll() == []
    made = clinic.entry(Allergy, clinic.patient())
    assert ids(held.poll()) == [str(made.uuid)]


def test_what_is_archived_comes_as_its_ids_alone_and_what_is_restored_as_a_row(clinic, copy):
    patient = clinic.patient()
    held = copy(PATIENTS)
    held.poll()
    archive(patient)
    (change,) = held.poll()
    named = {"id": str(patient.uuid), "patient_uuid": str(patient.uuid), "deleted": True, "object": None}
    assert change == {**named, "updated_at": change["updated_at"]}
    assert held.objects == {}
    restore_patient(actor=SYSTEM, patient_id=patient.pk)
    (change,) = held.poll()
    assert (change["deleted"], change["object"]["status"]) == (False, "inactive")


def test_entries_of_charts_come_from_all_patients_or_from_one(clinic, copy):
    one, other = clinic.patient(), clinic.patient()
    held = copy(ALLERGIES)
    held.poll()
    rows = [clinic.entry(Allergy, patient) for patient in (one, other, one)]
    assert [(change["id"], change["patient_uuid"]) for change in held.poll()] == [
        (str(row.uuid), str(patient.uuid)) for row, patient in zip(rows, (one, other, one), strict=True)
    ]
    assert ids(held.client.get(held.address, {"patient_uuid": one.uuid}).json()["data"]) == [str(rows[0].uuid), str(rows[2].uuid)]
    update_entry(
        actor=SYSTEM, model=Allergy, patient_id=one.pk, entry_id=rows[0].pk, base_version=1, changes={"severity": "severe"}
    )
    archive_entry(actor=SYSTEM, model=Allergy, patient_id=other.pk, entry_id=rows[1].pk)
    became = [(change["id"], change["deleted"]) for change in held.poll()]
    assert became == [(str(rows[0].uuid), False), (str(rows[1].uuid), True)]


def test_entries_of_an_archived_patient_stay(clinic, copy):
    patient = clinic.patient()
    made = clinic.entry(Allergy, patient)
    archive(patient)
    assert ids(copy(ALLERGIES).poll()) == [str(made.uuid)]


def test_alerts_are_gone_by_their_status_and_values_when_cleared(clinic, copy):
    patient, definition = clinic.patient(), clinic.row(FieldDefinition)
    alert = clinic.entry(Alert, patient)
    set_field_values(actor=SYSTEM, patient_id=patient.pk, values={definition.pk: "blue"})
    alerts, values = copy(ALERTS), copy(f"{PRACTICE}field-values")
    assert [change["deleted"] for held in (alerts, values) for change in held.poll()] == [False, False]
    archive_alert(actor=SYSTEM, patient_id=patient.pk, alert_id=alert.pk)
    set_field_values(actor=SYSTEM, patient_id=patient.pk, values={definition.pk: None})
    assert [change["deleted"] for held in (alerts, values) for change in held.poll()] == [True, True]


def test_a_day_that_disables_an_alert_changes_it(clinic, copy, api):
    patient, now = clinic.patient(), datetime.datetime.now(datetime.UTC)
    by_day = clinic.entry(Alert, patient, disable_on=(now - A_DAY).date())
    later, plain = (clinic.entry(Alert, patient, disable_on=day) for day in ((now + 9 * A_DAY).date(), None))
    # When the first was written its day had not come: the last change of another one lies in between.
    for alert, days in ((by_day, 4), (later, 3.5), (plain, 3)):
        Alert.objects.filter(pk=alert.pk).update(updated_at=now - days * A_DAY)
    changes = copy(ALERTS, size=1).poll()
    assert ids(changes) == [str(one.uuid) for one in (later, plain, by_day)]
    assert [change["object"]["status"] for change in changes] == ["active", "active", "disabled"]
    since = {"updated_since": (now - 2.9 * A_DAY).isoformat()}
    assert ids(copy(ALERTS).page(**since).json()["data"]) == [str(by_day.uuid)]


def test_the_public_dialect_has_changes_of_patients_measurements_and_alerts(clinic, copy):
    patient = clinic.enrolled(care_group_id=clinic.group.pk)
    held = {name: copy(f"{PUBLIC}{name}") for name in ("patients", "measurements", "alerts")}
    (change,) = held["patients"].poll()
    assert (change["patientId"], change["object"]["updatedAt"]) == (str(patient.uuid), change["updatedAt"])
    assert [held["measurements"].poll(), held["alerts"].poll()] == [[], []]
    rows = {"measurements": clinic.entry(Measurement, patient), "alerts": clinic.entry(MonitoringAlert, patient)}
    for name, row in rows.items():
        (change,) = held[name].poll()
        assert (change["id"], change["object"]["patientId"]) == (str(row.uuid), str(patient.uuid))
    archive(patient)
    assert [change["deleted"] for change in held["patients"].poll()] == [True]
    assert set(held["patients"].page().json()["meta"]) == {"perPage", "nextCursor", "nextPageUrl", "changesCursor"}


def test_a_list_ends_where_others_may_still_write(clinic, copy):
    """What is dated later than now stands for what was written at the very moment of the request."""
    patient = clinic.patient()
    Patient.objects.filter(pk=patient.pk).update(updated_at=patient.updated_at + A_DAY)
    held = copy(PATIENTS)
    assert held.poll() == []
    Patient.objects.filter(pk=patient.pk).update(updated_at=DatabaseNow())
    assert ids(held.poll()) == [str(patient.uuid)]


def test_on_sqlite_whoever_has_the_write_lock_knows_where_it_ends(django_db_blocker, tmp_path, monkeypatch):
    name = tmp_path / "clinic.sqlite3"
    declared = {"ENGINE": "django.db.backends.sqlite3", "NAME": name, "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 0}}
    monkeypatch.setitem(connections.settings, "file", ConnectionHandler({"default": declared}).settings["default"])
    with (
        django_db_blocker.unblock(),
        closing(connections["file"]),
        closing(sqlite3.connect(name, isolation_level=None)) as writer,
    ):
        before = change_horizon("file")
        writer.execute("BEGIN IMMEDIATE")
        with pytest.raises(OperationalError, match="locked"):
            change_horizon("file")
        writer.execute("COMMIT")
        assert before <= change_horizon("file") <= datetime.datetime.now(datetime.UTC)


# --- since ------------------------------------------------------------------------------------------
def test_lists_take_the_moment_of_the_last_change(clinic, api, copy):
    old, new = clinic.patient(), clinic.patient()
    entries = [clinic.entry(Alert, old), clinic.entry(Alert, old)]
    moment = datetime.datetime.now(datetime.UTC) - A_DAY
    for row in (old, entries[0]):
        type(row).objects.filter(pk=row.pk).update(updated_at=moment - A_DAY)
    since = {"updated_since": moment.isoformat()}
    assert ids(copy(PATIENTS).page(**since).json()["data"]) == [str(new.uuid)]
    for path in ("patients", "patients/cursor"):
        page = api().get(f"{clinic.base}/{path}", since).json()
        assert ids(page.get("items", page.get("data"))) == [str(new.uuid)]
    page = api().get(f"{clinic.base}/patients/{old.uuid}/alerts", since).json()
    assert (ids(page["items"]), page["total"]) == ([str(entries[1].uuid)], 1)
    assert ids(api().get("/v1/patients", {"updatedSince": moment.isoformat()}).json()["data"]) == [str(new.uuid)]


@pytest.mark.parametrize("moment", ["yesterday", "2026-02-30T10:00:00Z", "2026-02-03", "2026-02-03T10:00:00"])
def test_what_is_no_moment_is_told_in_the_words_of_the_dialect(clinic, api, moment):
    for path in ("changes/allergies", "patients"):
        answer = api().get(f"{clinic.base}/{path}", {"updated_since": moment})
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["loc"] == ["query", "updated_since"]
    for path in ("changes/alerts", "patients"):
        answer = api().get(f"/v1/{path}", {"updatedSince": moment})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["attribute"] == "updatedSince"


# --- who sees what ----------------------------------------------------------------------------------
def test_every_list_shows_what_its_caller_sees_and_audits_that(clinic, neighbour, api):
    own, unseen = clinic.patient(care_group_id=clinic.group.pk), clinic.patient()
    foreign = neighbour.patient()
    for view in LISTS.values():
        if issubclass(view.model, ChartEntry):
            for patient, home in ((own, clinic), (unseen, clinic), (foreign, neighbour)):
                home.entry(view.model, patient)
    settled()
    for route, view in LISTS.items():
        seen = {role: Copy.of(api(role), clinic, route, size=200) for role in (Role.HC_PRIMARY, Role.HC_VIEW_ALL, Role.FC_ADMIN)}
        whose = {
            role: {change.get("patient_uuid", change.get("patientId")) for change in held.page().json()["data"]}
            for role, held in seen.items()
        }
        assert {str(own.uuid)} <= whose[Role.HC_PRIMARY] <= {str(own.uuid), str(clinic.relative.uuid)}, route
        assert {str(own.uuid), str(unseen.uuid)} <= whose[Role.HC_VIEW_ALL], route
        assert str(foreign.uuid) not in whose[Role.HC_VIEW_ALL], route
        assert (str(foreign.uuid) in whose[Role.FC_ADMIN]) == route.startswith(PUBLIC), route
        assert Copy.of(api(Role.PATIENT), clinic, route).page().status_code == 403
        word = view.model._meta.verbose_name.replace(" ", "_")
        audited = AuditedPatient.objects.filter(event__action=f"{word}.search", patient_id=unseen.pk)
        assert audited.exists(), route


def test_others_whom_a_row_names_are_audited(clinic, api):
    patient = clinic.patient()
    clinic.entry(Relationship, patient)
    Copy.of(api(), clinic, f"{PRACTICE}relationships").poll()
    audited = AuditedPatient.objects.filter(event__action="relationship.search").values_list("patient_id", flat=True)
    assert set(audited) == {patient.pk, clinic.relative.pk}


def test_a_caregiver_whose_patients_came_or_went_begins_again(clinic, copy):
    patient = clinic.patient(care_group_id=clinic.other_group.pk)
    made = clinic.entry(Allergy, patient)
    held = {role: copy(ALLERGIES, role) for role in (Role.HC_PRIMARY, Role.HC_ADMIN)}
    for one in held.values():
        one.poll()
    assert held[Role.HC_PRIMARY].objects == {}
    for group, seen in ((clinic.group, {str(made.uuid)}), (None, set())):
        changes = {"care_group_id": group and group.pk}
        update_patient(actor=SYSTEM, patient_id=patient.pk, base_version=None, changes=changes)
        refused = held[Role.HC_PRIMARY].page()
        assert refused.status_code == 410
        assert "begin again" in refused.json()["detail"]
        held[Role.HC_PRIMARY].poll()
        assert set(held[Role.HC_PRIMARY].objects) == seen
    held[Role.HC_ADMIN].poll()
    assert (held[Role.HC_PRIMARY].begun, held[Role.HC_ADMIN].begun) == (3, 1)


def test_moves_between_other_groups_and_new_patients_let_a_caregiver_go_on(clinic, copy):
    held = copy(PATIENTS, Role.HC_PRIMARY)
    held.poll()
    third = clinic.catalog(CareGroup, "Team C")
    other = clinic.patient(care_group_id=clinic.other_group.pk)
    update_patient(actor=SYSTEM, patient_id=other.pk, base_version=1, changes={"care_group_id": third.pk})
    new = clinic.patient(care_group_id=clinic.group.pk)
    assert ids(held.poll()) == [str(new.uuid)]
    assert held.begun == 1
    assert GroupMove.objects.filter(organization=clinic.organization).count() == 2


def test_whoever_joins_a_group_begins_again(clinic, copy):
    held = copy(PATIENTS, Role.HC_SECONDARY)
    held.poll()
    clinic.users[Role.HC_SECONDARY].memberships.create(care_group=clinic.other_group, organization=clinic.organization)
    assert held.page().status_code == 410


# --- cursors ----------------------------------------------------------------------------------------
def test_a_cursor_is_good_for_its_list_caller_and_filters_only(clinic, copy):
    clinic.entry(Allergy, clinic.patient())
    held = copy(ALLERGIES)
    held.poll()
    assert held.page(updated_since="2026-01-01T00:00:00Z").status_code == 422
    for stranger in (copy(f"{PRACTICE}diseases", cursor=held.cursor), copy(ALLERGIES, Role.HC_VIEW_ALL, cursor=held.cursor)):
        assert stranger.page().status_code == 422
    assert held.page(first=201).status_code == 422


# --- the law ----------------------------------------------------------------------------------------
def test_everything_that_charts_and_lists_of_patients_show_has_its_list_of_changes():
    assert {route.removeprefix(PRACTICE) for route in LISTS if route.startswith(PRACTICE)} == set(policy.CHANGED)


def test_the_page_for_clients_names_every_list():
    page = (ROOT / "docs" / "changes.md").read_text(encoding="utf-8")
    assert [route for route in LISTS if f"`{route.rpartition('/')[2]}`" not in page] == []


@pytest.mark.parametrize("view", LISTS.values(), ids=LISTS)
def test_the_order_of_changes_has_an_index(view):
    assert BY_CHANGE.fields in [index.fields for index in view.model._meta.indexes]


MODELS = {view.model for view in LISTS.values()}


@pytest.mark.parametrize("model", sorted(MODELS, key=str), ids=lambda model: model.__name__)
def test_whoever_writes_a_row_and_however_moves_it(clinic, model):
    row = clinic.patient() if model is Patient else clinic.entry(model, clinic.patient())
    rows = model._base_manager.filter(pk=row.pk)
    with lifted():
        rows.update(updated_at=row.updated_at - A_DAY)
        rows.update(created_at=row.created_at - A_DAY)
    assert rows.get().updated_at >= row.updated_at


@pytest.mark.parametrize("model", sorted(MODELS - {Patient}, key=str), ids=lambda model: model.__name__)
def test_a_row_that_passes_to_another_patient_is_a_move(clinic, model):
    """As where two records of one person are merged. In the list of the other patient it is a change."""
    one, other = clinic.patient(), clinic.patient()
    rows = model._base_manager.filter(pk=clinic.entry(model, one).pk)
    with lifted():
        rows.update(created_at=NOON)
        assert not GroupMove.objects.exists()
        rows.update(patient=other)
    assert GroupMove.objects.get().organization == clinic.organization


def test_a_caregiver_whose_row_passed_to_another_group_begins_again(clinic, copy):
    one, other = (clinic.patient(care_group_id=group.pk) for group in (clinic.group, clinic.other_group))
    made, held = clinic.entry(Allergy, one), copy(ALLERGIES, Role.HC_PRIMARY)
    assert ids(held.poll()) == [str(made.uuid)]
    Allergy.objects.filter(pk=made.pk).update(patient=other)
    held.poll()
    assert (held.objects, held.begun) == ({}, 2)


def test_what_is_shown_with_a_patient_moves_the_patient(clinic):
    login = clinic.users[Role.PATIENT]
    patient = clinic.enrolled(user_id=login.pk, identifiers=[{"system": "a", "value": "b"}])
    enrolments, identifiers = Enrolment.objects.filter(patient=patient), PatientIdentifier.objects.filter(patient=patient)
    program = enrolments.get().program
    protocol = clinic.catalog(Protocol, "Other", program=program)
    writes = [
        lambda: enrolments.update(end_date=enrolments.get().start_date),
        lambda: enrol_patient(
            actor=SYSTEM, patient_id=patient.pk, program=program, protocol=protocol, start_date=datetime.date(2026, 1, 1)
        ),
        lambda: enrolments.latest("id").delete(),
        lambda: identifiers.update(value="c"),
        lambda: identifiers.create(organization=clinic.organization, patient=patient, system="d", value="e"),
        lambda: identifiers.latest("id").delete(),
        lambda: type(login).objects.filter(pk=login.pk).update(status=UserStatus.BLOCKED),
    ]
    for write in writes:
        Patient.objects.filter(pk=patient.pk).update(updated_at=patient.updated_at - A_DAY)
        write()
        assert Patient.objects.get(pk=patient.pk).updated_at >= patient.updated_at


def test_who_works_on_an_alert_is_no_change_of_it(clinic):
    alert = clinic.entry(MonitoringAlert, clinic.patient())
    rows = MonitoringAlert.objects.filter(pk=alert.pk)
    rows.update(updated_at=alert.updated_at - A_DAY)
    rows.update(claimed_by=clinic.users[Role.HC_PRIMARY], claimed_until=datetime.datetime.now(datetime.UTC))
    assert rows.get().updated_at == alert.updated_at - A_DAY
