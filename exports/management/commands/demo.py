"""`manage.py demo`: a demo clinic, with users to sign in as and API keys."""

import json
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.health import pending_migrations
from exports.demo.clinic import DEFAULT_PATIENTS, Demo, make_demo


class Command(BaseCommand):
    """Creates the demo clinic, or finds it and issues new keys."""

    help = "Make a demo clinic. Running it again adds nothing; earlier demo keys are revoked and fresh ones shown."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--patients", type=int, default=DEFAULT_PATIENTS, help="patients of the first organization")
        parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
        parser.add_argument("--address", default="http://127.0.0.1:8000", help="where the server will be, for the examples")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["patients"] < 1:
            raise CommandError("--patients must be 1 or more")
        if pending_migrations():
            call_command("migrate", interactive=False, verbosity=0)
        demo = make_demo(options["patients"])
        self.stdout.write(json.dumps(demo.as_json()) if options["json"] else summary(demo, options["address"].rstrip("/")))


def summary(demo: Demo, address: str) -> str:
    """Return the demo as text."""
    organization, key = demo.organization, demo.keys["HC_ADMIN"]
    rows = "\n".join(f"  {role:<13} {user.email:<32} {demo.keys[role]}" for role, user in demo.users.items())
    return f"""
{organization.name} is ready.

  Sign in at    {address}/admin/
  E-mail        {demo.admin.email}
  Password      {demo.password}   (of all staff below too; made anew by every run)
  Organization  {organization.uuid}   (org_id in addresses; commands call it {organization.slug})

  {"Role":<13} {"E-mail":<32} API key (shown this once)
{rows}

For the calls in README.md, with the key of HC_ADMIN:

  SERVER={address} ORG={organization.uuid} KEY={key}

Or as they are:

  curl -H 'Authorization: Bearer {key}' '{address}/api/v1/{organization.uuid}/patients?page_size=3'
  curl -H 'Authorization: Bearer {key}' '{address}/v1/patients?perPage=3'
  curl -H 'Authorization: Bearer {key}' '{address}/v1/alerts?status=open'
  curl -H 'X-User-Token: {key}' '{address}/general/v1/patients'
"""
