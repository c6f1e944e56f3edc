"""Query parameters of clinical lists."""

from django.db.models import Q

from config.rest.compiled.queries import NOT_ARCHIVED, Query, Where
from config.rest.filters import ReferenceFilter, UpdatedSinceFilterSet
from patients.models import Patient

OF_CURRENT_PATIENTS = Where(Q(patient__deleted_at=None))


class PracticeAppointmentFilterSet(UpdatedSinceFilterSet):
    """Filters of the list of appointments. Those of archived patients are left out."""

    patient_uuid = ReferenceFilter(Patient, field_name="patient_id")

    def filter_queryset(self, queryset: Query) -> Query:
        return super().filter_queryset(queryset).filter(NOT_ARCHIVED, OF_CURRENT_PATIENTS)
