"""Putting events into the outbox."""

from collections.abc import Iterable
from uuid import UUID

from accounts.models.events import OutboxEvent
from config.core.databases import insert_many


def emit(type: str, *, organization_id: int, subject: UUID) -> None:
    """Add an event such as "patient.created" about the object `subject`, in the transaction that is open."""
    OutboxEvent.objects.create(organization_id=organization_id, type=type, subject_uuid=subject)


def emit_all(type: str, *, organization_id: int, subjects: Iterable[UUID]) -> None:
    """Add one event about each of `subjects`."""
    rows = [OutboxEvent(organization_id=organization_id, type=type, subject_uuid=subject) for subject in subjects]
    insert_many(OutboxEvent, rows)
