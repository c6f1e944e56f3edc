"""Creating, changing and archiving catalog rows."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.models import Organization
from accounts.scope import Actor
from accounts.services.organizations import catalog_changed
from patients.models.catalogs import Catalog

Row = TypeVar("Row", bound=Catalog)


@transaction.atomic
def create_catalog_row(*, actor: Actor, model: type[Row], organization: Organization, name: str, **values) -> Row:
    """Add a row to an organization's catalog `model`."""
    row = model(organization=organization, name=name, **values)
    row.save(force_insert=True)
    _tell(actor, row, "create")
    return row


@transaction.atomic
def update_catalog_row(*, actor: Actor, row: Catalog, base_version: int, changes: Mapping[str, Any]) -> None:
    """Write `changes` into a catalog row that is not archived. Raises NotFound or VersionConflict."""
    _change(row, base_version, changes)
    _tell(actor, row, "update", changes)


@transaction.atomic
def archive_catalog_row(*, actor: Actor, row: Catalog) -> None:
    """Archive a catalog row: records keep it, new ones can not choose it. NotFound where it is archived already."""
    _change(row, row.version, {"deleted_at": timezone.now()})
    _tell(actor, row, "archive", ("deleted_at",))


def _change(row: Catalog, base_version: int, changes: Mapping[str, Any]) -> None:
    what = str(row._meta.verbose_name).capitalize()
    type(row).objects.filter(deleted_at=None).change(row.pk, base_version, what, **changes)


def _tell(actor: Actor, row: Catalog, verb: str, changed: Iterable[str] = ()) -> None:
    catalog_changed(row.organization_id)
    subject = str(row._meta.model_name)
    audit.record(
        actor, f"{subject}.{verb}", organization_id=row.organization_id, subject=subject, subject_id=row.pk, changed=changed
    )
