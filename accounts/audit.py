"""Writing the audit trail."""

from collections.abc import Iterable

from django.db import connection, transaction

from accounts.models.audit import AuditedPatient, AuditEvent
from accounts.scope import Actor
from config.core.databases import insert_many, on_postgres


def record(
    actor: Actor,
    action: str,
    *,
    organization_id: int | None = None,
    patients: Iterable[int] = (),
    subject: str = "",
    subject_id: int | None = None,
    changed: Iterable[str] = (),
    outcome: str = AuditEvent.Outcome.OK,
) -> None:
    """Write one event in the transaction that is open, so that it stands or falls with the work it tells of.

    `action` is a word such as "patient.create"; `changed` holds names of fields, never values.
    """
    organization_id = organization_id or actor.organization_id
    event = _event(actor, action, organization_id, outcome)
    event.subject, event.subject_id, event.changed_fields = subject, subject_id, ",".join(sorted(changed))
    _save(event, [(organization_id, patient) for patient in patients])


def record_read(actor: Actor, action: str, *, patients: list[tuple[int, int]]) -> None:
    """Write the event of a read after its rows were fetched and before the answer leaves.

    `patients` are (organization id, patient id) pairs. PostgreSQL does it in one statement that
    does not wait for the disk (a read that a crash forgets has shown nobody anything that a
    surviving log line does not tell); SQLite in a short transaction of its own.
    """
    event = _event(actor, action, None, AuditEvent.Outcome.OK)
    if not on_postgres():
        with transaction.atomic():
            _save(event, patients)
        return
    organizations = [organization for organization, _ in patients]
    with connection.cursor() as cursor:
        cursor.execute(
            _READ_ON_POSTGRES,
            [event.organization_id, event.user_id, event.key_id, event.role, action, event.route, event.request_id,
             organizations, [patient for _, patient in patients]],
        )  # fmt: skip


_READ_ON_POSTGRES = """
WITH soon AS (SELECT set_config('synchronous_commit', 'off', true)),
event AS (
  INSERT INTO accounts_auditevent
    (at, organization_id, user_id, key_id, role, action, route, outcome, request_id, subject, subject_id, changed_fields)
  SELECT clock_timestamp(), %s::bigint, %s::bigint, %s, %s, %s, %s, 'ok', %s, '', NULL, '' FROM soon
  RETURNING id
)
INSERT INTO accounts_auditedpatient (event_id, organization_id, patient_id)
SELECT event.id, touched.organization_id, touched.patient_id
FROM event, unnest(%s::bigint[], %s::bigint[]) AS touched(organization_id, patient_id)
"""


def record_denied(actor: Actor, action: str) -> None:
    """Write that an access was refused, outside the work that was rolled back."""
    _event(actor, action, actor.organization_id, AuditEvent.Outcome.DENIED).save(force_insert=True)


def _save(event: AuditEvent, patients: list[tuple[int, int]]) -> None:
    event.save(force_insert=True)
    rows = [AuditedPatient(event=event, organization_id=organization, patient_id=patient) for organization, patient in patients]
    insert_many(AuditedPatient, rows)


def _event(actor: Actor, action: str, organization_id: int | None, outcome: str) -> AuditEvent:
    return AuditEvent(
        organization_id=organization_id or actor.organization_id,
        user_id=actor.user_id,
        key_id=actor.key_id,
        role=actor.role,
        action=action,
        route=actor.route,
        outcome=outcome,
        request_id=actor.request_id,
    )
