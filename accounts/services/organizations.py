"""Organizations, care groups, and the stamp of the reference cache."""

from django.db import transaction
from django.db.models import F

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
def create_care_group(*, actor: Actor, organization: Organization, name: str) -> CareGroup:
    """Make a care group."""
    group = CareGroup.objects.create(organization=organization, name=name)
    catalog_changed(organization.pk)
    audit.record(actor, "care_group.create", organization_id=organization.pk, subject="care_group", subject_id=group.pk)
    return group


def catalog_changed(organization_id: int) -> None:
    """Raise the stamp of the organization's reference cache. Every write of a named catalog row calls it."""
    Organization.objects.filter(pk=organization_id).update(catalog_version=F("catalog_version") + 1)
