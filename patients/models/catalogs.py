"""Catalogs that patient records point to."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models.catalogs import Catalog, OrderedCatalog
from config.core.orm import NOTE_LENGTH, ObjectListField, TextListField


class Provider(Catalog):
    """A clinician who treats patients."""

    title = models.CharField(max_length=64, blank=True)
    specialty = models.CharField(max_length=255, blank=True)

    catalog_columns = ("title", "specialty")


class Location(Catalog):
    """A place where the clinic sees patients."""

    address = models.TextField(max_length=NOTE_LENGTH, blank=True)
    is_active = models.BooleanField(default=True)

    catalog_columns = ("address", "is_active")


class FeeSchedule(Catalog):
    """A price list."""


class BillingType(Catalog):
    """How a patient is billed."""


class Employer(Catalog):
    """A patient's employer."""


class ReferralSource(Catalog):
    """How patients heard of the clinic."""


class ReferralPartner(Catalog):
    """A person or practice that sends patients."""


class TagDefinition(OrderedCatalog):
    """A label that staff put on patients."""

    category = models.CharField(max_length=255, null=True, blank=True)
    color = models.CharField(max_length=32, null=True, blank=True)

    catalog_columns = ("category", "color", "description", "item_order")


class FieldType(models.TextChoices):
    """What a custom field holds."""

    TEXT = "text", _("Text")
    NUMBER = "number", _("Number")
    DATE = "date", _("Date")
    BOOLEAN = "boolean", _("Boolean")
    DROPDOWN = "dropdown", _("Dropdown")
    MULTI_SELECT = "multi_select", _("Multi Select")


# The types whose values are chosen from options.
CHOSEN = (FieldType.DROPDOWN, FieldType.MULTI_SELECT)


class FieldDefinition(OrderedCatalog):
    """A custom field of patient records."""

    field_type = models.CharField(max_length=16, choices=FieldType.choices)
    is_required = models.BooleanField(default=False)
    dropdown_options = TextListField(null=True, blank=True)

    catalog_columns = ("description", "dropdown_options", "field_type", "is_required", "item_order")

    class Meta(OrderedCatalog.Meta):
        constraints = [
            models.CheckConstraint(
                condition=Q(field_type__in=CHOSEN, dropdown_options__isnull=False)
                | (~Q(field_type__in=CHOSEN) & Q(dropdown_options__isnull=True)),
                name="field_definition_options",
                violation_error_message=_("A dropdown or multi_select needs options, and no other field has any."),
            )
        ]


class Program(Catalog):
    """A care program that patients are enrolled in."""


class Protocol(Catalog):
    """A way of carrying out a program: what is measured, when, and what raises an alert.

    `schedule` is a list of `{"instrument", "every_days", "from_day", "to_day"}` in the order of the
    day, `rules` one of rules; instruments are named by their codes (clinical/monitoring/rules.py).
    """

    program = models.ForeignKey(Program, models.PROTECT, related_name="protocols")
    schedule = ObjectListField(default=list, blank=True)
    rules = ObjectListField(default=list, blank=True)

    catalog_columns = ("program", "schedule", "rules")
    set_once = ("program",)
