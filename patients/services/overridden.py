"""Keeping why something was saved although a warning spoke against it. Every service that takes `overridden` calls this."""

from collections.abc import Iterable

from accounts.audit import Overridden, record_change
from accounts.scope import Actor
from config.core.orm import word_for
from patients.models import ChartEntry, Enrolment, OverriddenWarning, Patient


def record_chart_change(
    actor: Actor,
    action: str,
    row: ChartEntry | Patient,
    *,
    event: str | None,
    changed: Iterable[str] = (),
    overridden: Overridden | None = None,
) -> None:
    """Audit and publish a change of `row`, as `record_change`, and keep the reason to save it against warnings, if any."""
    record_change(actor, action, row, event=event, changed=changed, overridden=overridden)
    keep_reason(actor, row, overridden)


def keep_reason(actor: Actor, row: ChartEntry | Enrolment | Patient, overridden: Overridden | None) -> None:
    """Keep the reason to save `row` against warnings in the chart; nothing where there was none."""
    if overridden:
        OverriddenWarning.objects.create(
            organization_id=row.organization_id,
            patient_id=row.pk if isinstance(row, Patient) else row.patient_id,
            subject=word_for(type(row)),
            subject_id=row.pk,
            warnings=list(overridden.warnings),
            reason=overridden.reason,
            created_by_id=actor.user_id,
        )
