"""The audit trail, and the outbox: a change goes into both by one call, so that none is audited but not published."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Model

from accounts.models.audit import AuditedPatient, AuditEvent
from accounts.models.events import OutboxEvent
from accounts.scope import Actor, organization_of, scope_of
from config.core.bulk_writes import insert_row, insert_values
from config.core.databases import committed_soon
from config.core.metrics import audit_failures_counted
from config.core.orm import Versioned, uuid7, word_for
from config.core.page_statements import Addition

# REST framework's actions -> what HL7 calls them, and the services and the admin too: to open one record is another
# thing than to be shown in a list. All other actions stand for themselves.
_WORDS = {"list": "search", "retrieve": "read", "partial_update": "update"}


@dataclass(frozen=True)
class Overridden:
    """What a person was warned of, and why they save all the same.

    `warnings` are kinds of warnings such as "drug_allergy.high", without a word about the patient: they go into the audit
    trail. `reason` is clinical text, which the record keeps and the trail does not.
    """

    reason: str
    warnings: tuple[str, ...]


def action_word(model: type[Model], action: str) -> str:
    """Return what the trail calls `action` on rows of `model`, such as "patient.read", granted or not."""
    return f"{word_for(model)}.{_WORDS.get(action, action)}"


@audit_failures_counted("change")
def record_change(
    actor: Actor,
    action: str,
    rows: Model | Collection[Any],
    *,
    event: str | None,
    changed: Iterable[str] = (),
    patient: Model | None = None,
    subject: str = "",
    event_subject: UUID | None = None,
    overridden: Overridden | None = None,
) -> None:
    """Audit a change of `rows` and publish it, in the open transaction, so that both commit or roll back with the change.

    `action` is a word such as "patient.create", whose first part is the `subject` unless another one is
    given. `changed` holds names of fields, never values. The patients are those of `rows`, and `patient`
    where `rows` may be empty.

    `event` is the type of the outbox events, such as "patient.created" (docs/events.md lists them): one for each row, about
    the row's UUID or about `event_subject` instead. None publishes nothing; the caller says why. What belongs to no
    organization is never published. `overridden` is what the change was saved against, if a person was warned.
    """
    changed_rows: list[Any] = [rows] if isinstance(rows, Model) else list(rows)
    owners = [*changed_rows, patient] if patient else changed_rows
    organization_id = getattr(owners[0], organization_of(owners[0]._meta.model))
    row = _change_event(actor, action, organization_id, [changed_row.pk for changed_row in changed_rows], changed)
    row.subject = subject or row.subject
    row.overridden = ",".join(overridden.warnings) if overridden else None
    patients = {pk for owner in owners if hasattr(owner, "affected_patients") for pk in owner.affected_patients()}
    _save(row, [(organization_id, pk) for pk in sorted(patients)])
    if event and organization_id:
        _publish(actor, organization_id, event, list(_subjects(changed_rows, event, event_subject)))


@audit_failures_counted("change")
def record_new_patients(
    actor: Actor, action: str, organization_id: int, patients: Mapping[int, UUID], *, event: str, changed: Iterable[str] = ()
) -> None:
    """Audit that patients of one organization were created, and publish it; `record_change` for their UUIDs by id."""
    _save(_change_event(actor, action, organization_id, patients, changed), [(organization_id, pk) for pk in sorted(patients)])
    _publish(actor, organization_id, event, [(uuid, pk, 1) for pk, uuid in patients.items()])


@dataclass(frozen=True)
class ReadEvent:
    """The event of a read, and how its rows tell whom they are about.

    `named` are (organization id, patient id) of those whom the read is about whatever is found. `columns` are,
    by the name of a page (`config.core.page_statements`), those that hold ids of patients; column 1 is the
    organization's id.
    """

    actor: Actor
    action: str
    named: tuple[tuple[int, int], ...] = ()
    columns: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def patients(self, pages: Mapping[str, Iterable[tuple]]) -> list[tuple[int, int]]:
        """Return (organization id, patient id) of the patients whom the rows of `pages` are about."""
        found = (
            (row[1], row[column]) for page, columns in self.columns.items() for row in pages.get(page, ()) for column in columns
        )
        return sorted({*self.named, *(pair for pair in found if pair[1] is not None)})

    def record(self, pages: Mapping[str, Iterable[tuple]]) -> None:
        """Audit the read, after the rows of `pages` were fetched; see `record_read`."""
        record_read(self.actor, self.action, patients=self.patients(pages))

    def addition(self, condition: str, leaving: int | None = None) -> Addition:
        """Return what audits the read in the statement that fetches its rows.

        No event is written unless `condition` holds. Of each page so many rows leave the server as `leaving` says, None for all.
        """
        limit = "" if leaving is None else f" LIMIT {leaving}"
        affected = " UNION ".join(
            ["SELECT * FROM unnest(%s::bigint[], %s::bigint[])"]
            + [
                f"SELECT c1, c{column} FROM (SELECT * FROM {page}{limit}) AS leaving WHERE c{column} IS NOT NULL"  # noqa: S608
                for page, columns in self.columns.items()
                for column in columns
            ]
        )
        event = _audit_event(self.actor, self.action, None, AuditEvent.Outcome.OK)
        sql = f"{_EVENT} WHERE {condition} RETURNING id), audited AS ({_AFFECTED.format(f'({affected})')})"
        return Addition(sql, [*_event_parameters(event), *_unzipped(self.named)])


def record_read(actor: Actor, action: str, *, patients: list[tuple[int, int]]) -> None:
    """Audit a read, after its rows were fetched and before the answer leaves.

    `patients` are (organization id, patient id) pairs. PostgreSQL does it in one statement, SQLite in a short
    transaction of its own. Neither waits for the disk: losing the event with the power is acceptable, as the
    request log still has the read. `ReadEvent` does it with the rows, where the database can.
    """
    event = _audit_event(actor, action, None, AuditEvent.Outcome.OK)
    if connection.vendor != "postgresql":
        with committed_soon():
            _save(event, patients)
        return
    with connection.cursor() as cursor:
        cursor.execute(_READ_ON_POSTGRES, [*_event_parameters(event), *_unzipped(patients)])


def _event_parameters(event: AuditEvent) -> list[Any]:
    return [getattr(event, column) for column in _READ_COLUMNS]


def _unzipped(pairs: Sequence[tuple[int, int]]) -> tuple[list[int], list[int]]:
    return [organization for organization, _ in pairs], [patient for _, patient in pairs]


_READ_COLUMNS = ("organization_id", "user_id", "key_id", "role", "action", "route", "request_id", "address")
_EVENT = """
soon AS (
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
  SELECT clock_timestamp(), %s::bigint, %s::bigint, %s, %s, %s, %s, 'ok', %s, %s, '', NULL, '' FROM soon"""
_AFFECTED = """
INSERT INTO accounts_auditedpatient (event_id, organization_id, patient_id)
SELECT event.id, affected.organization_id, affected.patient_id
FROM event, {} AS affected(organization_id, patient_id)
"""
_READ_ON_POSTGRES = f"WITH {_EVENT} RETURNING id) {_AFFECTED.format('unnest(%s::bigint[], %s::bigint[])')}"


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
    insert_row(event)


def _save(event: AuditEvent, patients: list[tuple[int, int]]) -> None:
    insert_row(event)
    insert_values(AuditedPatient, ("event_id", "organization_id", "patient_id"), [(event.pk, *patient) for patient in patients])


# UUID of the row that changed, id of its patient, version since then.
_Subject = tuple[UUID, int | None, int | None]


def _publish(actor: Actor, organization_id: int, event: str, subjects: list[_Subject]) -> None:
    names = ("uuid", "organization_id", "type", "key_id", "subject_uuid", "patient_id", "version")
    insert_values(OutboxEvent, names, [(uuid7(), organization_id, event, actor.key_id, *subject) for subject in subjects])


def _subjects(changed_rows: list[Any], event: str, event_subject: UUID | None) -> Iterator[_Subject]:
    if not changed_rows:
        return
    model = changed_rows[0]._meta.model
    patient = scope_of(model).patient
    # A change leaves the objects as they were read; what is new has the version that it was made with.
    versions = {} if event.endswith(".created") else _versions(model, [row.pk for row in changed_rows])
    for row in changed_rows:
        version = versions.get(row.pk, getattr(row, "version", None))
        yield event_subject or row.uuid, getattr(row, patient) if patient else None, version


def _versions(model: type[Model], ids: list[int]) -> dict[int, int]:
    """Return the versions that rows have now."""
    if not issubclass(model, Versioned):
        return {}
    return dict(model._base_manager.filter(pk__anyof=ids).values_list("pk", "version"))


def _change_event(
    actor: Actor, action: str, organization_id: int | None, ids: Collection[int], changed: Iterable[str]
) -> AuditEvent:
    event = _audit_event(actor, action, organization_id, AuditEvent.Outcome.OK)
    event.subject = action.partition(".")[0]
    event.subject_id = next(iter(ids)) if len(ids) == 1 else None
    event.changed_fields = ",".join(sorted(changed))
    return event


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
