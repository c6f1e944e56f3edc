"""`manage.py reset_second_factor`: for somebody, a superadmin above all, whom nobody can help in the admin."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import User
from accounts.scope import Actor, scope
from accounts.services.second_factors import reset_second_factor
from config.core.exceptions import NotFound
from config.core.text import fold

_ACTOR = Actor.system("manage.py reset_second_factor")


class Command(BaseCommand):
    """Removes the second factor of a user, who then signs in by password alone, or is led to set up a new one."""

    help = "Remove the second factor of a user who lost phone and recovery codes."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email", help="of the user")

    def handle(self, *args: Any, **options: Any) -> None:
        user = scope(_ACTOR, User.objects.filter(email_key=fold(options["email"]))).first()
        if user is None:
            raise CommandError("No user has this e-mail address.")
        try:
            reset_second_factor(actor=_ACTOR, user=user)
        except NotFound as error:
            raise CommandError("This user has no second factor.") from error
        self.stdout.write("The second factor is removed.")
