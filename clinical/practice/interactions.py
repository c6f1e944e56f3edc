"""What allergies and medications have in common in the practice dialect: warnings about a new one."""

from functools import partial
from typing import Any, ClassVar

from rest_framework.serializers import Serializer

from clinical.interactions import Basis, Kind, Severity
from clinical.models import Allergy, Medication
from clinical.services.interactions import find_interactions
from config.rest.compiled.plans import Constant
from config.rest.openapi import TEXT, UUID, array, enum, nullable, object_schema
from config.rest.views import Written
from patients.practice.charts import ChartRecordViewSet
from patients.services.charts import create_entry

_REFERENCE = nullable(object_schema({"uuid": UUID, "name": TEXT}))
WARNING = object_schema(
    {
        "kind": enum([word.value for word in Kind]),
        "basis": enum([word.value for word in Basis]),
        "severity": enum([word.value for word in Severity]),
        "message": TEXT,
        "codings": array(object_schema({"system": TEXT, "code": TEXT, "display": TEXT})),
        "allergy": _REFERENCE,
        "medication": _REFERENCE,
    }
)


def interaction_warnings() -> Constant:
    """Return the field of the warnings about an entry: an empty list in every response but that of the create."""
    return Constant([], schema=array(WARNING))


class InteractingViewSet(ChartRecordViewSet):
    """Entries of which a new one is checked against the chart. A warning never stops the write."""

    model: ClassVar[type[Allergy] | type[Medication]]

    def perform_create(self, serializer: Serializer) -> Written:
        """Add the entry; the response also tells what speaks against it."""
        create = self.create_service or partial(create_entry, model=self.model)
        entry: Any = create(actor=self.actor, patient_id=self.patient_id, **serializer.validated_data)
        return Written(entry.pk, {"interaction_warnings": [warning.as_json() for warning in find_interactions(entry)]})
