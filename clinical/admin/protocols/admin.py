"""The pages of protocols among the catalogs."""

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.admin.forms import VersionedForm
from accounts.admin.rows import RowsField
from accounts.scope import scope
from accounts.site import actor_of
from clinical.admin.catalogs import OfProgramAdmin
from clinical.admin.protocols.rows import LineForm, Offered, RuleForm
from clinical.models import Instrument, RuleOverride
from clinical.monitoring.causes import condition_in_words, line_in_words
from clinical.services.monitoring import followers_of
from clinical.services.protocols import create_protocol, update_protocol
from config.core.orm import MAX_OBJECTS, is_id
from patients.models import Protocol

RULES = RowsField(RuleForm, label=_("Rules"), noun=_("rule"), template_name="admin/protocols/rules.html", longest=MAX_OBJECTS)
SCHEDULE = RowsField(
    LineForm, label=_("Schedule"), noun=_("line"), template_name="admin/protocols/schedule.html", longest=MAX_OBJECTS
)


class ProtocolForm(VersionedForm):
    """A protocol. Rules and lines name instruments of its organization, which for a new one may still be chosen."""

    schedule = SCHEDULE
    rules = RULES

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.offered = Offered.by(self._organization_id())
        for name in ("schedule", "rules"):
            rows: Any = self.fields[name]
            rows.options = {"offered": self.offered}

    def _organization_id(self) -> int | None:
        chosen = self.data.get("organization", "") if "organization" in self.fields else ""
        return self.instance.organization_id or (int(chosen) if is_id(chosen) else self.actor.organization_id)


@admin.register(Protocol)
class ProtocolAdmin(OfProgramAdmin):
    """Protocols. The services check their schedules and rules."""

    place, icon, hint = 5, "checklist", _("Ways of carrying out a program")
    form = ProtocolForm
    fieldsets = [(None, {"fields": ["name", "program", "base_version"]}), (_("Monitoring"), {"fields": ["rules", "schedule"]})]
    create_service = staticmethod(create_protocol)
    update_service = staticmethod(update_protocol)

    class Media:
        css: ClassVar[dict[str, list[str]]] = {"all": ["clinic/drawing.css", "clinic/rows.css", "clinic/protocol.css"]}
        js: ClassVar[list[str]] = ["clinic/rows.js", "clinic/protocol.js"]

    def render_change_form(self, request: HttpRequest, context: Any, add=False, change=False, form_url="", obj=None):
        context["writes"] = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        if obj is not None:
            context |= self._use_of(request, obj) | _in_words(obj, context["adminform"].form.offered.instruments)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def _use_of(self, request: HttpRequest, protocol: Protocol) -> dict[str, Any]:
        """Return how many patients follow `protocol`, and how many of them have rules of their own."""
        followers = followers_of(actor_of(request), protocol=protocol)
        own = scope(actor_of(request), RuleOverride.objects.filter(deleted_at=None))
        of_followers = own.filter(patient_id__in=followers.order_by().values("patient_id"))
        count = of_followers.order_by().values("patient_id").distinct().count()
        return {"followers": followers.count(), "own_rules": count, "next_version": protocol.version + 1}


def _in_words(protocol: Protocol, known: Mapping[str, Instrument]) -> dict[str, Any]:
    """Return the stored rules and schedule of a protocol as sentences about the `known` instruments, and as JSON."""
    rules = [(rule["flag"], condition_in_words(rule, known)) for rule in protocol.rules]
    told = {"rules": rules, "schedule": [line_in_words(line, known) for line in protocol.schedule]}
    return {"in_words": told, "json": as_text(protocol.rules, protocol.schedule)}


def as_text(rules: list[Any], schedule: list[Any]) -> str:
    """Return rules and lines of a schedule as JSON that people read and copy."""
    return json.dumps({"rules": rules, "schedule": schedule}, indent=2, ensure_ascii=False)
