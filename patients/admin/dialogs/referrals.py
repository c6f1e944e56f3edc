"""Dialogs of referrals: add, correct, archive."""

from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from config.core.orm import NOTE_LENGTH
from patients.admin.dialogs.base import ArchiveDialog, ChartForm, EntryDialog, chart_dialog
from patients.admin.dialogs.lookups import OtherPatientField
from patients.models import AttributionRole, Provider, ReferralAttribution, ReferralPartner, ReferralSource
from patients.models.referrals import SOURCES

BLOCKS = ("communication",)
CATALOGS = {
    "referral_source": (_("Heard of the clinic by"), ReferralSource),
    "referral_partner": (_("Sent by a partner"), ReferralPartner),
    "provider": (_("Sent by a provider"), Provider),
}


class ReferralForm(ChartForm):
    """What brought the patient: one row of three catalogs, or another patient. Its source stays."""

    source = forms.ChoiceField(label=_("Source"), required=False)
    referring_patient = OtherPatientField(label=_("Or another patient"), required=False)
    attribution_role = forms.ChoiceField(label=_("Role"), choices=[(one.value, one.label) for one in AttributionRole])
    source_note = forms.CharField(label=_("Note"), max_length=NOTE_LENGTH, required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        if self.entry is not None:
            del self.fields["source"], self.fields["referring_patient"]
            return
        source: Any = self.fields["source"]
        source.choices = [
            ("", gettext("Choose one")),
            *((label, self._rows(name, model)) for name, (label, model) in CATALOGS.items()),
        ]

    def _rows(self, name: str, model: Any) -> list[tuple[str, str]]:
        rows = model.objects.filter(organization_id=self.patient.organization_id, deleted_at=None)
        return [(f"{name}:{pk}", label) for pk, label in rows.order_by("name_key", "id").values_list("pk", "name")]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if self.entry is None and not self.errors and bool(cleaned["source"]) == bool(cleaned["referring_patient"]):
            raise forms.ValidationError(gettext("Choose a source, or another patient, and not both."))
        return cleaned

    def values(self, names: Any = None) -> dict[str, Any]:
        found = super().values(names)
        name, _, pk = (found.pop("source", None) or "").partition(":")
        return {**found, f"{name}_id": int(pk)} if name else found


@chart_dialog("referral", "add", "correct")
class ReferralDialog(EntryDialog):
    """Adding or correcting a referral."""

    model, form_class, blocks, noun = ReferralAttribution, ReferralForm, BLOCKS, _("referral")
    constraint_fields = {
        "referral_attribution_one_primary": ("attribution_role", _("The patient has a primary referral already.")),
        "referral_attribution_not_self": ("referring_patient", _("A patient cannot refer themselves.")),
    }


@chart_dialog("referral", "archive")
class ArchiveReferral(ArchiveDialog):
    """Archiving a referral."""

    model, blocks, noun = ReferralAttribution, BLOCKS, _("referral")

    def describe(self, entry: ReferralAttribution) -> str:
        if entry.referring_patient_id:
            return gettext("Referred by another patient")
        named = next((getattr(entry, source) for source in SOURCES if getattr(entry, f"{source}_id")), None)
        return gettext("Referred by %(source)s") % {"source": named}
