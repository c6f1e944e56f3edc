"""Write the OpenAPI documents: over the snapshots that the contract tests compare with, or for generators of clients."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from config.rest.collection import collection, file_name
from config.rest.dialects import DIALECTS
from config.rest.responses import to_json
from config.rest.schema import document_yaml, names

SNAPSHOTS = settings.BASE_DIR / "tests" / "contracts" / "openapi"
# The names that generated clients have for operations and schemas: who changes one breaks the programs that use it.
NAMES = SNAPSHOTS / "names.txt"


class Command(BaseCommand):
    help = "Write the OpenAPI document of each dialect, as the server sends it, and the names in them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--directory", type=Path, default=SNAPSHOTS, help="where to, if not over the snapshots")
        parser.add_argument("--collections", action="store_true", help="write a Postman collection of each dialect, too")

    def handle(self, *args: Any, **options: Any) -> None:
        directory: Path = options["directory"]
        directory.mkdir(parents=True, exist_ok=True)
        written = {f"{name}.yaml": document_yaml(name) for name in DIALECTS} | {NAMES.name: names().encode()}
        if options["collections"]:
            written |= {file_name(name): to_json(collection(name)) for name in DIALECTS}
        for name, content in written.items():
            (directory / name).write_bytes(content)
            self.stdout.write(str(directory / name))
