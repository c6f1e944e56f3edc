"""Template tags about patients: what people call them."""

from django import template
from django.utils import timezone

from patients import labels
from patients.models import Patient

register = template.Library()


@register.filter
def name_of(patient: Patient) -> str:
    """Return "Abernathy, Hugo"."""
    return labels.name_of(patient)


@register.filter
def full_name_of(patient: Patient) -> str:
    """Return "Hugo Abernathy"."""
    return labels.full_name_of(patient)


@register.filter
def age_of(patient: Patient) -> int | str:
    """Return the age in years today, or at death; empty where the date of birth is unknown."""
    age = labels.age_of(patient, timezone.localdate())
    return "" if age is None else age


@register.filter
def label_of(patient: Patient) -> str:
    """Return "Abernathy, Hugo, 69, RV-00017"."""
    return labels.label_of(patient, timezone.localdate())


@register.filter
def language_of(patient: Patient) -> str:
    """Return what a patient speaks, as the front desk has written it down."""
    return labels.language_of(patient)


@register.filter
def phone_of(patient: Patient) -> str:
    """Return the number to call first."""
    return labels.phone_of(patient)
