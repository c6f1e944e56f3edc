"""`manage.py reset_sandbox`: make a sandbox for integrators, or put it back as it was."""

from argparse import ArgumentTypeError
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_slug
from django.db import OperationalError

from accounts.scope import Role
from exports.demo.sandbox import DEFAULT_PATIENTS, NotASandbox, reset_sandbox


class Command(BaseCommand):
    """Deletes what is in a sandbox and fills it anew. Its users and their keys stay; no other organization is touched."""

    help = "Make a sandbox, an organization of invented patients that test keys alone reach, or put it back as it was."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", type=_slug, help="what commands call the sandbox")
        parser.add_argument("--name", default="Sandbox", help="what people call it, when it is made")
        parser.add_argument("--patients", type=int, default=DEFAULT_PATIENTS)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["patients"] < 1:
            raise CommandError("--patients must be 1 or more")
        try:
            organization, users = reset_sandbox(options["slug"], options["name"], options["patients"])
        except NotASandbox as refusal:
            raise CommandError(f"{options['slug']} is not a sandbox. Nothing was deleted.") from refusal
        except OperationalError as error:
            raise CommandError("Somebody is writing in the sandbox. Nothing was changed: run it again.") from error
        people = "\n".join(f"  {role:<13} {user.email}" for role, user in users.items())
        self.stdout.write(f"""
{organization.name} is as new: {options["patients"]} invented patients. Keys and users are as they were.

  Organization  {organization.uuid}   (org_id in addresses; commands call it {organization.slug})
{people}

For a test key:

  manage.py create_api_key {users[Role.HC_ADMIN].email} --description 'what it is for'
""")


def _slug(text: str) -> str:
    try:
        validate_slug(text)
    except ValidationError as error:
        raise ArgumentTypeError(error.message) from error
    return text
