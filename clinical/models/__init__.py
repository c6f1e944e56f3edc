"""What clinical records refer to, and appointments."""

from clinical.models.appointments import Appointment, AppointmentStatus
from clinical.models.catalogs import (
    AlertDefinition,
    AlertScope,
    AllergyDefinition,
    CodeSystem,
    CommunicationType,
    DiseaseDefinition,
    Instrument,
    InstrumentKind,
    MedicationDefinition,
)

__all__ = [
    "AlertDefinition",
    "AlertScope",
    "AllergyDefinition",
    "Appointment",
    "AppointmentStatus",
    "CodeSystem",
    "CommunicationType",
    "DiseaseDefinition",
    "Instrument",
    "InstrumentKind",
    "MedicationDefinition",
]
