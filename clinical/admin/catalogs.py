"""Catalogs of clinical records."""

from django.contrib import admin

from accounts.admin.catalogs import CatalogAdmin, with_name
from clinical.models import (
    AlertDefinition,
    AllergyDefinition,
    CommunicationType,
    DiseaseDefinition,
    Instrument,
    MedicationDefinition,
)


@admin.register(AlertDefinition)
class AlertDefinitionAdmin(CatalogAdmin):
    """Alert definitions."""

    place, icon, hint = 8, "warning", "Kinds of chart alerts"
    list_display = ["name", "category", "default_is_urgent", "default_scope", "item_order"]
    fieldsets = with_name("category", "default_is_urgent", "default_scope", "description", "item_order")


class CodedAdmin(CatalogAdmin):
    """Base of the pages of concepts with a code."""

    list_display = ["name", "concept_code", "concept_system"]
    search_fields = ["name", "concept_code"]
    fieldsets = with_name("concept_system", "concept_code")


@admin.register(AllergyDefinition)
class AllergyDefinitionAdmin(CodedAdmin):
    """Allergy definitions."""

    place, icon, hint = 9, "allergy", "Substances that patients may be allergic to"


@admin.register(MedicationDefinition)
class MedicationDefinitionAdmin(CodedAdmin):
    """Medication definitions."""

    place, icon, hint = 10, "medication", "Medications"


@admin.register(DiseaseDefinition)
class DiseaseDefinitionAdmin(CodedAdmin):
    """Disease definitions."""

    place, icon, hint = 11, "coronavirus", "Diseases and other problems"


@admin.register(Instrument)
class InstrumentAdmin(CodedAdmin):
    """Instruments."""

    place, icon, hint = 12, "monitor_heart", "What is measured, and on which scale"
    list_display = ["name", "code", "kind", "unit", "concept_code"]
    search_fields = ["name", "code", "concept_code"]
    fieldsets = with_name("code", "kind", "unit", "scale_min", "scale_max", "choices", "concept_system", "concept_code")
    constraint_fields = {"instrument_code_unique": ("code", "Another instrument has this code.")}


@admin.register(CommunicationType)
class CommunicationTypeAdmin(CatalogAdmin):
    """Communication types."""

    place, icon, hint = 13, "forum", "What contacts with patients are about"
