"""Copies that are kept by the lists of changes while others write: no change is skipped, however late it is committed."""

import random
import threading

import pytest
from django.db import connections, transaction

from accounts.models import Role
from clinical.models import Allergy
from patients.models import Patient
from patients.services.charts import archive_entry, update_entry
from patients.services.patients import update_patient
from tests.changes import PRACTICE, Copy, actor_of, without_names
from tests.concurrency.threads import PATIENCE, together
from tests.factories import SYSTEM, Clinic

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
WRITERS, WRITES = 3, 40


def rename(patient: Patient, name: str) -> None:
    update_patient(actor=SYSTEM, patient_id=patient.pk, base_version=None, changes={"first_name": name})


def test_a_change_that_is_committed_late_is_not_skipped(clinic, api):
    """The patient who changes last is the one with the lower id, and is committed after a later change of the other."""
    late_one, early_one = clinic.patient(), clinic.patient()
    copy = Copy.of(api(), clinic, f"{PRACTICE}patients")
    copy.poll()
    written, go_on = threading.Event(), threading.Event()

    def late() -> None:
        try:
            with transaction.atomic():
                rename(late_one, "Late")
                written.set()
                assert go_on.wait(PATIENCE)
        finally:
            connections.close_all()

    def early() -> list[dict]:
        assert written.wait(PATIENCE)
        rename(early_one, "Early")
        seen = copy.page().json()["data"]
        go_on.set()
        return seen

    _, seen = together(late, early)
    assert seen == []
    assert [change["object"]["first_name"] for change in copy.poll()] == ["Late", "Early"]


def test_a_move_between_groups_that_is_committed_late_ends_the_cursor(clinic, api):
    patient = clinic.patient(care_group_id=clinic.other_group.pk)
    copy = Copy.of(api(Role.HC_PRIMARY), clinic, f"{PRACTICE}patients")
    written, go_on = threading.Event(), threading.Event()

    def late() -> None:
        try:
            with transaction.atomic():
                update_patient(actor=SYSTEM, patient_id=patient.pk, base_version=None, changes={"care_group_id": clinic.group.pk})
                written.set()
                assert go_on.wait(PATIENCE)
        finally:
            connections.close_all()

    def poll() -> int:
        assert written.wait(PATIENCE)
        assert copy.poll() == []
        go_on.set()
        return copy.begun

    _, begun = together(late, poll)
    assert [change["id"] for change in copy.poll()] == [str(patient.uuid)]
    assert (begun, copy.begun) == (1, 2)


def write(clinic: Clinic, patients: list[Patient], seed: int) -> None:
    """Change patients and the allergies of theirs, some of it in transactions that are rolled back."""
    dice = random.Random(seed)
    for number in range(WRITES):
        with transaction.atomic():
            for patient in sorted(dice.sample(patients, 2), key=lambda one: one.pk):
                rename(patient, f"{seed} {number}")
                held = Allergy.objects.filter(patient=patient, deleted_at=None).order_by("id").first()
                if held is None or dice.random() < 0.3:
                    clinic.entry(Allergy, patient)
                elif dice.random() < 0.3:
                    archive_entry(actor=SYSTEM, model=Allergy, patient_id=patient.pk, entry_id=held.pk)
                else:
                    named = {"patient_id": patient.pk, "entry_id": held.pk, "base_version": held.version}
                    update_entry(actor=SYSTEM, model=Allergy, changes={"severity": f"{seed} {number}"}, **named)
            if dice.random() < 0.2:
                transaction.set_rollback(True)


def test_copies_that_are_kept_while_others_write_are_what_is_stored(clinic, api):
    patients = [clinic.patient() for _ in range(5)]
    clinic.least_entry(Allergy)
    copies = [Copy.of(api(), clinic, f"{PRACTICE}{name}", size=7) for name in ("patients", "allergies")]
    ended = threading.Semaphore(0)

    def writer(seed: int) -> None:
        try:
            write(clinic, patients, seed)
        finally:
            ended.release()
            connections.close_all()

    def follow() -> None:
        over = 0
        while over < WRITERS:
            over += ended.acquire(blocking=False)
            for copy in copies:
                copy.poll()

    together(*(lambda seed=seed: writer(seed) for seed in range(WRITERS)), follow)
    for copy in copies:
        copy.poll()
        assert without_names(copy.objects) == without_names(copy.stored(actor_of(clinic, Role.HC_ADMIN), clinic))
        assert copy.begun == 1
