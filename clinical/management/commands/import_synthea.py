"""`manage.py import_synthea`: patients and their charts from Synthea's CSV tables."""

from collections.abc import Iterator
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from accounts.management.finding import find_group, find_organization
from accounts.management.progress import Progress, share_read
from accounts.management.tables import add_table_arguments
from accounts.scope import Actor
from clinical.synthea.entries import AllergyImport, ConditionImport, MedicationImport
from clinical.synthea.patients import PatientImport
from clinical.synthea.tables import TableImport
from clinical.synthea.vital_signs import VitalSignsImport
from config.core.tables import FileRefused, Table, open_table

_ACTOR = Actor.system("manage.py import_synthea")
_OF_CHARTS = (AllergyImport, ConditionImport, MedicationImport, VitalSignsImport)
_TABLES = frozenset(kind.table for kind in (PatientImport, *_OF_CHARTS))


class Command(BaseCommand):
    """Imports the tables row by row. A second run updates what changed and duplicates nothing."""

    help = (
        "Import DIRECTORY/patients.csv and, where they are there, allergies.csv, conditions.csv, medications.csv and the vital "
        "signs of observations.csv, as Synthea 2 and 3 write them or a spreadsheet has saved them since. All headers are read "
        "before the first row is written; without patients.csv nothing is imported, and another table that is refused does not "
        "stop the others. Refused rows are named with file, line and reason and do not stop the others, either; the exit status "
        "is 1 where there were any. What is left out is named at the end."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("directory", type=Path)
        parser.add_argument("--organization", required=True, metavar="SLUG")
        parser.add_argument("--group", metavar="NAME", help="care group of the organization that the patients join")
        parser.add_argument("--dry-run", action="store_true", help="write nothing, report what would happen; SQLite: others wait")
        add_table_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        directory, dry_run, works = options["directory"], options["dry_run"], self._works(options)
        with ExitStack() as files:
            tables = self._open(directory, works, options["encoding"], files)
            # A dry run is one transaction: charts need the patients that it would have created.
            with transaction.atomic() if dry_run else nullcontext():
                for work, table in tables.items():
                    self._import(work, table, dry_run=dry_run)
                if dry_run:
                    transaction.set_rollback(True)
        without_table = [work.file_name for work in works if work not in tables]
        missing = [name for name in without_table if not (directory / name).exists()]
        for line in [*(f"{name} is not there." for name in missing), *left_out(directory, tables)]:
            self.stdout.write(line)
        refused = [name for name in without_table if name not in missing]
        self._fail(sum(work.counts.refused for work in works), refused)

    def _works(self, options: dict[str, Any]) -> list[TableImport]:
        organization = find_organization(_ACTOR, options["organization"])
        group = find_group(_ACTOR, organization, options["group"]) if options["group"] else None
        common: dict[str, Any] = {
            "actor": _ACTOR,
            "organization": organization,
            "report": self.stderr.write,
            "date_order": options["date_order"],
        }
        return [PatientImport(**common, care_group=group), *(kind(**common) for kind in _OF_CHARTS)]

    def _open(
        self, directory: Path, works: list[TableImport], encoding: str | None, files: ExitStack
    ) -> dict[TableImport, Table]:
        """Return the tables that are there and have a good header; `files` closes them. Raises CommandError without patients."""
        tables = {}
        for work in works:
            path, needed = directory / work.file_name, work.table == PatientImport.table
            if not needed and not path.exists():
                continue
            try:
                tables[work] = Table(files.enter_context(open_table(path, encoding)), work.columns)
                work.check_header(tables[work])
            except FileRefused as error:
                if needed:
                    raise CommandError(f"{path} cannot be imported: {error}.") from error
                tables.pop(work, None)
                self.stderr.write(f"{path.name} cannot be imported: {error}.")
        return tables

    def _import(self, work: TableImport, table: Table, *, dry_run: bool) -> None:
        """Import one table and print a summary."""
        with Progress(self) as progress:
            for counts in work.run(table):
                progress(f"{work.file_name}: {counts.rows:,} rows", share_read(table.file))
        self.stdout.write(summary(work, dry_run=dry_run))
        if table.unread_from:
            self.stderr.write(f"{work.file_name}: nothing was read from line {table.unread_from:,} on.")

    def _fail(self, rows: int, tables: list[str]) -> None:
        """Raise CommandError if rows or tables were refused."""
        told = (f"{rows:,} rows were refused." if rows else "", f"{', '.join(tables)} could not be imported." if tables else "")
        if any(told):
            raise CommandError(" ".join(filter(None, told)))


def summary(work: TableImport, *, dry_run: bool) -> str:
    """Return the counts of a table in one line."""
    did = "Dry run, nothing was written: " if dry_run else ""
    counts = work.counts
    left_out = f", {counts.left_out.total()} left out" if counts.left_out else ""
    return (
        f"{did}{counts.rows} rows of {work.table}: {counts.created} created, {counts.updated} updated, "
        f"{counts.unchanged} unchanged, {counts.refused} refused{left_out}."
    )


def left_out(directory: Path, tables: dict[TableImport, Table]) -> Iterator[str]:
    """Yield what was not imported of the files in `directory` as the record has no place for it, with numbers and reasons."""
    for work, table in tables.items():
        if rows := work.counts.left_out:
            codes = ", ".join(f"{code} ({number:,})" for code, number in rows.most_common())
            yield f"Left out: {rows.total():,} rows of {work.table} with codes that vital signs do not have: {codes}."
        if number := work.counts.uncoded:
            yield f"Left out: {number:,} codes of {work.table} whose system is not known; the entries have their names."
        if columns := [name for name in table.header if name and name not in work.columns]:
            yield f"Left out: columns of {work.table} that the record does not have: {', '.join(columns)}."
    if others := sorted(path.name for path in directory.glob("*.csv") if path.stem not in _TABLES):
        yield f"Left out: tables that are not read: {', '.join(others)}."
