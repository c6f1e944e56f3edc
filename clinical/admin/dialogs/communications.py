"""The dialog that writes down a call or message. Logs are added and never changed."""

from typing import Any

from django import forms
from django.utils import timezone

from accounts.admin.fields import LocalDateTimeField
from accounts.admin.forms import RowField
from clinical.models import CommunicationDirection, CommunicationLog, CommunicationMode, CommunicationType
from clinical.services.communications import log_communication
from config.core.orm import NOTE_LENGTH
from patients.admin.dialogs.base import ChartForm, EntryDialog, chart_dialog

MODES = [
    (CommunicationMode.PHONE, "Phone call"),
    (CommunicationMode.TEXT, "Text message"),
    (CommunicationMode.EMAIL, "E-mail"),
    (CommunicationMode.MAIL, "Letter"),
    (CommunicationMode.IN_PERSON, "In person"),
    (CommunicationMode.FAX, "Fax"),
]
DIRECTIONS = [
    (CommunicationDirection.RECEIVED, "From the patient or family"),
    (CommunicationDirection.SENT, "To the patient"),
    (CommunicationDirection.NEITHER, "Neither"),
]


class CommunicationForm(ChartForm):
    """A contact with the patient."""

    note = forms.CharField(label="Summary", max_length=NOTE_LENGTH, widget=forms.Textarea({"rows": 4}))
    mode = forms.ChoiceField(label="How", choices=MODES)
    direction = forms.ChoiceField(choices=DIRECTIONS)
    communication_datetime = LocalDateTimeField(label="When")
    communication_type = RowField(CommunicationType.objects.none(), label="About", required=False, empty_label="Not said")

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        about: Any = self.fields["communication_type"]
        organization = self.patient.organization_id
        about.queryset = CommunicationType.objects.filter(organization_id=organization, deleted_at=None)


@chart_dialog("communication", "add")
class CommunicationDialog(EntryDialog):
    """Noting a call or message."""

    title = "Note a call or message"
    model, form_class, blocks = CommunicationLog, CommunicationForm, ("communication", "timeline")
    layout = (("note",), ("mode", "direction"), ("communication_datetime", "communication_type"))
    create_service = staticmethod(log_communication)

    def get_title(self) -> str:
        return self.title

    def get_initial(self) -> dict[str, Any]:
        return {"communication_datetime": timezone.now()}

    def label(self, form: Any) -> str:
        return f"{dict(form.fields['mode'].choices)[form.cleaned_data['mode']]}"
