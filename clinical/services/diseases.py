"""Resolving problems."""

import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import record_change
from accounts.scope import Actor
from clinical.models import Disease, ProblemStatus
from config.core.exceptions import Invalid
from patients.services.charts import change_entry, lock_entry


@transaction.atomic
def resolve_problem(*, actor: Actor, patient_id: int, entry_id: int, base_version: int, date_stop: datetime.date) -> None:
    """End a problem that is not resolved yet. Raises NotFound, VersionConflict or Invalid."""
    entry = lock_entry(Disease, patient_id, entry_id)
    if entry.problem_status == ProblemStatus.RESOLVED:
        raise Invalid(_("This problem is resolved already."), "", "status")
    if entry.date_start and date_stop < entry.date_start:
        raise Invalid(_("A problem ends on or after the day it began."), "date_stop")
    values = {"problem_status": ProblemStatus.RESOLVED, "date_stop": date_stop}
    change_entry(entry, base_version, **values)
    record_change(actor, "disease.resolve", entry, event="disease.resolved", changed=values)
