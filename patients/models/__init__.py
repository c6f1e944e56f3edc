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
from patients.models.charts import BY_CHANGE, ChartEntry, ChartRecord
from patients.models.duplicates import DuplicatePair, DuplicateSearch
from patients.models.enrolments import Enrolment, PatientIdentifier, PatientTag
from patients.models.field_values import FieldValue
from patients.models.group_moves import GroupMove
from patients.models.histories import (
    History,
    MutationType,
    PatientMutation,
    SettingChange,
    SettingKey,
)
from patients.models.imports import UNWRITTEN, ImportCreation, ImportState, PatientImport
from patients.models.merges import MergedRow, PatientMerge
from patients.models.names import NameKey
from patients.models.overridden import OverriddenWarning
from patients.models.patients import (
    BALANCES,
    FOLLOWED,
    STAFF_FIELDS,
    AllergyReviewStatus,
    ContactMethod,
    Gender,
    MaritalStatus,
    Patient,
    Pronoun,
    Sex,
    Status,
)
from patients.models.referrals import AttributionRole, ReferralAttribution
from patients.models.relationships import Relationship, RelationshipType
from patients.models.search_entries import SearchEntry
from patients.models.totals import PatientTotal

__all__ = [
    "BALANCES",
    "BY_CHANGE",
    "FOLLOWED",
    "STAFF_FIELDS",
    "UNWRITTEN",
    "AllergyReviewStatus",
    "AttributionRole",
    "BillingType",
    "ChartEntry",
    "ChartRecord",
    "ContactMethod",
    "DuplicatePair",
    "DuplicateSearch",
    "Employer",
    "Enrolment",
    "FeeSchedule",
    "FieldDefinition",
    "FieldType",
    "FieldValue",
    "Gender",
    "GroupMove",
    "History",
    "ImportCreation",
    "ImportState",
    "Location",
    "MaritalStatus",
    "MergedRow",
    "MutationType",
    "NameKey",
    "OverriddenWarning",
    "Patient",
    "PatientIdentifier",
    "PatientImport",
    "PatientMerge",
    "PatientMutation",
    "PatientTag",
    "PatientTotal",
    "Program",
    "Pronoun",
    "Protocol",
    "Provider",
    "ReferralAttribution",
    "ReferralPartner",
    "ReferralSource",
    "Relationship",
    "RelationshipType",
    "SearchEntry",
    "SettingChange",
    "SettingKey",
    "Sex",
    "Status",
    "TagDefinition",
]
