"""Report registry and chunked reading, shared by the API, its streams and the export command."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from typing import Any

from django.db import DataError
from django.db.models import DateTimeField, Model, Q, QuerySet
from rest_framework.serializers import IntegerField, ModelSerializer

from accounts.models import GroupMembership, Organization
from accounts.permissions import CAREGIVERS
from accounts.scope import Actor, Role, Viewer, organization_of, viewer_of
from config.core.caching import cached
from config.core.compiled_queries import columns_of
from config.core.databases import on_postgres
from config.rest.compiled.cursors import Keyset
from config.rest.compiled.plans import response_plan
from config.rest.compiled.queries import Criterion, Query, Where
from config.rest.openapi import INTEGER
from exports import reports
from exports.days import Days
from exports.lines import LINE_FORMATS, Chunk, LineStatement, cell_of
from exports.writers import Rows
from patients.models import Patient

BY_CREATION = Keyset("created_at", DateTimeField(), by_creation=True)
# Rows that are held at a time: as objects, and as lines that PostgreSQL has written.
CHUNK = 1_000
LINES = 4_000
# How many patients a stream remembers as audited.
REMEMBERED = 10_000


@dataclass(frozen=True)
class NearPerson(Criterion):
    """People near a caregiver, whose ids are in the column `person`.

    They are the caregiver, colleagues of their care groups, and the logins of the patients of those groups. The
    scope of people is wider: the names of everybody in the organization may stand beside what they did.
    """

    person: str
    viewer: Viewer

    def apply(self, rows: QuerySet) -> QuerySet:
        members, patients = (self._in_groups(model.objects.all()) for model in (GroupMembership, Patient))
        known = Q(**{f"{self.person}__in": members}) | Q(**{f"{self.person}__in": patients})
        return rows.filter(Q(**{self.person: self.viewer.user_id}) | known)

    def _in_groups(self, rows: QuerySet) -> QuerySet:
        """Return the ids of the users whom `rows` put into a care group of the viewer's."""
        return rows.filter(care_group_id__anyof=self.viewer.group_ids, user_id__isnull=False).order_by().values("user_id")


@dataclass(frozen=True)
class Report:
    """A report about the rows that the caller sees, in the order of their creation."""

    about: str
    serializer_class: type[ModelSerializer]
    days: Days = Days.OPTIONAL
    criteria: Callable[[Actor], list[Criterion]] | None = None
    """Which of the rows in scope the report is about; None is for all of them."""

    @property
    def model(self) -> type[Model]:
        """The table whose rows it shows."""
        return self.serializer_class.Meta.model

    @property
    def kinds(self) -> dict[str, type]:
        """The names of the columns, in their order, and what they hold: whole numbers, or else text."""
        return {name: int if _counts(column) else str for name, column in self.serializer_class().fields.items()}

    def query(self, actor: Actor) -> Query:
        """Return the query of the report's rows, in the order of their creation."""
        query = Query.in_scope(self.model, actor).order_by(BY_CREATION)
        return query.filter(*self.criteria(actor)) if self.criteria else query

    def chunks(self, query: Query, actor: Actor, audit_read: Callable[[list[tuple]], None], form: str) -> Iterator[Rows]:
        """Yield the rows of `query` for the format `form`; whose they are is audited before the first of theirs leaves.

        A million measurements of a thousand patients are one read of each, not a thousand.
        """
        patient, read = response_plan(self.serializer_class).patient, self._reader(actor, form)
        audited: set[int] = set()
        found = False
        for chunk in chain.from_iterable(BY_CREATION.walk(part, read) for part in self._parts(query, actor)):
            if not chunk.read:
                continue
            found = True
            if fresh := _not_audited(chunk.read, patient, audited):
                audit_read(fresh)
            yield chunk.shown
        if not found:
            audit_read([])

    def _reader(self, actor: Actor, form: str) -> Callable[[Query], Chunk]:
        """Return what reads a chunk: PostgreSQL writes the lines where every column says in SQL what it shows.

        Python writes the chunk that PostgreSQL cannot write, because it does not know a time zone yet.
        """
        statement = line_statement(self, form) if on_postgres() else None

        def read(query: Query) -> Chunk:
            with suppress(DataError):
                if statement:
                    return statement.read(query, LINES)
            return self._read(query, actor)

        return read

    def _read(self, query: Query, actor: Actor) -> Chunk:
        plan = response_plan(self.serializer_class)
        rows = query.rows(plan.columns.plus(BY_CREATION.column), BY_CREATION.columns, f" LIMIT {CHUNK}")
        last = (rows[-1][-1], rows[-1][0]) if len(rows) == CHUNK else None
        return Chunk(plan.objects(rows, actor), rows, last)

    def _parts(self, query: Query, actor: Actor) -> Iterator[Query]:
        """Yield `query` for one organization after the other, as the indexes have it, where the caller sees all of them."""
        if actor.organization_id is not None:
            yield query
            return
        organization = organization_of(self.model)
        for pk in Organization.objects.order_by("pk").values_list("pk", flat=True):
            yield query.filter(**{organization: pk})
        if columns_of(self.model, organization)[-1].null:
            yield query.filter(Where(Q(**{organization: None})))


@cached
def line_statement(report: Report, form: str) -> LineStatement | None:
    """Return the statement that writes a report in a format, None where there is none."""
    if form not in LINE_FORMATS:
        return None
    fields = report.serializer_class().fields
    cells = {name: cell_of(fields[name], is_number=kind is int) for name, kind in report.kinds.items()}
    said = {name: cell for name, cell in cells.items() if cell}
    if len(said) < len(cells):
        return None
    return LineStatement(response_plan(report.serializer_class), BY_CREATION, LINE_FORMATS[form], said)


def _not_audited(rows: list[tuple], patient: int | None, audited: set[int]) -> list[tuple]:
    """Return those of `rows` whose patient is not in `audited`, and put them there; all where they are about no patient."""
    if patient is None:
        return rows
    if len(audited) > REMEMBERED:
        audited.clear()
    fresh = [row for row in rows if row[patient] not in audited]
    audited.update(row[patient] for row in fresh)
    return fresh


def _counts(column: Any) -> bool:
    annotated = getattr(column, "_spectacular_annotation", {}).get("field")
    return isinstance(column, IntegerField) or annotated == INTEGER


def _near(person: str) -> Callable[[Actor], list[Criterion]]:
    """Return the rule by which caregivers find only people near them, whose ids are in the column `person`."""
    return lambda actor: [NearPerson(person, viewer_of(actor))] if actor.role in CAREGIVERS else []


def _staff(actor: Actor) -> list[Criterion]:
    return [Where(~Q(role=Role.PATIENT)), *_near("id")(actor)]


# Report type -> the report.
REPORTS: Mapping[str, Report] = {
    "patients": Report("All patients.", reports.PatientsReportOut, Days.FORBIDDEN),
    "measurements": Report("What patients have measured.", reports.MeasurementsReportOut, Days.REQUIRED),
    "alerts": Report("Monitoring alerts.", reports.AlertsReportOut, Days.REQUIRED),
    "hcps": Report("The people who work for the organization.", reports.HcpsReportOut, Days.FORBIDDEN, _staff),
    "patientsMutations": Report(
        "Changes of patients' programs, protocols, groups and status.", reports.PatientsMutationsReportOut, Days.FORBIDDEN
    ),
    "starRatings": Report("What patients think of their care.", reports.StarRatingsReportOut, Days.FORBIDDEN),
    "plannedActions": Report("Measurements that are expected of patients.", reports.PlannedActionsReportOut),
    "patientsWorkflowHistory": Report("Workflows that fired.", reports.PatientsWorkflowHistoryReportOut),
    "patientsProgramsHistory": Report("Enrolments in programs.", reports.PatientsProgramsHistoryReportOut),
    "patientsSettingsHistory": Report("Changes of patients' settings.", reports.PatientsSettingsHistoryReportOut),
    "usersStatusChangeReasons": Report(
        "Changes of the status of logins.", reports.UsersStatusChangeReasonsReportOut, criteria=_near("user_id")
    ),
}
