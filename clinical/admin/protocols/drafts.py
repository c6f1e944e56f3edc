"""What a protocol that somebody is writing says, and what it would do. Nothing of it is stored."""

from collections.abc import Collection, Sequence
from functools import cached_property
from http import HTTPStatus
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.admin.pages import Page, page
from accounts.admin.rows import Rows
from accounts.models import Organization
from accounts.permissions import Permission
from accounts.scope import scope
from clinical.admin.protocols.admin import RULES, SCHEDULE, as_text
from clinical.admin.protocols.rows import Offered
from clinical.admin.protocols.trials import shown
from clinical.services.monitoring import followers_of, try_rules
from config.core.orm import is_id
from patients.finding import audit_shown
from patients.models import Enrolment, Patient, Program, Protocol

# How many patients are named at most of those who would lose every red alert.
NAMED = 5


class DraftPage(Page):
    """Base of the fragments. The form of a protocol is sent, with the id of the protocol where it is stored."""

    framed = False
    readers = writers = Permission.ADMINISTER.roles
    http_method_names = ["post"]

    @cached_property
    def protocol(self) -> Protocol | None:
        """The stored protocol, in scope."""
        return self._found(Protocol, "protocol")

    @cached_property
    def program(self) -> Program | None:
        """The program of the protocol, as it is stored or chosen."""
        return self.protocol.program if self.protocol else self._found(Program, "program")

    @cached_property
    def organization(self) -> Any:
        """The organization whose instruments the rows name, None where it is not known yet."""
        owner = self.protocol or self.program
        if owner is not None:
            return owner.organization
        return scope(self.actor, Organization.objects.all()).filter(pk=self.actor.organization_id).first()

    def _found(self, model: Any, name: str) -> Any:
        sent = self.request.POST.get(name, "")
        rows = scope(self.actor, model.objects.select_related("organization"))
        return rows.filter(pk=sent).first() if is_id(sent) else None

    def rows(self, field: Any, name: str, offered: Offered) -> Rows:
        """Return the rows of `field` as they were sent."""
        as_opened = self.protocol and self.request.POST.get("base_version") == str(self.protocol.version)
        stored = getattr(self.protocol, name) if as_opened else []
        options = {"offered": offered}
        return Rows(name, field.row_class, data=self.request.POST, value=stored, longest=field.longest, options=options)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if self.organization is None:
            return HttpResponse(status=HTTPStatus.NO_CONTENT)
        offered = Offered.by(self.organization.pk)
        rules, schedule = self.rows(RULES, "rules", offered), self.rows(SCHEDULE, "schedule", offered)
        return self.render_to_response(self.get_context_data(rules=rules, schedule=schedule))


@page("protocols/draft/words/", name="protocol_words")
class DraftWords(DraftPage):
    """A sentence for each row, and the rows as JSON, to replace those of the page."""

    template_name = "admin/protocols/words.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "json": as_text(kwargs["rules"].as_list(), kwargs["schedule"].as_list())}


@page("protocols/draft/trial/", name="protocol_trial")
class DraftTrial(DraftPage):
    """The alerts that the rules would have raised, beside those of the stored ones.

    They are tried on who follows the protocol, or on who is in its program while nobody follows it. Unfinished rows are left out.
    """

    template_name = "admin/protocols/trial.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        now, finished = timezone.now(), kwargs["rules"].finished
        followers, by_program = self.followers()
        trial = try_rules(
            enrolments=followers,
            organization=self.organization,
            stored=self.protocol.rules if self.protocol else [],
            changed=[row.as_item() for row in finished],
            now=now,
        )
        told = {
            "by_program": by_program,
            "now": now,
            "by_rule": [(row, trial.changed.by_rule[place]) for place, row in enumerate(finished)],
            "by_own_rules": trial.changed.by_rule[None],
            "unfinished": _numbers(kwargs["rules"].unfinished),
            "no_longer_red": self.named(trial.no_longer_red),
        }
        return {**super().get_context_data(**kwargs), **shown(trial), **told}

    def named(self, patients: Collection[int]) -> list[Patient]:
        """Return the first of these patients, to be named, and audit that they are shown."""
        rows = scope(self.actor, Patient.objects.filter(pk__in=patients)).order_by("last_name_key", "first_name_key", "pk")
        shown = list(rows[:NAMED])
        if shown:
            audit_shown(self.actor, shown)
        return shown

    def followers(self) -> tuple[QuerySet[Enrolment], bool]:
        """Return on whom the rules are tried, and whether that is who is in the program."""
        if self.protocol:
            followers = followers_of(self.actor, protocol=self.protocol)
            if followers.exists():
                return followers, False
        return followers_of(self.actor, program=self.program), True


def _numbers(rows: Sequence[Any]) -> str:
    """Return the numbers of rows as a list in words: "1, 3 and 4", "" for none."""
    *others, last = [str(row.number) for row in rows] or [""]
    return _("%(first_ones)s and %(last_one)s") % {"first_ones": ", ".join(others), "last_one": last} if others else last
