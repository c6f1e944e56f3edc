"""`manage.py load_starter_catalog`: common allergens and medications for a clinic to start from."""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from accounts.management.finding import find_organization
from accounts.management.progress import Progress
from accounts.scope import Actor
from clinical.services.starter_catalog import install_starter_catalog
from config.core.orm import verbose_name

_ACTOR = Actor.system("manage.py load_starter_catalog")


class Command(BaseCommand):
    """Adds the starter rows that an organization lacks. Idempotent."""

    help = (
        "Add common allergens and medications, with the ingredients and drug classes that interactions are found by, to the "
        "catalogs of an organization. What it has, by name or code, is left as it is."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--organization", required=True, metavar="SLUG")

    def handle(self, *args: Any, **options: Any) -> None:
        organization = find_organization(_ACTOR, options["organization"])
        with Progress(self) as progress:
            counts = install_starter_catalog(
                actor=_ACTOR,
                organization=organization,
                progress=lambda done, total: progress(f"{done} of {total} rows", done / total),
            )
        for model, count in counts.items():
            self.stdout.write(f"{verbose_name(model).capitalize()}s: {count.created} created, {count.unchanged} unchanged.")
