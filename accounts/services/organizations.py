"""Creating and changing organizations, and the version of their catalogs."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.audit import record_change
from accounts.models import Organization
from accounts.scope import Actor
from config.core.bulk_writes import add_one
from config.core.orm import check_required_texts


@transaction.atomic
def create_organization(*, actor: Actor, name: str, slug: str, **values) -> Organization:
    """Create an organization. Raises Invalid for a blank name."""
    check_required_texts(Organization, {"name": name})
    organization = Organization.objects.create(name=name, slug=slug, **values)
    record_change(actor, "organization.create", organization, event="organization.created")
    return organization


@transaction.atomic
def update_organization(*, actor: Actor, organization: Organization, changes: Mapping[str, Any]) -> None:
    """Write `changes` into an organization. Raises Invalid for a blank name.

    Where it has these values already it stays as it is, and nothing is audited.
    """
    check_required_texts(Organization, changes)
    stored = Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
    written = {name: value for name, value in changes.items() if getattr(stored, name) != value}
    if not written:
        return
    Organization.objects.filter(pk=organization.pk).update(**written, updated_at=timezone.now())
    catalog_changed(organization.pk)
    record_change(actor, "organization.update", organization, event="organization.updated", changed=written)


def catalog_changed(organization_id: int) -> None:
    """Raise the organization's catalog version, which invalidates cached references. Every catalog write calls it."""
    add_one(Organization, "catalog_version", organization_id)
