"""The dialog that sets the tags of a patient."""

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from patients.admin.dialogs.base import ChartDialog, ChartForm, chart_dialog
from patients.models import PatientTag, TagDefinition
from patients.services.tags import set_tags


class TagsForm(ChartForm):
    """All tags of the organization, those that the patient has ticked. A tag in use stays, even if its kind is archived."""

    tags = forms.MultipleChoiceField(label=_("Tags"), required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        held = set(self.initial["tags"])
        rows = TagDefinition.objects.filter(organization_id=self.patient.organization_id)
        tags: Any = self.fields["tags"]
        tags.choices = [(row.pk, row.name) for row in rows if row.deleted_at is None or row.pk in held]

    def clean_tags(self) -> list[int]:
        return [int(pk) for pk in self.cleaned_data["tags"]]


@chart_dialog("tags", "add")
class TagsDialog(ChartDialog):
    """Setting the tags of a patient."""

    title, form_class, blocks = _("Tags"), TagsForm, ("tags", "banner")

    def get_initial(self) -> dict[str, Any]:
        held = PatientTag.objects.filter(patient=self.patient, deleted_at=None)
        return {"tags": list(held.values_list("tag_definition_id", flat=True))}

    def save(self, form: Any) -> str:
        set_tags(actor=self.actor, patient_id=self.patient.pk, definition_ids=form.cleaned_data["tags"])
        return gettext("The tags were saved.")
