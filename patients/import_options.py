"""What a bulk import of patients may do, and what becomes of its rows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

# The most rows of one request.
MAX_ROWS = 10_000


class Mode(StrEnum):
    """What rows may do."""

    CREATE = "create"
    UPDATE = "update"
    UPSERT = "upsert"


class Match(StrEnum):
    """The key by which a row finds the patient to update."""

    CHART_NUMBER = "chart_number"
    UUID = "uuid"


class OnError(StrEnum):
    """What happens after a bad row: the others go on, or nothing is written."""

    CONTINUE = "continue"
    ABORT = "abort"


class Outcome(StrEnum):
    """The outcome of a row. Skipped: nothing to change, or another row stopped the import."""

    CREATED = "created"
    UPDATED = "updated"
    SKIPPED = "skipped"
    FAILED = "failed"
    VALIDATED = "validated"


@dataclass(frozen=True)
class Options:
    """How an import is carried out. `defaults` are values of new patients, by model field name."""

    mode: str = Mode.CREATE
    match_on: str = Match.CHART_NUMBER
    validate_only: bool = False
    on_error: str = OnError.CONTINUE
    defaults: Mapping[str, Any] = field(default_factory=dict)

    @property
    def required_columns(self) -> set[str]:
        """The columns that every file needs in this mode."""
        if self.mode == Mode.UPDATE:
            return {self.match_on}
        return {"first_name", "last_name"} | ({self.match_on} if self.mode == Mode.UPSERT else set())

    @property
    def whole(self) -> bool:
        """Tell whether the rows are all or nothing, in one chunk."""
        return self.validate_only or self.on_error == OnError.ABORT


@dataclass(frozen=True)
class Result:
    """The result of the row at `index`; `error` says why it failed.

    `expected` is the outcome that a row which was only validated would have. `changed` are the fields, by their names in
    services, in which a stored patient differs from the row.
    """

    index: int
    outcome: Outcome
    uuid: UUID | None = None
    error: Exception | None = None
    expected: Outcome | None = None
    changed: tuple[str, ...] = ()
