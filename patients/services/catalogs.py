"""Creating catalog rows."""

from typing import TypeVar

from django.db import transaction

from accounts import audit
from accounts.models import Organization
from accounts.scope import Actor
from accounts.services.organizations import catalog_changed
from patients.models.catalogs import Catalog

Row = TypeVar("Row", bound=Catalog)


@transaction.atomic
def create_catalog_row(*, actor: Actor, model: type[Row], organization: Organization, name: str, **values) -> Row:
    """Add a row to an organization's catalog `model`."""
    row = model.objects.create(organization=organization, name=name, **values)
    catalog_changed(organization.pk)
    subject = model._meta.model_name
    audit.record(actor, f"{subject}.create", organization_id=organization.pk, subject=subject, subject_id=row.pk)
    return row
