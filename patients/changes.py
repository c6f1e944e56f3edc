"""What the dialects share in listing changes of patients and of what belongs to them."""

import hashlib

from django.db.models import Q

from accounts.permissions import CAREGIVERS
from config.rest.changes import ChangesViewSet
from config.rest.filters import ReferenceFilter
from patients.models import ChartEntry, GroupMove, Patient


class OfPatientFilter(ReferenceFilter):
    """Only changes of this patient's rows, by UUID; archived patients are found, too."""

    description = __doc__

    def __init__(self) -> None:
        super().__init__(Patient, archived=True, field_name="patient_id")


class PatientChangesViewSet(ChangesViewSet):
    """Changes of patients, or of what belongs to them."""

    def rows_seen(self) -> str:
        """Return a digest of the caller's scope, and for caregivers of how often patients have joined or left their groups."""
        actor = self.actor
        groups = Q(care_group_id__anyof=actor.group_ids) | Q(care_group=None)
        moves = GroupMove.objects.filter(groups, organization_id=actor.organization_id).count() if actor.role in CAREGIVERS else 0
        scope = f"{actor.role} {actor.organization_id} {sorted(actor.group_ids)} {moves}"
        return hashlib.blake2b(scope.encode(), digest_size=8).hexdigest()

    def patient_columns(self) -> tuple[int, ...]:
        """Return the columns with the patient of a row and all others whom it is about."""
        others = self.model.others if issubclass(self.model, ChartEntry) else ()
        return (*super().patient_columns(), *map(self.response_plan.columns.index, others))
