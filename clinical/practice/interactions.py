"""What allergies and medications have in common in the practice dialect: warnings about a new one."""

from typing import Any, ClassVar

from django.db.models import BigIntegerField

from accounts.scope import Actor
from clinical.interactions import Basis, InteractionWarning, Kind, Severity
from clinical.models import Allergy, Medication
from clinical.services.interactions import find_interactions
from config.core.orm import verbose_name
from config.rest.compiled.plans import Computed
from config.rest.responses import Answer
from config.rest.views import equal_to
from patients.practice.charts import ChartRecordViewSet


def _words(values: type[Kind] | type[Basis] | type[Severity]) -> dict[str, Any]:
    return {"type": "string", "enum": [word.value for word in values]}


def _object(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties), **more}


_TEXT = {"type": "string"}
_REFERENCE = _object({"uuid": {"type": "string", "format": "uuid"}, "name": _TEXT}, nullable=True)
WARNING = _object(
    {
        "kind": _words(Kind),
        "basis": _words(Basis),
        "severity": _words(Severity),
        "message": _TEXT,
        "codings": {"type": "array", "items": _object({"system": _TEXT, "code": _TEXT, "display": _TEXT})},
        "allergy": _REFERENCE,
        "medication": _REFERENCE,
    }
)


def _no_warnings(actor: Actor) -> list[dict]:
    """Interactions are looked for by a create, and told in its answer only."""
    return []


class InteractionWarnings(Computed):
    """The warnings about an entry: always a list, and empty but in the answer of the create."""

    def __init__(self) -> None:
        super().__init__(_no_warnings, (), schema={"type": "array", "items": WARNING})


class InteractingViewSet(ChartRecordViewSet):
    """Entries of which a new one is checked against the chart. A warning never stops the write."""

    model: ClassVar[type[Allergy] | type[Medication]]
    found: list[InteractionWarning]

    def _create(self, values: dict[str, Any]) -> int:
        entry = self.add(values)
        self.found = find_interactions(entry)
        return entry.pk

    def add(self, values: dict[str, Any]) -> Allergy | Medication:
        """Add the entry that a body describes."""
        raise NotImplementedError(verbose_name(self.model))

    def answer_of(self, pk: int, status: int) -> Answer:
        """Answer with the entry; a create also tells what speaks against it."""
        entry = self.read_one(equal_to("id", pk, BigIntegerField()))[1]
        if self.action == "create":
            entry["interaction_warnings"] = [warning.as_json() for warning in self.found]
        return Answer(entry, status)
