"""The patient, what identifies and enrols them, and the catalogs their record refers to."""

from patients.models.catalogs import (
    BillingType,
    Employer,
    FeeSchedule,
    FieldDefinition,
    FieldType,
    Location,
    Program,
    Protocol,
    Provider,
    ReferralPartner,
    ReferralSource,
    TagDefinition,
)
from patients.models.charts import ChartEntry, ChartRecord
from patients.models.enrolments import Enrolment, PatientIdentifier, PatientTag
from patients.models.field_values import FieldValue
from patients.models.histories import (
    History,
    MutationType,
    PatientMutation,
    SettingChange,
    SettingKey,
)
from patients.models.names import NameKey
from patients.models.patients import (
    BALANCES,
    STAFF_FIELDS,
    AllergyReviewStatus,
    ContactMethod,
    Gender,
    Language,
    MaritalStatus,
    Patient,
    Pronoun,
    Sex,
    Status,
)
from patients.models.referrals import AttributionRole, ReferralAttribution
from patients.models.relationships import Relationship, RelationshipType

__all__ = [
    "BALANCES",
    "STAFF_FIELDS",
    "AllergyReviewStatus",
    "AttributionRole",
    "BillingType",
    "ChartEntry",
    "ChartRecord",
    "ContactMethod",
    "Employer",
    "Enrolment",
    "FeeSchedule",
    "FieldDefinition",
    "FieldType",
    "FieldValue",
    "Gender",
    "History",
    "Language",
    "Location",
    "MaritalStatus",
    "MutationType",
    "NameKey",
    "Patient",
    "PatientIdentifier",
    "PatientMutation",
    "PatientTag",
    "Program",
    "Pronoun",
    "Protocol",
    "Provider",
    "ReferralAttribution",
    "ReferralPartner",
    "ReferralSource",
    "Relationship",
    "RelationshipType",
    "SettingChange",
    "SettingKey",
    "Sex",
    "Status",
    "TagDefinition",
]
