"""The dialogs about several chosen alerts, which get one note. What others are looking at is left out."""

from functools import cached_property
from typing import Any

from django.core.exceptions import BadRequest
from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.admin.dialogs import DialogView
from accounts.admin.pages import page
from clinical.admin.worklist.dialogs import done_with
from clinical.admin.worklist.forms import EscalateForm, ProcessForm
from clinical.admin.worklist.pages import CAN_PROCESS, ROWS, audit_alerts
from clinical.admin.worklist.queries import alerts_of, in_order, with_people
from clinical.admin.worklist.rows import holder_of, rows_of
from clinical.models import MonitoringAlert, MonitoringAlertStatus
from clinical.services.monitoring import process_alerts
from config.core.exceptions import Conflict
from config.core.orm import is_id

OPEN, ESCALATED, PROCESSED = MonitoringAlertStatus.OPEN, MonitoringAlertStatus.ESCALATED, MonitoringAlertStatus.PROCESSED


class SeveralDialog(DialogView):
    """Base of the dialogs about the alerts whose ids are the parameters `alert` of the address."""

    readers = writers = CAN_PROCESS
    status = PROCESSED.value
    from_statuses: tuple[str, ...] = (OPEN, ESCALATED)

    @cached_property
    def chosen(self) -> list[MonitoringAlert]:
        """The chosen alerts in scope that can still be acted on, in the order of the worklist."""
        ids = self.request.GET.getlist("alert")
        if not ids or len(ids) > ROWS or not all(map(is_id, ids)):
            raise BadRequest(_("Choose between 1 and 50 alerts."))
        rows = alerts_of(self.actor).filter(pk__in=ids, status__in=self.from_statuses)
        return list(in_order(with_people(rows), OPEN))

    @property
    def alerts(self) -> list[MonitoringAlert]:
        """The chosen alerts that nobody else is looking at."""
        return [alert for alert in self.chosen if holder_of(alert, self.actor) is None]

    def get_title(self) -> str:
        count = len(self.alerts)
        if self.status == PROCESSED:
            told = ngettext("Process %(count)s alert", "Process %(count)s alerts", count)
        else:
            told = ngettext("Escalate %(count)s alert", "Escalate %(count)s alerts", count)
        return told % {"count": count}

    def get_form_kwargs(self) -> dict[str, Any]:
        return {"alerts": self.alerts, "actor": self.actor}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        rows = rows_of(self.chosen, self.actor)
        audit_alerts(self.actor, "search", self.chosen)
        shown = {"rows": [row for row in rows if not row.holder], "left_out": [row for row in rows if row.holder]}
        return super().get_context_data(**{**shown, **kwargs})

    def save(self, form: Any) -> str:
        chosen = [(alert.patient_id, alert.pk) for alert in self.alerts]
        done, left = process_alerts(actor=self.actor, alerts=chosen, status=self.status, **form.details())
        if not done:
            raise Conflict(_("Somebody else has seen to all of these meanwhile. Nothing was saved."))
        if self.status == PROCESSED:
            told = ngettext("Processed %(count)s alert.", "Processed %(count)s alerts.", done) % {"count": done}
        else:
            told = ngettext("Escalated %(count)s alert.", "Escalated %(count)s alerts.", done) % {"count": done}
        if not left:
            return told
        return told + " " + _("Somebody else had seen to %(count)s meanwhile.") % {"count": left}

    def done(self, message: str) -> HttpResponse:
        return done_with(super().done(message), None)


@page("alerts/process/", name="alerts_process")
class ProcessSeveral(SeveralDialog):
    """Process several alerts."""

    template_name = "admin/worklist/process_several.html"
    form_class = ProcessForm
    submit_label = gettext_lazy("Process")


@page("alerts/escalate/", name="alerts_escalate")
class EscalateSeveral(SeveralDialog):
    """Escalate several open alerts to one colleague."""

    template_name = "admin/worklist/escalate_several.html"
    form_class = EscalateForm
    submit_label = gettext_lazy("Escalate")
    status = ESCALATED.value
    from_statuses = (OPEN,)
