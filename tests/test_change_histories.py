"""Random histories of writes by many doors, between polls of clients that keep copies: in the end each copy is what is stored.

A history has one caller, who keeps a copy of patients and of two other lists. Everything it does is rolled back. The seed is
its number, so that one that fails repeats itself. `make test` tries some, `make test-served` all of them.
"""

import datetime
import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import Role, UserStatus
from clinical.models import Alert, Appointment, CommunicationLog, MonitoringAlert
from clinical.services.alerts import archive_alert, disable_alert
from clinical.services.appointments import update_appointment
from config.core.exceptions import DomainError
from patients.models import ChartEntry, ChartRecord, Enrolment, FieldValue, Patient, PatientTag
from patients.services.charts import archive_entry, update_entry
from patients.services.enrolments import end_enrolment, enrol_patient
from patients.services.field_values import set_field_values
from patients.services.lifecycle import archive_patient, restore_patient
from patients.services.patients import update_patient
from tests.cast import another
from tests.changes import LISTS, PRACTICE, PUBLIC, Copy, actor_of, without_names
from tests.clinical.chart_dialogs import Dialogs
from tests.clinical.test_chart_dialogs import KINDS
from tests.conftest import ApiClient
from tests.factories import SYSTEM, Clinic

# Together these try every door; a patient who has been archived is restored in the last one.
USUAL = (*range(15), 30)
OTHERS = tuple(set(range(200)) - set(USUAL))
STEPS = 8
CALLERS = ((Role.HC_ADMIN, PRACTICE), (Role.HC_PRIMARY, PRACTICE), (Role.HC_ADMIN, PUBLIC), (Role.HC_SECONDARY, PUBLIC))
NOTES = ("severity", "patient_note", "note", "source_note")
"""Columns of entries for text, which any entry may have another one of."""
REFUSALS = (DomainError, IntegrityError)


@dataclass
class History:
    """One history: who keeps copies, and the patients that there are."""

    clinic: Clinic
    api: Callable[..., ApiClient]
    number: int
    done: Counter = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.number)
        self.role, prefix = CALLERS[self.number % len(CALLERS)]
        lists = [route for route in LISTS if route.startswith(prefix) and not route.endswith("/patients")]
        routes = [f"{prefix}patients", *self.dice.sample(lists, 2)]
        self.copies = [Copy.of(self.api(self.role), self.clinic, route) for route in routes]
        self.models = [LISTS[route].model for route in routes[1:]]
        self.patients = [self.clinic.patient(care_group_id=self.group, user_id=user) for user in (None, self.login.pk)]

    @cached_property
    def admin(self) -> ApiClient:
        return self.api(Role.HC_ADMIN)

    @property
    def login(self) -> Any:
        return self.clinic.users[Role.PATIENT]

    @property
    def group(self) -> int | None:
        return self.dice.choice([self.clinic.group.pk, self.clinic.group.pk, self.clinic.other_group.pk, None])

    @property
    def patient(self) -> Patient:
        return Patient.objects.get(pk=self.dice.choice(self.patients).pk)

    @property
    def text(self) -> str:
        return f"text {self.dice.random()}"

    def path(self, patient: Patient, rest: str = "") -> str:
        return f"{self.clinic.base}/patients/{patient.uuid}{rest}"

    # --- what happens ---------------------------------------------------------------------------
    def run(self) -> None:
        """Let things happen, with polls in between, and compare the copies with what is stored."""
        for _ in range(STEPS):
            door = self.dice.choice(DOORS)
            try:
                with transaction.atomic():
                    door(self)
                self.done[door.__name__] += 1
            except REFUSALS:
                self.done["refused"] += 1
            if self.dice.random() < 0.25:
                self.dice.choice(self.copies).poll()
        actor = actor_of(self.clinic, self.role)
        for copy in self.copies:
            copy.poll()
            held, stored = without_names(copy.objects), without_names(copy.stored(actor, self.clinic))
            assert held == stored, f"history {self.number}: {copy.route}"

    def entry(self, *models: type[ChartEntry]) -> Any:
        """Return an entry of one of the kinds that are copied, or of `models`, which is made where there is none."""
        model = self.dice.choice(models or self.models)
        found = list(model._base_manager.filter(organization=self.clinic.organization).order_by("id"))
        return self.dice.choice(found) if found else self.clinic.entry(model, self.patient)

    def create_patient(self) -> None:
        body = {"first_name": "New", "last_name": self.text}
        if self.group:
            body["care_group_uuid"] = str(self.clinic.group.uuid)
        answer = self.admin.post(f"{self.clinic.base}/patients", body)
        self.patients.append(Patient.objects.get(uuid=answer.json()["id"]))

    def change_patient(self) -> None:
        patient = self.patient
        self.admin.patch(self.path(patient), {"base_version": patient.version, "city": self.text})

    def move_patient(self) -> None:
        update_patient(actor=SYSTEM, patient_id=self.patient.pk, base_version=None, changes={"care_group_id": self.group})

    def archive_patient(self) -> None:
        archive_patient(actor=SYSTEM, patient_id=self.patient.pk)

    def restore_patient(self) -> None:
        restore_patient(actor=SYSTEM, patient_id=self.patient.pk)

    def transition(self) -> None:
        patient = self.patient
        status = self.dice.choice(["active", "inactive"])
        self.admin.post(self.path(patient, "/transition-status"), {"base_version": patient.version, "new_status": status})

    def import_rows(self) -> None:
        changed = self.patient
        rows = [{"id": str(changed.uuid), "base_version": changed.version, "city": self.text}]
        self.admin.post(f"{self.clinic.base}/patients/bulk", {"mode": "update", "rows": rows})
        rows = [{"first_name": "Bulk", "last_name": self.text} for _ in range(2)]
        self.admin.post(f"{self.clinic.base}/patients/bulk", {"mode": "create", "rows": rows})

    def enrol(self) -> None:
        patient, catalogs = self.patient, self.clinic.catalogs
        if found := Enrolment.objects.filter(patient=patient, end_date=None).first():
            end_enrolment(actor=SYSTEM, patient_id=patient.pk, enrolment_id=found.pk, end_date=found.start_date)
        else:
            named = {"program": catalogs["program"], "protocol": catalogs["protocol"]}
            enrol_patient(actor=SYSTEM, patient_id=patient.pk, start_date=datetime.date(2026, 1, 1), **named)

    def block_login(self) -> None:
        status = self.dice.choice([UserStatus.BLOCKED, UserStatus.ACTIVE])
        type(self.login).objects.filter(pk=self.login.pk).update(status=status)

    def add_entry(self) -> None:
        self.clinic.entry(self.dice.choice(self.models), self.patient)

    def add_by_api(self) -> None:
        view = self.dice.choice([copy.route for copy in self.copies[1:]])
        name, model = view.rpartition("/")[2], LISTS[view].model
        if view.startswith(PUBLIC):
            path, body = f"/v1/patients/{self.patient.uuid}/measurements", {"instrument": "mood", "value": 7}
        elif model is Appointment:
            path, body = (
                f"{self.clinic.base}/appointments",
                {"patient_uuid": str(self.patient.uuid), **another(self.clinic, model)},
            )
        else:
            path, body = self.path(self.patient, f"/{name}"), another(self.clinic, model)
        self.admin.post(path, body)

    def correct_entry(self) -> None:
        entry = self.entry()
        note = next((name for name in NOTES if hasattr(entry, name)), None)
        if isinstance(entry, ChartRecord) and note:
            named = {"patient_id": entry.patient_id, "entry_id": entry.pk, "base_version": entry.version}
            update_entry(actor=SYSTEM, model=type(entry), changes={note: self.text}, **named)
        elif isinstance(entry, FieldValue):
            values = {entry.field_definition_id: self.dice.choice([self.text, None])}
            set_field_values(actor=SYSTEM, patient_id=entry.patient_id, values=values)

    def archive_entry(self) -> None:
        entry = self.entry()
        named = {"actor": SYSTEM, "patient_id": entry.patient_id}
        if isinstance(entry, Alert):
            self.dice.choice([archive_alert, lambda **given: disable_alert(base_version=entry.version, **given)])(
                alert_id=entry.pk, **named
            )
        elif isinstance(entry, ChartRecord | PatientTag):
            archive_entry(model=type(entry), entry_id=entry.pk, **named)

    def unarchive_entry(self) -> None:
        """Do what no service does: a statement of whoever repairs something."""
        entry = self.entry()
        if isinstance(entry, ChartRecord | PatientTag):
            type(entry)._base_manager.filter(pk=entry.pk).update(deleted_at=None)
        elif isinstance(entry, Alert):
            Alert.objects.filter(pk=entry.pk).update(status="active")

    def write_by_hand(self) -> None:
        Patient.objects.filter(pk__in=[patient.pk for patient in self.patients]).update(state=self.text)
        entry = self.entry()
        if not isinstance(entry, CommunicationLog):
            moved = entry.created_at - datetime.timedelta(days=1)
            with connection.cursor() as cursor:
                cursor.execute(
                    f"UPDATE {entry._meta.db_table} SET created_at = %s WHERE id = %s",  # noqa: S608
                    [entry._meta.get_field("created_at").get_db_prep_value(moved, connection), entry.pk],
                )

    def follow_appointment(self) -> None:
        if Appointment in self.models:
            visit = self.entry(Appointment)
            named = {"patient_id": visit.patient_id, "entry_id": visit.pk, "base_version": visit.version}
            update_appointment(actor=SYSTEM, changes={"status": self.dice.choice(["confirmed", "cancelled"])}, **named)

    def work_on_alert(self) -> None:
        if MonitoringAlert in self.models:
            alert = self.entry(MonitoringAlert)
            self.admin.patch(f"/v1/alerts/{alert.uuid}", {"status": self.dice.choice(["escalated", "processed"])})

    def use_admin(self) -> None:
        patient, shown = self.patient, [kind for kind, about in KINDS.items() if about.model in self.models]
        if shown and patient.deleted_at is None:
            kind = self.dice.choice(shown)
            Dialogs(self.clinic, patient, Role.HC_ADMIN).send(kind, **KINDS[kind].added(self.clinic))


DOORS: list[Callable[[History], None]] = [
    History.create_patient,
    History.change_patient,
    History.move_patient,
    History.archive_patient,
    History.restore_patient,
    History.transition,
    History.import_rows,
    History.enrol,
    History.block_login,
    *[History.add_entry, History.add_by_api, History.correct_entry, History.archive_entry, History.unarchive_entry] * 2,
    History.write_by_hand,
    History.follow_appointment,
    History.work_on_alert,
    History.use_admin,
]


def tried(clinic: Clinic, api: Callable[..., ApiClient], numbers: Iterable[int]) -> Counter:
    """Run the histories with these numbers, and return how often what was done."""
    # What is made once would be taken back with the first history.
    for model in {view.model for view in LISTS.values()} - {Patient}:
        clinic.least_entry(model)
    done: Counter = Counter()
    for number in numbers:
        with transaction.atomic():
            history = History(clinic, api, number)
            history.run()
            done += history.done
            done["begun again"] += sum(copy.begun - 1 for copy in history.copies)
            transaction.set_rollback(True)
    return done


@pytest.mark.sweep
def test_whoever_asks_for_changes_ends_with_what_is_stored(clinic, api):
    done = tried(clinic, api, USUAL)
    assert {door.__name__ for door in DOORS} <= done.keys()
    assert done["begun again"]


@pytest.mark.served
def test_whoever_asks_for_changes_ends_with_what_is_stored_in_many_more_histories(clinic, api):
    assert tried(clinic, api, OTHERS)["refused"]
