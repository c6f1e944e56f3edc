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
from patients.models.enrolments import Enrolment, PatientIdentifier, PatientTag
from patients.models.names import NameKey
from patients.models.patients import (
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

__all__ = [
    "AllergyReviewStatus",
    "BillingType",
    "ContactMethod",
    "Employer",
    "Enrolment",
    "FeeSchedule",
    "FieldDefinition",
    "FieldType",
    "Gender",
    "Language",
    "Location",
    "MaritalStatus",
    "NameKey",
    "Patient",
    "PatientIdentifier",
    "PatientTag",
    "Program",
    "Pronoun",
    "Protocol",
    "Provider",
    "ReferralPartner",
    "ReferralSource",
    "Sex",
    "Status",
    "TagDefinition",
]
