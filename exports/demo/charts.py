"""The charts of the demo's first patients.

The first patient has an allergy that conflicts with some medications of the catalog. All have a blood pressure that fell
over a year.
"""

import datetime
from collections.abc import Mapping
from typing import Any

from accounts.models.catalogs import Catalog
from accounts.scope import Actor, scope
from clinical.models import (
    Alert,
    AlertDefinition,
    AlertScope,
    Allergy,
    AllergyDefinition,
    Disease,
    DiseaseDefinition,
    Medication,
    MedicationDefinition,
    MedicationStatus,
    ProblemStatus,
    SocialHistory,
    SocialHistoryCategory,
    VitalSigns,
)
from clinical.services.alerts import create_alert
from clinical.services.allergies import create_allergy
from clinical.services.medications import create_medication
from clinical.services.social_history import create_social_history
from clinical.services.vital_signs import record_vital_signs
from config.core.orm import word_for
from patients.models import ChartEntry, Patient
from patients.services.charts import create_entry

# Allergies by the name of their definition.
ALLERGIES: dict[str, dict[str, Any]] = {
    "Penicillins": {
        "reaction": "Hives and swollen lips",
        "severity": "severe",
        "date_adverse_reaction": datetime.date(2019, 3, 14),
    },
    "Latex": {"reaction": "Itching", "severity": "mild"},
}

# Medications by the name of their definition.
MEDICATIONS: dict[str, dict[str, Any]] = {
    "lisinopril 10 MG Oral Tablet": {"dosage": "1 tablet", "frequency": "daily", "date_start": datetime.date(2021, 5, 3)},
    "Ibuprofen 200 MG Oral Tablet": {"dosage": "1 or 2 tablets", "frequency": "as needed, at most 6 a day"},
    "Amoxicillin 500 MG Oral Tablet": {
        "date_start": datetime.date(2019, 3, 12),
        "date_stop": datetime.date(2019, 3, 14),
        "status": MedicationStatus.DISCONTINUED,
        "discontinuation_reason": "Hives and swollen lips",
    },
}

# Medications and problems of the patient with heart failure.
HEART_MEDICATIONS: dict[str, dict[str, Any]] = {
    "Warfarin 5 mg tablet": {"dosage": "1 tablet", "frequency": "at night", "date_start": datetime.date(2022, 3, 3)},
    "lisinopril 10 MG Oral Tablet": {"dosage": "2 tablets", "frequency": "daily", "date_start": datetime.date(2021, 5, 18)},
    "Atorvastatin 80 MG Oral Tablet": {"dosage": "1 tablet", "frequency": "at night", "date_start": datetime.date(2014, 10, 2)},
    "Metformin 500 mg tablet": {
        "dosage": "2 tablets",
        "frequency": "twice a day, with food",
        "date_start": datetime.date(2019, 8, 9),
    },
    "Naproxen sodium 220 MG Oral Tablet": {
        "date_start": datetime.date(2020, 1, 6),
        "date_stop": datetime.date(2022, 3, 3),
        "status": MedicationStatus.DISCONTINUED,
        "discontinuation_reason": "Warfarin was begun",
    },
}
HEART_PROBLEMS: dict[str, dict[str, Any]] = {
    "Coronary Heart Disease": {"date_start": datetime.date(2021, 5, 18)},
    "Hypertension": {"date_start": datetime.date(2011, 8, 9)},
    "Hyperlipidemia": {"date_start": datetime.date(2014, 10, 2)},
}

# Problems by the name of their definition.
PROBLEMS: dict[str, dict[str, Any]] = {
    "Hypertension": {"date_start": datetime.date(2021, 5, 3)},
    "Prediabetes": {
        "date_start": datetime.date(2020, 9, 14),
        "date_stop": datetime.date(2023, 2, 6),
        "problem_status": ProblemStatus.RESOLVED,
    },
}

# Alerts by the name of their definition.
ALERTS: dict[str, dict[str, Any]] = {
    "Falls risk": {"note": "Walk along to the scales."},
    "Custody arrangement": {"alert_scope": AlertScope.FAMILY, "note": "Both parents are told of appointments."},
}

SOCIAL_HISTORY = {
    SocialHistoryCategory.TOBACCO: "Stopped in 2015",
    SocialHistoryCategory.EXERCISE: "Walks half an hour a day",
    SocialHistoryCategory.OCCUPATION: "Works in shifts",
}

# No patient of the demo dies before 2024.
# Months of 2023, with systolic and diastolic pressure in mmHg, pulse a minute, and weight in pounds.
TREND = ((1, 158, 97, 84, 196), (3, 151, 94, 82, 194), (5, 146, 91, 80, 191), (8, 138, 87, 76, 187), (11, 128, 79, 72, 184))


def seed_chart(actor: Actor, patient: Patient, medications: Mapping[str, dict[str, Any]] = MEDICATIONS) -> None:
    """Record the allergies and `medications` that the chart of `patient` has never had.

    Skips an archived patient, and archived rows of the catalog.
    """
    if patient.deleted_at:
        return
    for name, values in ALLERGIES.items():
        if definition := _missing(actor, Allergy, AllergyDefinition, patient, name):
            create_allergy(actor=actor, patient_id=patient.pk, allergy_definition_id=definition, **values)
    for name, values in medications.items():
        if definition := _missing(actor, Medication, MedicationDefinition, patient, name):
            create_medication(actor=actor, patient_id=patient.pk, medication_definition_id=definition, **values)


def seed_history(actor: Actor, patient: Patient) -> None:
    """Record the problems, alerts, vital signs and social history that the chart of `patient` has never had."""
    if patient.deleted_at:
        return
    seed_problems(actor, patient, PROBLEMS)
    for name, values in ALERTS.items():
        if definition := _missing(actor, Alert, AlertDefinition, patient, name):
            create_alert(actor=actor, patient_id=patient.pk, alert_definition_id=definition, **values)
    for category, value in SOCIAL_HISTORY.items():
        if not _recorded(actor, SocialHistory, patient, category=category):
            create_social_history(actor=actor, patient_id=patient.pk, category=category, value=value)
    for month, systolic, diastolic, pulse, weight in TREND:
        taken = datetime.date(2023, month, 6)
        if not _recorded(actor, VitalSigns, patient, date_taken=taken):
            record_vital_signs(
                actor=actor,
                patient_id=patient.pk,
                date_taken=taken,
                bp_systolic=systolic,
                bp_diastolic=diastolic,
                pulse=pulse,
                height_inches=67,
                weight_lbs=weight,
            )


def seed_problems(actor: Actor, patient: Patient, problems: Mapping[str, dict[str, Any]]) -> None:
    """Record the `problems` that the chart of `patient` has never had."""
    for name, values in problems.items():
        if definition := _missing(actor, Disease, DiseaseDefinition, patient, name):
            create_entry(actor=actor, model=Disease, patient_id=patient.pk, disease_definition_id=definition, **values)


def _missing(actor: Actor, model: type[ChartEntry], catalog: type[Catalog], patient: Patient, name: str) -> int | None:
    """Return the id of the definition called `name` if the chart has no entry of it."""
    rows = catalog.objects.filter(organization_id=patient.organization_id, name=name, deleted_at=None)
    definition = scope(actor, rows).order_by("id").values_list("pk", flat=True).first()
    recorded = _recorded(actor, model, patient, **{f"{word_for(catalog)}_id": definition})
    return None if definition is None or recorded else definition


def _recorded(actor: Actor, model: type[ChartEntry], patient: Patient, **values: Any) -> bool:
    """Tell whether the chart has an entry with `values`, even an archived one."""
    return scope(actor, model._base_manager.filter(patient=patient, **values)).exists()
