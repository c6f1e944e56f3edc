"""The medical summary of a patient in the practice dialect: what stands at the head of a chart, in one answer.

However long the chart, all of it is fetched together: on PostgreSQL by one statement, which also audits it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import F, Q, QuerySet, Subquery
from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from accounts.audit import ReadEvent, action_word
from accounts.scope import Role
from clinical.filters import alerts_on_chart, alerts_with_status
from clinical.models import AlertStatus, MedicationStatus, ProblemStatus
from clinical.practice.alerts import PracticeAlertOut
from clinical.practice.allergies import PracticeAllergyOut
from clinical.practice.diseases import PracticeDiseaseOut
from clinical.practice.medications import PracticeMedicationOut
from clinical.practice.social_history import PracticeSocialHistoryOut
from clinical.practice.vital_signs import PracticeVitalSignsOut
from config.core.compiled_queries import BoundQuery
from config.core.dates import today_at
from config.core.orm import has_column
from config.rest import practice
from config.rest.compiled.disclosures import fetch_disclosed
from config.rest.compiled.plans import ResponsePlan, response_plan
from config.rest.compiled.queries import NOT_ARCHIVED, Criterion, Where
from config.rest.fields import Boolean, Choice, Text
from config.rest.responses import ApiResponse
from patients.models import AllergyReviewStatus, Patient
from patients.practice.charts import ChartEntryOut


class PracticePersonOut(serializers.Serializer):
    """A patient, as a reference."""

    uuid = serializers.UUIDField()
    name = Text()


class PracticeMedicalSummaryOut(serializers.Serializer):
    """What matters about a patient at a glance. Entries have the shape that their own operations answer with."""

    patient = PracticePersonOut()
    allergy_review_status = Choice(AllergyReviewStatus.choices)
    allergies = PracticeAllergyOut(many=True)
    current_medications = PracticeMedicationOut(many=True)
    past_medications = PracticeMedicationOut(many=True)
    active_problems = PracticeDiseaseOut(many=True)
    latest_vitals = PracticeVitalSignsOut(allow_null=True)
    social_history = PracticeSocialHistoryOut(many=True)
    alerts = PracticeAlertOut(many=True)
    medical_urgent_note = Text(allow_null=True)
    premedication_required = Boolean()


class PatientFacts(NamedTuple):
    """What the patient's own row tells, by its columns."""

    pk: int
    organization_id: int
    uuid: UUID
    first_name: str
    last_name: str
    allergy_review_status: str
    medical_urgent_note: str | None
    premedication_required: bool


def entries_on_chart(rows: QuerySet, patient: Any) -> QuerySet:
    """Return those of `rows` that belong to `patient`, an expression that gives an id."""
    return rows.filter(patient_id=patient)


@dataclass(frozen=True)
class OfPatient(Criterion):
    """The rows that `rows_of(rows, id)` finds for the patient whom another criterion picks."""

    rows_of: Callable[[QuerySet, Any], QuerySet]
    patient: Criterion

    def apply(self, rows: QuerySet) -> QuerySet:
        picked = self.patient.apply(Patient._base_manager.all()).order_by().values("pk")
        return self.rows_of(rows, Subquery(picked[:1]))


# As in the lists of these entries.
NEWEST_FIRST = ("-id",)


class Section(NamedTuple):
    """Entries of one kind: their shape, which of them, in which order, how many, and on whose charts."""

    serializer_class: type[ChartEntryOut]
    criteria: tuple[Criterion, ...] = ()
    order: tuple = NEWEST_FIRST
    limit_clause: str = ""
    rows_of: Callable[[QuerySet, Any], QuerySet] = entries_on_chart


ACTIVE_ALLERGIES = Where(Q(status_is_active=True))
ACTIVE_PROBLEMS = Where(Q(problem_status=ProblemStatus.ACTIVE))
# Of one day, what has no time counts as the earliest. The two databases would sort nulls differently by themselves.
LATEST_FIRST = ("-date_taken", F("time_taken").desc(nulls_last=True), "-id")

SECTIONS = {
    "allergies": Section(PracticeAllergyOut, (ACTIVE_ALLERGIES,)),
    "medications": Section(PracticeMedicationOut),
    "active_problems": Section(PracticeDiseaseOut, (ACTIVE_PROBLEMS,)),
    "latest_vitals": Section(PracticeVitalSignsOut, (), LATEST_FIRST, " LIMIT 1"),
    "social_history": Section(PracticeSocialHistoryOut),
}
# What the pages of the statement are called that have the patient's own row, and the alerts.
FACTS, ALERTS = "facts", "alerts"


class MedicalSummaryViewSet(practice.ViewSet):
    """What matters about a patient at a glance. Patients see their own, without what staff note for each other."""

    model = Patient
    lookup_url_kwarg = "patient_uuid"
    serializer_class = PracticeMedicalSummaryOut

    @extend_schema(operation_id="get_medical_summary")
    def medical_summary(self, request, *args, **kwargs) -> ApiResponse:
        """Get the medical summary of a patient."""
        sections = self._sections()
        pages = {FACTS: self._facts(), **{name: self._entries(section) for name, section in sections.items()}}
        plans = {name: response_plan(section.serializer_class) for name, section in sections.items()}
        rows, found = fetch_disclosed(pages, plans, self.actor, self._event(plans), needed=FACTS)
        if not rows[FACTS]:
            raise self.not_found()
        built = {name: plan.objects(rows[name], self.actor, found) for name, plan in plans.items()}
        return ApiResponse(self._summary(PatientFacts(*rows[FACTS][0]), built))

    def _event(self, plans: Mapping[str, ResponsePlan]) -> ReadEvent:
        """Return the event of the read: it is about the patient, and the relatives on whose charts alerts stand."""
        columns: dict[str, tuple] = {FACTS: (PatientFacts._fields.index("pk"),)}
        if ALERTS in plans:
            columns[ALERTS] = (plans[ALERTS].patient,)
        return ReadEvent(self.actor, action_word(self.model, self.action), columns=columns)

    # --- what is fetched --------------------------------------------------------------------------
    def _sections(self) -> dict[str, Section]:
        if self.actor.role == Role.PATIENT:
            return SECTIONS
        active = alerts_with_status(AlertStatus.ACTIVE, today_at(self.timezone))
        return {**SECTIONS, ALERTS: Section(PracticeAlertOut, (active,), rows_of=alerts_on_chart)}

    def _facts(self) -> BoundQuery:
        return self.get_queryset().filter(self._named()).bind(PatientFacts._fields)

    def _entries(self, section: Section) -> BoundQuery:
        plan = response_plan(section.serializer_class)
        query = self.scoped_query(plan.model).filter(OfPatient(section.rows_of, self._named()), *section.criteria)
        if has_column(plan.model, "deleted_at"):
            query = query.filter(NOT_ARCHIVED)
        return query.bind(plan.columns, section.order, section.limit_clause)

    def _named(self) -> Criterion:
        return self.lookup_criterion(Patient, self.lookup_url_kwarg)

    # --- the response ---------------------------------------------------------------------------
    def _summary(self, facts: PatientFacts, built: dict[str, list[dict]]) -> dict[str, Any]:
        medications = built["medications"]
        taken = [one for one in medications if one["status"] == MedicationStatus.ACTIVE]
        return {
            "patient": practice.reference(str(facts.uuid), f"{facts.first_name} {facts.last_name}"),
            "allergy_review_status": facts.allergy_review_status,
            "allergies": built["allergies"],
            "current_medications": taken,
            "past_medications": [one for one in medications if one["status"] != MedicationStatus.ACTIVE],
            "active_problems": built["active_problems"],
            "latest_vitals": next(iter(built["latest_vitals"]), None),
            "social_history": built["social_history"],
            "alerts": built.get(ALERTS, []),
            "medical_urgent_note": None if self.actor.role == Role.PATIENT else facts.medical_urgent_note,
            "premedication_required": facts.premedication_required,
        }
