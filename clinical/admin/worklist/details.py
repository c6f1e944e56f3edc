"""What an opened alert shows beside its line: the chart of values, the rule, and what to know before calling."""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from django.db.models import Q
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from accounts.models import Language
from clinical.admin.drawing import Limit, Point, line_chart, mark
from clinical.admin.worklist.rows import done_in_words, instrument_shown, instruments_of, limits_of
from clinical.models import (
    Allergy,
    CommunicationLog,
    Instrument,
    Measurement,
    Medication,
    MedicationStatus,
    MonitoringAlert,
    RuleKind,
    RuleOverride,
)
from clinical.monitoring import FLAGS, Override, Rule, rules_in_force
from clinical.monitoring.causes import flag_word, rule_in_words, unit_of
from patients.labels import language_of
from patients.models import Patient

NOTES = 3
# How many days a chart can show.
SPANS = (14, 90)
LEGEND: Mapping[str, str | Promise] = {
    "": gettext_lazy("within limits"),
    "grey": gettext_lazy("past the grey limit"),
    "orange": gettext_lazy("past the orange limit"),
    "red": gettext_lazy("past the red limit"),
}
# With a longer gap between two values the line of a chart breaks: two weeks of a weekly measurement.
GAP_DAYS = 15


LANGUAGES: Mapping[str | None, str | Promise] = {
    Language.NL: pgettext_lazy("language", "Dutch"),
    Language.EN: pgettext_lazy("language", "English"),
    Language.EN_US: pgettext_lazy("language", "English"),
    Language.DE: pgettext_lazy("language", "German"),
    Language.FR: pgettext_lazy("language", "French"),
}


class Note(NamedTuple):
    """What somebody wrote about the patient: at processing or escalating an alert, or after a contact."""

    at: datetime.datetime
    by: str
    what: str
    text: str


def details_of(alert: MonitoringAlert, days: int) -> dict[str, Any]:
    """Return the context of an opened alert, with a chart of the last `days` days, by a constant number of queries."""
    instruments = instruments_of([alert])[alert.organization_id]
    instrument = alert.instrument or next((one for one in instruments.values() if one.pk == instrument_shown(alert)), None)
    rule, own = alert.cause.get("rule"), _own_rules(alert.patient)
    known = {**instruments, instrument.code: instrument} if instrument else instruments
    limits = _limits(alert, instrument, own)
    flags = {limit.flag for limit in limits}
    return {
        "instrument": instrument,
        "unit": unit_of(instrument.code, known) if instrument else "",
        "spans": SPANS,
        "phones": _phones(alert.patient),
        "language": _language(alert.patient),
        "chart": _chart(alert, instrument, limits, days) if instrument else "",
        "legend": [(mark(flag), LEGEND[flag]) for flag in ("", *FLAGS) if limits and flag in ("", *flags)],
        "rule": rule_in_words(rule, known) if rule else "",
        "has_own_limits": any((one.kind, one.instrument) == (alert.type, (rule or {}).get("instrument")) for one in own),
        "allergies": allergies_of(alert.patient),
        "medications": _medications(alert.patient),
        "notes": _notes(alert),
    }


def allergies_of(patient: Patient) -> list[Allergy]:
    """Return the active allergies of a patient, the latest first."""
    rows = Allergy.objects.filter(patient=patient, deleted_at=None, status_is_active=True)
    return list(rows.select_related("allergy_definition").order_by("-pk"))


def _phones(patient: Patient) -> list[tuple[str, str]]:
    """Return the phone numbers of a patient, each with its kind."""
    kinds = (
        (pgettext("phone", "mobile"), patient.mobile_phone),
        (pgettext("phone", "home"), patient.home_phone),
        (pgettext("phone", "work"), patient.work_phone),
    )
    return [(kind, number) for kind, number in kinds if number]


def _language(patient: Patient) -> str:
    """Return what a patient speaks."""
    return language_of(patient) or str(LANGUAGES.get(patient.language, ""))


def _own_rules(patient: Patient) -> list[Override]:
    rows = RuleOverride.objects.filter(patient=patient, deleted_at=None).order_by("pk")
    return [Override(*row) for row in rows.values_list("kind", "instrument__code", "rules")]


def _limits(alert: MonitoringAlert, instrument: Instrument | None, own: Sequence[Override]) -> list[Limit]:
    """Return the limits of single values that are in force for the patient, and that of the rule which raised the alert."""
    code = instrument.code if instrument else None
    rules: list[Rule] = rules_in_force(alert.protocol.rules if alert.protocol else [], own)
    single = [rule for rule in rules if rule["kind"] == RuleKind.MEASUREMENT]
    found = [limit for rule in [*single, alert.cause.get("rule", {})] for limit in limits_of(rule, code)]
    return list(dict.fromkeys(found))


def _chart(alert: MonitoringAlert, instrument: Instrument, limits: Sequence[Limit], days: int) -> str:
    last = timezone.localtime()
    first = last - datetime.timedelta(days=days)
    rows = Measurement.objects.filter(
        organization_id=alert.organization_id,
        patient=alert.patient,
        instrument=instrument,
        value_number__isnull=False,
        measured_at__gte=first,
        measured_at__lte=last,
    )
    points = [Point(*row) for row in rows.order_by("measured_at", "pk").values_list("value_number", "measured_at")]
    unit = unit_of(instrument.code, {instrument.code: instrument})
    return line_chart(
        points, label=instrument.name, unit=unit, limits=limits, first=first, last=last, gap_days=GAP_DAYS, width=470, height=190
    )


def _medications(patient: Patient) -> list[str]:
    """Return what a patient takes, a line each: "lisinopril 10 MG Oral Tablet, 1 tablet, daily"."""
    rows = Medication.objects.filter(patient=patient, deleted_at=None, status=MedicationStatus.ACTIVE)
    return [_line(row) for row in rows.select_related("medication_definition").order_by("pk")]


def _line(medication: Medication) -> str:
    definition = medication.medication_definition
    named = medication.med_descript or (definition.name if definition else "")
    return ", ".join(filter(None, (named, medication.dosage, medication.frequency)))


def _notes(alert: MonitoringAlert) -> list[Note]:
    """Return the last notes about the patient; a phone call that stands in two places once."""
    written = [*_notes_of_alerts(alert.patient), *_notes_of_contacts(alert.patient)]
    latest = sorted(written, key=lambda note: note.at, reverse=True)
    return list({note.text: note for note in reversed(latest)}.values())[::-1][:NOTES]


def _notes_of_alerts(patient: Patient) -> list[Note]:
    rows = MonitoringAlert.objects.filter(Q(action__gt="") | Q(additional_info__gt=""), patient=patient)
    rows = rows.select_related("processed_by", "escalated_by").order_by("-updated_at", "-pk")[:NOTES]
    return [_note_of(row) for row in rows if row.processed_at or row.escalated_at]


def _note_of(alert: MonitoringAlert) -> Note:
    by, what = alert.processed_by or alert.escalated_by, done_in_words(alert) if alert.processed_at else _("escalated")
    text = "; ".join(filter(None, (alert.action, alert.additional_info)))
    moment = alert.processed_at or alert.escalated_at or alert.created_at
    return Note(moment, by.get_full_name() if by else "", f"{flag_word(alert.flag)}, {what}".lower(), text)


def _notes_of_contacts(patient: Patient) -> list[Note]:
    rows = CommunicationLog.objects.filter(patient=patient, note__gt="").select_related("created_by")
    return [
        Note(
            row.communication_datetime,
            row.created_by.get_full_name() if row.created_by else "",
            (row.get_mode_display() or _("contact")).lower(),
            row.note or "",
        )
        for row in rows.order_by("-communication_datetime", "-pk")[:NOTES]
    ]
