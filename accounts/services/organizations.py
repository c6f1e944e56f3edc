"""Creating and changing organizations, and the version of their catalogs."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts.audit import record_change
from accounts.models import Organization
from accounts.scope import Actor


@transaction.atomic
def create_organization(*, actor: Actor, name: str, slug: str, **values) -> Organization:
    """Create an organization."""
    organization = Organization.objects.create(name=name, slug=slug, **values)
    # There is no event type for organizations.
    record_change(actor, "organization.create", organization, event=None)
    return organization


@transaction.atomic
def update_organization(*, actor: Actor, organization: Organization, changes: Mapping[str, Any]) -> None:
    """Write `changes` into an organization."""
    Organization.objects.filter(pk=organization.pk).update(**changes, updated_at=timezone.now())
    catalog_changed(organization.pk)
    # There is no event type for organizations.
    record_change(actor, "organization.update", organization, event=None, changed=changes)


def catalog_changed(organization_id: int) -> None:
    """Raise the organization's catalog version, which invalidates cached references. Every catalog write calls it."""
    Organization.objects.filter(pk=organization_id).update(catalog_version=F("catalog_version") + 1)
