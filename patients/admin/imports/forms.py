"""The forms of an import: the file and how it is read, and the fields of its columns."""

from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from django import forms
from django.utils.text import capfirst, format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.admin.forms import RowField
from accounts.models import CareGroup, Organization
from accounts.scope import Actor, scope
from config.core.exceptions import Invalid
from config.core.table_cells import DateOrder
from patients.import_options import Match, Mode, OnError
from patients.import_runs import MAX_FILE, Upload
from patients.model_names import label

MODES = {
    Mode.CREATE: _("Create new patients"),
    Mode.UPDATE: _("Update patients"),
    Mode.UPSERT: _("Update patients, create others"),
}
MATCHES = {Match.CHART_NUMBER: _("Chart number"), Match.UUID: "UUID"}
ON_ERROR = {OnError.CONTINUE: _("Import the other rows"), OnError.ABORT: _("Import nothing")}
DATE_ORDERS = {
    "": _("Year first: 1980-12-31"),
    DateOrder.DMY: _("Day first: 31-12-1980"),
    DateOrder.MDY: _("Month first: 12/31/1980"),
    DateOrder.YMD: _("Year first, also 1980/12/31"),
}
ENCODINGS = {"": _("UTF-8 or UTF-16"), "cp1252": "Windows-1252"}


class UploadForm(forms.Form):
    """A file of patients and how it is to be imported."""

    file = forms.FileField(
        label=_("File"),
        max_length=255,
        widget=forms.ClearableFileInput({"accept": ".csv,.tsv,.txt,text/csv"}),
        help_text=format_lazy(
            _("A table saved as CSV, at most {size} MB, whose first line names the columns."), size=MAX_FILE // 1_000_000
        ),
        error_messages={"required": _("Choose a file."), "empty": _("This file is empty.")},
    )
    mode = forms.ChoiceField(label=_("What rows do"), choices=list(MODES.items()))
    match_on = forms.ChoiceField(
        label=_("Found by"), choices=list(MATCHES.items()), help_text=_("How a row names the patient to update.")
    )
    on_error = forms.ChoiceField(label=_("If a row is wrong"), choices=list(ON_ERROR.items()))
    care_group = RowField(
        CareGroup.objects.none(),
        label=_("Care group"),
        required=False,
        empty_label=_("None"),
        help_text=_("Of new patients whose row names none."),
    )
    date_order = forms.ChoiceField(label=_("Dates"), required=False, choices=list(DATE_ORDERS.items()))
    encoding = forms.ChoiceField(
        label=_("Encoding"),
        required=False,
        choices=list(ENCODINGS.items()),
        help_text=_("Older spreadsheets save in Windows-1252."),
    )

    def __init__(self, *args: Any, actor: Actor, organization: Organization, **kwargs: Any):
        super().__init__(*args, **kwargs)
        groups: Any = self.fields["care_group"]
        own = CareGroup.objects.filter(organization=organization, deleted_at=None)
        groups.queryset = scope(actor, own.order_by("name", "pk"))

    def upload(self) -> Upload:
        """Return what was sent."""
        values = {name: value for name, value in self.cleaned_data.items() if name != "file"}
        file = self.cleaned_data["file"]
        return Upload(file_name=file.name, content=file.read(), **values)


LEFT_OUT, NOT_CHOSEN = "-", ""


class ColumnsForm(forms.Form):
    """The field of each column of a file: `column_0`, `column_1` and so on."""

    def __init__(self, *args: Any, header: Sequence[str], likely: Sequence[str | None], known: Sequence[str], **kwargs: Any):
        super().__init__(*args, **kwargs)
        fields = sorted(((name, capfirst(label(name))) for name in known), key=itemgetter(1))
        choices = [(LEFT_OUT, gettext("Leave out")), *fields]
        self.header = list(header)
        for number, (title, name) in enumerate(zip(header, likely, strict=True)):
            if title:
                self.fields[f"column_{number}"] = forms.ChoiceField(
                    label=title,
                    choices=[(NOT_CHOSEN, gettext("Choose a field")), *choices],
                    initial=name or NOT_CHOSEN,
                    error_messages={"required": gettext("Choose a field, or leave this column out.")},
                )

    def columns(self) -> list[str | None]:
        """Return the fields in the order of the columns: None for one that is left out, "" for one without a name."""
        chosen = (self.cleaned_data.get(f"column_{number}", "") for number in range(len(self.header)))
        return [None if name == LEFT_OUT else name for name in chosen]

    def explain(self, error: Invalid) -> None:
        """Show what speaks against these columns together."""
        for message in error.errors[""]:
            self.add_error(None, message)
