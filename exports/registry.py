"""What all ways out share in reading reports: which there are, whose rows they show, and those a chunk at a time."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any

from django.db.models import BigIntegerField, DateTimeField, Model, Q, QuerySet
from rest_framework.serializers import IntegerField, ModelSerializer

from accounts.models import GroupMembership, Organization
from accounts.permissions import CAREGIVERS
from accounts.scope import Actor, Role, organization_of
from config.rest.compiled.cursors import Keyset
from config.rest.compiled.plans import Criterion, Query, columns_of, marked, plan_of, scoped, values_of
from config.rest.views import equal_to
from exports import reports
from exports.days import Days
from exports.report_columns import NUMBER
from patients.models import Patient

BY_CREATION = Keyset("created_at", DateTimeField(), by_creation=True)
CHUNK = 1_000
"""Rows that are held at a time."""
REMEMBERED = 10_000
"""Patients whom a stream remembers to have told the audit trail about."""


@dataclass(frozen=True)
class Report:
    """A report about the rows that the caller sees, in the order of their creation."""

    about: str
    columns: type[ModelSerializer]
    days: Days = Days.OPTIONAL
    among: Callable[[Actor], list[Criterion]] = lambda actor: []
    """Which of the rows in scope the report is about."""

    @property
    def model(self) -> type[Model]:
        """The table whose rows it shows."""
        return self.columns.Meta.model

    @property
    def kinds(self) -> dict[str, type]:
        """The names of the columns, in their order, and what they hold: whole numbers, or else text."""
        return {name: int if _counts(column) else str for name, column in self.columns().fields.items()}

    def query(self, actor: Actor, days: list[Criterion]) -> Query:
        """Return the query of the rows that were made within `days`."""
        return Query(self.model, [scoped(actor), *self.among(actor), *days])

    def chunks(self, query: Query, actor: Actor, audited: Callable[[list[tuple]], None]) -> Iterator[list[dict[str, Any]]]:
        """Yield the rows of `query` as the report shows them; whose they are is `audited` before the first of theirs leaves.

        A million measurements of a thousand patients are one read of each, not a thousand.
        """
        plan = plan_of(self.columns)
        told: set[int] = set()
        rows: list[tuple] | None = None
        for rows in chain.from_iterable(BY_CREATION.walk(part, plan, CHUNK) for part in self._parts(query, actor)):
            if fresh := _not_told(rows, plan.patient, told):
                audited(fresh)
            yield plan.objects(rows, actor)
        if rows is None:
            audited([])

    def _parts(self, query: Query, actor: Actor) -> Iterator[Query]:
        """Yield `query` for one organization after the other, as the indexes have it, where the caller sees all of them."""
        if actor.organization_id is not None:
            yield query
            return
        organization = organization_of(self.model)
        for pk in Organization.objects.order_by("pk").values_list("pk", flat=True):
            yield Query(self.model, [*query.criteria, equal_to(organization, pk, BigIntegerField())])
        if columns_of(self.model, organization)[-1].null:
            nobodys = Criterion("nobody's", lambda rows: rows.filter(**{organization: None}))
            yield Query(self.model, [*query.criteria, nobodys])


def _not_told(rows: list[tuple], patient: int | None, told: set[int]) -> list[tuple]:
    """Return those of `rows` whose patient is not in `told`, and put them there; all of them where they are about no patient."""
    if patient is None:
        return rows
    if len(told) > REMEMBERED:
        told.clear()
    fresh = [row for row in rows if row[patient] not in told]
    told.update(row[patient] for row in fresh)
    return fresh


def _counts(column: Any) -> bool:
    annotated = getattr(column, "_spectacular_annotation", {}).get("field")
    return isinstance(column, IntegerField) or annotated == NUMBER


def _known(person: str) -> Callable[[Actor], list[Criterion]]:
    """Return the rule by which caregivers find people, whose id is in the column `person`, in a report.

    They find themselves, who is in a care group with them, and the patients of their groups. The
    scope of people is wider: the names of everybody in the organization may stand beside what they did.
    """

    def near(rows: QuerySet, actor: Actor) -> QuerySet:
        members, patients = (_in_groups(of.objects.all(), actor) for of in (GroupMembership, Patient))
        return rows.filter(Q(**{person: actor.user_id}) | Q(**{f"{person}__in": members}) | Q(**{f"{person}__in": patients}))

    def rule(actor: Actor) -> list[Criterion]:
        known = Criterion(("known", person), lambda rows: near(rows, marked(actor)), values_of(actor))
        return [known] if actor.role in CAREGIVERS else []

    return rule


def _in_groups(rows: QuerySet, actor: Actor) -> QuerySet:
    """Return the ids of the users whom `rows` put into a care group of the caller's."""
    return rows.filter(care_group_id__anyof=actor.group_ids, user_id__isnull=False).order_by().values("user_id")


def _colleagues(actor: Actor) -> list[Criterion]:
    return [Criterion("staff", lambda rows: rows.exclude(role=Role.PATIENT)), *_known("id")(actor)]


REPORTS: Mapping[str, Report] = {
    "patients": Report("All patients.", reports.PatientsReportOut, Days.FORBIDDEN),
    "measurements": Report("What patients have measured.", reports.MeasurementsReportOut, Days.REQUIRED),
    "alerts": Report("Monitoring alerts.", reports.AlertsReportOut, Days.REQUIRED),
    "hcps": Report("The people who work for the organization.", reports.HcpsReportOut, Days.FORBIDDEN, _colleagues),
    "patientsMutations": Report(
        "Changes of patients' programs, protocols, groups and status.", reports.PatientsMutationsReportOut, Days.FORBIDDEN
    ),
    "starRatings": Report("What patients think of their care.", reports.StarRatingsReportOut, Days.FORBIDDEN),
    "plannedActions": Report("Measurements that are expected of patients.", reports.PlannedActionsReportOut),
    "patientsWorkflowHistory": Report("Workflows that fired.", reports.PatientsWorkflowHistoryReportOut),
    "patientsProgramsHistory": Report("Enrolments in programs.", reports.PatientsProgramsHistoryReportOut),
    "patientsSettingsHistory": Report("Changes of patients' settings.", reports.PatientsSettingsHistoryReportOut),
    "usersStatusChangeReasons": Report(
        "Changes of the status of logins.", reports.UsersStatusChangeReasonsReportOut, among=_known("user_id")
    ),
}
"""Report type -> the report."""
