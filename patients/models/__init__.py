"""The patient, what identifies and enrols them, and the catalogs their record refers to."""

from patients.models.catalogs import (
    BillingType,
    Employer,
    FeeSchedule,
    Location,
    Program,
    Protocol,
    Provider,
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
    "Sex",
    "Status",
    "TagDefinition",
]
