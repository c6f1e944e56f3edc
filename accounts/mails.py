"""Mails to people who sign in: plain text, in their language, without a word about patients."""

import logging
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.languages import localized_for
from accounts.models import User
from accounts.services.password_links import PasswordLink

logger = logging.getLogger(__name__)
_CONSOLE = "django.core.mail.backends.console.EmailBackend"


def are_sent() -> bool:
    """Tell whether there is a mail server: without one, mails are written to the server's output."""
    return settings.EMAIL_BACKEND != _CONSOLE


def base_of(request: HttpRequest) -> str:
    """Return what the addresses in mails begin with: PUBLIC_URL, or how the server was called, which ALLOWED_HOSTS limits."""
    return settings.PUBLIC_URL or f"{request.scheme}://{request.get_host()}"


def send_link(link: PasswordLink, *, base: str, sender: User | None = None) -> bool:
    """Send `link` to its person; False where the mail server did not take it. `sender` is who invites them."""
    user = link.user
    address = base + reverse("admin:password_link", args=[user.uuid, link.token])
    context = {"link": link, "user": user, "address": address, "sender": sender, "organization": user.organization}
    with localized_for(user):
        if link.is_invitation:
            subject, template = _("Your access to the patient records of %(organization)s"), "mail/invitation.txt"
        else:
            subject, template = _("Choose a new password"), "mail/password.txt"
        subject %= {"organization": user.organization or "Anamnesis"}
        text = render_to_string(template, context)
    return _send(EmailMessage(" ".join(subject.split()), text, to=[user.email]))


def _send(message: EmailMessage) -> bool:
    try:
        return bool(message.send())
    except (SMTPException, OSError, ValueError) as error:
        # Its text may hold the address; a header that cannot be written is a ValueError.
        logger.warning("mail not sent: %s", type(error).__name__)
        return False
