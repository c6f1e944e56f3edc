"""Small tables of an organization that patient records point to. Each row has a name to show."""

from django.db import models

from accounts.models import Organization
from accounts.scope import ScopePath
from config.orm import Identified, SoftDeleted, Timestamped, Versioned


class Catalog(Identified, Timestamped, Versioned, SoftDeleted):
    """Base of every catalog: an organization's own list of named things, archived rather than deleted."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    name = models.CharField(max_length=255)

    scope = ScopePath(organization="organization_id")

    class Meta:
        abstract = True
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name


class Provider(Catalog):
    """A clinician who treats patients."""

    title = models.CharField(max_length=64, blank=True)
    specialty = models.CharField(max_length=255, blank=True)


class Location(Catalog):
    """A place where the clinic sees patients."""

    address = models.TextField(blank=True)
    is_active = models.BooleanField(default=True)


class FeeSchedule(Catalog):
    """A price list."""


class BillingType(Catalog):
    """How a patient is billed."""


class Employer(Catalog):
    """A patient's employer."""


class TagDefinition(Catalog):
    """A label that staff put on patients."""

    category = models.CharField(max_length=255, null=True, blank=True)
    color = models.CharField(max_length=32, null=True, blank=True)
    description = models.TextField(null=True, blank=True)
    item_order = models.IntegerField(default=0)

    class Meta(Catalog.Meta):
        ordering = ["item_order", "name", "id"]


class Program(Catalog):
    """A care program that patients are enrolled in."""


class Protocol(Catalog):
    """A way of carrying out a program: what is measured, when, and what raises an alert."""

    program = models.ForeignKey(Program, models.PROTECT, related_name="protocols")
