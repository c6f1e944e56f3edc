"""Two pages show one import, and both ask for its next step at one moment."""

import pytest

from accounts.models import Role
from patients import import_runs
from patients.models import ImportCreation, ImportState, Patient, PatientImport
from patients.services.imports import begin_undo, undo_rows
from tests.concurrency.threads import together

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
ROWS = 12


def test_each_row_is_written_and_undone_once(clinic, monkeypatch):
    monkeypatch.setattr(import_runs, "CHUNK", 3)
    monkeypatch.setattr("patients.services.imports.ROWS", 3)
    actor = clinic.actor(Role.HC_ADMIN)
    rows = "".join(f"Ann,Lee{number}\n" for number in range(ROWS))
    run = clinic.upload(f"first_name,last_name\n{rows}")

    def step() -> None:
        seen = PatientImport.objects.select_related("organization").get(pk=run.pk)
        if seen.state == ImportState.UNDOING:
            undo_rows(actor=actor, run=seen)
        else:
            import_runs.take_step(actor=actor, run=seen)

    def run_to(state: str) -> None:
        for _ in range(ROWS):
            together(step, step, step)
            run.refresh_from_db()
            if run.state == state:
                return
        pytest.fail(f"the import stays {run.state}")

    run_to(ImportState.CHECKED)
    assert run.created == ROWS
    import_runs.begin_import(actor=actor, run=run)
    run_to(ImportState.DONE)
    written = Patient.objects.filter(organization=clinic.organization, first_name="Ann")
    assert (run.created, run.failed, written.count()) == (ROWS, 0, ROWS)
    assert ImportCreation.objects.filter(patient_import=run).count() == ROWS
    begin_undo(actor=actor, run=run)
    run_to(ImportState.UNDONE)
    assert written.filter(deleted_at=None).count() == 0
    assert set(ImportCreation.objects.values_list("archived", flat=True)) == {True}
