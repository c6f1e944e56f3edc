"""`manage.py find_duplicates`: compare the records that have changed with all others of their organization."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from accounts.management.finding import find_organization
from accounts.management.progress import Progress
from accounts.models import Organization
from accounts.scope import Actor
from patients.services.duplicates import compare_changed


class Command(BaseCommand):
    """Run it once an hour by cron, so that the home page knows of pairs before somebody opens the list of them."""

    help = "Find suspected duplicates among the records that have changed since it was last done. For cron, once an hour."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", metavar="SLUG", help="only this organization; all of them without it")

    def handle(self, *args: Any, **options: Any) -> None:
        slug = options["organization"]
        actor = Actor.system("manage.py find_duplicates")
        organizations = [find_organization(actor, slug)] if slug else Organization.objects.order_by("pk")
        compared = 0
        with Progress(self) as progress:
            for organization in organizations:
                while number := compare_changed(organization_id=organization.pk):
                    compared += number
                    progress(f"{compared:,} records")
        self.stdout.write(f"{compared} records compared.")
