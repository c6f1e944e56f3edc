"""Catalogs that clinical records point to. A concept may carry its code in a public terminology."""

from django.db import models
from django.db.models import F, Q

from accounts.models.catalogs import Catalog, OrderedCatalog
from clinical.fields import CodeSystem, CodingListField
from config.core.orm import TextListField


class AlertScope(models.TextChoices):
    """Whom an alert is shown for: the patient alone, or everyone with the same guarantor."""

    PATIENT = "patient"
    FAMILY = "family"


class AlertDefinition(OrderedCatalog):
    """A kind of chart alert, with what a new alert of it starts from."""

    category = models.CharField(max_length=255, null=True, blank=True)
    default_is_urgent = models.BooleanField(default=False)
    default_scope = models.CharField(max_length=16, choices=AlertScope.choices, default=AlertScope.PATIENT)

    catalog_columns = ("category", "default_is_urgent", "default_scope", "description", "item_order")


class CodedCatalog(Catalog):
    """Base of catalogs of concepts: each may carry its code in a terminology, both or neither."""

    concept_code = models.CharField(max_length=64, null=True, blank=True)
    concept_system = models.CharField(max_length=16, choices=CodeSystem.choices, null=True, blank=True)

    catalog_columns = ("concept_code", "concept_system")

    class Meta(Catalog.Meta):
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=Q(concept_code=None, concept_system=None) | Q(concept_code__isnull=False, concept_system__isnull=False),
                name="%(class)s_code_in_a_system",
                violation_error_message="A code needs its terminology, and a terminology a code.",
            )
        ]


class Substance(CodedCatalog):
    """Base of the concepts that interactions are found by: their active ingredients, and the classes these belong to."""

    ingredients = CodingListField(default=list, blank=True)
    drug_classes = CodingListField(default=list, blank=True)

    catalog_columns = (*CodedCatalog.catalog_columns, "ingredients", "drug_classes")

    class Meta(CodedCatalog.Meta):
        abstract = True


class AllergyDefinition(Substance):
    """What patients may be allergic to: a substance, or a class of them."""


class MedicationDefinition(Substance):
    """A medication."""


class DiseaseDefinition(CodedCatalog):
    """A disease or other problem."""


class CommunicationType(Catalog):
    """What a contact with a patient was about."""


class InstrumentKind(models.TextChoices):
    """What a measurement gives: a number, or one of the instrument's choices."""

    NUMERIC = "numeric"
    CHOICE = "choice"


class Instrument(CodedCatalog):
    """A kind of measurement: `code` names it in rules and requests, `unit` follows UCUM."""

    code = models.CharField(max_length=64)
    kind = models.CharField(max_length=16, choices=InstrumentKind.choices, default=InstrumentKind.NUMERIC)
    unit = models.CharField(max_length=32, null=True, blank=True)
    scale_min = models.DecimalField(max_digits=12, decimal_places=3, null=True, blank=True)
    scale_max = models.DecimalField(max_digits=12, decimal_places=3, null=True, blank=True)
    choices = TextListField(null=True, blank=True)

    catalog_columns = ("code", "kind", "unit", "scale_min", "scale_max", "choices", *CodedCatalog.catalog_columns)

    class Meta(CodedCatalog.Meta):
        constraints = [
            *CodedCatalog.Meta.constraints,
            models.UniqueConstraint(
                fields=["organization", "code"],
                condition=Q(deleted_at=None),
                name="instrument_code_unique",
                violation_error_message="Another instrument has this code.",
            ),
            models.CheckConstraint(
                condition=Q(scale_min=None) | Q(scale_max=None) | Q(scale_min__lt=F("scale_max")),
                name="instrument_scale_in_order",
                violation_error_message="A scale ends above its beginning.",
            ),
            models.CheckConstraint(
                condition=Q(kind=InstrumentKind.CHOICE, choices__isnull=False)
                | (~Q(kind=InstrumentKind.CHOICE) & Q(choices__isnull=True)),
                name="instrument_choices",
                violation_error_message="An instrument of choices needs some, and no other has any.",
            ),
        ]
