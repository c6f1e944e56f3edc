"""Dialogs of relationships: add, correct, archive."""

from typing import Any

from django import forms
from django.http import Http404
from django.utils.translation import gettext_lazy as _

from accounts.scope import scope
from config.core.orm import NOTE_LENGTH
from patients.admin.dialogs.base import ArchiveDialog, ChartForm, EntryDialog, chart_dialog
from patients.admin.dialogs.lookups import OtherPatientField
from patients.labels import name_of
from patients.models import Patient, Relationship, RelationshipType
from patients.services.relationships import create_relationship

BLOCKS = ("family", "banner")
# Made by merging and copying charts, not by people.
TECHNICAL = (RelationshipType.CLONE, RelationshipType.MERGE)


class RelationshipForm(ChartForm):
    """Who the other patient is to this one. An existing relationship stays one between the same two."""

    to_patient = OtherPatientField(label=_("Other patient"))
    relationship_type = forms.ChoiceField(
        label=_("They are the patient's"),
        choices=[(one.value, one.label) for one in RelationshipType if one not in TECHNICAL],
    )
    is_guardian = forms.BooleanField(label=_("This patient is the legal guardian of the other"), required=False)
    is_responsible_party = forms.BooleanField(label=_("The other pays for this patient (responsible party)"), required=False)
    note = forms.CharField(label=_("Note"), max_length=NOTE_LENGTH, required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.entry is not None:
            del self.fields["to_patient"], self.fields["is_responsible_party"]
            kind: Any = self.fields["relationship_type"]
            if self.entry.relationship_type in TECHNICAL:
                kind.choices = [(self.entry.relationship_type, self.entry.get_relationship_type_display()), *kind.choices]


def of_visible(dialog: Any, entry: Relationship) -> Relationship:
    """Return `entry`. Raises Http404 if the other patient is out of the caller's scope."""
    if not scope(dialog.actor, Patient.objects.filter(pk=entry.to_patient_id)).exists():
        raise Http404
    return entry


@chart_dialog("relationship", "add", "correct")
class RelationshipDialog(EntryDialog):
    """Adding or correcting a relationship."""

    model, form_class, blocks = Relationship, RelationshipForm, BLOCKS
    create_service = staticmethod(create_relationship)
    constraint_fields = {
        "relationship_not_to_self": ("to_patient", _("A patient has no relationship to themselves.")),
        "patient_not_own_guarantor": ("to_patient", _("A patient cannot be their own guarantor.")),
    }

    def find_entry(self, entry_id: int) -> Relationship:
        return of_visible(self, super().find_entry(entry_id))


@chart_dialog("relationship", "archive")
class ArchiveRelationship(ArchiveDialog):
    """Archiving a relationship."""

    model, blocks = Relationship, BLOCKS

    def find_entry(self, entry_id: int) -> Relationship:
        return of_visible(self, super().find_entry(entry_id))

    def describe(self, entry: Relationship) -> str:
        return f"{entry.get_relationship_type_display()}: {name_of(entry.to_patient)}"
