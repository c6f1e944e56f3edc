"""Catalogs of clinical records."""

from django.contrib import admin
from django.http import HttpRequest

from accounts.admin.catalogs import CatalogAdmin
from accounts.admin.filters import ArchivedFilter, ScopedRelatedFilter
from clinical.admin.forms import CodingLinesField
from clinical.models import (
    AlertDefinition,
    AllergyDefinition,
    CodeSystem,
    CodingListField,
    CommunicationType,
    DiseaseDefinition,
    Instrument,
    MedicationDefinition,
    Workflow,
)
from clinical.services.allergy_definitions import create_allergy_definition, update_allergy_definition
from clinical.services.instruments import update_instrument


@admin.register(AlertDefinition)
class AlertDefinitionAdmin(CatalogAdmin):
    """Alert definitions."""

    place, icon, hint = 8, "warning", "Kinds of chart alerts"
    list_display = ["name", "category", "default_is_urgent", "default_scope", "item_order"]


class CodedAdmin(CatalogAdmin):
    """Base of the pages of concepts with a code."""

    list_display = ["name", "concept_code", "concept_system"]
    search_fields = ["name_key__contains_folded", "concept_code"]


class SubstanceAdmin(CodedAdmin):
    """Base of the pages of concepts with interactions."""

    def formfield_for_dbfield(self, db_field, request: HttpRequest, **kwargs):
        if isinstance(db_field, CodingListField):
            systems = ", ".join(CodeSystem.values)
            help_text = f"One a line: system code name, such as: local penicillins Penicillins. Systems: {systems}."
            return CodingLinesField(required=False, help_text=help_text)
        return super().formfield_for_dbfield(db_field, request, **kwargs)


@admin.register(AllergyDefinition)
class AllergyDefinitionAdmin(SubstanceAdmin):
    """Allergy definitions."""

    place, icon, hint = 9, "allergy", "Substances that patients may be allergic to"
    list_display = ["name", "category", "concept_code", "concept_system"]
    create_service = staticmethod(create_allergy_definition)
    update_service = staticmethod(update_allergy_definition)


@admin.register(MedicationDefinition)
class MedicationDefinitionAdmin(SubstanceAdmin):
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
    search_fields = ["name_key__contains_folded", "code", "concept_code"]
    constraint_fields = {"instrument_code_unique": ("code", "Another instrument has this code.")}
    update_service = staticmethod(update_instrument)


@admin.register(CommunicationType)
class CommunicationTypeAdmin(CatalogAdmin):
    """Communication types."""

    place, icon, hint = 13, "forum", "What contacts with patients are about"


class OfProgramAdmin(CatalogAdmin):
    """Base of the pages of catalogs that belong to a program."""

    list_display = ["name", "program"]
    list_select_related = ["program"]
    list_filter = [("program", ScopedRelatedFilter), ArchivedFilter]


@admin.register(Workflow)
class WorkflowAdmin(OfProgramAdmin):
    """Workflows."""

    place, icon, hint = 14, "event_repeat", "What a program does on certain days since a patient began it"
