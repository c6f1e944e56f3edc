"""Renewing and ending the claim to an alert while its dialog is open. Neither shows anything of the record."""

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from accounts.admin.pages import page
from clinical.admin.worklist.pages import CAN_PROCESS, AlertPage
from clinical.services.monitoring import claim_alert, release_alert
from config.core.exceptions import NotFound


@page("alerts/<int:alert_id>/claim/", name="alert_claim")
class Claim(AlertPage):
    """Renew the claim; answers the sentence that tells who has taken the alert over, or nothing."""

    writers = CAN_PROCESS
    http_method_names = ["post"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            holder = claim_alert(actor=self.actor, alert_id=self.alert.pk)
        except NotFound:
            return HttpResponse(_("Somebody has processed this alert meanwhile."), content_type="text/plain; charset=utf-8")
        told = _("%(person)s has taken this alert over.") % {"person": holder.get_full_name()} if holder else ""
        return HttpResponse(told, content_type="text/plain; charset=utf-8")


@page("alerts/<int:alert_id>/release/", name="alert_release")
class Release(AlertPage):
    """End the claim."""

    writers = CAN_PROCESS
    http_method_names = ["post"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        release_alert(actor=self.actor, alert_id=self.alert.pk)
        return HttpResponse(status=HTTPStatus.NO_CONTENT)
