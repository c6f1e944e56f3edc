"""Catalogs of clinical records."""

from typing import Any, ClassVar

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts.admin.catalogs import CatalogAdmin
from accounts.admin.filters import ArchivedFilter, ScopedRelatedFilter
from accounts.admin.forms import VersionedForm
from clinical.admin.forms import codings_field, days_field
from clinical.models import (
    AlertDefinition,
    AllergyDefinition,
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

    place, icon, hint = 8, "warning", _("Kinds of chart alerts")
    list_display = ["name", "category", "default_is_urgent", "default_scope", "item_order"]


class CodedAdmin(CatalogAdmin):
    """Base of the pages of concepts with a code."""

    list_display = ["name", "concept_code", "concept_system"]
    search_fields = ["name_key__contains_folded", "concept_code"]


class SubstanceForm(VersionedForm):
    """A substance, with its ingredients and drug classes as rows."""

    ingredients = codings_field(_("Ingredients"), _("ingredient"))
    drug_classes = codings_field(_("Drug classes"), _("drug class"))


class SubstanceAdmin(CodedAdmin):
    """Base of the pages of concepts with interactions."""

    form = SubstanceForm

    class Media:
        css: ClassVar[dict[str, list[str]]] = {"all": ["clinic/rows.css"]}
        js: ClassVar[list[str]] = ["clinic/rows.js"]


@admin.register(AllergyDefinition)
class AllergyDefinitionAdmin(SubstanceAdmin):
    """Allergy definitions."""

    place, icon, hint = 9, "allergy", _("Substances that patients may be allergic to")
    list_display = ["name", "category", "concept_code", "concept_system"]
    create_service = staticmethod(create_allergy_definition)
    update_service = staticmethod(update_allergy_definition)


@admin.register(MedicationDefinition)
class MedicationDefinitionAdmin(SubstanceAdmin):
    """Medication definitions."""

    place, icon, hint = 10, "medication", _("Medications")


@admin.register(DiseaseDefinition)
class DiseaseDefinitionAdmin(CodedAdmin):
    """Disease definitions."""

    place, icon, hint = 11, "coronavirus", _("Diseases and other problems")


class InstrumentForm(VersionedForm):
    """An instrument, the ends of whose scale are written as numbers are in the person's language."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        for name in self.fields.keys() & {"scale_min", "scale_max"}:
            # An input for numbers would follow the language of the browser, which may drop a comma.
            widget = UnfoldAdminTextInputWidget({"inputmode": "decimal", "autocomplete": "off"})
            self.fields[name].localize = widget.is_localized = True
            self.fields[name].widget = widget


@admin.register(Instrument)
class InstrumentAdmin(CodedAdmin):
    """Instruments."""

    form = InstrumentForm

    place, icon, hint = 12, "monitor_heart", _("What is measured, and on which scale")
    list_display = ["name", "code", "kind", "unit", "concept_code"]
    search_fields = ["name_key__contains_folded", "code", "concept_code"]
    constraint_fields = {"instrument_code_unique": ("code", _("Another instrument has this code."))}
    update_service = staticmethod(update_instrument)


@admin.register(CommunicationType)
class CommunicationTypeAdmin(CatalogAdmin):
    """Communication types."""

    place, icon, hint = 13, "forum", _("What contacts with patients are about")


class OfProgramAdmin(CatalogAdmin):
    """Base of the pages of catalogs that belong to a program."""

    list_display = ["name", "program"]
    list_select_related = ["program"]
    list_filter = [("program", ScopedRelatedFilter), ArchivedFilter]


class WorkflowForm(VersionedForm):
    """A workflow, with its days as rows."""

    days = days_field()


@admin.register(Workflow)
class WorkflowAdmin(OfProgramAdmin):
    """Workflows."""

    form = WorkflowForm

    class Media:
        css: ClassVar[dict[str, list[str]]] = {"all": ["clinic/rows.css"]}
        js: ClassVar[list[str]] = ["clinic/rows.js"]

    place, icon, hint = 14, "event_repeat", _("What a program does on certain days since a patient began it")
