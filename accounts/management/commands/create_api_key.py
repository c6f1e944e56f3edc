"""`manage.py create_api_key`: issue a key for a user, shown once."""

import datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from accounts.models import User
from accounts.scope import Actor, scope
from accounts.services.keys import Expiry, issue_key
from config.core.exceptions import Invalid
from config.core.text import fold

EXPIRES = f"such as 2030-01-31 or 2030-01-31T12:00:00Z, or never; without it, after {settings.API_KEY_DAYS} days"
_ACTOR = Actor.system("manage.py create_api_key")


class Command(BaseCommand):
    """Issues a key that acts with the role of its user. Prints the key, and nothing else, to standard output."""

    help = "Issue an API key for a user and print it. It is shown now and never again."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="of the user who the key belongs to")
        parser.add_argument("--description", required=True, help="what the key is for")
        parser.add_argument("--expires", metavar="ISO", help=EXPIRES)

    def handle(self, *args: Any, **options: Any) -> None:
        user = scope(_ACTOR, User.objects.filter(email_key=fold(options["email"]))).select_related("organization").first()
        if user is None:
            raise CommandError("No user has this e-mail address.")
        if not user.is_active:
            raise CommandError(f"The user is {user.status}: a key would be refused.")
        expires_at = read_expiry(options["expires"], user) if options["expires"] else Expiry.DEFAULT
        try:
            _, raw = issue_key(actor=_ACTOR, user=user, description=options["description"], expires_at=expires_at)
        except Invalid as refusal:
            raise CommandError(str(refusal)) from refusal
        self.stderr.write(f"Keep this key now: it is not shown again. It acts as {user.role}.")
        self.stdout.write(raw)


def read_expiry(text: str, user: User) -> datetime.datetime | None:
    """Parse `text`, by default in the organization's time zone, None for "never". Raises CommandError for the past."""
    if text == "never":
        return None
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None:
        raise CommandError("--expires is not a date or time in ISO 8601.")
    if timezone.is_naive(moment):
        moment = moment.replace(tzinfo=user.organization.zone if user.organization else datetime.UTC)
    if moment <= timezone.now():
        raise CommandError("--expires lies in the past.")
    return moment
