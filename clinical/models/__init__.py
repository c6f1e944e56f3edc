"""What clinical records refer to, the records themselves, and appointments."""

from clinical.fields import CodeSystem, CodingListField
from clinical.models.alerts import Alert, AlertStatus
from clinical.models.allergies import Allergy
from clinical.models.appointments import Appointment, AppointmentStatus
from clinical.models.catalogs import (
    AlertDefinition,
    AlertScope,
    AllergyCategory,
    AllergyDefinition,
    CommunicationType,
    DiseaseDefinition,
    Instrument,
    InstrumentKind,
    MedicationDefinition,
)
from clinical.models.communications import (
    CommunicationDirection,
    CommunicationLog,
    CommunicationMode,
    CommunicationSource,
)
from clinical.models.diseases import Disease, FunctionStatus, ProblemStatus
from clinical.models.measurements import (
    Measurement,
)
from clinical.models.medications import Medication, MedicationStatus
from clinical.models.monitoring import (
    Flag,
    MonitoringAlert,
    MonitoringAlertStatus,
    PlannedAction,
    PlannedVia,
    ProcessedType,
    RuleKind,
    RuleOverride,
    StarRating,
    Workflow,
    WorkflowFiring,
)
from clinical.models.social_history import SocialHistory, SocialHistoryCategory
from clinical.models.vital_signs import VitalSigns

__all__ = [
    "Alert",
    "AlertDefinition",
    "AlertScope",
    "AlertStatus",
    "Allergy",
    "AllergyCategory",
    "AllergyDefinition",
    "Appointment",
    "AppointmentStatus",
    "CodeSystem",
    "CodingListField",
    "CommunicationDirection",
    "CommunicationLog",
    "CommunicationMode",
    "CommunicationSource",
    "CommunicationType",
    "Disease",
    "DiseaseDefinition",
    "Flag",
    "FunctionStatus",
    "Instrument",
    "InstrumentKind",
    "Measurement",
    "Medication",
    "MedicationDefinition",
    "MedicationStatus",
    "MonitoringAlert",
    "MonitoringAlertStatus",
    "PlannedAction",
    "PlannedVia",
    "ProblemStatus",
    "ProcessedType",
    "RuleKind",
    "RuleOverride",
    "SocialHistory",
    "SocialHistoryCategory",
    "StarRating",
    "VitalSigns",
    "Workflow",
    "WorkflowFiring",
]
