"""The audit trail, and the outbox: a change goes into both by one call, so that none is audited but not published."""

from collections.abc import Collection, Iterable
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Model

from accounts.models.audit import AuditedPatient, AuditEvent
from accounts.models.events import OutboxEvent
from accounts.scope import Actor, organization_of
from config.core.bulk_writes import insert_many
from config.core.orm import word_for

# REST framework's actions -> what HL7 calls them, and the services and the admin too: to open one record is another
# thing than to be shown in a list. All other actions stand for themselves.
_WORDS = {"list": "search", "retrieve": "read", "partial_update": "update"}


def action_word(model: type[Model], action: str) -> str:
    """Return what the trail calls `action` on rows of `model`, such as "patient.read", granted or not."""
    return f"{word_for(model)}.{_WORDS.get(action, action)}"


def record_change(
    actor: Actor,
    action: str,
    rows: Model | Collection[Any],
    *,
    event: str | None,
    changed: Iterable[str] = (),
    patient: Model | None = None,
    subject: str = "",
    event_subjects: Iterable[UUID] | None = None,
) -> None:
    """Audit a change of `rows` and publish it, in the open transaction, so that both commit or roll back with the change.

    `action` is a word such as "patient.create", whose first part is the `subject` unless another one is
    given. `changed` holds names of fields, never values. The patients are those of `rows`, and `patient`
    where `rows` may be empty.

    `event` is the type of the outbox events, such as "patient.created": one for each row, about the row's
    UUID or about `event_subjects` instead. None publishes nothing; the caller says why. What belongs to
    no organization is never published.
    """
    changed_rows: list[Any] = [rows] if isinstance(rows, Model) else list(rows)
    owners = [*changed_rows, patient] if patient else changed_rows
    organization_id = getattr(owners[0], organization_of(owners[0]._meta.model))
    row = _audit_event(actor, action, organization_id, AuditEvent.Outcome.OK)
    row.subject = subject or action.partition(".")[0]
    row.subject_id = changed_rows[0].pk if len(changed_rows) == 1 else None
    row.changed_fields = ",".join(sorted(changed))
    patients = {pk for owner in owners if hasattr(owner, "affected_patients") for pk in owner.affected_patients()}
    published: list[OutboxEvent] = []
    if event and organization_id:
        about = [changed_row.uuid for changed_row in changed_rows] if event_subjects is None else event_subjects
        published = [OutboxEvent(organization_id=organization_id, type=event, subject_uuid=subject) for subject in about]
    _save(row, [(organization_id, pk) for pk in sorted(patients)])
    insert_many(OutboxEvent, published)


def record_read(actor: Actor, action: str, *, patients: list[tuple[int, int]]) -> None:
    """Audit a read, after its rows were fetched and before the answer leaves.

    `patients` are (organization id, patient id) pairs. PostgreSQL does it in one statement that does not
    wait for the disk: losing the event in a crash is acceptable, as the request log still has the read.
    SQLite does it in a short transaction of its own.
    """
    event = _audit_event(actor, action, None, AuditEvent.Outcome.OK)
    if connection.vendor != "postgresql":
        with transaction.atomic():
            _save(event, patients)
        return
    organizations = [organization for organization, _ in patients]
    with connection.cursor() as cursor:
        cursor.execute(
            _READ_ON_POSTGRES,
            [
                event.organization_id,
                event.user_id,
                event.key_id,
                event.role,
                action,
                event.route,
                event.request_id,
                event.address,
                organizations,
                [patient for _, patient in patients],
            ],
        )


_READ_ON_POSTGRES = """
WITH soon AS (
  -- Not where the transaction has written something: that must not be lost.
  SELECT set_config(
    'synchronous_commit',
    CASE WHEN pg_current_xact_id_if_assigned() IS NULL THEN 'off' ELSE current_setting('synchronous_commit') END,
    true
  )
),
event AS (
  INSERT INTO accounts_auditevent
    (at, organization_id, user_id, key_id, role, action, route, outcome, request_id, address,
     subject, subject_id, changed_fields)
  SELECT clock_timestamp(), %s::bigint, %s::bigint, %s, %s, %s, %s, 'ok', %s, %s, '', NULL, '' FROM soon
  RETURNING id
)
INSERT INTO accounts_auditedpatient (event_id, organization_id, patient_id)
SELECT event.id, affected.organization_id, affected.patient_id
FROM event, unnest(%s::bigint[], %s::bigint[]) AS affected(organization_id, patient_id)
"""


def record_denied(actor: Actor, action: str, **named: Any) -> None:
    """Audit a refused access, outside the transaction that was rolled back.

    `named` are columns of the event: what the request named, whether or not it exists.
    """
    _record(actor, action, AuditEvent.Outcome.DENIED, named)


def record_access(actor: Actor, action: str, **about: Any) -> None:
    """Audit what neither reads nor changes rows of a patient, such as a sign-in. `about` are columns of the event."""
    _record(actor, action, AuditEvent.Outcome.OK, about)


def _record(actor: Actor, action: str, outcome: str, columns: dict[str, Any]) -> None:
    event = _audit_event(actor, action, actor.organization_id, outcome)
    for name, value in columns.items():
        setattr(event, name, value)
    event.save(force_insert=True)


def _save(event: AuditEvent, patients: list[tuple[int, int]]) -> None:
    event.save(force_insert=True)
    rows = [AuditedPatient(event=event, organization_id=organization, patient_id=patient) for organization, patient in patients]
    insert_many(AuditedPatient, rows)


def _audit_event(actor: Actor, action: str, organization_id: int | None, outcome: str) -> AuditEvent:
    return AuditEvent(
        organization_id=organization_id or actor.organization_id,
        user_id=actor.user_id,
        key_id=actor.key_id,
        role=actor.role,
        action=action,
        route=actor.route,
        outcome=outcome,
        request_id=actor.request_id,
        address=actor.address[:64],
    )
