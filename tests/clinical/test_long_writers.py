"""Jobs that write for long do it in short transactions, each in its turn, so that on SQLite others write meanwhile."""

import io
from pathlib import Path

import pytest
from axes.models import AccessLog
from django.core.management import call_command
from django.utils import timezone

from accounts.management.commands import prune
from accounts.services import pruning
from clinical.models import Workflow
from clinical.synthea import tables
from config.core.bulk_writes import WriteTurns
from patients.bulk_import import CHUNK
from tests.clinical.rules import DAILY

FIXTURES = Path(__file__).parent / "fixtures"


@pytest.fixture
def turns(monkeypatch) -> list[WriteTurns]:
    """Return the list of the turns that are taken."""
    turn, taken = WriteTurns.turn, []

    def counted(self, *args):
        taken.append(self)
        return turn(self, *args)

    monkeypatch.setattr(WriteTurns, "turn", counted)
    return taken


def jobs_of(turns: list[WriteTurns]) -> list[int]:
    """Return how many turns each job has taken, in the order of jobs."""
    return list({id(job): sum(other is job for other in turns) for job in turns}.values())


def test_monitoring_takes_a_turn_for_each_patient(ward, clinic, turns):
    ward.prescribe(schedule=[DAILY])
    clinic.catalog(Workflow, "Weekly", program=clinic.catalogs["program"], days=[0])
    for _ in range(3):
        ward.patient()
    for command in ("raise_overdue_alerts", "run_workflows"):
        turns.clear()
        call_command(command, organization=clinic.organization.slug, stdout=io.StringIO())
        assert jobs_of(turns) == [3]


def test_an_import_from_synthea_takes_a_turn_for_each_chunk(clinic, turns, monkeypatch):
    monkeypatch.setattr(tables, "CHUNK", 2)
    call_command("import_synthea", FIXTURES, organization=clinic.organization.slug, stdout=io.StringIO(), stderr=io.StringIO())
    assert jobs_of(turns) == [2], "of three patients"


def test_an_import_of_a_file_takes_a_turn_for_each_chunk(clinic, turns, tmp_path):
    path = tmp_path / "patients.csv"
    path.write_text("first_name,last_name\n" + "".join(f"Ann{number},Lee\n" for number in range(CHUNK + 1)))
    call_command("import_patients", path, organization=clinic.organization.slug, stdout=io.StringIO(), stderr=io.StringIO())
    assert jobs_of(turns) == [2]
    turns.clear()
    options = {"organization": clinic.organization.slug, "dry_run": True}
    call_command("import_patients", path, **options, stdout=io.StringIO(), stderr=io.StringIO())
    assert turns == [], "a dry run writes nothing and opens no transaction"


def test_pruning_takes_a_turn_for_each_chunk(turns, monkeypatch, db):
    monkeypatch.setattr(pruning, "CHUNK", 2)
    for number in range(3):
        AccessLog.objects.create(username=number)
    AccessLog.objects.update(attempt_time=timezone.now() - 2 * prune.SIGN_INS_KEPT)
    call_command("prune", stdout=io.StringIO())
    assert 2 in jobs_of(turns)
