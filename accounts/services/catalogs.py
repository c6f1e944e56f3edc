"""Creating, changing and archiving rows of catalogs, care groups among them."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from django.db import transaction
from django.utils import timezone

from accounts.audit import record_change
from accounts.models import Organization
from accounts.models.catalogs import Catalog, key_of
from accounts.scope import Actor
from accounts.services.organizations import catalog_changed
from config.core.orm import VersionedQuerySet, check_required_texts, drop_nulls_for_not_null_columns, verbose_name, word_for

Row = TypeVar("Row", bound=Catalog)


@transaction.atomic
def create_catalog_row(*, actor: Actor, model: type[Row], organization: Organization, name: str, **values: Any) -> Row:
    """Add a row to an organization's catalog `model`. Null for a column that cannot be null means its default.

    Raises Invalid for a blank name, or IntegrityError if a constraint of the catalog is violated.
    """
    check_required_texts(model, {"name": name, **values})
    row = model(organization=organization, name=name, **drop_nulls_for_not_null_columns(model, values))
    row.save(force_insert=True)
    _record(actor, row, "create")
    return row


@transaction.atomic
def update_catalog_row(*, actor: Actor, row: Catalog, base_version: int, changes: Mapping[str, Any]) -> None:
    """Write `changes` into a catalog row that is not archived; null leaves a column that cannot be null as it is.

    Without anything to write the row stays as it is, and nothing is audited, as reading catalogs is not.
    Raises Invalid for a blank name, NotFound, VersionConflict, or IntegrityError if a constraint of the catalog is violated.
    """
    check_required_texts(type(row), changes)
    written = drop_nulls_for_not_null_columns(type(row), changes)
    if not written:
        _current(row).check_version(row.pk, base_version, verbose_name(row).capitalize())
        return
    if "name" in written:
        written["name_key"] = key_of(written["name"])
    _change(row, base_version, written)
    _record(actor, row, "update", changes)


@transaction.atomic
def archive_catalog_row(*, actor: Actor, row: Catalog, base_version: int) -> None:
    """Archive a catalog row: existing records keep it, new ones cannot use it. Raises NotFound or VersionConflict."""
    _change(row, base_version, {"deleted_at": timezone.now()})
    _record(actor, row, "archive", ("deleted_at",))


def _change(row: Catalog, base_version: int, values: Mapping[str, Any]) -> None:
    _current(row).change(row.pk, base_version, verbose_name(row).capitalize(), **values)


def _current(row: Catalog) -> VersionedQuerySet:
    """Return the rows of the catalog of `row` that are not archived."""
    return type(row).objects.filter(deleted_at=None)


def _record(actor: Actor, row: Catalog, verb: str, changed: Iterable[str] = ()) -> None:
    catalog_changed(row.organization_id)
    word, past = word_for(type(row)), f"{verb.removesuffix('e')}ed"
    record_change(actor, f"{word}.{verb}", row, event=f"{word}.{past}", changed=changed)
