"""Renew the OpenAPI snapshots that the contract tests compare with."""

from django.conf import settings
from django.core.management.base import BaseCommand

from config.rest.dialects import DIALECTS
from config.rest.schema import document_yaml

SNAPSHOTS = settings.BASE_DIR / "tests" / "contracts" / "openapi"


class Command(BaseCommand):
    help = "Write the OpenAPI document of each dialect to tests/contracts/openapi."

    def handle(self, *args, **options) -> None:
        SNAPSHOTS.mkdir(parents=True, exist_ok=True)
        for name in DIALECTS:
            path = SNAPSHOTS / f"{name}.yaml"
            path.write_bytes(document_yaml(name))
            self.stdout.write(str(path.relative_to(settings.BASE_DIR)))
