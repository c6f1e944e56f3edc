"""Bulk import of patients: the rules of single creates and updates, one result per row, few statements per chunk.

A chunk is processed in two steps. Planning reads the rows, matches them with patients, looks up references and validates
row by row; it writes nothing. Then the valid rows are written, updates before creates. A patient or a chart number may
occur once per import: a second row with it fails, even in another chunk.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from rest_framework.exceptions import ValidationError

from accounts.models import Organization
from accounts.scope import Actor, scope
from config.core.databases import broken_constraint
from config.core.encryption import unseal
from config.core.exceptions import Conflict, DomainError, Invalid, NotFound, VersionConflict
from config.core.orm import fold
from config.rest.bulk_reader import BulkReader
from config.rest.fields import Reference, find_ids, require_id
from config.rest.formats import parse_uuid
from patients.models import Patient
from patients.services.batches import Change, create_patients, update_patients
from patients.services.locking import check_reference, lock_patients
from patients.services.patient_values import accepted_changes, new_patient
from patients.services.rules import SEALED

MAX_ROWS = 10_000
# Rows per transaction, if a bad row does not stop the others.
CHUNK = 500
# How often a chunk is tried when another transaction takes one of its chart numbers.
ATTEMPTS = 3
GUARANTOR = "responsible_party_id"


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

    `patient` is the one to save, or the stored one that `accepted` changes; `_check` sets it.
    """

    index: int
    raw: Any
    claims: frozenset[tuple[str, str]]
    values: dict[str, Any] = field(default_factory=dict)
    patient_id: int | None = None
    patient: Patient = field(init=False, repr=False)
    accepted: dict[str, Any] | None = None
    error: Exception | None = None


class BulkImport:
    """An import into one organization, chunk by chunk."""

    def __init__(self, *, actor: Actor, organization: Organization, reader: BulkReader, options: Options):
        self.actor, self.organization, self.reader, self.options = actor, organization, reader, options
        self.claimed: set[tuple[str, str]] = set()
        self.freed: set[str] = set()

    def restore_claims(self, raws: Sequence, outcomes: Iterable[str]) -> None:
        """Restore the claims of the rows that an earlier, interrupted run has imported."""
        for raw, outcome in zip(raws, outcomes, strict=False):
            if outcome != Outcome.FAILED:
                self.claimed |= self.claims_of(raw)

    def take(self, raws: Sequence, start: int = 0) -> list[Result]:
        """Import rows in one transaction; the first has the index `start`."""
        for attempt in range(ATTEMPTS):
            chunk = Chunk(self, raws, start)
            try:
                with transaction.atomic():
                    return self._remember_claims(chunk, chunk.run())
            except IntegrityError as error:
                # Another transaction took a chart number after the look-up: the next attempt sees it.
                if broken_constraint(error) != "patient_chart_number_unique" or attempt == ATTEMPTS - 1:
                    raise
        raise AssertionError("the last attempt returns or raises")

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


class Chunk:
    """A chunk of rows, which is planned and then written."""

    def __init__(self, job: BulkImport, raws: Sequence, start: int):
        self.job, self.options = job, job.options
        self.rows = [Row(start + number, raw, job.claims_of(raw)) for number, raw in enumerate(raws)]
        self.claimed, self.freed = set(job.claimed), set(job.freed)

    def run(self) -> list[Result]:
        """Plan the rows, write the valid ones, and return one result per row, inside the open transaction."""
        self.plan()
        stopped = self.options.on_error == OnError.ABORT and any(row.error for row in self.rows)
        if not (stopped or self.options.validate_only):
            self.write()
        return [self._result(row, stopped) for row in self.rows]

    # --- planning ---------------------------------------------------------------------------------
    def plan(self) -> None:
        """Prepare every row for writing, or set its error."""
        self._for_each_good_row(self._read)
        self.matches = self._find_matches()
        self._for_each_good_row(self._match)
        references = (value for row in self._good_rows() for value in row.values.values() if isinstance(value, Reference))
        self.ids = find_ids(references, self.job.actor, self.job.organization.pk)
        self._for_each_good_row(self._resolve_references)
        self.locked = self._lock()
        self.holders = self._find_holders()
        self._for_each_good_row(self._check)

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

    def _find_matches(self) -> dict[str, int]:
        """Return the ids of the matching patients in the caller's scope, by key."""
        keys = sorted({self._key(row) for row in self._good_rows()} - {""})
        if not keys:
            return {}
        column = "uuid" if self.options.match_on == Match.UUID else "chart_number_key"
        patients = Patient.objects.filter(organization=self.job.organization, deleted_at=None, **{f"{column}__anyof": keys})
        return {str(key): pk for key, pk in scope(self.job.actor, patients).values_list(column, "pk")}

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

    def _lock(self) -> dict[int, Patient]:
        """Lock and return the patients to update and the guarantors to refer to."""
        ids = {row.patient_id for row in self._good_rows()} | {row.values.get(GUARANTOR) for row in self._good_rows()}
        return lock_patients(ids) if ids - {None} else {}

    def _find_holders(self) -> dict[str, int]:
        """Return the holders of the rows' chart numbers, in scope or not: the constraint would reveal as much."""
        keys = sorted({key for row in self._good_rows() for kind, key in row.claims if kind == Match.CHART_NUMBER})
        if not keys:
            return {}
        patients = Patient.objects.filter(organization=self.job.organization, deleted_at=None, chart_number_key__anyof=keys)
        return dict(patients.values_list("chart_number_key", "pk"))

    def _check(self, row: Row) -> None:
        base_version = row.values.pop("base_version", None)
        row.values.pop("uuid", None)
        if row.values.get(GUARANTOR):
            check_reference(self.locked.get(row.values[GUARANTOR]), "responsible_party")
        if row.patient_id is None:
            self._check_create(row)
        else:
            self._check_update(row, self.locked.get(row.patient_id), base_version)
        self._claim_keys(row)

    def _check_create(self, row: Row) -> None:
        values = {**self.options.defaults, **row.values}
        row.patient = new_patient(actor=self.job.actor, organization=self.job.organization, values=values)

    def _check_update(self, row: Row, patient: Patient | None, base_version: int | None) -> None:
        if patient is None or patient.deleted_at is not None:
            raise NotFound("Patient")
        row.patient, accepted = patient, accepted_changes(patient, row.values)
        if base_version is not None and base_version != patient.version:
            raise VersionConflict(expected=patient.version, got=base_version)
        row.accepted = {name: value for name, value in accepted.items() if stored_value(patient, name) != value}

    def _claim_keys(self, row: Row) -> None:
        for kind, key in sorted(row.claims):
            holder = self.holders.get(key) if kind == Match.CHART_NUMBER and key not in self.freed else None
            if (kind, key) in self.claimed or holder not in (None, row.patient_id):
                taken = kind == Match.CHART_NUMBER
                raise Conflict("duplicate chart number" if taken else "An earlier row names the same patient", kind)
        self.claimed |= row.claims
        if row.accepted and "chart_number" in row.accepted:
            self.freed.add(row.patient.chart_number_key)

    # --- writing ----------------------------------------------------------------------------------
    def write(self) -> None:
        """Write the valid rows, updates first: a new patient may take a chart number that an update frees."""
        actor, organization, good = self.job.actor, self.job.organization, self._good_rows()
        changes = [Change(row.patient, row.accepted) for row in good if row.accepted]
        update_patients(actor=actor, organization=organization, changes=changes)
        created = [row for row in good if row.accepted is None]
        named = {name for row in created for name in row.values}
        create_patients(actor=actor, organization=organization, patients=[row.patient for row in created], named=named)

    def _result(self, row: Row, stopped: bool) -> Result:
        if row.error:
            return Result(row.index, Outcome.FAILED, error=row.error)
        stored = row.patient.uuid if row.accepted is not None else None
        if self.options.validate_only:
            return Result(row.index, Outcome.VALIDATED, stored)
        if stopped or row.accepted == {}:
            return Result(row.index, Outcome.SKIPPED, stored)
        return Result(row.index, Outcome.UPDATED if row.accepted else Outcome.CREATED, row.patient.uuid)


def stored_value(patient: Patient, name: str) -> Any:
    """Return a stored value by the name used in services, sealed values in clear."""
    if name not in SEALED:
        return getattr(patient, name)
    sealed = getattr(patient, f"{name}_sealed")
    return unseal(sealed, f"patient.{name}", patient.uuid) if sealed else None
