"""The dialogs about one alert: process, escalate, and look again."""

import datetime
import json
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin.dialogs import DialogView
from accounts.admin.pages import page
from accounts.models import User
from clinical.admin.worklist.details import allergies_of
from clinical.admin.worklist.forms import EscalateForm, ProcessForm, ReviewForm, country_of
from clinical.admin.worklist.pages import CAN_PROCESS, AlertPage
from clinical.admin.worklist.queries import TABS, alerts_of, in_tab, next_after, unclaimed
from clinical.admin.worklist.rows import holder_of
from clinical.models import Flag, MonitoringAlert, MonitoringAlertStatus
from clinical.services.monitoring import claim_alert, finish_review, hand_over_alert, process_alert
from config.core.exceptions import Conflict, Invalid, NotFound
from patients.labels import name_of

PROCESSED, ESCALATED = MonitoringAlertStatus.PROCESSED, MonitoringAlertStatus.ESCALATED


class AlertDialog(AlertPage, DialogView):
    """Base of the dialogs that claim their alert while they are open.

    Who finds it claimed may take it over, which is a choice of its own; what was typed stays. Of an alert that somebody has
    processed meanwhile the dialog tells by whom. `tab` of the address is the tab of the worklist that it was opened from.
    """

    readers = writers = CAN_PROCESS
    blocks = ("monitoring", "communication")
    holder: User | None = None

    def get_form_kwargs(self) -> dict[str, Any]:
        return {"alerts": [self.alert], "actor": self.actor}

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self._claim()
        return super().get(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if "take_over" in request.POST:
            self._claim(take_over=True)
            form = self.form_class(initial=request.POST.dict(), **self.get_form_kwargs())
            return self.render_to_response(self.get_context_data(form=form))
        self.holder = holder_of(self.alert, self.actor)
        if self.holder and self.alert.status != PROCESSED:
            return self.refused(self.get_form(request.POST))
        return super().post(request, *args, **kwargs)

    def _claim(self, *, take_over: bool = False) -> None:
        """Claim the alert, or learn who holds it. One that was processed needs no claim."""
        try:
            self.holder = claim_alert(actor=self.actor, alert_id=self.alert.pk, take_over=take_over)
        except NotFound:
            self.alert.refresh_from_db(fields=["status", "processed_at", "processed_by", "processed_type"])

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        shown = {"allergies": allergies_of(self.patient), "holder": self.holder, "gone": what_happened(self.alert)}
        tab = self.request.GET.get("tab")
        return super().get_context_data(**{**shown, "tab": tab if tab in TABS else "", **kwargs})

    def save(self, form: Any) -> str:
        try:
            return self.act(form)
        except Invalid as refusal:
            if refusal.code != "transition":
                raise
        self.alert.refresh_from_db()
        raise Conflict(_("%(what_happened)s Nothing was saved.") % {"what_happened": what_happened(self.alert)})

    def act(self, form: Any) -> str:
        """Call the service and return what was done, as a sentence."""
        raise NotImplementedError

    def done(self, message: str) -> HttpResponse:
        return done_with(super().done(message), self._next())

    def _next(self) -> int | None:
        """Return the alert that follows in the tab that this one was opened from."""
        tab = self.request.GET.get("tab", "")
        if tab not in TABS or tab == PROCESSED:
            return None
        rows = alerts_of(self.actor).filter(in_tab(self.actor, tab), unclaimed(self.actor))
        return next_after(rows, self.alert)


def what_happened(alert: MonitoringAlert) -> str:
    """Return who has processed or escalated an alert, and when, as a sentence; "" for an open one."""
    if alert.status == PROCESSED:
        by, at, kind = alert.processed_by, alert.processed_at, alert.get_processed_type_display()
        told = (
            _("%(person)s processed this alert (%(kind)s)%(moment)s.")
            if kind
            else _("%(person)s processed this alert%(moment)s.")
        )
    elif alert.status == ESCALATED:
        by, at, kind = alert.escalated_by, alert.escalated_at, ""
        told = _("%(person)s escalated this alert%(moment)s.")
    else:
        return ""
    named = {"person": by.get_full_name() if by else _("Somebody"), "kind": (kind or "").lower()}
    return told % {**named, "moment": _at(at) if at else ""}


def _at(moment: datetime.datetime) -> str:
    """Return a moment as it stands inside a sentence, behind a blank."""
    local = timezone.localtime(moment)
    return " " + _("at %(time)s on %(day)s") % {"time": f"{local:%H:%M}", "day": date_format(local, "MONTH_DAY_FORMAT")}


def done_with(response: HttpResponse, next_id: int | None) -> HttpResponse:
    """Let the worklist open the alert `next_id` after what was saved."""
    events = json.loads(response.headers["HX-Trigger"])
    response.headers["HX-Trigger"] = json.dumps({**events, "alert-done": {"next": next_id}})
    return response


@page("alerts/<int:alert_id>/process/", name="alert_process")
class Process(AlertDialog):
    """Process an alert."""

    template_name = "admin/worklist/process.html"
    form_class = ProcessForm

    def get_title(self) -> str:
        return {
            Flag.GREY.value: _("Process a grey alert"),
            Flag.ORANGE.value: _("Process an orange alert"),
            Flag.RED.value: _("Process a red alert"),
        }[self.alert.flag]

    def act(self, form: ProcessForm) -> str:
        details = form.details()
        process_alert(actor=self.actor, patient_id=self.patient.pk, alert_id=self.alert.pk, status=PROCESSED, **details)
        return _("Processed the alert of %(patient)s.") % {"patient": name_of(self.patient)}


@page("alerts/<int:alert_id>/escalate/", name="alert_escalate")
class Escalate(AlertDialog):
    """Escalate an open alert to a colleague, or hand an escalated one over to another."""

    template_name = "admin/worklist/escalate.html"
    form_class = EscalateForm
    title = gettext_lazy("Escalate an alert")
    submit_label = gettext_lazy("Escalate")

    def act(self, form: EscalateForm) -> str:
        to, details = form.cleaned_data["escalated_to"], form.details()
        if self.alert.status == ESCALATED:
            hand_over_alert(actor=self.actor, patient_id=self.patient.pk, alert_id=self.alert.pk, **details)
        else:
            process_alert(actor=self.actor, patient_id=self.patient.pk, alert_id=self.alert.pk, status=ESCALATED, **details)
        named = {"patient": name_of(self.patient), "person": to.get_full_name()}
        return _("Escalated the alert of %(patient)s to %(person)s.") % named


@page("alerts/<int:alert_id>/review/", name="alert_review")
class Review(AlertPage, DialogView):
    """Note that one has looked at a processed alert again."""

    template_name = "admin/worklist/review.html"
    readers = writers = CAN_PROCESS
    form_class = ReviewForm
    title = gettext_lazy("Looked again")
    submit_label = gettext_lazy("Looked again")
    blocks = ("monitoring",)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**{"allergies": allergies_of(self.patient), **kwargs})

    def get_form_kwargs(self) -> dict[str, Any]:
        return {"country": country_of([self.alert]), "label_suffix": ""}

    def save(self, form: ReviewForm) -> str:
        again = form.cleaned_data["again_at"]
        finish_review(actor=self.actor, patient_id=self.patient.pk, alert_id=self.alert.pk, again_at=again)
        return _("Looked again at the alert of %(patient)s.") % {"patient": name_of(self.patient)}

    def done(self, message: str) -> HttpResponse:
        return done_with(super().done(message), None)
