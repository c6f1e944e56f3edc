"""`manage.py export`: write a report of an organization to a file."""

import datetime
import signal
from argparse import ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import audit
from accounts.management.finding import find_organization
from accounts.management.progress import Progress
from accounts.models import Organization
from accounts.scope import Actor, Role
from config.core.orm import word_for
from config.rest.compiled.plans import response_plan
from config.rest.compiled.queries import Query
from config.rest.formats import parse_date
from config.rest.problems import Rejected
from exports.days import within
from exports.registry import REPORTS, Report
from exports.writers import FORMATS, Chunks, Rows, marked, whole_file

_ROUTE = "manage.py export"


class Command(BaseCommand):
    """Writes exactly the bytes that an administrator of the organization would get from the API."""

    help = (
        "Write REPORT of an organization to FILE: the rows and columns of the API's report for an administrator. FILE is there "
        "when all of it has been written, and only its owner may read it. The export is in the audit trail as reads are."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("report", choices=list(REPORTS), metavar="REPORT", help=", ".join(REPORTS))
        parser.add_argument("--organization", required=True, metavar="SLUG")
        parser.add_argument("--format", required=True, choices=list(FORMATS))
        parser.add_argument("--bom", action="store_true", help="begin CSV with a byte order mark, which Excel needs")
        parser.add_argument("--output", required=True, type=Path, metavar="FILE")
        for end in ("start", "end"):
            parser.add_argument(f"--{end}-date", type=day, metavar="YYYY-MM-DD", help="in the organization's time zone, included")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["format"] == "parquet" and find_spec("pyarrow") is None:
            raise CommandError("Parquet needs pyarrow, which is optional: make extras")
        if options["bom"] and options["format"] != "csv":
            raise CommandError("Only CSV has a byte order mark.")
        report, path = REPORTS[options["report"]], options["output"]
        actor = administrator_of(find_organization(Actor.system(_ROUTE), options["organization"]))
        query = query_within(report, actor, {f"--{end}-date": options[f"{end}_date"] for end in ("start", "end")})
        try:
            rows = self._write(path, options["format"], report, query, actor, bom=options["bom"])
        except OSError as error:
            raise CommandError(f"{path} cannot be written: {error.strerror}") from error
        self.stdout.write(f"{rows:,} rows in {path}.")

    def _write(self, path: Path, form: str, report: Report, query: Query, actor: Actor, *, bom: bool) -> int:
        """Write the rows of `query`, and return how many they were."""
        total, plan, done = query.count(), response_plan(report.serializer_class), 0

        def audit_read(rows: list[tuple]) -> None:
            audit.record_read(actor, f"{word_for(report.model)}.export", patients=plan.affected_patients(rows))

        def counted(chunks: Chunks) -> Iterator[Rows]:
            nonlocal done
            for rows in chunks:
                done += len(rows)
                yield rows

        with ending_in_order(), whole_file(path) as file, Progress(self) as progress:
            parts = FORMATS[form](report.kinds, counted(report.chunks(query, actor, audit_read, form)))
            for part in marked(parts) if bom else parts:
                file.write(part)
                progress(f"{done:,} rows", min(1.0, done / max(1, total)))
        return done


@contextmanager
def ending_in_order() -> Iterator[None]:
    """Let SIGTERM end the block like an interrupt, so that an incomplete file is removed."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def day(text: str) -> datetime.date:
    """Parse a day."""
    found = parse_date(text)
    if found is None:
        raise ArgumentTypeError(f"{text} is not a date, YYYY-MM-DD")
    return found


def administrator_of(organization: Organization) -> Actor:
    """Return an actor with the scope of an administrator of `organization`, in its time zone."""
    return Actor(
        role=Role.HC_ADMIN,
        organization_id=organization.pk,
        organization_uuid=organization.uuid,
        timezone=organization.timezone,
        catalog_version=organization.catalog_version,
        route=_ROUTE,
    )


def query_within(report: Report, actor: Actor, days: dict[str, datetime.date | None]) -> Query:
    """Return the query of the rows within `days`; CommandError for days that the report does not take."""
    try:
        report.days.check(days)
        return within(report.query(actor), days, actor)
    except Rejected as error:
        raise CommandError(". ".join(f"{problem.path[0]}: {problem.message}" for problem in error.problems)) from error
