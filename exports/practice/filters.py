"""What narrows the events that a caller gets."""

from dataclasses import dataclass

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import QuerySet, Subquery

from accounts.permissions import CAREGIVERS
from accounts.scope import Viewer, visible
from config.rest.compiled.queries import Criterion
from config.rest.filters import ReferenceFilter, StrictFilter, StrictFilterSet
from config.rest.openapi import TEXT
from exports.event_types import event_types
from patients.models import Patient


@dataclass(frozen=True)
class OfVisiblePatients(Criterion):
    """Of the events of an organization those of a caregiver's own patients; all of them for who sees the whole organization."""

    viewer: Viewer

    def apply(self, rows: QuerySet) -> QuerySet:
        if self.viewer.role not in CAREGIVERS:
            return rows
        return rows.filter(patient_id__in=Subquery(Patient._base_manager.filter(visible(self.viewer, Patient)).values("pk")))


class EventTypesField(forms.Field):
    """Types of events, separated by commas."""

    def to_python(self, value: str) -> list[str]:
        types = [word.strip() for word in value.split(",")]
        if unknown := sorted(set(types) - set(event_types())):
            raise ValidationError(f"These are no types of events: {', '.join(unknown)[:200]}", "invalid_choice")
        return types


class EventTypesFilter(StrictFilter):
    """Only events of these types, separated by commas."""

    field_class = EventTypesField
    schema = TEXT

    def __init__(self) -> None:
        super().__init__(field_name="type", lookup_expr="anyof")


class PatientFilter(ReferenceFilter):
    """The patient whom an event is about."""

    def __init__(self) -> None:
        super().__init__(Patient, archived=True, field_name="patient_id")

    @property
    def description(self) -> str:
        return "Only events about this patient, by UUID; archived patients are found, too."


class EventFilterSet(StrictFilterSet):
    """Filters of the event stream."""

    types = EventTypesFilter()
    patient_uuid = PatientFilter()
