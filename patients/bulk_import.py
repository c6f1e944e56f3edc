"""Bulk import of patients: the rules of single creates and updates, one result per row, few statements per chunk.

A chunk is processed in two steps. Planning reads the rows, matches them with patients, looks up references and validates
row by row; it writes and locks nothing, and takes most of the time. Then, in a transaction that is as short as can be, what
planning has read is looked up once more, now under locks, and the valid rows are written, updates before creates. If
something has changed meanwhile the chunk is planned again. A patient or a chart number may occur once per import: a second
row with it fails, even in another chunk.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar
from uuid import UUID

from django.db import IntegrityError
from django.db.models import QuerySet
from rest_framework.exceptions import ValidationError

from accounts.models import Organization
from accounts.scope import Actor, scope
from config.core.bulk_writes import WriteTurns
from config.core.databases import broken_constraint
from config.core.encryption import unseal
from config.core.exceptions import Conflict, DomainError, Invalid, NotFound, VersionConflict
from config.core.orm import fold
from config.rest.bulk_reader import BulkReader
from config.rest.fields import Reference, find_ids, require_id
from config.rest.formats import parse_uuid
from patients.models import Patient
from patients.services.batches import Change, Creation, create_patients, update_patients
from patients.services.locking import check_reference, find_patients, lock_patients
from patients.services.patient_values import accepted_changes, new_patient
from patients.services.rules import SEALED

MAX_ROWS = 10_000
# Rows per transaction, if a bad row does not stop the others: on SQLite everybody else waits for its end.
CHUNK = 200
# How often a chunk is tried when another transaction changes what it stands on, or takes one of its chart numbers.
ATTEMPTS = 3
GUARANTOR = "responsible_party_id"

T = TypeVar("T")


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
    def whole(self) -> bool:
        """Tell whether the rows are all or nothing, in one chunk."""
        return self.validate_only or self.on_error == OnError.ABORT


@dataclass(frozen=True)
class Result:
    """The result of the row at `index`; `error` says why it failed."""

    index: int
    outcome: Outcome
    uuid: UUID | None = None
    error: Exception | None = None


@dataclass
class Row:
    """A row being imported.

    `_check` sets `patient`, the new or the stored one, and what is to be written: `creation`, `change`, or neither.
    """

    index: int
    raw: Any
    claims: frozenset[tuple[str, str]]
    values: dict[str, Any] = field(default_factory=dict)
    patient_id: int | None = None
    patient: Patient = field(init=False, repr=False)
    creation: Creation | None = None
    change: Change | None = None
    error: Exception | None = None


class BulkImport:
    """An import into one organization, chunk by chunk."""

    def __init__(self, *, actor: Actor, organization: Organization, reader: BulkReader, options: Options):
        self.actor, self.organization, self.reader, self.options = actor, organization, reader, options
        self.claimed: set[tuple[str, str]] = set()
        self.freed: set[str] = set()
        self.turns = WriteTurns()

    def restore_claims(self, raws: Sequence, outcomes: Iterable[str]) -> None:
        """Restore the claims of the rows that an earlier, interrupted run has imported."""
        for raw, outcome in zip(raws, outcomes, strict=False):
            if outcome != Outcome.FAILED:
                self.claimed |= self.claims_of(raw)

    def take(self, raws: Sequence, start: int = 0) -> list[Result]:
        """Import rows in one transaction of their own; the first has the index `start`."""
        return self.process(raws, start, self.write)

    def process(self, raws: Sequence, start: int, write: Callable[["Chunk"], T], *, always: bool = False) -> T:
        """Plan rows and return `write(chunk)`, which calls `self.write` in a transaction that is opened for it.

        Nothing to write opens none, but with `always`. A plan that the database has overtaken is made anew, the last time
        under locks.
        """
        for attempt in range(1, ATTEMPTS + 1):
            chunk = Chunk(self, raws, start, last_attempt=attempt == ATTEMPTS)
            chunk.plan()
            try:
                with self.turns.turn() if always or chunk.writes else nullcontext():
                    return write(chunk)
            except PlanOvertaken:
                continue
            except IntegrityError as error:
                # Another transaction took a chart number after the look-up: the next attempt sees it.
                if broken_constraint(error) != "patient_chart_number_unique" or chunk.last_attempt:
                    raise
        raise AssertionError("the last attempt returns or raises")

    def write(self, chunk: "Chunk") -> list[Result]:
        """Write a planned chunk in the transaction that is open, and return one result per row. Raises PlanOvertaken."""
        return self._remember_claims(chunk, chunk.run())

    def _remember_claims(self, chunk: "Chunk", results: list[Result]) -> list[Result]:
        self.claimed |= chunk.claimed
        if self.options.validate_only:
            self.freed |= chunk.freed
        return results

    def claims_of(self, raw: Any) -> frozenset[tuple[str, str]]:
        """Return the keys that no later row may use: the row's chart number, and the UUID that it is matched by."""
        if not isinstance(raw, Mapping):
            return frozenset()
        chart, uuid = raw.get("chart_number"), parse_uuid(raw.get("uuid"))
        claims = {(Match.CHART_NUMBER.value, fold(chart)[:64])} if isinstance(chart, str) and fold(chart) else set()
        if uuid and self.options.mode != Mode.CREATE and self.options.match_on == Match.UUID:
            claims.add((Match.UUID.value, str(uuid)))
        return frozenset(claims)


class PlanOvertaken(Exception):
    """What a chunk was planned on has changed before it was written."""


class LookUps:
    """What planning asks the database, with the answers; `locked` locks the patients to update and to refer to."""

    def __init__(self, job: BulkImport, *, locked: bool):
        self.job, self.locked = job, locked
        self.answers: list[tuple[Callable, Collection, dict]] = []

    def ask(self, question: Callable[["LookUps", Collection], dict], about: Collection) -> dict:
        """Return what one of the questions below answers about keys, references or ids."""
        answer = question(self, about) if about else {}
        self.answers.append((question, about, answer))
        return answer

    def agrees_with(self, earlier: "LookUps") -> bool:
        """Ask all that was asked earlier, and tell whether the answers are the same."""
        return all(states_of(self.ask(question, about)) == states_of(answer) for question, about, answer in earlier.answers)

    def matches(self, keys: Collection[str]) -> dict[str, int]:
        """Return the ids of the matching patients in the caller's scope, by key."""
        column = "uuid" if self.job.options.match_on == Match.UUID else "chart_number_key"
        patients = self._unarchived(**{f"{column}__anyof": sorted(keys)})
        return {str(key): pk for key, pk in scope(self.job.actor, patients).values_list(column, "pk")}

    def references(self, references: Collection[Reference]) -> dict[Reference, int]:
        """Return the ids of what the rows refer to, in the caller's scope."""
        return find_ids(references, self.job.actor, self.job.organization.pk)

    def patients(self, ids: Collection[int]) -> dict[int, Patient]:
        """Return the patients to update and the guarantors to refer to, by id."""
        return lock_patients(ids) if self.locked else find_patients(ids)

    def holders(self, keys: Collection[str]) -> dict[str, int]:
        """Return the holders of the rows' chart numbers, in scope or not: the constraint would reveal as much."""
        return dict(self._unarchived(chart_number_key__anyof=sorted(keys)).values_list("chart_number_key", "pk"))

    def _unarchived(self, **lookups: Any) -> QuerySet[Patient]:
        return Patient.objects.filter(organization=self.job.organization, deleted_at=None, **lookups)


def states_of(answer: dict) -> dict:
    """Return an answer as it is compared with a later one: a patient has changed with their version or last change."""
    return {
        key: (value.version, value.updated_at, value.deleted_at) if isinstance(value, Patient) else value
        for key, value in answer.items()
    }


class Chunk:
    """A chunk of rows, which is planned and then written."""

    def __init__(self, job: BulkImport, raws: Sequence, start: int, *, last_attempt: bool = False):
        self.job, self.options, self.raws, self.start = job, job.options, raws, start
        self.last_attempt = last_attempt

    @property
    def stopped(self) -> bool:
        """Whether a bad row stops the others."""
        return self.options.on_error == OnError.ABORT and any(row.error for row in self.rows)

    @property
    def writes(self) -> bool:
        """Whether there is anything to write, so that it takes a transaction."""
        return not self.options.validate_only and not self.stopped and any(row.error is None for row in self.rows)

    def run(self) -> list[Result]:
        """Write the valid rows if the chunk is to be written, and return one result per row."""
        if self.writes:
            self.confirm()
        if self.writes:
            self.write()
        stopped = self.stopped
        return [self._result(row, stopped=stopped) for row in self.rows]

    # --- planning ---------------------------------------------------------------------------------
    def plan(self, *, locked: bool = False) -> None:
        """Prepare every row for writing, or set its error."""
        self.rows = [Row(self.start + number, raw, self.job.claims_of(raw)) for number, raw in enumerate(self.raws)]
        self.claimed, self.freed = set(self.job.claimed), set(self.job.freed)
        self.look_ups = LookUps(self.job, locked=locked)
        self._for_each_good_row(self._read)
        self.matches = self.look_ups.ask(LookUps.matches, {self._key(row) for row in self._good_rows()} - {""})
        self._for_each_good_row(self._match)
        references = {value for row in self._good_rows() for value in row.values.values() if isinstance(value, Reference)}
        self.ids = self.look_ups.ask(LookUps.references, references)
        self._for_each_good_row(self._resolve_references)
        self.patients = self.look_ups.ask(LookUps.patients, self._named_patients())
        claims = {key for row in self._good_rows() for kind, key in row.claims if kind == Match.CHART_NUMBER}
        self.holders = self.look_ups.ask(LookUps.holders, claims)
        self._for_each_good_row(self._check)

    def confirm(self) -> None:
        """Lock the patients. If the plan is overtaken, plan again in the last attempt, and raise PlanOvertaken before."""
        if LookUps(self.job, locked=True).agrees_with(self.look_ups):
            return
        if not self.last_attempt:
            raise PlanOvertaken
        self.plan(locked=True)

    def _good_rows(self) -> list[Row]:
        return [row for row in self.rows if row.error is None]

    def _for_each_good_row(self, step: Callable[[Row], None]) -> None:
        for row in self._good_rows():
            try:
                step(row)
            except (DomainError, ValidationError) as error:
                # Its traceback leads back to the row.
                row.error = error.with_traceback(None)

    def _read(self, row: Row) -> None:
        row.values = self.job.reader.read(row.raw, complete=self.options.mode == Mode.CREATE)
        if self.options.mode == Mode.UPDATE and not self._key(row):
            raise Invalid("An update needs it to find its patient.", self.options.match_on, "required")

    def _key(self, row: Row) -> str:
        """Return the key that matches a row with a stored patient, or "" if it can only create one."""
        if self.options.mode == Mode.CREATE:
            return ""
        value = row.values.get(self.options.match_on) or ""
        return value if self.options.match_on == Match.UUID else fold(value)[:64]

    def _match(self, row: Row) -> None:
        key = self._key(row)
        row.patient_id = self.matches.get(key)
        if row.patient_id is not None or self.options.mode == Mode.CREATE:
            return
        if self.options.mode == Mode.UPDATE or (key and self.options.match_on == Match.UUID):
            raise NotFound("Patient")
        if missing := self.job.reader.missing(row.values):
            raise ValidationError(missing)

    def _resolve_references(self, row: Row) -> None:
        for name, value in row.values.items():
            if isinstance(value, Reference):
                row.values[name] = require_id(self.ids.get(value), value, name)

    def _named_patients(self) -> set[int]:
        """Return the ids of the patients to update and of the guarantors."""
        named = {pk for row in self._good_rows() for pk in (row.patient_id, row.values.get(GUARANTOR))}
        return {pk for pk in named if pk is not None}

    def _check(self, row: Row) -> None:
        base_version = row.values.pop("base_version", None)
        row.values.pop("uuid", None)
        if row.values.get(GUARANTOR):
            check_reference(self.patients.get(row.values[GUARANTOR]), "responsible_party")
        if row.patient_id is None:
            self._check_create(row)
        else:
            self._check_update(row, self.patients.get(row.patient_id), base_version)
        self._claim_keys(row)

    def _check_create(self, row: Row) -> None:
        values = {**self.options.defaults, **row.values}
        row.patient = new_patient(actor=self.job.actor, organization=self.job.organization, values=values)
        row.creation = Creation.of(row.patient)

    def _check_update(self, row: Row, patient: Patient | None, base_version: int | None) -> None:
        if patient is None or patient.deleted_at is not None:
            raise NotFound("Patient")
        row.patient, accepted = patient, accepted_changes(patient, row.values)
        if base_version is not None and base_version != patient.version:
            raise VersionConflict(expected=patient.version, got=base_version)
        differing = {name: value for name, value in accepted.items() if stored_value(patient, name) != value}
        row.change = Change.of(patient, differing) if differing else None

    def _claim_keys(self, row: Row) -> None:
        for kind, key in sorted(row.claims):
            holder = self.holders.get(key) if kind == Match.CHART_NUMBER and key not in self.freed else None
            if (kind, key) in self.claimed or holder not in (None, row.patient_id):
                taken = kind == Match.CHART_NUMBER
                raise Conflict("duplicate chart number" if taken else "An earlier row names the same patient", kind)
        self.claimed |= row.claims
        if row.change and "chart_number" in row.change.accepted:
            self.freed.add(row.patient.chart_number_key)

    # --- writing ----------------------------------------------------------------------------------
    def write(self) -> None:
        """Write the valid rows, updates first: a new patient may take a chart number that an update frees."""
        good = self._good_rows()
        update_patients(actor=self.job.actor, changes=[row.change for row in good if row.change])
        created = [row for row in good if row.creation]
        named = {name for row in created for name in row.values}
        create_patients(actor=self.job.actor, creations=[row.creation for row in created if row.creation], named=named)

    def _result(self, row: Row, *, stopped: bool) -> Result:
        if row.error:
            return Result(row.index, Outcome.FAILED, error=row.error)
        stored = None if row.creation else row.patient.uuid
        if self.options.validate_only:
            return Result(row.index, Outcome.VALIDATED, stored)
        if stopped or not (row.creation or row.change):
            return Result(row.index, Outcome.SKIPPED, stored)
        return Result(row.index, Outcome.CREATED if row.creation else Outcome.UPDATED, row.patient.uuid)


def stored_value(patient: Patient, name: str) -> Any:
    """Return a stored value by the name used in services, sealed values in clear."""
    if name not in SEALED:
        return getattr(patient, name)
    sealed = getattr(patient, f"{name}_sealed")
    return unseal(sealed, f"patient.{name}", patient.uuid) if sealed else None
