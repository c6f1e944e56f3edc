"""What only superadmins may do."""

from django.utils.translation import gettext as _

from accounts.scope import Actor, Role
from config.core.exceptions import NotPermitted


def check_rank(actor: Actor, role: str) -> None:
    """Raise NotPermitted if anyone but a superadmin would create, change or issue a key for a superadmin."""
    if role == Role.FC_ADMIN and actor.role != Role.FC_ADMIN:
        raise NotPermitted(_("Only a superadmin may do this to a superadmin."))
