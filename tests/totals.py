"""Totals beside what they stand for."""

from collections import Counter

from patients.models import Patient, PatientTotal

KEY = ("organization_id", "care_group_id", "location_id", "status")


def kept() -> Counter:
    """Return the totals of patients by key, as they add up; keys without patients are left out."""
    summed: Counter = Counter()
    for *key, number in PatientTotal.objects.values_list(*KEY, "number"):
        summed[tuple(key)] += number
    return Counter({key: number for key, number in summed.items() if number})


def counted() -> Counter:
    """Return the numbers of patients by key."""
    return Counter(Patient.objects.order_by().values_list(*KEY))
