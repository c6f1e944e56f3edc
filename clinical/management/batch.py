"""Base of the commands that run monitoring's batch jobs."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.management.finding import find_organization
from accounts.management.progress import Progress
from accounts.scope import Actor
from clinical.services.monitoring import RunStats

EVERY = 100


class BatchCommand(BaseCommand):
    """Base of commands that process one patient after the other. They are idempotent: run them as often as you like."""

    # The batch job to run.
    service: ClassVar[Callable[..., RunStats]]
    # The summary, a format string over the fields of RunStats.
    done: ClassVar[str]

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", metavar="SLUG", help="only this organization; all of them without it")

    def handle(self, *args: Any, **options: Any) -> None:
        actor = Actor.system(f"manage.py {type(self).__module__.rpartition('.')[2]}")
        slug = options["organization"]
        organization = find_organization(actor, slug) if slug else None
        with Progress(self) as progress:
            stats = self.service(actor=actor, organization=organization, progress=lambda stats: report_progress(stats, progress))
        self.stdout.write(self.done.format(**vars(stats)))
        if stats.failed:
            raise CommandError(f"The work on {stats.failed} patients failed; the log says why.")


def report_progress(stats: RunStats, progress: Progress) -> None:
    """Show the number of patients so far, once every EVERY."""
    if stats.patients % EVERY == 0:
        progress(f"{stats.patients:,} patients")
