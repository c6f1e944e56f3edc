"""The dialog that writes down a call or message. Logs are added and never changed."""

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.admin.fields import LocalDateTimeField
from accounts.admin.forms import RowField
from clinical.models import CommunicationDirection, CommunicationLog, CommunicationMode, CommunicationType
from clinical.services.communications import log_communication
from config.core.orm import NOTE_LENGTH
from patients.admin.dialogs.base import ChartForm, EntryDialog, chart_dialog

MODES = [
    (CommunicationMode.PHONE, _("Phone call")),
    (CommunicationMode.TEXT, _("Text message")),
    (CommunicationMode.EMAIL, _("E-mail")),
    (CommunicationMode.MAIL, _("Letter")),
    (CommunicationMode.IN_PERSON, _("In person")),
    (CommunicationMode.FAX, _("Fax")),
]
DIRECTIONS = [
    (CommunicationDirection.RECEIVED, _("From the patient or family")),
    (CommunicationDirection.SENT, _("To the patient")),
    (CommunicationDirection.NEITHER, _("Neither")),
]


class CommunicationForm(ChartForm):
    """A contact with the patient."""

    note = forms.CharField(label=_("Summary"), max_length=NOTE_LENGTH, widget=forms.Textarea({"rows": 4}))
    mode = forms.ChoiceField(label=_("How"), choices=MODES)
    direction = forms.ChoiceField(label=_("Direction"), choices=DIRECTIONS)
    communication_datetime = LocalDateTimeField(label=_("When"))
    communication_type = RowField(CommunicationType.objects.none(), label=_("About"), required=False, empty_label=_("Not said"))

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        about: Any = self.fields["communication_type"]
        organization = self.patient.organization_id
        about.queryset = CommunicationType.objects.filter(organization_id=organization, deleted_at=None)


@chart_dialog("communication", "add")
class CommunicationDialog(EntryDialog):
    """Noting a call or message."""

    title = _("Note a call or message")
    model, form_class, blocks = CommunicationLog, CommunicationForm, ("communication", "timeline")
    layout = (("note",), ("mode", "direction"), ("communication_datetime", "communication_type"))
    create_service = staticmethod(log_communication)

    def get_title(self) -> str:
        return str(self.title)

    def get_initial(self) -> dict[str, Any]:
        return {"communication_datetime": timezone.now()}

    def label(self, form: Any) -> str:
        return str(dict(MODES)[form.cleaned_data["mode"]])
