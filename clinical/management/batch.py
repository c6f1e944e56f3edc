"""What the commands of monitoring's rounds have in common."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.management.finding import find_organization
from accounts.management.progress import Progress
from accounts.scope import Actor
from clinical.services.monitoring import Tally

EVERY = 100


class RoundCommand(BaseCommand):
    """Base of the commands that go from patient to patient: safe to run again, at any time and as often as wanted."""

    round: ClassVar[Callable[..., Tally]]
    """The service that makes the round."""
    done: ClassVar[str]
    """What is told in the end, with names of the tally."""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", metavar="SLUG", help="only this organization; all of them without it")

    def handle(self, *args: Any, **options: Any) -> None:
        actor = Actor.system(f"manage.py {type(self).__module__.rpartition('.')[2]}")
        slug = options["organization"]
        organization = find_organization(actor, slug) if slug else None
        with Progress(self) as progress:
            tally = self.round(actor=actor, organization=organization, progress=lambda tally: told(tally, progress))
        self.stdout.write(self.done.format(**vars(tally)))
        if tally.failed:
            raise CommandError(f"The work on {tally.failed} patients failed; the log tells why.")


def told(tally: Tally, progress: Progress) -> None:
    """Show the number of patients so far, now and then."""
    if tally.patients % EVERY == 0:
        progress(f"{tally.patients:,} patients")
