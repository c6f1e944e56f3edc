"""`manage.py import_synthea`: patients and their charts from Synthea's CSV tables."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from accounts.management.finding import find_group, find_organization
from accounts.management.progress import Progress, share_read
from accounts.scope import Actor
from clinical.synthea.entries import AllergyImport, ConditionImport, MedicationImport
from clinical.synthea.patients import PatientImport
from clinical.synthea.tables import RowRefused, TableImport
from clinical.synthea.vital_signs import VitalSignsImport

_ACTOR = Actor.system("manage.py import_synthea")
_OF_CHARTS = (AllergyImport, ConditionImport, MedicationImport, VitalSignsImport)


class Command(BaseCommand):
    """Imports the tables row by row. A second run updates what changed and duplicates nothing."""

    help = (
        "Import DIRECTORY/patients.csv and, where they are there, allergies.csv, conditions.csv, medications.csv and the vital "
        "signs of observations.csv. Refused rows are named with file, line and reason and do not stop the others; the exit "
        "status is 1 where there were any."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("directory", type=Path)
        parser.add_argument("--organization", required=True, metavar="SLUG")
        parser.add_argument("--group", metavar="NAME", help="care group of the organization that the patients join")
        parser.add_argument("--dry-run", action="store_true", help="write nothing, report what would happen; SQLite: others wait")

    def handle(self, *args: Any, **options: Any) -> None:
        organization = find_organization(_ACTOR, options["organization"])
        group = find_group(_ACTOR, organization, options["group"]) if options["group"] else None
        common: dict[str, Any] = {"actor": _ACTOR, "organization": organization, "report": self.stderr.write}
        refused = 0
        # A dry run is one transaction: charts need the patients that it would have created.
        with transaction.atomic() if options["dry_run"] else nullcontext():
            for work in (PatientImport(**common, care_group=group), *(kind(**common) for kind in _OF_CHARTS)):
                refused += self._import(options["directory"] / work.file_name, work, dry_run=options["dry_run"])
            if options["dry_run"]:
                transaction.set_rollback(True)
        if refused:
            raise CommandError(f"{refused} rows were refused.")

    def _import(self, path: Path, work: TableImport, *, dry_run: bool) -> int:
        """Import one file, print a summary, and return how many rows were refused."""
        if work.table != PatientImport.table and not path.exists():
            self.stdout.write(f"{path.name} is not there.")
            return 0
        try:
            # Bytes that are not UTF-8 become surrogates, so that only their own row is refused.
            with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file, Progress(self) as progress:
                for counts in work.run(file):
                    progress(f"{path.name}: {counts.rows:,} rows", share_read(file))
        except OSError as error:
            raise CommandError(f"{path} cannot be read: {error.strerror}") from error
        except RowRefused as error:
            raise CommandError(f"{path}: {error}") from error
        self.stdout.write(summary(work, dry_run=dry_run))
        return work.counts.refused


def summary(work: TableImport, *, dry_run: bool) -> str:
    """Return the counts of a table in one line."""
    did = "Dry run, nothing was written: " if dry_run else ""
    counts = work.counts
    left_out = f", {counts.left_out} left out" if counts.left_out else ""
    return (
        f"{did}{counts.rows} rows of {work.table}: {counts.created} created, {counts.updated} updated, "
        f"{counts.unchanged} unchanged, {counts.refused} refused{left_out}."
    )
