"""Catalogs of clinical records in the practice dialect."""

from accounts.practice.catalogs import CatalogViewSet
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
from clinical.services.protocols import create_protocol, update_protocol
from patients.models import Protocol

HALF_A_CODE = (422, "A code needs its terminology, and a terminology a code.", "concept_code")


class AlertDefinitionViewSet(CatalogViewSet):
    """Kinds of chart alerts."""

    model = AlertDefinition


class AllergyDefinitionViewSet(CatalogViewSet):
    """Substances that patients may be allergic to."""

    model = AllergyDefinition
    create_service = staticmethod(create_allergy_definition)
    update_service = staticmethod(update_allergy_definition)
    constraint_errors = {"allergydefinition_code_in_a_system": HALF_A_CODE}


class MedicationDefinitionViewSet(CatalogViewSet):
    """Medications."""

    model = MedicationDefinition
    constraint_errors = {"medicationdefinition_code_in_a_system": HALF_A_CODE}


class DiseaseDefinitionViewSet(CatalogViewSet):
    """Diseases and other problems."""

    model = DiseaseDefinition
    constraint_errors = {"diseasedefinition_code_in_a_system": HALF_A_CODE}


class InstrumentViewSet(CatalogViewSet):
    """What is measured, and on which scale."""

    model = Instrument
    constraint_errors = {
        "instrument_code_in_a_system": HALF_A_CODE,
        "instrument_code_unique": (409, "duplicate instrument code", "code"),
        "instrument_scale_in_order": (422, "A scale ends above its beginning.", "scale_max"),
        "instrument_choices": (422, "An instrument of choices needs some, and no other has any.", "choices"),
    }
    update_service = staticmethod(update_instrument)


class CommunicationTypeViewSet(CatalogViewSet):
    """What contacts with patients are about."""

    model = CommunicationType


class ProtocolViewSet(CatalogViewSet):
    """Ways of carrying out a program: what is measured, when, and what raises an alert. A protocol stays with its program."""

    model = Protocol
    create_service = staticmethod(create_protocol)
    update_service = staticmethod(update_protocol)


class WorkflowViewSet(CatalogViewSet):
    """What a program does on certain days since a patient began it. A workflow stays with its program."""

    model = Workflow
