"""A sandbox that is reset while a program writes: either the one or the other comes first, and both are whole."""

import threading
import time
from collections.abc import Iterator

import pytest
from django.db import Error, connection, transaction

from accounts.services.catalogs import create_catalog_row
from clinical.models import SocialHistory
from exports.demo import sandbox as resets
from exports.demo.sandbox import emptied_models, reset_sandbox
from patients.models import Patient, Program, Protocol
from patients.services.charts import create_entry
from tests.concurrency.threads import PATIENCE, together
from tests.factories import SYSTEM

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
SLUG, PATIENTS = "try-out", 2
BLOCKED = "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid)))"


def blocks_until(over: threading.Event) -> bool:
    """Wait until another session waits for a lock of this one, or something is over; return whether one does."""
    deadline = time.monotonic() + PATIENCE
    while True:
        with connection.cursor() as cursor:
            cursor.execute(BLOCKED)
            blocked = cursor.fetchone()[0]
        if blocked or over.is_set() or time.monotonic() > deadline:
            return blocked
        time.sleep(0.02)


def test_a_reset_waits_for_who_is_writing_a_chart_and_deletes_what_was_written(clinic):
    sandbox, _ = reset_sandbox(SLUG, patients=PATIENTS)
    patient = Patient.objects.filter(organization=sandbox).earliest("pk")
    written, over = threading.Event(), threading.Event()

    def write() -> bool:
        with transaction.atomic():
            create_entry(actor=SYSTEM, model=SocialHistory, patient_id=patient.pk, category="diet", value="Late")
            written.set()
            return blocks_until(over)

    def reset() -> None:
        assert written.wait(PATIENCE)
        try:
            reset_sandbox(SLUG, patients=PATIENTS)
        finally:
            over.set()

    waited, _ = together(write, reset)
    assert waited
    assert not SocialHistory.objects.filter(organization=sandbox, value="Late").exists()
    assert Patient.objects.filter(organization=sandbox).count() == PATIENTS


def test_who_adds_a_row_during_a_reset_comes_after_it(clinic, monkeypatch):
    sandbox, _ = reset_sandbox(SLUG, patients=PATIENTS)
    program = Program.objects.filter(organization=sandbox).earliest("pk")
    emptied, over = threading.Event(), threading.Event()

    def protocols_first() -> Iterator[type]:
        yield Protocol
        emptied.set()
        blocks_until(over)
        yield from (model for model in emptied_models() if model is not Protocol)

    monkeypatch.setattr(resets, "emptied_models", protocols_first)

    def write() -> bool:
        """Add a protocol to a program that is about to go; return whether that was possible."""
        assert emptied.wait(PATIENCE)
        try:
            create_catalog_row(actor=SYSTEM, model=Protocol, organization=sandbox, name="Late", program=program)
        except Error:
            return False
        finally:
            over.set()
        return True

    was_possible, _ = together(write, lambda: reset_sandbox(SLUG, patients=PATIENTS))
    assert not was_possible
    assert not Protocol.objects.filter(organization=sandbox, name="Late").exists()
    assert not Program.objects.filter(pk=program.pk).exists()
