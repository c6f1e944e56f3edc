"""The medical summary of a patient in the practice dialect: what stands at the head of a chart, in one answer.

However long the chart, all of it is fetched together: on PostgreSQL by one statement.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from django.db.models import F, Q, QuerySet, Subquery
from rest_framework import serializers

from accounts.scope import Role
from clinical.filters import alerts_on_chart, alerts_with_status
from clinical.models import AlertStatus, MedicationStatus, ProblemStatus
from clinical.practice.alerts import PracticeAlertOut
from clinical.practice.allergies import PracticeAllergyOut
from clinical.practice.diseases import PracticeDiseaseOut
from clinical.practice.medications import PracticeMedicationOut
from clinical.practice.social_history import PracticeSocialHistoryOut
from clinical.practice.vital_signs import PracticeVitalSignsOut
from config.core.compiled_queries import BoundQuery, fetch_together
from config.core.dates import today_at
from config.core.orm import has_column
from config.rest import practice
from config.rest.compiled.plans import response_plan
from config.rest.compiled.queries import NOT_ARCHIVED, Criterion, Where
from config.rest.fields import Boolean, Choice, Text
from config.rest.responses import ApiResponse
from patients.families import household
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
    allergy_review_status: str
    medical_urgent_note: str | None
    premedication_required: bool


def entries_on_chart(rows: QuerySet, patient: Any) -> QuerySet:
    """Return those of `rows` that belong to `patient`, an expression that gives an id."""
    return rows.filter(patient_id=patient)


def household_members(rows: QuerySet, patient: Any) -> QuerySet:
    """Return those of the patients `rows` who are `patient` or their family."""
    return rows.filter(id__in=household(patient).values("id"))


@dataclass(frozen=True)
class OfPatient(Criterion):
    """The rows that `rows_of(rows, id)` finds for the patient whom another criterion picks."""

    rows_of: Callable[[QuerySet, Any], QuerySet]
    patient: Criterion

    def apply(self, rows: QuerySet) -> QuerySet:
        picked = self.patient.apply(Patient._base_manager.all()).order_by().values("pk")
        return self.rows_of(rows, Subquery(picked[:1]))


class Section(NamedTuple):
    """Entries of one kind: their shape, which of them, in which order, how many, and on whose charts."""

    serializer_class: type[ChartEntryOut]
    criteria: tuple[Criterion, ...] = ()
    order: tuple = ("id",)
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
# Loads the names of the patients that entries refer to: here the patient and their family, who are fetched with the entries.
PATIENT_NAMES = practice.reference_loader(Patient, ("first_name", "last_name"))


class MedicalSummaryViewSet(practice.ViewSet):
    """What matters about a patient at a glance. Patients see their own, without what staff note for each other."""

    model = Patient
    lookup_url_kwarg = "patient_uuid"
    serializer_class = PracticeMedicalSummaryOut

    def medical_summary(self, request, *args, **kwargs) -> ApiResponse:
        """Get the medical summary of a patient."""
        sections = self._sections()
        found, people, *entries = fetch_together(
            [self._facts(), self._people(), *(self._entries(section) for section in sections.values())]
        )
        if not found:
            raise self.not_found()
        facts, rows = PatientFacts(*found[0]), dict(zip(sections, entries, strict=True))
        self.audit_read([(facts.organization_id, facts.pk), *_patients_of_alerts(rows.get("alerts", ()))])
        references = {pk: practice.reference(str(uuid), f"{first} {last}") for pk, uuid, first, last in people}
        built = {
            name: response_plan(section.serializer_class).objects(rows[name], self.actor, {PATIENT_NAMES: references})
            for name, section in sections.items()
        }
        return ApiResponse(self._summary(facts, references[facts.pk], built))

    def affected_patients(self, rows: list[tuple]) -> list[tuple[int, int]]:
        """Return `rows`, which are (organization id, patient id) here."""
        return sorted(set(rows))

    # --- what is fetched --------------------------------------------------------------------------
    def _sections(self) -> dict[str, Section]:
        if self.actor.role == Role.PATIENT:
            return SECTIONS
        active = alerts_with_status(AlertStatus.ACTIVE, today_at(self.timezone))
        return {**SECTIONS, "alerts": Section(PracticeAlertOut, (active,), rows_of=alerts_on_chart)}

    def _facts(self) -> BoundQuery:
        return self.get_queryset().filter(self._named()).bind(PatientFacts._fields)

    def _people(self) -> BoundQuery:
        """Return the query of the names of the patient and their family, as far as the caller sees them."""
        people = self.get_queryset().filter(OfPatient(household_members, self._named()))
        return people.bind(("pk", "uuid", "first_name", "last_name"))

    def _entries(self, section: Section) -> BoundQuery:
        plan = response_plan(section.serializer_class)
        query = self.scoped_query(plan.model).filter(OfPatient(section.rows_of, self._named()), *section.criteria)
        if has_column(plan.model, "deleted_at"):
            query = query.filter(NOT_ARCHIVED)
        return query.bind(plan.columns, section.order, section.limit_clause)

    def _named(self) -> Criterion:
        return self.lookup_criterion(Patient, self.lookup_url_kwarg)

    # --- the response ---------------------------------------------------------------------------
    def _summary(self, facts: PatientFacts, patient: dict, built: dict[str, list[dict]]) -> dict[str, Any]:
        medications = built["medications"]
        taken = [one for one in medications if one["status"] == MedicationStatus.ACTIVE]
        return {
            "patient": patient,
            "allergy_review_status": facts.allergy_review_status,
            "allergies": built["allergies"],
            "current_medications": taken,
            "past_medications": [one for one in medications if one["status"] != MedicationStatus.ACTIVE],
            "active_problems": built["active_problems"],
            "latest_vitals": next(iter(built["latest_vitals"]), None),
            "social_history": built["social_history"],
            "alerts": built.get("alerts", []),
            "medical_urgent_note": None if self.actor.role == Role.PATIENT else facts.medical_urgent_note,
            "premedication_required": facts.premedication_required,
        }


def _patients_of_alerts(alerts: Any) -> list[tuple[int, int]]:
    """Return (organization id, patient id) of the patients on whose charts `alerts` stand."""
    place = response_plan(PracticeAlertOut).patient
    return [(row[1], row[place]) for row in alerts]
