"""Catalogs of clinical records in the practice dialect."""

from accounts.practice.catalogs import CatalogViewSet
from clinical.models import (
    AlertDefinition,
    AllergyDefinition,
    CommunicationType,
    DiseaseDefinition,
    Instrument,
    MedicationDefinition,
)

CONCEPT = ("concept_code", "concept_system")
HALF_A_CODE = (422, "A code needs its terminology, and a terminology a code.", "concept_code")


class AlertDefinitionViewSet(CatalogViewSet):
    """Kinds of chart alerts."""

    model = AlertDefinition
    columns = ("category", "default_is_urgent", "default_scope", "description", "item_order")


class AllergyDefinitionViewSet(CatalogViewSet):
    """Substances that patients may be allergic to."""

    model = AllergyDefinition
    columns = CONCEPT
    constraint_wording = {"allergydefinition_code_in_a_system": HALF_A_CODE}


class MedicationDefinitionViewSet(CatalogViewSet):
    """Medications."""

    model = MedicationDefinition
    columns = CONCEPT
    constraint_wording = {"medicationdefinition_code_in_a_system": HALF_A_CODE}


class DiseaseDefinitionViewSet(CatalogViewSet):
    """Diseases and other problems."""

    model = DiseaseDefinition
    columns = CONCEPT
    constraint_wording = {"diseasedefinition_code_in_a_system": HALF_A_CODE}


class InstrumentViewSet(CatalogViewSet):
    """What is measured, and on which scale."""

    model = Instrument
    columns = ("code", "kind", "unit", "scale_min", "scale_max", "choices", *CONCEPT)
    constraint_wording = {
        "instrument_code_in_a_system": HALF_A_CODE,
        "instrument_code_unique": (409, "duplicate instrument code", "code"),
        "instrument_scale_in_order": (422, "A scale ends above its beginning.", "scale_max"),
        "instrument_choices": (422, "An instrument of choices needs some, and no other has any.", "choices"),
    }


class CommunicationTypeViewSet(CatalogViewSet):
    """What contacts with patients are about."""

    model = CommunicationType
