"""Organizations, care groups, and the stamp of the reference cache."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from accounts import audit
from accounts.models import CareGroup, Organization
from accounts.scope import Actor


@transaction.atomic
def create_organization(*, actor: Actor, name: str, slug: str, **values) -> Organization:
    """Make an organization."""
    organization = Organization.objects.create(name=name, slug=slug, **values)
    audit.record(
        actor, "organization.create", organization_id=organization.pk, subject="organization", subject_id=organization.pk
    )
    return organization


@transaction.atomic
def update_organization(*, actor: Actor, organization: Organization, changes: Mapping[str, Any]) -> None:
    """Write `changes` into an organization."""
    Organization.objects.filter(pk=organization.pk).update(**changes, updated_at=timezone.now())
    catalog_changed(organization.pk)
    audit.record(
        actor,
        "organization.update",
        organization_id=organization.pk,
        subject="organization",
        subject_id=organization.pk,
        changed=changes,
    )


@transaction.atomic
def create_care_group(*, actor: Actor, organization: Organization, name: str) -> CareGroup:
    """Make a care group."""
    group = CareGroup.objects.create(organization=organization, name=name)
    catalog_changed(organization.pk)
    audit.record(actor, "care_group.create", organization_id=organization.pk, subject="care_group", subject_id=group.pk)
    return group


@transaction.atomic
def update_care_group(*, actor: Actor, group: CareGroup, base_version: int, changes: Mapping[str, Any]) -> None:
    """Write `changes` into a care group that is not archived; NotFound, VersionConflict or IntegrityError (name taken)."""
    CareGroup.objects.filter(deleted_at=None).change(group.pk, base_version, "Care group", **changes)
    _tell(actor, "care_group.update", group, changes)


@transaction.atomic
def archive_care_group(*, actor: Actor, group: CareGroup) -> None:
    """Archive a care group: its members reach its patients no longer. NotFound where it is archived already."""
    CareGroup.objects.filter(deleted_at=None).change(group.pk, group.version, "Care group", deleted_at=timezone.now())
    _tell(actor, "care_group.archive", group, ("deleted_at",))


def _tell(actor: Actor, action: str, group: CareGroup, changed: Iterable[str]) -> None:
    catalog_changed(group.organization_id)
    audit.record(
        actor, action, organization_id=group.organization_id, subject="care_group", subject_id=group.pk, changed=changed
    )


def catalog_changed(organization_id: int) -> None:
    """Raise the stamp of the organization's reference cache. Every write of a named catalog row calls it."""
    Organization.objects.filter(pk=organization_id).update(catalog_version=F("catalog_version") + 1)
