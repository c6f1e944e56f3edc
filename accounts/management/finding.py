"""Looking up the organization and care group named on a command line."""

from django.core.management.base import CommandError

from accounts.models import CareGroup, Organization
from accounts.scope import Actor, scope
from config.core.text import fold


def find_organization(actor: Actor, slug: str) -> Organization:
    """Return the organization with this slug. Raises CommandError if there is none."""
    organization = scope(actor, Organization.objects.filter(slug=slug)).first()
    if organization is None:
        raise CommandError(f"There is no organization with the slug {slug}.")
    return organization


def find_group(actor: Actor, organization: Organization, name: str) -> CareGroup:
    """Return the organization's care group called `name`, ignoring case. Raises CommandError if there is none."""
    groups = scope(actor, CareGroup.objects.filter(organization=organization, deleted_at=None))
    for group in groups:
        if fold(group.name) == fold(name):
            return group
    known = ", ".join(group.name for group in groups) or "none"
    raise CommandError(f"{organization.name} has no care group of this name. It has: {known}.")
