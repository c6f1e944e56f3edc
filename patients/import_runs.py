"""Imports of files that people upload: looked through first, then carried out, a chunk of rows for each call.

Each call of `take_step` reads the rows that come next, plans them, and writes them in one transaction, with how far the import
has come: whoever calls again, in whichever process, goes on from there. The engine is that of the command and of the bulk
request (`patients.bulk_import`).
"""

import io
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.audit import record_change
from accounts.models import CareGroup, Organization
from accounts.scope import Actor
from accounts.services.pruning import add_removal
from config.core.bulk_writes import insert_values
from config.core.databases import DatabaseNow
from config.core.encryption import blind_index
from config.core.exceptions import Conflict, Invalid
from config.core.table_cells import DateOrder
from config.core.tables import FileRefused, Table, read_table
from config.core.text import fold
from config.rest.bulk_reader import BulkReader
from config.rest.problems import problems_of
from patients.bulk_import import CHUNK, BulkImport, Chunk
from patients.import_files import ERROR_COLUMNS, ErrorRows, FileRow, PatientTable, encoding_errors
from patients.import_options import MAX_ROWS, OnError, Options, Outcome, Result
from patients.input_serializers import ImportedPatient
from patients.model_names import label
from patients.models import UNWRITTEN, ImportCreation, ImportState, Patient, PatientImport

# In bytes: more than MAX_ROWS rows of the usual columns have.
MAX_FILE = 8_000_000
# How many rows of each outcome are shown.
SHOWN = 5
# Beside the name, what tells people of one name apart.
TOLD = ("last_name", "first_name", "date_of_birth", "chart_number")

# How other programs call a column -> the field that it most likely is. It is offered, and a person chooses it.
OTHER_NAMES = {
    "surname": "last_name",
    "family_name": "last_name",
    "lastname": "last_name",
    "forename": "first_name",
    "given_name": "first_name",
    "firstname": "first_name",
    "birth_date": "date_of_birth",
    "birthdate": "date_of_birth",
    "dob": "date_of_birth",
    "born": "date_of_birth",
    "mrn": "chart_number",
    "patient_number": "chart_number",
    "e_mail": "email",
    "email_address": "email",
    "phone": "home_phone",
    "mobile": "mobile_phone",
    "cell_phone": "mobile_phone",
    "zip": "postal_code",
    "zip_code": "postal_code",
    "postcode": "postal_code",
    "town": "city",
    "ssn": "social_security_number",
}

COUNTS: tuple[str, ...] = (Outcome.CREATED, Outcome.UPDATED, Outcome.SKIPPED, Outcome.FAILED)
"""The outcomes that are counted, each in the column of its name."""
FROM_THE_START: Mapping[str, Any] = {"position": 0, **dict.fromkeys(COUNTS, 0), "findings_sealed": None}
"""The columns of an import of which no row is done in its present state."""


@dataclass(frozen=True)
class Upload:
    """A file and how it is to be imported. `encoding` and `date_order` are "" where the file needs none."""

    file_name: str
    content: bytes
    mode: str
    match_on: str
    on_error: str
    care_group: CareGroup | None = None
    date_order: str = ""
    encoding: str = ""


@dataclass
class Findings:
    """What was found in the rows so far, which is kept encrypted with the file.

    `problems` are [position, line, field, message], `shown` the first rows of each outcome as [line, told, changed fields].
    `claimed` and `freed` are what the engine knows of the rows before.
    """

    problems: list[list[Any]] = field(default_factory=list)
    shown: dict[str, list[list[Any]]] = field(default_factory=dict)
    claimed: list[list[str]] = field(default_factory=list)
    freed: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, run: PatientImport) -> "Findings":
        """Return what is kept with an import."""
        return cls(**json.loads(run.findings or "{}"))

    def add(self, line: int, outcome: str, told: Mapping[str, str], changed: Sequence[str]) -> None:
        """Note what becomes of the row on a line, if it is one of the first ones."""
        shown = self.shown.setdefault(outcome, [])
        if len(shown) < SHOWN:
            shown.append([line, [told.get(name, "") for name in TOLD], list(changed)])


class ImportFile:
    """The file of an import, which is still kept, and its columns."""

    def __init__(self, run: PatientImport):
        self.run, content = run, run.content
        if content is None:
            raise Conflict(_("The file is no longer kept: upload it again."))
        self.text = read_table(io.BufferedReader(io.BytesIO(content)), run.encoding or None)  # type: ignore[arg-type]
        self.reader = BulkReader(ImportedPatient)

    @cached_property
    def table(self) -> Table:
        """The file as a table, of which nothing but the header is read."""
        return Table(self.text, self.reader.fields)

    def patients(self) -> PatientTable:
        """Return the file as a table of patients, by the columns that were chosen."""
        run = self.run
        return PatientTable(
            self.text,
            self.reader.fields,
            options_of(run).required_columns,
            columns=run.columns,
            date_order=DateOrder(run.date_order) if run.date_order else None,
            country=run.organization.country,
        )


def options_of(run: PatientImport) -> Options:
    """Return how an import is carried out in its present state."""
    return Options(
        mode=run.mode,
        match_on=run.match_on,
        validate_only=run.state != ImportState.IMPORTING,
        on_error=run.on_error,
        defaults={"care_group_id": run.care_group_id} if run.care_group_id else {},
    )


# --- from the upload to the check -------------------------------------------------------------------
def upload_import(*, actor: Actor, organization: Organization, upload: Upload) -> PatientImport:
    """Keep a file, encrypted, and begin to look through it. Raises FileRefused.

    Where its header has unknown columns it waits for somebody to choose fields for them, unless that was done for an equal one.
    """
    if len(upload.content) > MAX_FILE:
        message = _("it is larger than %(size)s MB: divide it, or use manage.py import_patients")
        raise FileRefused(message % {"size": MAX_FILE // 1_000_000})
    run = PatientImport(organization=organization, created_by_id=actor.user_id, **_settings_of(upload))
    run.content = upload.content
    table = ImportFile(run).table
    run.total = _counted(table)
    header = own_header(table)
    run.header_index = blind_index("\n".join(map(fold, header)), "patientimport.header", organization.pk)
    columns = header if set(header) <= {*BulkReader(ImportedPatient).fields, ""} else _remembered(run, len(header))
    run.columns = columns and [None] * (len(table.header) - len(header)) + columns
    run.state = ImportState.CHECKING if run.columns is not None and not column_faults(run, run.columns) else ImportState.COLUMNS
    with transaction.atomic():
        run.save(force_insert=True)
        record_import(actor, "patient_import.create", run)
    return run


def _settings_of(upload: Upload) -> dict[str, Any]:
    kept = {name: value for name, value in vars(upload).items() if name != "content"}
    return {**kept, "file_name": upload.file_name[:255]}


def _counted(table: Table) -> int:
    total = sum(1 for _ in islice(table, MAX_ROWS + 1))
    if not total:
        raise FileRefused(_("it has no rows below its header"))
    if total > MAX_ROWS:
        message = _("it has more than %(rows)s rows: divide it, or use manage.py import_patients")
        raise FileRefused(message % {"rows": f"{MAX_ROWS:,}"})
    return total


def own_header(table: Table) -> list[str]:
    """Return the header without the columns that a table of errors has before those of its file."""
    told = len(ERROR_COLUMNS)
    return table.header[told:] if tuple(table.header[:told]) == ERROR_COLUMNS else list(table.header)


def _remembered(run: PatientImport, width: int) -> list[str | None] | None:
    """Return the last `width` columns as they were last chosen in the organization for an equal header."""
    alike = PatientImport.objects.filter(organization=run.organization, header_index=run.header_index)
    found = alike.exclude(columns=None).order_by("-pk").values_list("columns", flat=True).first()
    return found and found[-width:]


def likely_columns(run: PatientImport) -> list[str | None]:
    """Return the columns as chosen, or else the fields that they most likely are, None where nothing is likely."""
    if run.columns is not None:
        return list(run.columns)
    known = BulkReader(ImportedPatient).fields
    return [name if name in known or not name else _likely(name) for name in ImportFile(run).table.header]


def _likely(name: str) -> str | None:
    return OTHER_NAMES.get("_".join(fold(name).replace("-", " ").replace("_", " ").split()))


def column_faults(run: PatientImport, columns: Sequence[str | None]) -> list[str]:
    """Return what is wrong with columns for the rows of an import, in words."""
    chosen = [name for name in columns if name]
    twice = sorted({name for name in chosen if chosen.count(name) > 1})
    missing = sorted(options_of(run).required_columns - set(chosen))
    doubled, lacking = _("Two columns are chosen for %(field)s."), _("No column is chosen for %(field)s, which every row needs.")
    faults = [doubled % {"field": label(name)} for name in twice]
    return faults + [lacking % {"field": label(name)} for name in missing]


def choose_columns(*, run: PatientImport, columns: Sequence[str | None]) -> None:
    """Choose the field of each column, and look through the file anew. Raises Invalid, or Conflict once something is written."""
    if faults := column_faults(run, columns):
        raise Invalid({"": faults})
    _change_state(run, UNWRITTEN, ImportState.CHECKING, columns=list(columns), **FROM_THE_START)


# --- carrying out -----------------------------------------------------------------------------------
@transaction.atomic
def begin_import(*, actor: Actor, run: PatientImport) -> None:
    """Begin to write what was checked. Raises Conflict where that is not the state, or where a bad row stops the others."""
    if run.on_error == OnError.ABORT and run.failed:
        raise Conflict(_("Rows fail, and with any of them nothing is to be imported: mend them and upload the file again."))
    _change_state(run, (ImportState.CHECKED,), ImportState.IMPORTING, **FROM_THE_START)
    record_import(actor, "patient_import.start", run)


@transaction.atomic
def stop_import(*, actor: Actor, run: PatientImport) -> None:
    """Forget the file. What was written stays; what was not is not written. Raises Conflict where it has ended."""
    after = ImportState.STOPPED if run.state == ImportState.IMPORTING else ImportState.DISCARDED
    states = (ImportState.IMPORTING,) if after == ImportState.STOPPED else UNWRITTEN
    _change_state(run, states, after, content_sealed=None, findings_sealed=None)
    record_import(actor, "patient_import.stop", run)


@transaction.atomic
def forget_file(*, actor: Actor, run: PatientImport) -> None:
    """Remove the file of an import that has ended, with what was found in it."""
    _change_state(run, (ImportState.DONE,), ImportState.DONE, content_sealed=None, findings_sealed=None)
    record_import(actor, "patient_import.forget", run)


def take_step(*, actor: Actor, run: PatientImport) -> None:
    """Check or write the next rows. Does nothing where there are none, or where somebody else does so at this moment.

    Rows that are all or nothing are written in one step. Raises Conflict where the file is no longer kept.
    """
    if run.state in (ImportState.CHECKING, ImportState.IMPORTING):
        ImportStep(actor, run).take()
        run.refresh_from_db()


class ImportStep:
    """The rows of an import that come next."""

    def __init__(self, actor: Actor, run: PatientImport):
        self.actor, self.run = actor, run
        self.patients = ImportFile(run).patients()
        count = run.total if run.state == ImportState.IMPORTING and options_of(run).whole else CHUNK
        self.rows = [self.patients.read(row) for row in islice(self.patients.table, run.position, run.position + count)]
        self.readable = [row for row in self.rows if not row.faults]

    @cached_property
    def job(self) -> BulkImport:
        """The engine, with what it knows of the rows before."""
        run, findings = self.run, Findings.of(self.run)
        job = BulkImport(
            actor=self.actor, organization=run.organization, reader=BulkReader(ImportedPatient), options=options_of(run)
        )
        job.claimed = {(kind, key) for kind, key in findings.claimed}
        job.freed = set(findings.freed)
        return job

    def take(self) -> None:
        """Plan the rows, and write them in one transaction with how far the import has come."""
        self.job.process([row.values for row in self.readable], 0, self._write, always=True)

    def _write(self, chunk: Chunk) -> None:
        run = self.run
        locked = PatientImport.objects.select_for_update().only("state", "position").get(pk=run.pk)
        # Whoever was first has done these rows.
        if (locked.state, locked.position) != (run.state, run.position):
            return
        results = self.job.write(chunk)
        self._keep_creations(results)
        self._save(results)

    def _keep_creations(self, results: list[Result]) -> None:
        created = [result.uuid for result in results if result.outcome == Outcome.CREATED]
        ids = Patient.objects.filter(uuid__anyof=created).order_by("pk").values_list("pk", flat=True) if created else ()
        names = ("organization_id", "patient_import_id", "patient_id")
        insert_values(ImportCreation, names, [(self.run.organization_id, self.run.pk, pk) for pk in ids])

    def _save(self, results: list[Result]) -> None:
        """Keep how far the import has come, with what became of these rows."""
        run = self.run
        findings, found = self._found(results)
        run.findings = json.dumps(vars(findings))
        position = run.position + len(self.rows)
        counts = {name: getattr(run, name) + found[name] for name in COUNTS}
        values: dict[str, Any] = {"position": position, **counts, "findings_sealed": run.findings_sealed}
        ended = position >= run.total
        _save_run(run, **(values | self._end(counts) if ended else values))
        if ended and run.state == ImportState.IMPORTING:
            record_import(self.actor, "patient_import.complete", run)

    def _found(self, results: list[Result]) -> tuple[Findings, Counter[str]]:
        """Return the findings up to these rows, and how many of these rows have each outcome."""
        findings, counts = Findings.of(self.run), Counter[str]()
        of_readable = iter(results)
        for position, row in enumerate(self.rows, self.run.position):
            result = None if row.faults else next(of_readable)
            outcome, problems = self._outcome(row, result)
            counts[outcome] += 1
            findings.problems += [[position, row.line, *problem] for problem in problems]
            told = {
                name: str(row.values.get(name, text))
                for name, text in zip(self.patients.columns, row.cells, strict=False)
                if name in TOLD
            }
            findings.add(row.line, outcome, told, self._changed(result) if result else ())
        findings.claimed, findings.freed = sorted(map(list, self.job.claimed)), sorted(self.job.freed)
        return findings, counts

    def _end(self, counts: Mapping[str, int]) -> dict[str, Any]:
        """Return the columns of an import that has come to the end of its file: without faults nobody needs the file again."""
        if self.run.state == ImportState.CHECKING:
            return {"state": ImportState.CHECKED}
        gone = {} if counts[Outcome.FAILED] else {"content_sealed": None, "findings_sealed": None}
        return {"state": ImportState.DONE, **gone}

    def _changed(self, result: Result) -> list[str]:
        """Return the columns in which the row differs from what is stored."""
        return [self.job.reader.names.get(name.removesuffix("_id"), name) for name in result.changed]

    def _outcome(self, row: FileRow, result: Result | None) -> tuple[str, list[tuple[str, str]]]:
        """Return what becomes of a row, and (field, message) of what is wrong with it."""
        if result is None:
            return Outcome.FAILED, list(row.faults.items())
        if result.error is None:
            return result.expected or result.outcome, []
        problems = problems_of(result.error, self.job.reader.names)
        return Outcome.FAILED, [(str(problem.path[0]) if problem.path else "", problem.message) for problem in problems]


def _change_state(run: PatientImport, states: Sequence[str], state: str, **values: Any) -> None:
    """Change the state of an import that is in one of `states`. Raises Conflict where it is not."""
    if not _save_run(run, states=states, state=state, **values):
        raise Conflict(_("This import has gone on meanwhile: look at it again."))
    run.refresh_from_db()


def _save_run(run: PatientImport, *, states: Sequence[str] | None = None, **values: Any) -> int:
    rows = PatientImport.objects.filter(pk=run.pk, state__in=states or [run.state])
    return rows.update(**values, updated_at=DatabaseNow())


def record_import(actor: Actor, action: str, run: PatientImport) -> None:
    """Audit an event of an import. Nothing is published: the patients whom it writes are, each with its own event."""
    record_change(actor, action, run, event=None)


# --- what is wrong with a file ----------------------------------------------------------------------
def error_table(run: PatientImport) -> tuple[bytes, str]:
    """Return a table of the rows that failed, as they are in the file, and its encoding.

    Before each stand its line, the fields that are wrong, and why. Mended, it can be uploaded as it is: each row is there once.
    """
    patients = ImportFile(run).patients()
    problems: dict[int, list[list[Any]]] = {}
    for position, *problem in Findings.of(run).problems:
        problems.setdefault(position, []).append(problem)
    text = io.StringIO(newline="")
    errors = ErrorRows(text, patients.table)
    for position, raw in enumerate(patients.table):
        if found := problems.get(position):
            _, names, texts = zip(*found, strict=True)
            errors.write(patients.read(raw), "; ".join(filter(None, names)), " ".join(texts))
    encoding = patients.table.encoding
    return text.getvalue().encode(encoding, encoding_errors(patients.table)), encoding.removesuffix("-sig")


add_removal("import files", PatientImport.remove_expired)
