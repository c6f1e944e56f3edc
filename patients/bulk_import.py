"""Bulk import of patients: the rules of single creates and updates, one result per row, few statements per chunk.

A chunk is processed in two steps. Planning reads the rows, matches them with patients, looks up references and validates
row by row; it writes and locks nothing, and takes most of the time. Then, in a transaction that is as short as can be, what
planning has read is looked up once more, now under locks, and the valid rows are written, updates before creates. If
something has changed meanwhile the chunk is planned again. What of planning needs no database is done for the rows of the
next chunk while PostgreSQL writes this one. A patient or a chart number may occur once per import: a second row with it fails,
even in another chunk.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from typing import Any, TypeVar

from django.db import IntegrityError
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from rest_framework.exceptions import ValidationError

from accounts.models import Organization
from accounts.scope import Actor, scope
from config.core.bulk_writes import ROWS_A_TURN, WriteTurns
from config.core.databases import broken_constraint
from config.core.encryption import unseal
from config.core.exceptions import Conflict, DomainError, Invalid, NotFound, VersionConflict
from config.core.text import fold
from config.rest.bulk_reader import BulkReader
from config.rest.fields import Reference, find_ids, require_id
from config.rest.formats import parse_uuid
from patients.import_options import Match, Mode, OnError, Options, Outcome, Result
from patients.models import Patient
from patients.services.batches import Change, Creation, create_patients, update_patients
from patients.services.locking import State, check_reference, find_patients, lock_patients, lock_states, state_of
from patients.services.patient_values import accepted_changes, new_columns
from patients.services.patients import changing
from patients.services.rules import SEALED

# Rows per transaction, if a bad row does not stop the others.
CHUNK = ROWS_A_TURN
# How often a chunk is tried when another transaction changes what it stands on, or takes one of its chart numbers.
ATTEMPTS = 3
GUARANTOR = "responsible_party_id"
NO_COLUMNS = ("base_version", "uuid")

T = TypeVar("T")


@dataclass
class Row:
    """A row being imported.

    What is to be written is `creation`; or the stored `patient` is changed, by `change` if anything of them differs.
    """

    raw: Any
    claims: frozenset[tuple[str, str]]
    index: int = 0
    values: dict[str, Any] = field(default_factory=dict)
    patient_id: int | None = None
    patient: Patient | None = field(default=None, repr=False)
    creation: Creation | None = None
    change: Change | None = None
    error: Exception | None = None
    flaw: Exception | None = None
    """Why the row makes no new patient. What its references name is asked first."""

    @property
    def expected_outcome(self) -> Outcome:
        """The outcome of writing the row, which has no error."""
        if self.creation:
            return Outcome.CREATED
        return Outcome.UPDATED if self.change else Outcome.SKIPPED

    def attempt(self, step: Callable[["Row"], None]) -> Exception | None:
        """Take a step, and return the error for which it fails."""
        try:
            step(self)
        except (DomainError, ValidationError) as error:
            # Its traceback leads back to the row.
            return error.with_traceback(None)
        return None


class BulkImport:
    """An import into one organization, chunk by chunk."""

    def __init__(self, *, actor: Actor, organization: Organization, reader: BulkReader, options: Options):
        self.actor, self.organization, self.reader, self.options = actor, organization, reader, options
        self.claimed: set[tuple[str, str]] = set()
        self.freed: set[str] = set()
        self.turns = WriteTurns()
        self.ahead = Ahead(self, ())

    def restore_claims(self, raws: Sequence, outcomes: Iterable[str]) -> None:
        """Restore the claims of the rows that an earlier, interrupted run has imported."""
        for raw, outcome in zip(raws, outcomes, strict=False):
            if outcome != Outcome.FAILED:
                self.claimed |= self.claims_of(raw)

    def take(self, raws: Sequence, following: Sequence = ()) -> list[Result]:
        """Import rows in one transaction of their own, and prepare some of the `following` ones meanwhile."""
        return self.process(raws, 0, self.write, following=following)

    def process(
        self, raws: Sequence, start: int, write: Callable[["Chunk"], T], *, following: Sequence = (), always: bool = False
    ) -> T:
        """Plan rows and return `write(chunk)`, which calls `self.write` in a transaction that is opened for it.

        The first row has the index `start`. Nothing to write opens no transaction, but with `always`. A plan that the database
        has overtaken is made anew, the last time under locks. While the database writes, `following` rows are prepared.
        """
        prepared, self.ahead = self.ahead.rows, Ahead(self, following)
        for attempt in range(1, ATTEMPTS + 1):
            chunk = Chunk(self, raws, start, last_attempt=attempt == ATTEMPTS)
            chunk.plan(prepared if attempt == 1 else ())
            try:
                with self.turns.turn(self.ahead.step) if always or chunk.writes else nullcontext():
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
        # Of patients who were created the database tells it, however many there are.
        if self.options.validate_only or self.options.mode != Mode.CREATE:
            self.claimed |= chunk.claimed
        if self.options.validate_only:
            self.freed |= chunk.freed
        return results

    def prepare(self, raw: Any) -> Row:
        """Return a row as far as it can be prepared without the database."""
        row = Row(raw, self.claims_of(raw))
        row.error = row.attempt(self._read)
        if self.options.mode == Mode.CREATE and not row.error:
            row.flaw = row.attempt(self.prepare_creation)
        return row

    def _read(self, row: Row) -> None:
        row.values = self.reader.read(row.raw, complete=self.options.mode == Mode.CREATE)
        if self.options.mode == Mode.UPDATE and not self.key_of(row):
            raise Invalid(_("An update needs it to find its patient."), self.options.match_on, "required")

    def key_of(self, row: Row) -> str:
        """Return the key that matches a row with a stored patient, or "" if it can only create one."""
        if self.options.mode == Mode.CREATE:
            return ""
        value = row.values.get(self.options.match_on) or ""
        return value if self.options.match_on == Match.UUID else fold(value)[:64]

    def prepare_creation(self, row: Row) -> None:
        """Prepare a new patient, whose references may be unresolved."""
        values = {name: value for name, value in row.values.items() if name not in NO_COLUMNS}
        columns = new_columns(actor=self.actor, organization=self.organization, values={**self.options.defaults, **values})
        unresolved = [name for name, value in values.items() if isinstance(value, Reference)]
        row.creation = Creation.of({**columns, **dict.fromkeys(unresolved)})

    def claims_of(self, raw: Any) -> frozenset[tuple[str, str]]:
        """Return the keys that no later row may use: the row's chart number, and the UUID that it is matched by."""
        if not isinstance(raw, Mapping):
            return frozenset()
        chart, uuid = raw.get("chart_number"), parse_uuid(raw.get("uuid"))
        claims = {(Match.CHART_NUMBER.value, fold(chart)[:64])} if isinstance(chart, str) and fold(chart) else set()
        if uuid and self.options.mode != Mode.CREATE and self.options.match_on == Match.UUID:
            claims.add((Match.UUID.value, str(uuid)))
        return frozenset(claims)


class Ahead:
    """The rows that come after those that are being written, prepared one by one."""

    def __init__(self, job: BulkImport, raws: Sequence):
        self.job, self.raws, self.rows = job, raws, list[Row]()

    def step(self) -> bool:
        """Prepare the next row; False if there is none."""
        if len(self.rows) == len(self.raws):
            return False
        try:
            self.rows.append(self.job.prepare(self.raws[len(self.rows)]))
        except Exception:
            # It is raised again where the row is planned.
            self.raws = self.raws[: len(self.rows)]
        return True


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
        return all(self.ask(question, about) == answer for question, about, answer in earlier.answers)

    def matches(self, keys: Collection[str]) -> dict[str, int]:
        """Return the ids of the matching patients in the caller's scope, by key."""
        column = "uuid" if self.job.options.match_on == Match.UUID else "chart_number_key"
        patients = self._unarchived(**{f"{column}__anyof": sorted(keys)})
        return {str(key): pk for key, pk in scope(self.job.actor, patients).values_list(column, "pk")}

    def references(self, references: Collection[Reference]) -> dict[Reference, int]:
        """Return the ids of what the rows refer to, in the caller's scope."""
        return find_ids(references, self.job.actor, self.job.organization.pk)

    def patients(self, ids: Collection[int]) -> dict[int, Patient]:
        """Return the patients to update and the guarantors to refer to, by id; their states are what is asked again."""
        found = lock_patients(ids) if self.locked else find_patients(ids)
        self.answers.append((LookUps.states, ids, {pk: state_of(patient) for pk, patient in found.items()}))
        return found

    def states(self, ids: Collection[int]) -> dict[int, State]:
        """Lock patients, and return their states by id."""
        return lock_states(ids)

    def holders(self, keys: Collection[str]) -> dict[str, int]:
        """Return the holders of the rows' chart numbers, in scope or not: the constraint would reveal as much."""
        return dict(self._unarchived(chart_number_key__anyof=sorted(keys)).values_list("chart_number_key", "pk"))

    def _unarchived(self, **lookups: Any) -> QuerySet[Patient]:
        # In no order: for theirs SQLite reads all patients of the organization by the index of names.
        return Patient.objects.filter(organization=self.job.organization, deleted_at=None, **lookups).order_by()


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
    def plan(self, prepared: Sequence[Row] = (), *, locked: bool = False) -> None:
        """Prepare every row for writing, or set its error; the first ones may be `prepared` as far as the job can."""
        known = [row for row, raw in zip(prepared, self.raws, strict=False) if row.raw is raw]
        self.rows = [*known, *map(self.job.prepare, self.raws[len(known) :])]
        for index, row in enumerate(self.rows, self.start):
            row.index = index
        self.claimed, self.freed = set[tuple[str, str]](), set[str]()
        self.look_ups = LookUps(self.job, locked=locked)
        self.matches = self.look_ups.ask(LookUps.matches, {self.job.key_of(row) for row in self._good_rows()} - {""})
        self._for_each_good_row(self._match)
        references = {value for row in self._good_rows() for value in row.values.values() if isinstance(value, Reference)}
        self.ids = self.look_ups.ask(LookUps.references, references)
        self._for_each_good_row(self._resolve_references)
        named = self._named_patients()
        self.patients = self.look_ups.patients(named) if named else {}
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
            row.error = row.attempt(step)

    def _match(self, row: Row) -> None:
        key = self.job.key_of(row)
        row.patient_id = self.matches.get(key)
        if row.patient_id is not None or self.options.mode == Mode.CREATE:
            return
        if self.options.mode == Mode.UPDATE or (key and self.options.match_on == Match.UUID):
            raise NotFound(_("Patient"))
        if missing := self.job.reader.missing(row.values):
            raise ValidationError(missing)

    def _resolve_references(self, row: Row) -> None:
        named = {name: value for name, value in row.values.items() if isinstance(value, Reference)}
        found = {name: require_id(self.ids.get(value), value, name) for name, value in named.items()}
        row.values |= found
        if row.creation:
            row.creation.refer(found)

    def _named_patients(self) -> set[int]:
        """Return the ids of the patients to update and of the guarantors."""
        named = {pk for row in self._good_rows() for pk in (row.patient_id, row.values.get(GUARANTOR))}
        return {pk for pk in named if pk is not None}

    def _check(self, row: Row) -> None:
        base_version, _ = [row.values.pop(name, None) for name in NO_COLUMNS]
        if row.values.get(GUARANTOR):
            check_reference(self.patients.get(row.values[GUARANTOR]), "responsible_party")
        if row.patient_id is None:
            self._check_create(row)
        else:
            self._check_update(row, self.patients.get(row.patient_id), base_version)
        self._claim_keys(row)

    def _check_create(self, row: Row) -> None:
        if self.options.mode != Mode.CREATE:
            self.job.prepare_creation(row)
        if row.flaw:
            raise row.flaw

    def _check_update(self, row: Row, patient: Patient | None, base_version: int | None) -> None:
        if patient is None or patient.deleted_at is not None:
            raise NotFound(_("Patient"))
        row.patient, accepted = patient, accepted_changes(patient, row.values)
        changing.send(Patient, patient=patient, accepted=accepted)
        if base_version is not None and base_version != patient.version:
            raise VersionConflict(expected=patient.version, got=base_version)
        differing = {name: value for name, value in accepted.items() if stored_value(patient, name) != value}
        row.change = Change.of(patient, differing) if differing else None

    def _claim_keys(self, row: Row) -> None:
        for kind, key in sorted(row.claims):
            free = kind != Match.CHART_NUMBER or key in self.freed or key in self.job.freed
            holder = None if free else self.holders.get(key)
            if (kind, key) in self.claimed or (kind, key) in self.job.claimed or holder not in (None, row.patient_id):
                taken = kind == Match.CHART_NUMBER
                raise Conflict(_("duplicate chart number") if taken else _("An earlier row names the same patient"), kind)
        self.claimed |= row.claims
        if row.change and "chart_number" in row.change.accepted:
            self.freed.add(row.change.patient.chart_number_key)

    # --- writing ----------------------------------------------------------------------------------
    def write(self) -> None:
        """Write the valid rows, updates first: a new patient may take a chart number that an update frees."""
        good = self._good_rows()
        update_patients(actor=self.job.actor, changes=[row.change for row in good if row.change])
        created = [row for row in good if row.creation]
        named = {name for row in created for name in row.values}
        create_patients(
            actor=self.job.actor,
            organization_id=self.job.organization.pk,
            creations=[row.creation for row in created if row.creation],
            named=named,
        )

    def _result(self, row: Row, *, stopped: bool) -> Result:
        if row.error:
            return Result(row.index, Outcome.FAILED, error=row.error)
        stored = row.patient.uuid if row.patient else None
        changed = tuple(row.change.accepted) if row.change else ()
        expected = row.expected_outcome
        if self.options.validate_only:
            return Result(row.index, Outcome.VALIDATED, stored, expected=expected, changed=changed)
        if stopped or expected == Outcome.SKIPPED:
            return Result(row.index, Outcome.SKIPPED, stored)
        return Result(row.index, expected, row.creation.uuid if row.creation else stored, changed=changed)


def stored_value(patient: Patient, name: str) -> Any:
    """Return a stored value by the name used in services, sealed values in clear."""
    if name not in SEALED:
        return getattr(patient, name)
    sealed = getattr(patient, f"{name}_sealed")
    return unseal(sealed, f"patient.{name}", patient.uuid) if sealed else None
