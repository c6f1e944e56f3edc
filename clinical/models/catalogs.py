"""Catalogs that clinical records point to. A concept may carry its code in a public terminology."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models.catalogs import Catalog, OrderedCatalog
from clinical.fields import CodeSystem, CodingListField
from config.core.orm import TextListField


class AlertScope(models.TextChoices):
    """Whether an alert is shown for the patient alone, or for everyone with the same guarantor."""

    PATIENT = "patient", _("Patient")
    FAMILY = "family", _("Family")


class AlertDefinition(OrderedCatalog):
    """A kind of chart alert, with the defaults of new alerts."""

    category = models.CharField(max_length=255, null=True, blank=True)
    default_is_urgent = models.BooleanField(default=False)
    default_scope = models.CharField(max_length=16, choices=AlertScope.choices, default=AlertScope.PATIENT)

    catalog_columns = ("category", "default_is_urgent", "default_scope", "description", "item_order")


class CodedCatalog(Catalog):
    """Base of catalogs of concepts, each with an optional code in a terminology."""

    concept_code = models.CharField(max_length=64, null=True, blank=True)
    concept_system = models.CharField(max_length=16, choices=CodeSystem.choices, null=True, blank=True)

    catalog_columns: ClassVar[tuple[str, ...]] = ("concept_code", "concept_system")

    class Meta(Catalog.Meta):
        abstract = True
        constraints = [
            models.CheckConstraint(
                condition=Q(concept_code=None, concept_system=None) | Q(concept_code__isnull=False, concept_system__isnull=False),
                name="%(class)s_code_in_a_system",
                violation_error_message=_("A code needs its terminology, and a terminology a code."),
            )
        ]


class Substance(CodedCatalog):
    """Base of the concepts with interactions: their active ingredients, and the drug classes of these."""

    ingredients = CodingListField(default=list, blank=True)
    drug_classes = CodingListField(default=list, blank=True)

    catalog_columns = (*CodedCatalog.catalog_columns, "ingredients", "drug_classes")

    class Meta(CodedCatalog.Meta):
        abstract = True


class AllergyCategory(models.TextChoices):
    """What an allergy is to, in the words of FHIR's AllergyIntolerance.category."""

    MEDICATION = "medication", _("Medication")
    BIOLOGIC = "biologic", _("Biologic")
    FOOD = "food", _("Food")
    ENVIRONMENT = "environment", _("Environment")


# An allergy to what nobody has put into a category counts as one to a drug.
NO_DRUGS = frozenset({AllergyCategory.FOOD, AllergyCategory.ENVIRONMENT})


class AllergyDefinition(Substance):
    """A substance, or class of substances, that patients may be allergic to."""

    category = models.CharField(max_length=16, choices=AllergyCategory.choices, null=True, blank=True)

    catalog_columns = (*Substance.catalog_columns, "category")


class MedicationDefinition(Substance):
    """A medication."""


class DiseaseDefinition(CodedCatalog):
    """A disease or other problem."""


class CommunicationType(Catalog):
    """The topic of a contact with a patient."""


class InstrumentKind(models.TextChoices):
    """The kind of an instrument's values: numbers, or one of its choices."""

    NUMERIC = "numeric", _("Numeric")
    CHOICE = "choice", _("Choice")


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
                violation_error_message=_("Another instrument has this code."),
            ),
            models.CheckConstraint(
                condition=Q(scale_min=None) | Q(scale_max=None) | Q(scale_min__lt=F("scale_max")),
                name="instrument_scale_in_order",
                violation_error_message=_("A scale ends above its beginning."),
            ),
            models.CheckConstraint(
                condition=Q(kind=InstrumentKind.CHOICE, choices__isnull=False)
                | (~Q(kind=InstrumentKind.CHOICE) & Q(choices__isnull=True)),
                name="instrument_choices",
                violation_error_message=_("An instrument of choices needs some, and no other has any."),
            ),
        ]
