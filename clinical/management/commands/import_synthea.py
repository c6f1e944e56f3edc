"""`manage.py import_synthea`: patients from Synthea's CSV tables."""

from pathlib import Path
from typing import Any, TextIO

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.management.finding import find_group, find_organization
from accounts.scope import Actor
from clinical.synthea import PatientImport, RowRefused, Tally, read_rows

_ACTOR = Actor.system("manage.py import_synthea")


class Command(BaseCommand):
    """Imports patients.csv row by row; a second run updates what changed and doubles nobody."""

    help = (
        "Import DIRECTORY/patients.csv. Refused rows are named with line and reason and do not stop the others; "
        "the exit status is 1 where there were any."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("directory", type=Path)
        parser.add_argument("--organization", required=True, metavar="SLUG")
        parser.add_argument("--group", metavar="NAME", help="care group of the organization that the patients join")
        parser.add_argument("--dry-run", action="store_true", help="write nothing, report what would happen")

    def handle(self, *args: Any, **options: Any) -> None:
        organization = find_organization(_ACTOR, options["organization"])
        work = PatientImport(
            actor=_ACTOR,
            organization=organization,
            care_group=find_group(_ACTOR, organization, options["group"]) if options["group"] else None,
            dry_run=options["dry_run"],
            refuse=lambda line, reason: self.stderr.write(f"line {line}: {reason}"),
        )
        self._import(options["directory"] / "patients.csv", work)
        self.stdout.write(summary(work.tally, dry_run=options["dry_run"]))
        if work.tally.refused:
            raise CommandError(f"{work.tally.refused} rows were refused.")

    def _import(self, path: Path, work: PatientImport) -> None:
        try:
            # Bytes that are not UTF-8 become surrogates: their row is refused, the others are read.
            with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
                for tally in work.run(read_rows(file)):
                    self._show_progress(tally, file, path)
        except OSError as error:
            raise CommandError(f"{path} can not be read: {error.strerror}") from error
        except RowRefused as error:
            raise CommandError(f"{path}: {error}") from error

    def _show_progress(self, tally: Tally, file: TextIO, path: Path) -> None:
        if self.stderr.isatty():
            percent = 100 * file.buffer.tell() // max(path.stat().st_size, 1)
            self.stderr.write(f"\r{tally.rows:,} rows, {percent} %", ending="" if percent < 100 else "\n")


def summary(tally: Tally, *, dry_run: bool) -> str:
    """Return the counts in one line."""
    did = "Dry run, nothing was written: " if dry_run else ""
    return (
        f"{did}{tally.rows} rows of patients: {tally.created} created, {tally.updated} updated, "
        f"{tally.unchanged} unchanged, {tally.refused} refused."
    )
