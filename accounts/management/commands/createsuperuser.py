"""`manage.py createsuperuser`: make the first person of an installation, in place of Django's, which knows no services."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.management.commands.changepassword import ask_for_password
from accounts.models import User
from accounts.scope import Actor, Role, scope
from accounts.services.users import NewPassword, create_user
from config.core.text import fold

_ACTOR = Actor.system("manage.py createsuperuser")


class Command(BaseCommand):
    """Asks for the password twice. A superadmin belongs to no organization and sees all of them."""

    help = "Create a superadmin (FC_ADMIN), who signs in at /admin/. The password is asked for and not shown."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--email", help="with which the person signs in; asked for where it is not given")

    def handle(self, *args: Any, **options: Any) -> None:
        email = options["email"] or input("E-mail address: ")
        try:
            email = User._meta.get_field("email").clean(email, None)
        except ValidationError as error:
            raise CommandError("This is not an e-mail address.") from error
        if scope(_ACTOR, User.objects.filter(email_key=fold(email))).exists():
            raise CommandError("A user has this e-mail address already. To set a password: manage.py changepassword EMAIL")
        password = NewPassword.hashed(ask_for_password(User(email=email)))
        create_user(actor=_ACTOR, email=email, role=Role.FC_ADMIN, organization=None, password=password)
        self.stdout.write("The superadmin can sign in at /admin/.")
