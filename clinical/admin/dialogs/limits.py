"""Dialogs of one patient's own limits, which replace those of the protocol for one instrument.

Limits are rows, as the rules of a protocol are: told in words and tried before they are saved.
"""

from typing import Any

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin.pages import page
from accounts.admin.rows import RowsField
from accounts.permissions import Permission
from clinical.admin.dialogs.measurements import instrument_choices
from clinical.admin.protocols.rows import LimitForm, Offered
from clinical.admin.protocols.trials import shown
from clinical.models import RuleKind, RuleOverride
from clinical.monitoring import Override
from clinical.monitoring.rules import MEASUREMENT
from clinical.services.monitoring import try_override
from clinical.services.monitoring.context import monitoring_context
from clinical.services.overrides import create_override, update_override
from patients.admin.dialogs.base import ArchiveDialog, ChartForm, EntryDialog, chart_dialog
from patients.admin.pages import PatientPage

BLOCKS = ("monitoring", "measurements")
MAX_LIMITS = 20
CHANGED_MEANWHILE = gettext_lazy(
    "Someone else has changed these limits meanwhile, so nothing was saved. Close this, and open it again to see them."
)


class LimitsForm(ChartForm):
    """The limits of one instrument as rows."""

    instrument = forms.ChoiceField(label=gettext_lazy("Instrument"))
    limits = RowsField(
        LimitForm,
        label=gettext_lazy("Limits"),
        noun=gettext_lazy("limit"),
        template_name="admin/clinical/dialogs/limit_rows.html",
        longest=MAX_LIMITS,
    )
    none = forms.BooleanField(label=gettext_lazy("No limits: the protocol's are switched off for this patient"), required=False)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        instrument: Any = self.fields["instrument"]
        instrument.choices = [("", _("Choose one")), *instrument_choices(self.patient.organization_id, numeric=True)]
        swap = {"hx-target": "#limit-rows", "hx-select": "#limit-rows", "hx-swap": "outerHTML"}
        instrument.widget.attrs |= {"hx-get": reverse("admin:chart_add", args=[self.patient.pk, "limits"]), **swap}
        offered, chosen = Offered.by(self.patient.organization_id), str(self["instrument"].value() or "")
        code = self.entry.instrument.code if self.entry else chosen
        limits: Any = self.fields["limits"]
        limits.options = {"offered": offered, "instrument": code if self.entry or code in offered.instruments else ""}
        if self.entry is not None:
            del self.fields["instrument"]

    def carry_version(self) -> None:
        """Carry the version alone: of two lists of limits nobody can keep one row of each."""
        super().carry_version()
        for field in self.fields.values():
            field.show_hidden_initial = False

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors and bool(cleaned["limits"]) == bool(cleaned.get("none")):
            raise forms.ValidationError(_("Enter a limit, or tick that there is none."))
        return cleaned


@chart_dialog("limits", "add", "correct")
class LimitsDialog(EntryDialog):
    """Giving a patient limits of their own. A new one begins with what holds for them now."""

    template_name = "admin/clinical/dialogs/limits.html"
    model, form_class, blocks, noun = RuleOverride, LimitsForm, BLOCKS, gettext_lazy("patient's own limits")
    constraint_fields = {
        "rule_override_one_an_instrument": (
            "instrument",
            gettext_lazy("The patient has own limits of this already: correct those."),
        )
    }

    def get_title(self) -> str:
        if self.entry is None:
            return _("Own limits of this patient")
        return _("Own limits: %(instrument)s") % {"instrument": self.entry.instrument.name}

    def find_entry(self, entry_id: int) -> RuleOverride:
        entry = super().find_entry(entry_id)
        if entry.kind != RuleKind.MEASUREMENT or len(entry.rules) > MAX_LIMITS:
            raise Http404
        return entry

    def get_initial(self) -> dict[str, Any]:
        if self.entry is not None:
            return {"limits": self.entry.rules, "none": not self.entry.rules}
        code = self.request.GET.get("instrument", "")
        context = monitoring_context(self.patient) if code else None
        held = context.rules if context else []
        mine = [rule for rule in held if (rule["kind"], rule.get("instrument")) == (MEASUREMENT, code)]
        return {"instrument": code, "limits": mine[:MAX_LIMITS]}

    def create(self, form: Any) -> RuleOverride:
        code, rules = form.cleaned_data["instrument"], form.cleaned_data["limits"]
        return create_override(actor=self.actor, patient_id=self.patient.pk, kind=MEASUREMENT, instrument=code, rules=rules)

    def change(self, form: Any) -> None:
        changes = {"rules": form.cleaned_data["limits"]}
        update_override(**self.named(), base_version=form.cleaned_data["base_version"] or 0, changes=changes)

    def conflicting(self, form: Any) -> HttpResponse:
        form.add_error(None, CHANGED_MEANWHILE)
        return self.refused(form)

    def label(self, form: Any) -> str:
        return _("The patient's own limits")

    def save(self, form: Any) -> str:
        super().save(form)
        return _("The patient's own limits were saved.")


class LimitsDraft(PatientPage):
    """Base of the fragments about limits that are not saved. The form of the dialog is sent, with the code of the instrument."""

    framed = False
    audited_action: str | None = None
    readers = writers = Permission.WRITE_PATIENTS.roles
    http_method_names = ["post"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form: Any = LimitsForm(request.POST, actor=self.actor, patient=self.patient)
        return self.render_to_response(self.get_context_data(code=request.POST.get("instrument", ""), rows=form["limits"].rows))


@page("patients/patient/<int:patient_id>/limits/words/", name="limits_words")
class LimitsWords(LimitsDraft):
    """A sentence for each limit, to replace those of the dialog."""

    template_name = "admin/clinical/dialogs/limit_words.html"


@page("patients/patient/<int:patient_id>/limits/trial/", name="limits_trial")
class LimitsTrial(LimitsDraft):
    """The alerts that the limits would have raised about the patient, beside those of what holds now."""

    template_name = "admin/clinical/dialogs/limits_trial.html"
    audited_action = "read"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        code, rows, now = kwargs["code"], kwargs["rows"], timezone.now()
        override = Override(MEASUREMENT, code, rows.as_list() if code else [])
        trial = try_override(actor=self.actor, patient=self.patient, override=override, now=now) if code else None
        told = {"now": now, "unfinished": rows.unfinished, **(shown(trial) if trial else {})}
        return {**super().get_context_data(**kwargs), **told}


@chart_dialog("limits", "archive")
class ArchiveLimits(ArchiveDialog):
    """Going back to the protocol's limits."""

    model, blocks, submit_label = RuleOverride, BLOCKS, gettext_lazy("Use the protocol's")
    hint = gettext_lazy("From now on the limits of the protocol hold again.")

    def get_title(self) -> str:
        return _("End own limits")

    def describe(self, entry: RuleOverride) -> str:
        return _("Own limits of %(instrument)s") % {"instrument": entry.instrument.name} if entry.instrument else _("Own rules")
