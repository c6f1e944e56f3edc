"""The banner above every page of a patient: who it is, and what must not be overlooked."""

import datetime
from dataclasses import dataclass
from typing import Any

from django.db.models import F
from django.utils.translation import gettext as _

from accounts.scope import scope
from clinical.admin.chart import allergies
from clinical.admin.chart.reading import Answers, Asked, Block, Chart, ChartQuery, total
from clinical.filters import alerts_on_chart
from clinical.models import Alert, AlertScope, AlertStatus
from clinical.services.alerts import with_effective_status
from patients.labels import phone_of
from patients.models import Patient, Pronoun, Status

# No banner holds more alerts.
SHOWN = 12
PILLS = {Status.ACTIVE: "green", Status.PROSPECTIVE: "blue"}


@dataclass(frozen=True)
class Warned:
    """A chart alert. `of` names the member of the family whose alert it is, "" where it is the patient's own."""

    pk: int
    patient_id: int
    name: str
    note: str
    is_urgent: bool
    is_family: bool
    of: str


@dataclass(frozen=True)
class Banner:
    """Who a patient is, and what must not be overlooked."""

    patient: Patient
    pronoun: str
    phone: str
    care_group: str
    provider: str
    pill: str
    urgent_note: str
    allergies: list[allergies.Row]
    more_allergies: int
    allergy_review: str
    is_reviewed: bool
    alerts: list[Warned]
    deceased_at: datetime.datetime | None
    archived_at: datetime.datetime | None
    survivor: Patient | None
    """The record that this one is merged into, where the reader may see it."""

    @property
    def has_warning(self) -> bool:
        """Whether anything in it is about safety, so that it is red."""
        return bool(self.urgent_note or self.allergies or self.alerts or self.patient.premedication_required or self.is_over)

    @property
    def is_over(self) -> bool:
        """Whether the patient has died or the chart is archived."""
        return bool(self.deceased_at or self.archived_at or self.patient.status == Status.DECEASED)

    @property
    def knows_no_allergies(self) -> bool:
        """Whether it is known that there are none."""
        return not self.allergies and self.is_reviewed


def ask(chart: ChartQuery) -> dict[str, Asked]:
    return {"allergies": allergies.ask_active(chart), "alerts": ask_alerts(chart)}


def ask_alerts(chart: ChartQuery) -> Asked:
    """Ask for the alerts that hold today: the patient's, and those of the family for all of them."""
    rows = scope(chart.viewer, alerts_on_chart(Alert._base_manager.all(), chart.patient_id))
    today = with_effective_status(AlertStatus.ACTIVE, chart.today)
    named = rows.filter(today).annotate(name=F("alert_definition__name"), of=F("patient__first_name"))
    columns = ("pk", "patient_id", "name", "note", "is_urgent", "alert_scope", "of")
    return Asked(named.order_by("-is_urgent", "pk")[:SHOWN], columns)


def build(chart: Chart, answers: Answers) -> Banner:
    patient, provider = chart.patient, chart.patient.primary_provider
    known = allergies.sorted_rows(answers["allergies"])
    return Banner(
        patient=patient,
        pronoun=_pronoun(patient.pronoun),
        phone=phone_of(patient),
        care_group=patient.care_group.name if patient.care_group else "",
        provider=f"{provider.title} {provider.name}".strip() if provider else "",
        pill=PILLS.get(Status(patient.status), ""),
        urgent_note=(patient.medical_urgent_note or "").strip(),
        allergies=known[: allergies.IN_BANNER],
        more_allergies=max(total(answers["allergies"]) - allergies.IN_BANNER, 0),
        allergy_review=allergies.review_of(chart),
        is_reviewed=allergies.is_reviewed(chart),
        alerts=[_warned(patient, row) for row in answers["alerts"]],
        deceased_at=patient.date_time_deceased,
        archived_at=patient.deleted_at,
        survivor=_survivor(chart),
    )


def _survivor(chart: Chart) -> Patient | None:
    if chart.patient.merged_into_id is None:
        return None
    return scope(chart.actor, Patient.objects.filter(pk=chart.patient.merged_into_id)).first()


def _warned(patient: Patient, row: Any) -> Warned:
    of = "" if row.patient_id == patient.pk else row.of
    family = row.alert_scope == AlertScope.FAMILY
    return Warned(row.pk, row.patient_id, row.name, (row.note or "").strip(), row.is_urgent, family, of)


def _pronoun(pronoun: str | None) -> str:
    """Return a pronoun as people write it: "he/him"."""
    return {
        Pronoun.HE_HIM.value: _("he/him"),
        Pronoun.SHE_HER.value: _("she/her"),
        Pronoun.THEY_THEM.value: _("they/them"),
    }.get(pronoun or "", "")


BANNER = Block("banner", ask, build)
