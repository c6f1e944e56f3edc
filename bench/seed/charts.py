"""Invented charts. Most patients have a few entries; one in LONG_EVERY has as many as a patient of Synthea.

Of 27 patients in a sample of Synthea, a patient with any had 35 medications on average, half of them 12 or fewer, and the most
137; 18 conditions, half 15 or fewer, at most 59; and vital signs of 1 to 20 visits. Lengths are drawn from log-normal
distributions with these medians, cut at MOST: long charts have 50 entries on average, and some have 400.
"""

import datetime
import random
from collections.abc import Iterator
from itertools import cycle
from typing import Any, NamedTuple

from django.db import models

from bench.seed.organizations import Clinic
from bench.seed.people import LAST_MOMENT, uuid_at
from clinical.models import Allergy, Disease, Medication, SocialHistory, SocialHistoryCategory, VitalSigns

LONG_EVERY = 20


class Length(NamedTuple):
    """How many entries of a kind a chart has: the median and the spread (sigma) of long ones, the mean of all others."""

    median: float
    sigma: float
    mean: float
    most: int


LENGTHS: dict[type[models.Model], Length] = {
    Medication: Length(14, 1.1, 0.7, 250),
    Disease: Length(14, 0.7, 0.6, 90),
    VitalSigns: Length(6, 0.7, 0.5, 40),
    Allergy: Length(1.5, 0.8, 0.2, 12),
    SocialHistory: Length(2, 0.6, 0.2, 8),
}
_OWN = ("organization_id", "patient_id", "uuid", "created_at", "updated_at")
COLUMNS: dict[type[models.Model], tuple[str, ...]] = {
    Medication: ("medication_definition_id", "status", "dosage", "frequency", "date_start", "date_stop"),
    Disease: ("disease_definition_id", "problem_status", "date_start", "date_stop"),
    VitalSigns: ("date_taken", "bp_systolic", "bp_diastolic", "pulse", "weight_lbs", "height_inches"),
    Allergy: ("allergy_definition_id", "severity", "reaction"),
    SocialHistory: ("category", "value"),
}
COLUMNS = {model: (*_OWN, *columns) for model, columns in COLUMNS.items()}


def has_long_chart(patient: int) -> bool:
    """Tell whether the patient with this id has a chart as long as one of Synthea."""
    return patient % LONG_EVERY == 0


class Charts:
    """Draws the entries of charts."""

    def __init__(self, clinic: Clinic, chance: random.Random):
        self.clinic, self.chance = clinic, chance
        # One entry a category: in turn, they differ on a chart of eight.
        self.categories = cycle(SocialHistoryCategory.values)
        self.values = {
            Medication: self.medication,
            Disease: self.disease,
            VitalSigns: self.vital_signs,
            Allergy: self.allergy,
            SocialHistory: self.social_history,
        }

    def entries(self, model: type[models.Model], patients: list[tuple[int, datetime.datetime]]) -> Iterator[tuple]:
        """Yield the rows of `model`, by COLUMNS, of patients given as (id, moment of creation)."""
        values = self.values[model]
        for patient, known_since in patients:
            for _ in range(self.length(model, patient)):
                at = known_since + (LAST_MOMENT - known_since) * self.chance.random()
                yield (self.clinic.organization, patient, uuid_at(at, self.chance), at, at, *values(at.date()))

    def length(self, model: type[models.Model], patient: int) -> int:
        length = LENGTHS[model]
        if has_long_chart(patient):
            return min(round(length.median * self.chance.lognormvariate(0, length.sigma)), length.most)
        return int(self.chance.expovariate(1 / length.mean))

    def medication(self, day: datetime.date) -> tuple[Any, ...]:
        taken = self.chance.random() < 0.25
        status, stop = ("active", None) if taken else ("completed", day + datetime.timedelta(days=14))
        return self.defined("MedicationDefinition"), status, "1 tablet", "twice a day", day, stop

    def disease(self, day: datetime.date) -> tuple[Any, ...]:
        active = self.chance.random() < 0.4
        return self.defined("DiseaseDefinition"), "active" if active else "resolved", day, None if active else day

    def vital_signs(self, day: datetime.date) -> tuple[Any, ...]:
        gauss = self.chance.gauss
        systolic = round(gauss(126, 12))
        return day, systolic, min(round(gauss(79, 8)), systolic), round(gauss(72, 9)), round(max(gauss(170, 25), 60), 1), 67

    def allergy(self, day: datetime.date) -> tuple[Any, ...]:
        return self.defined("AllergyDefinition"), self.chance.choice(("mild", "moderate", "severe")), "Hives"

    def social_history(self, day: datetime.date) -> tuple[Any, ...]:
        return next(self.categories), "As told at the visit"

    def defined(self, catalog: str) -> int:
        return self.chance.choice(self.clinic.catalogs[catalog])
