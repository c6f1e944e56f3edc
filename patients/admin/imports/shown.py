"""What the pages of imports show, as people read it."""

import datetime
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.scope import Actor, Role, scope
from config.core.written_dates import written_day
from patients.admin.imports.forms import DATE_ORDERS, ENCODINGS, MATCHES, MODES, ON_ERROR
from patients.import_options import Match, Mode, OnError, Outcome
from patients.import_runs import COUNTS, Findings, ImportFile
from patients.model_names import label
from patients.models import UNWRITTEN, ImportCreation, ImportState, Patient, PatientImport

RUNNING = (ImportState.CHECKING, ImportState.IMPORTING, ImportState.UNDOING)
"""The states in which the page asks for one step after the other."""
NOTHING_WRITTEN = (*UNWRITTEN, ImportState.DISCARDED)
"""The states in which the counts are of what would have happened."""
UNDOABLE = (ImportState.DONE, ImportState.STOPPED)
# Columns that lists leave in the database.
HEAVY = ("content_sealed", "findings_sealed")
# How many errors a page shows; all of them are in the table to download.
MAX_ERRORS = 100
# How many of the patients whom an import created its page leads to.
MAX_PATIENTS = 50

# What is said of each outcome, of rows that are only checked and of those that were imported.
EXPECTED: dict[str, Any] = {
    Outcome.CREATED: _("would be created"),
    Outcome.UPDATED: _("would be updated"),
    Outcome.SKIPPED: _("have nothing to change"),
    Outcome.FAILED: _("are wrong"),
}
DONE: dict[str, Any] = {
    Outcome.CREATED: _("created"),
    Outcome.UPDATED: _("updated"),
    Outcome.SKIPPED: _("had nothing to change"),
    Outcome.FAILED: _("wrong, not imported"),
}


@dataclass(frozen=True)
class Outcomes:
    """How many rows have an outcome, with the first of them: line, name, day of birth, chart number, changed fields."""

    outcome: str
    words: str
    number: int
    rows: list[dict[str, Any]]


@dataclass(frozen=True)
class Progress:
    """How far a step-by-step job is: `done` of `total`, what happens, and in percent."""

    words: str
    done: int
    total: int

    @property
    def percent(self) -> int:
        """The part that is done, in whole percent."""
        return self.done * 100 // max(self.total, 1)


def listed_imports(actor: Actor) -> QuerySet[PatientImport]:
    """Return the imports that `actor` may see, the latest first."""
    rows = PatientImport.objects.select_related("organization", "created_by").defer(*HEAVY)
    return scope(actor, rows).order_by("-pk")


def importer_of(run: PatientImport, actor: Actor) -> str:
    """Return who uploaded the file, as `actor` may know them: whoever belongs to no organization is the operator."""
    if actor.role == Role.FC_ADMIN or run.created_by.organization_id == actor.organization_id:
        return run.created_by.get_full_name()
    return gettext("the operator")


def settings_of(run: PatientImport, actor: Actor) -> list[tuple[str, Any]]:
    """Return how the file is imported, in words; and where, for who sees several organizations."""
    settings: list[tuple[str, Any]] = [(gettext("Organization"), run.organization.name)] if actor.role == Role.FC_ADMIN else []
    settings.append((gettext("Rows"), MODES[Mode(run.mode)]))
    if run.mode != Mode.CREATE:
        settings.append((gettext("Found by"), MATCHES[Match(run.match_on)]))
    settings.append((gettext("If a row is wrong"), ON_ERROR[OnError(run.on_error)]))
    if run.care_group:
        settings.append((gettext("Care group"), run.care_group.name))
    return [*settings, (gettext("Dates"), DATE_ORDERS[run.date_order]), (gettext("Encoding"), ENCODINGS[run.encoding])]


def progress_of(run: PatientImport) -> Progress:
    """Return how far an import is in its present state."""
    if run.state != ImportState.UNDOING:
        words = gettext("Checking the rows") if run.state == ImportState.CHECKING else gettext("Importing the rows")
        return Progress(words, run.position, run.total)
    creations = ImportCreation.objects.filter(patient_import=run)
    done = creations.aggregate(total=Count("pk"), done=Count("pk", filter=Q(archived__isnull=False)))
    return Progress(gettext("Archiving the patients"), done["done"], done["total"])


def outcomes_of(run: PatientImport, findings: Findings | None) -> list[Outcomes]:
    """Return how many rows have each outcome, with the first ones where they are kept."""
    words = EXPECTED if run.state in (ImportState.CHECKING, ImportState.CHECKED) else DONE
    if run.on_error == OnError.ABORT and words is DONE:
        words = {**DONE, Outcome.SKIPPED: gettext("not imported, as others are wrong") if run.failed else DONE[Outcome.SKIPPED]}
    first = findings.shown if findings else {}
    return [
        Outcomes(outcome, words[outcome], getattr(run, outcome), [_shown_row(*row) for row in first.get(outcome, ())])
        for outcome in COUNTS
    ]


def created_patients(run: PatientImport, actor: Actor) -> list[Patient]:
    """Return the first patients whom an import created and whom no undo has archived, in the order of the file."""
    created = ImportCreation.objects.filter(patient_import=run, archived=None).order_by("pk")
    ids = list(created.values_list("patient_id", flat=True)[:MAX_PATIENTS])
    found = {patient.pk: patient for patient in scope(actor, Patient.objects.filter(pk__in=ids))}
    return [found[pk] for pk in ids if pk in found]


def _shown_row(line: int, told: list[str], changed: list[str]) -> dict[str, Any]:
    last_name, first_name, born, chart_number = told
    name = ", ".join(part for part in (last_name, first_name) if part)
    return {"line": line, "name": name, "born": _day(born), "chart_number": chart_number, "changed": list(map(label, changed))}


def _day(text: str) -> str:
    """Return a day as pages write it, and what is no day as the file has it."""
    try:
        return written_day(datetime.date.fromisoformat(text))
    except ValueError:
        return text


def shown_errors(run: PatientImport, findings: Findings) -> list[dict[str, Any]]:
    """Return the first errors: line, column as the file calls it, and what is wrong."""
    header = dict(zip(run.columns or (), ImportFile(run).table.titles, strict=False))
    return [
        {"line": line, "column": header.get(name) or label(name), "message": message}
        for _, line, name, message in findings.problems[:MAX_ERRORS]
    ]


def undo_counts(run: PatientImport) -> dict[str, int]:
    """Return how many patients an undo has archived, and how many it has left because somebody had changed them."""
    creations = ImportCreation.objects.filter(patient_import=run)
    return creations.aggregate(left=Count("pk", filter=Q(archived=True)), stayed=Count("pk", filter=Q(archived=False)))
