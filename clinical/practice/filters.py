"""Query parameters of clinical lists."""

from collections.abc import Mapping
from typing import Any

from config.rest.compiled.plans import Criterion
from config.rest.filters import Parameters, ReferenceParameter
from patients.models import Patient

CURRENT = Criterion("current", lambda rows: rows.filter(deleted_at=None, patient__deleted_at=None))


class PracticeAppointmentFilters(Parameters):
    """Filters of the list of appointments. Those of archived patients are left out."""

    patient_uuid = ReferenceParameter(Patient, field_name="patient_id")

    @classmethod
    def unless(cls, given: Mapping[str, Any]) -> list[Criterion]:
        return [CURRENT]
