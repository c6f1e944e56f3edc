"""`manage.py changepassword`: set a user's password, in place of Django's command, which knows no services."""

import getpass
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
from accounts.scope import Actor, scope
from accounts.services.users import NewPassword, update_user
from config.core.text import fold

_ACTOR = Actor.system("manage.py changepassword")


class Command(BaseCommand):
    """Asks for the new password twice. The change is audited and ends all sessions of the user."""

    help = "Set the password of a user. It is asked for and not shown."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="of the user whose password is set")

    def handle(self, *args: Any, **options: Any) -> None:
        user = scope(_ACTOR, User.objects.filter(email_key=fold(options["email"]))).first()
        if user is None:
            raise CommandError("No user has this e-mail address.")
        update_user(actor=_ACTOR, user=user, changes={}, password=NewPassword.hashed(ask_for_password(user)))
        self.stdout.write("The password is set, and the user is signed out everywhere.")


def ask_for_password(user: User) -> str:
    """Return what is typed twice. Raises CommandError if the two differ or break the rules for passwords."""
    password, again = getpass.getpass("Password: "), getpass.getpass("Password (again): ")
    if password != again:
        raise CommandError("The two passwords are not the same.")
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise CommandError(" ".join(error.messages)) from error
    return password
