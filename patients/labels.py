"""What people call a patient on pages. Logs have ids only, as `str(patient)` does."""

import datetime

from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from patients.ages import age_in_years, died_at
from patients.models import Patient

# How a language is written in a record: the column is free text.
LANGUAGES = (
    gettext_noop("English"),
    gettext_noop("Dutch"),
    gettext_noop("French"),
    gettext_noop("German"),
    gettext_noop("Spanish"),
    gettext_noop("Portuguese"),
    gettext_noop("Arabic"),
    gettext_noop("Turkish"),
    gettext_noop("Polish"),
    gettext_noop("Ukrainian"),
)


def name_of(patient: Patient) -> str:
    """Return the name as lists sort it: "Abernathy, Hugo"."""
    return f"{patient.last_name}, {patient.first_name}"


def full_name_of(patient: Patient) -> str:
    """Return the name as it is spoken: "Hugo Abernathy"."""
    return f"{patient.first_name} {patient.last_name}"


def age_of(patient: Patient, today: datetime.date) -> int | None:
    """Return the age in years on `today`, or at death; None where the date of birth is unknown."""
    died = died_at(patient.status, patient.date_time_deceased, patient.stopped_at)
    return age_in_years(patient.date_of_birth, died, today, timezone.get_current_timezone())


def label_of(patient: Patient, today: datetime.date) -> str:
    """Return name, age and chart number, those that are known: "Abernathy, Hugo, 69, RV-00017"."""
    age = age_of(patient, today)
    known = [name_of(patient), None if age is None else str(age), patient.chart_number]
    return ", ".join(text for text in known if text)


def phone_of(patient: Patient) -> str:
    """Return the number to call first: mobile, home or work; empty where there is none."""
    return patient.mobile_phone or patient.home_phone or patient.work_phone or ""


def language_of(patient: Patient) -> str:
    """Return what a patient speaks, in the current language where it is one of LANGUAGES; empty where nobody has asked."""
    written = patient.preferred_language or ""
    return gettext(written) if written in LANGUAGES else written
