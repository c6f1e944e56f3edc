"""The base of catalogs, an organization's own lists of named things, and care groups, one of them."""

from typing import ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from accounts.models.organizations import Organization
from accounts.scope import ScopePath
from config.core.databases import ByteOrderField
from config.core.orm import NOTE_LENGTH, Identified, SoftDeleted, Timestamped, Versioned
from config.core.text import fold

NAME_LENGTH = 255


def key_of(name: str) -> str:
    """Return the folded form of a row's name, by which it is sorted and found."""
    return fold(name)[:NAME_LENGTH]


class Catalog(Identified, Timestamped, Versioned, SoftDeleted):
    """Base of every catalog. Its rows are archived rather than deleted; `ordering` is the order of its lists.

    `catalog_columns` are the columns besides the name that the admin page and the practice API have, in
    this order. Those in `set_once` cannot be changed later.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    name = models.CharField(max_length=NAME_LENGTH)
    name_key = ByteOrderField(max_length=NAME_LENGTH, default="", editable=False)

    scope = ScopePath(organization="organization_id")
    catalog_columns: ClassVar[tuple[str, ...]] = ()
    set_once: ClassVar[tuple[str, ...]] = ()

    class Meta:
        abstract = True
        ordering = ["name_key", "id"]
        indexes = [models.Index(fields=["organization", "name_key", "id"], name="%(class)s_by_name")]

    def __str__(self) -> str:
        return self.name

    def save(self, *args, **kwargs):
        self.name_key = key_of(self.name)
        super().save(*args, **kwargs)


class OrderedCatalog(Catalog):
    """Base of the catalogs that the organization describes, and puts in an order of its own."""

    description = models.TextField(max_length=NOTE_LENGTH, null=True, blank=True)
    item_order = models.IntegerField(default=0, validators=[MinValueValidator(-(2**31)), MaxValueValidator(2**31 - 1)])

    class Meta(Catalog.Meta):
        abstract = True
        ordering = ["item_order", "name_key", "id"]


class CareGroup(Catalog):
    """A team of caregivers and the patients in its care."""

    scope = ScopePath(organization="organization_id", care_group="id")

    class Meta(Catalog.Meta):
        constraints = [
            models.UniqueConstraint("organization", Lower("name"), condition=Q(deleted_at=None), name="care_group_name_unique")
        ]
