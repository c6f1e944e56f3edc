"""The types of events in the outbox: what rows of each kind can be told to have become. docs/events.md lists them."""

from collections.abc import Mapping

from django.apps import apps

from accounts.models.catalogs import Catalog
from config.core.caching import cached
from config.core.orm import word_for

_RECORD = ("created", "updated", "archived")

# What an event is about, beside rows of catalogs -> what it can have become.
_KINDS: Mapping[str, tuple[str, ...]] = {
    "patient": ("created", "updated", "archived", "restored", "active", "inactive", "deceased", "merged", "unmerged"),
    "enrolment": ("created", "ended"),
    "allergy": _RECORD,
    "disease": ("created", "updated", "resolved", "archived"),
    "medication": ("created", "updated", "held", "resumed", "stopped", "archived"),
    "vital_signs": _RECORD,
    "social_history_entry": _RECORD,
    "alert": ("created", "updated", "disabled", "archived"),
    "relationship": _RECORD,
    "referral_attribution": _RECORD,
    "communication_log": ("created",),
    "tag": ("created", "archived"),
    "field_value": ("updated",),
    "appointment": (
        "created",
        "updated",
        "scheduled",
        "confirmed",
        "arrived",
        "in_progress",
        "completed",
        "cancelled",
        "no_show",
    ),
    "measurement": ("created",),
    "star_rating": ("created",),
    "monitoring_alert": ("raised", "processed", "escalated", "reviewed"),
    "rule_override": _RECORD,
    "planned_action": ("created", "planned", "completed"),
    "workflow": ("fired",),
    "organization": ("created", "updated", "reset"),
    "user": ("created", "updated", "active", "blocked", "stopped", "cancelled"),
    "api_key": ("issued", "revoked"),
    "webhook_endpoint": ("created", "updated", "archived", "secret_rotated", "paused", "tested", "replayed"),
}


@cached
def event_types() -> tuple[str, ...]:
    """Return all types, such as "patient.created", in the order of the documents."""
    catalogs = {word_for(model): _RECORD for model in apps.get_models() if issubclass(model, Catalog)}
    kinds = {kind: (*catalogs.pop(kind, ()), *verbs) for kind, verbs in _KINDS.items()}
    return tuple(f"{kind}.{verb}" for kind, verbs in {**kinds, **catalogs}.items() for verb in verbs)
