"""The medical summary of a patient in the practice dialect: what stands at the head of a chart, in one answer.

However long the chart, all of it is fetched together: on PostgreSQL by one statement.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from django.db.models import Expression, F, QuerySet, Subquery
from rest_framework import serializers

from accounts.scope import Role
from clinical.models import AlertStatus, MedicationStatus, ProblemStatus
from clinical.practice.alerts import PracticeAlertOut
from clinical.practice.allergies import PracticeAllergyOut
from clinical.practice.diseases import PracticeDiseaseOut
from clinical.practice.medications import PracticeMedicationOut
from clinical.practice.social_history import PracticeSocialHistoryOut
from clinical.practice.vital_signs import PracticeVitalSignsOut
from clinical.reading import alerts_with_status, household, standing_on_chart
from config.core.dates import today_at
from config.core.statements import Run, decoded_together
from config.rest import practice
from config.rest.compiled.plans import Criterion, Lookup, Query, plan_of
from config.rest.fields import Boolean, Choice, Text
from config.rest.responses import Answer
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


class Facts(NamedTuple):
    """What the patient's own row tells, by its columns."""

    pk: int
    organization_id: int
    allergy_review_status: str
    medical_urgent_note: str | None
    premedication_required: bool


def _on_own_chart(rows: QuerySet, patient: Expression) -> QuerySet:
    return rows.filter(patient_id=patient)


class Section(NamedTuple):
    """Entries of one kind: their shape, which of them, in which order, how many, and on whose charts."""

    shape: type[ChartEntryOut]
    criteria: tuple[Criterion, ...] = ()
    order: tuple = ("id",)
    limit: str = ""
    charts: Callable[[QuerySet, Any], QuerySet] = _on_own_chart


STANDING = Criterion("standing allergies", lambda rows: rows.filter(status_is_active=True))
PRESENT = Criterion("present problems", lambda rows: rows.filter(problem_status=ProblemStatus.ACTIVE))
# Of one day, what has no time counts as the earliest. The two databases would sort nulls differently by themselves.
LATEST_FIRST = ("-date_taken", F("time_taken").desc(nulls_last=True), "-id")

SECTIONS = {
    "allergies": Section(PracticeAllergyOut, (STANDING,)),
    "medications": Section(PracticeMedicationOut),
    "active_problems": Section(PracticeDiseaseOut, (PRESENT,)),
    "latest_vitals": Section(PracticeVitalSignsOut, (), LATEST_FIRST, " LIMIT 1"),
    "social_history": Section(PracticeSocialHistoryOut),
}
PEOPLE: Lookup = practice.ReferenceField(Patient, ("first_name", "last_name")).lookup
"""What entries are told by whose they are: here the patient and their family, who are fetched with the entries."""


class MedicalSummaryViewSet(practice.ViewSet):
    """What matters about a patient at a glance. Patients see their own, without what staff note for each other."""

    model = Patient
    pk_kwarg = "patient_uuid"

    def get_serializer_class(self):
        return PracticeMedicalSummaryOut

    def medical_summary(self, request, *args, **kwargs) -> Answer:
        """Get the medical summary of a patient."""
        sections = self._sections()
        found, people, *entries = decoded_together(
            [self._facts(), self._people(), *(self._entries(section) for section in sections.values())]
        )
        if not found:
            raise self.missing()
        facts, rows = Facts(*found[0]), dict(zip(sections, entries, strict=True))
        self.shown([(facts.organization_id, facts.pk), *_whose(rows.get("alerts", ()))])
        references = {pk: practice.reference(str(uuid), f"{first} {last}") for pk, uuid, first, last in people}
        built = {
            name: plan_of(section.shape).objects(rows[name], self.actor, {PEOPLE: references})
            for name, section in sections.items()
        }
        return Answer(self._summary(facts, references[facts.pk], built))

    def touched(self, rows: list[tuple]) -> list[tuple[int, int]]:
        """Return `rows`, which are (organization id, patient id) here."""
        return sorted(set(rows))

    # --- what is fetched --------------------------------------------------------------------------
    def _sections(self) -> dict[str, Section]:
        if self.actor.role == Role.PATIENT:
            return SECTIONS
        active = alerts_with_status(AlertStatus.ACTIVE, today_at(self.zone))
        return {**SECTIONS, "alerts": Section(PracticeAlertOut, (active,), charts=standing_on_chart)}

    def _facts(self) -> Run:
        return Query(Patient, [*self.in_scope(), self.named_object()]).run(Facts._fields)

    def _people(self) -> Run:
        """Return the run that fetches the names of the patient and their family, as far as the caller sees them."""
        people = self._with_patient("people", lambda rows, patient: rows.filter(id__in=household(patient).values("id")))
        return Query(Patient, [*self.in_scope(), people]).run(("pk", "uuid", "first_name", "last_name"))

    def _entries(self, section: Section) -> Run:
        plan = plan_of(section.shape)
        here = self._with_patient(section.charts.__name__, section.charts)
        criteria = [*self.scope_of_rows(plan.model, archived=False), here, *section.criteria]
        return Query(plan.model, criteria).run(plan.columns, section.order, section.limit)

    def _with_patient(self, shape: str, apply: Callable[[QuerySet, Any], QuerySet]) -> Criterion:
        """Return the condition that `apply` makes of the id of the patient whom the path names."""
        named = self.named_object()
        patient = Subquery(named.apply(Patient._base_manager.all()).order_by().values("pk")[:1])
        return Criterion((shape, named.shape), lambda rows: apply(rows, patient), named.values)

    # --- what is answered -------------------------------------------------------------------------
    def _summary(self, facts: Facts, patient: dict, built: dict[str, list[dict]]) -> dict[str, Any]:
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


def _whose(alerts: Any) -> list[tuple[int, int]]:
    """Return (organization id, patient id) of the patients on whose charts `alerts` stand."""
    place = plan_of(PracticeAlertOut).patient
    return [(row[1], row[place]) for row in alerts]
