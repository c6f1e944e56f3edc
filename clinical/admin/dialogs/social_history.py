"""Dialogs of social history: add, correct, archive."""

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin.fields import LocalDateField
from clinical.models import SocialHistory, SocialHistoryCategory
from clinical.services.social_history import archive_social_history, create_social_history, update_social_history
from config.core.orm import NOTE_LENGTH
from patients.admin.dialogs.base import ArchiveDialog, ChartForm, EntryDialog, chart_dialog

BLOCKS = ("social-history",)
NOUN = gettext_lazy("social history entry")


class SocialHistoryForm(ChartForm):
    """One side of a patient's life."""

    category = forms.ChoiceField(
        label=gettext_lazy("Category"), choices=[(one.value, one.label) for one in SocialHistoryCategory]
    )
    value = forms.CharField(label=gettext_lazy("What is known"), max_length=255)
    date_start = LocalDateField(label=gettext_lazy("Since"), required=False)
    date_stop = LocalDateField(label=gettext_lazy("Until"), required=False)
    note = forms.CharField(label=gettext_lazy("Note"), max_length=NOTE_LENGTH, required=False, widget=forms.Textarea({"rows": 2}))


@chart_dialog("social-history", "add", "correct")
class SocialHistoryDialog(EntryDialog):
    """Adding or correcting an entry."""

    model, form_class, blocks, noun = SocialHistory, SocialHistoryForm, BLOCKS, NOUN
    layout = (("category", "value"), ("date_start", "date_stop"))
    create_service = staticmethod(create_social_history)
    update_service = staticmethod(update_social_history)
    constraint_fields = {
        "social_history_one_a_category": (
            "category",
            gettext_lazy("This category has an entry already: correct that one."),
        ),
        "social_history_dates_in_order": ("date_stop", gettext_lazy("An entry ends on or after the day it began.")),
    }

    def label(self, form: Any) -> str:
        return _("%(category)s history") % {"category": SocialHistoryCategory(form.cleaned_data["category"]).label}


@chart_dialog("social-history", "archive")
class ArchiveSocialHistory(ArchiveDialog):
    """Archiving an entry."""

    model, blocks, noun = SocialHistory, BLOCKS, NOUN
    archive_service = staticmethod(archive_social_history)

    def describe(self, entry: SocialHistory) -> str:
        return f"{entry.get_category_display()}: {entry.value}"
