"""What the history of a patient's record shows: changes of the record and of programs, with the values that are kept."""

import datetime
from collections.abc import Callable, Iterator
from typing import Any

from django.db.models import F, Q, QuerySet, Window
from django.db.models.functions import Lag
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.admin.history import KeptValue, changed_field
from accounts.models import AuditedPatient, AuditEvent
from accounts.scope import Actor, scope
from config.core.databases import Among
from patients.models import History, MutationType, Patient, PatientMutation, SettingChange, SettingKey, Status

_SETTINGS = {
    SettingKey.TIMEZONE: _("Time zone"),
    SettingKey.LANGUAGE: _("Language"),
    SettingKey.SMS_LOGIN: _("Login by SMS"),
    SettingKey.RECEIVES_EMAIL: _("Gets e-mail"),
    SettingKey.RECEIVES_SMS: _("Gets SMS"),
    SettingKey.PREFERRED_CONTACT_METHOD: _("Preferred contact"),
}
_SWITCH = {"true": _("yes"), "false": _("no")}


def changes_of_patient(patient: Patient) -> QuerySet[AuditEvent]:
    """Return the events that changed the record, or the enrolments that it shows, one by one or many at once."""
    affected = AuditedPatient.objects.filter(patient_id=patient.pk).order_by()
    # Reads have no subject.
    about = Q(Among("pk", affected.values("event_id")))
    return AuditEvent.objects.filter(about, subject__in=("enrolment", "patient"), outcome=AuditEvent.Outcome.OK)


def values_kept_of(actor: Actor, patient: Patient, since: datetime.datetime, until: datetime.datetime) -> Iterator[KeptValue]:
    """Yield the old and new values that the histories of a patient keep, of changes between two moments."""
    for row in _with_former(actor, PatientMutation, patient, "type", "name", since, until):
        words = _status if row.type == MutationType.STATUS else _name
        former = words(row.former) if row.number else _first(row.type)
        yield KeptValue(row.created_at, str(MutationType(row.type).label), former, words(row.name), _belongs(row.type))
    for row in _with_former(actor, SettingChange, patient, "key", "value", since, until):
        former = _setting(row.former) if row.number else None
        label = str(_SETTINGS[SettingKey(row.key)])
        yield KeptValue(row.created_at, label, former, _setting(row.value), changed_field(row.key))


def _with_former(
    actor: Actor,
    model: type[History],
    patient: Patient,
    kind: str,
    value: str,
    since: datetime.datetime,
    until: datetime.datetime,
) -> QuerySet[Any]:
    """Return the rows of a history with the value before each as `former`, and a `number` unless it is the first of its kind."""
    window: dict[str, Any] = {"partition_by": kind, "order_by": ("created_at", "pk")}
    rows = scope(actor, model._base_manager.filter(organization_id=patient.organization_id, patient_id=patient.pk))
    told = rows.annotate(former=Window(Lag(F(value)), **window), number=Window(Lag("pk"), **window))
    return told.filter(created_at__gte=since, created_at__lte=until).order_by("created_at", "pk")


def _first(kind: str) -> str | None:
    """Return what was before the first value of a kind: no program, but a status and perhaps a group that nothing keeps."""
    return gettext("none") if kind in (MutationType.PROGRAM, MutationType.PROTOCOL) else None


def _belongs(kind: str) -> Callable[[AuditEvent], bool]:
    if kind in (MutationType.PROGRAM, MutationType.PROTOCOL):
        return lambda event: event.subject == "enrolment"
    return changed_field("status") if kind == MutationType.STATUS else changed_field("care_group", "care_group_id")


def _status(value: str | None) -> str:
    return str(Status(value).label) if value in Status.values else _name(value)


def _name(value: str | None) -> str:
    return value or gettext("none")


def _setting(value: str | None) -> str:
    return str(_SWITCH.get(value or "", _name(value)))
