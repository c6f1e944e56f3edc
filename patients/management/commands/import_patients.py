"""`manage.py import_patients`: import patients from a CSV file."""

from collections import Counter
from itertools import chain, islice, pairwise
from pathlib import Path
from typing import Any, TextIO

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.management.finding import find_group, find_organization
from accounts.management.progress import Progress, share_read
from accounts.management.tables import add_table_arguments
from accounts.scope import Actor
from config.core.tables import FileRefused, open_table
from config.rest.bulk_reader import BulkReader
from config.rest.problems import problems_of
from patients.bulk_import import CHUNK, BulkImport
from patients.import_files import ErrorFile, FileRow, PatientTable
from patients.import_options import Match, Mode, Options, Outcome, Result
from patients.input_serializers import ImportedPatient

_ACTOR = Actor.system("manage.py import_patients")


class Command(BaseCommand):
    """Imports a file chunk by chunk, with the rules of the API."""

    help = (
        "Import FILE, a table in UTF-8 or UTF-16 whose header names fields of a patient as the practice API calls them (plus "
        "uuid, base_version and the balances). Its cells are separated by commas, semicolons, tabs or pipes. Rows that fail do "
        "not stop the others; they are written to FILE.errors.csv with line, field and reason, and the exit status is 1."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--organization", required=True, metavar="SLUG")
        parser.add_argument("--group", metavar="NAME", help="care group that new patients join whose row names none")
        parser.add_argument("--mode", choices=list(Mode), default=Mode.CREATE, help="what rows may do (default: create)")
        parser.add_argument("--match-on", choices=list(Match), default=Match.CHART_NUMBER, help="how rows name whom they update")
        parser.add_argument("--dry-run", action="store_true", help="write no patient, report what would happen")
        add_table_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        path = options["file"]
        job = self._job(options)
        try:
            with open_table(path, options["encoding"]) as file:
                patients = self._open(file, job, options)
                with ErrorFile(path, patients.table) as errors, Progress(self) as progress:
                    counts = self._import(job, patients, errors, progress)
        except FileRefused as error:
            raise CommandError(f"{path} cannot be imported: {error}.") from error
        self.stdout.write(summary(counts, dry_run=options["dry_run"]))
        if counts[Outcome.FAILED]:
            unread_from = patients.table.unread_from
            unread = f" Nothing was read from line {unread_from:,} on." if unread_from else ""
            raise CommandError(f"{counts[Outcome.FAILED]:,} rows failed; {errors.path} names them.{unread}")

    def _open(self, file: TextIO, job: BulkImport, options: dict[str, Any]) -> PatientTable:
        required, country = job.options.required_columns, job.organization.country
        return PatientTable(file, job.reader.fields, required, date_order=options["date_order"], country=country)

    def _job(self, options: dict[str, Any]) -> BulkImport:
        organization = find_organization(_ACTOR, options["organization"])
        group = find_group(_ACTOR, organization, options["group"]) if options["group"] else None
        chosen = Options(
            mode=options["mode"],
            match_on=options["match_on"],
            validate_only=options["dry_run"],
            defaults={"care_group_id": group.pk} if group else {},
        )
        return BulkImport(actor=_ACTOR, organization=organization, reader=BulkReader(ImportedPatient), options=chosen)

    def _import(self, job: BulkImport, patients: PatientTable, errors: ErrorFile, progress: Progress) -> Counter[str]:
        counts: Counter[str] = Counter()
        rows = iter(patients)
        chunks = iter(lambda: list(islice(rows, CHUNK)), [])
        for chunk, following in pairwise(chain(chunks, [[]])):
            for row in chunk:
                counts[Outcome.FAILED] += bool(row.faults)
                for name, fault in row.faults.items():
                    errors.write(row, name, fault)
            readable, next_readable = [[row for row in part if not row.faults] for part in (chunk, following)]
            results = job.take([row.values for row in readable], [row.values for row in next_readable])
            for row, result in zip(readable, results, strict=True):
                counts[result.outcome] += 1
                self._write_errors(job, errors, row, result)
            progress(f"{sum(counts.values()):,} rows", share_read(patients.table.file))
        return counts

    def _write_errors(self, job: BulkImport, errors: ErrorFile, row: FileRow, result: Result) -> None:
        for problem in problems_of(result.error, job.reader.names) if result.error else ():
            errors.write(row, str(problem.path[0]) if problem.path else "", problem.message)


def summary(counts: Counter[str], *, dry_run: bool) -> str:
    """Return the counts in one line."""
    dry = "Dry run, nothing was written: " if dry_run else ""
    parts = ", ".join(f"{counts[outcome]:,} {outcome}" for outcome in Outcome if counts[outcome]) or "nothing to do"
    return f"{dry}{sum(counts.values()):,} rows: {parts}."
