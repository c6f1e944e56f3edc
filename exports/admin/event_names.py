"""What pages call the types of events: "Patient created", where webhooks and docs/events.md have patient.created."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from exports.event_types import event_types

_KINDS: Mapping[str, Promise] = {
    "alert": gettext_lazy("Chart alert"),
    "alert_definition": gettext_lazy("Alert definition"),
    "allergy": gettext_lazy("Allergy"),
    "allergy_definition": gettext_lazy("Allergy definition"),
    "api_key": gettext_lazy("API key"),
    "appointment": gettext_lazy("Appointment"),
    "billing_type": gettext_lazy("Billing type"),
    "care_group": gettext_lazy("Care group"),
    "communication_log": gettext_lazy("Call or message"),
    "communication_type": gettext_lazy("Communication type"),
    "disease": gettext_lazy("Problem"),
    "disease_definition": gettext_lazy("Disease definition"),
    "employer": gettext_lazy("Employer"),
    "enrolment": gettext_lazy("Enrolment"),
    "fee_schedule": gettext_lazy("Fee schedule"),
    "field_definition": gettext_lazy("Field definition"),
    "field_value": gettext_lazy("Own field"),
    "instrument": gettext_lazy("Instrument"),
    "location": gettext_lazy("Location"),
    "measurement": gettext_lazy("Measurement"),
    "medication": gettext_lazy("Medication"),
    "medication_definition": gettext_lazy("Medication definition"),
    "monitoring_alert": gettext_lazy("Monitoring alert"),
    "organization": gettext_lazy("Organization"),
    "patient": gettext_lazy("Patient"),
    "planned_action": gettext_lazy("Planned action"),
    "program": gettext_lazy("Program"),
    "protocol": gettext_lazy("Protocol"),
    "provider": gettext_lazy("Provider"),
    "referral_attribution": gettext_lazy("Referral"),
    "referral_partner": gettext_lazy("Referral partner"),
    "referral_source": gettext_lazy("Referral source"),
    "relationship": gettext_lazy("Relationship"),
    "rule_override": gettext_lazy("Own limits"),
    "social_history_entry": gettext_lazy("Social history"),
    "star_rating": gettext_lazy("Rating of the care"),
    "tag": gettext_lazy("Tag"),
    "tag_definition": gettext_lazy("Tag definition"),
    "user": gettext_lazy("Login"),
    "vital_signs": gettext_lazy("Vital signs"),
    "webhook_endpoint": gettext_lazy("Webhook endpoint"),
    "workflow": gettext_lazy("Workflow"),
}
_PASTS: Mapping[str, Promise] = {
    "active": pgettext_lazy("event", "active"),
    "archived": pgettext_lazy("event", "archived"),
    "arrived": pgettext_lazy("event", "arrived"),
    "blocked": pgettext_lazy("event", "blocked"),
    "cancelled": pgettext_lazy("event", "cancelled"),
    "completed": pgettext_lazy("event", "completed"),
    "confirmed": pgettext_lazy("event", "confirmed"),
    "created": pgettext_lazy("event", "created"),
    "deceased": pgettext_lazy("event", "deceased"),
    "disabled": pgettext_lazy("event", "disabled"),
    "ended": pgettext_lazy("event", "ended"),
    "escalated": pgettext_lazy("event", "escalated"),
    "fired": pgettext_lazy("event", "fired"),
    "held": pgettext_lazy("event", "held"),
    "in_progress": pgettext_lazy("event", "in progress"),
    "inactive": pgettext_lazy("event", "inactive"),
    "issued": pgettext_lazy("event", "issued"),
    "merged": pgettext_lazy("event", "merged"),
    "no_show": pgettext_lazy("event", "no show"),
    "paused": pgettext_lazy("event", "paused"),
    "planned": pgettext_lazy("event", "planned"),
    "processed": pgettext_lazy("event", "processed"),
    "raised": pgettext_lazy("event", "raised"),
    "replayed": pgettext_lazy("event", "replayed"),
    "reset": pgettext_lazy("event", "reset"),
    "resolved": pgettext_lazy("event", "resolved"),
    "restored": pgettext_lazy("event", "restored"),
    "resumed": pgettext_lazy("event", "resumed"),
    "reviewed": pgettext_lazy("event", "reviewed"),
    "revoked": pgettext_lazy("event", "revoked"),
    "scheduled": pgettext_lazy("event", "scheduled"),
    "secret_rotated": pgettext_lazy("event", "secret rotated"),
    "stopped": pgettext_lazy("event", "stopped"),
    "tested": pgettext_lazy("event", "tested"),
    "unmerged": pgettext_lazy("event", "unmerged"),
    "updated": pgettext_lazy("event", "updated"),
}


def event_name(name: str) -> str:
    """Return what people call a type of events, such as "patient.created"."""
    kind, past = _parts(name)
    return _("%(kind)s %(past)s") % {"kind": kind, "past": past}


def types_by_kind() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return the types of events in groups of one kind, each with what the kind has become."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for name in event_types():
        kind, past = _parts(name)
        groups.setdefault(kind, []).append((name, past))
    return list(groups.items())


def _parts(name: str) -> tuple[str, str]:
    """Return the kind and what it has become, in words. New catalogs have no names here yet."""
    kind, _dot, past = name.partition(".")
    return str(_KINDS.get(kind, capfirst(kind.replace("_", " ")))), str(_PASTS.get(past, past.replace("_", " ")))
