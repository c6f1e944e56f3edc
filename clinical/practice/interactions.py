"""What allergies and medications have in common in the practice dialect: warnings about what is written."""

from typing import ClassVar

from rest_framework.serializers import Serializer

from clinical.interactions import Basis, Kind, Severity
from clinical.models import Allergy, Medication
from clinical.services.interactions import check_interactions
from config.rest.compiled.plans import Constant
from config.rest.openapi import TEXT, array, enum, named, nullable, object_schema
from config.rest.practice import REFERENCE
from config.rest.views import Written
from patients.practice.charts import ChartRecordViewSet

CODING = named("WarningCoding", object_schema({"system": TEXT, "code": TEXT, "display": TEXT}))
WARNING = named(
    "InteractionWarning",
    object_schema(
        {
            "kind": enum([word.value for word in Kind]),
            "basis": enum([word.value for word in Basis]),
            "severity": enum([word.value for word in Severity]),
            "message": TEXT,
            "codings": array(CODING),
            "allergy": nullable(REFERENCE),
            "medication": nullable(REFERENCE),
        }
    ),
)


CHECKED, NOT_CHECKED = "checked", "not_checked"
CHECK = nullable(object_schema({"status": enum([CHECKED, NOT_CHECKED]), "reason": nullable(TEXT)}))


def interaction_warnings() -> Constant:
    """Return the field of the warnings about an entry: an empty list in every response but those of create and change."""
    return Constant([], schema=array(WARNING))


def interaction_check() -> Constant:
    """Return the field that tells whether warnings were looked for: null in every response but those of create and change."""
    return Constant(None, schema=CHECK)


class InteractingViewSet(ChartRecordViewSet):
    """Entries that are checked against the chart when they are written. A warning never stops the write."""

    model: ClassVar[type[Allergy] | type[Medication]]

    def perform_create(self, serializer: Serializer) -> Written:
        return self._checked(super().perform_create(serializer))

    def perform_update(self, serializer: Serializer) -> Written:
        return self._checked(super().perform_update(serializer))

    def _checked(self, pk: int) -> Written:
        """Return what the response says of a written entry: what speaks against it, and whether all of it was compared."""
        check = check_interactions(self.model._base_manager.get(pk=pk))
        told = {"status": NOT_CHECKED if check.unknown else CHECKED, "reason": check.unknown or None}
        warnings = [warning.as_json() for warning in check.warnings]
        return Written(pk, {"interaction_warnings": warnings, "interaction_check": told})
