"""What a patient is monitored by: the open enrolment, the rules that apply, and the organization's instruments."""

import datetime
from dataclasses import dataclass
from functools import cached_property
from zoneinfo import ZoneInfo

from django.db.models import BigAutoField, QuerySet

from clinical.models import Instrument, RuleOverride
from clinical.monitoring import Override, Rule, codes_of, day_bounds, rules_in_force
from clinical.services.instruments import instruments_of
from config.core.compiled_queries import QueryDefinition, parameter
from config.core.instances import InstanceQuery
from patients.models import Enrolment, MutationType, Patient, PatientMutation, Status


@dataclass(frozen=True)
class LastActivation(QueryDefinition):
    """When a patient last became active."""

    patient_id: int = parameter(BigAutoField())

    def queryset(self) -> QuerySet:
        became = PatientMutation.objects.filter(patient_id=self.patient_id, type=MutationType.STATUS, name=Status.ACTIVE)
        return became.order_by("-created_at").values_list("created_at")[:1]


@dataclass(frozen=True)
class MonitoringContext:
    """A patient, whose row is locked, with their open enrolment and its protocol."""

    patient: Patient
    enrolment: Enrolment

    @property
    def zone(self) -> ZoneInfo:
        """The organization's time zone, which the days of alerts and workflows are in."""
        return self.patient.organization.zone

    @property
    def began(self) -> datetime.datetime:
        """When the first day of the enrolment began."""
        return day_bounds(self.enrolment.start_date, self.zone)[0]

    @cached_property
    def active_since(self) -> datetime.datetime:
        """When the patient last became active, or when the enrolment began if they never were inactive."""
        became = LastActivation(self.patient.pk).fetch()
        return became[0][0] if became else self.began

    @cached_property
    def instruments(self) -> dict[str, Instrument]:
        """The organization's instruments that are not archived, by code."""
        return instruments_of(self.patient.organization_id)

    @cached_property
    def rules(self) -> list[Rule]:
        """The rules that apply. A rule whose instrument was archived or has another code now is left out.

        A patient's own rules belong to their instrument, and do not pass to another one that takes its code.
        """
        rows = RuleOverride.objects.filter(patient=self.patient, deleted_at=None, instrument__deleted_at=None)
        own = [Override(*row) for row in rows.values_list("kind", "instrument__code", "rules")]
        rules = rules_in_force(self.enrolment.protocol.rules, own)
        return [rule for rule in rules if codes_of(rule) <= self.instruments.keys()]


@dataclass(frozen=True)
class OpenEnrolments(InstanceQuery):
    """The open enrolments of a patient, with their protocols."""

    patient_id: int = parameter(BigAutoField())

    def queryset(self) -> QuerySet[Enrolment]:
        return Enrolment.objects.select_related("protocol").filter(patient_id=self.patient_id, end_date=None)


def monitoring_context(patient: Patient) -> MonitoringContext | None:
    """Return the open enrolment and rules of `patient`, or None if the patient is not enrolled."""
    enrolments = OpenEnrolments(patient.pk).instances()
    return MonitoringContext(patient, enrolments[0]) if enrolments else None
