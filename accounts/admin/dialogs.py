"""Dialogs: small forms that act in place, and say what speaks against it before anything is stored."""

import hashlib
import json
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db import IntegrityError
from django.forms import CharField, Form
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from accounts.admin.conflicts import conflicting_fields, rebased, with_chosen
from accounts.admin.forms import add_errors
from accounts.admin.pages import Page
from accounts.audit import Overridden
from config.core.exceptions import DomainError, VersionConflict

# In characters, as the input in the dialog has it.
LONGEST_REASON = 500
SEVERITIES = ("high", "moderate", "low")


@dataclass(frozen=True)
class Warning:
    """Something that speaks against saving: `text` for people, `severity` one of SEVERITIES.

    `kind` is the word for it in the audit trail, such as "drug_allergy", without a patient's data.
    """

    text: str
    severity: str = "moderate"
    detail: str = ""
    kind: str = "warning"


@dataclass(frozen=True)
class Override:
    """Why somebody saves although `warnings` speak against it."""

    reason: str
    warnings: list[Warning] = field(default_factory=list)

    @property
    def recorded(self) -> Overridden:
        """What services take: the reason, and the kinds of the warnings."""
        return Overridden(self.reason, tuple(f"{warning.kind}.{warning.severity}" for warning in self.warnings))


def fingerprint(warnings: list[Warning]) -> str:
    """Return what stands in a dialog for the warnings that it shows."""
    return hashlib.sha256(repr(warnings).encode()).hexdigest()[:32]


class DialogView(Page):
    """Base of the dialogs.

    GET answers the form. POST answers 422 and the form where a value is wrong or where something speaks against
    saving; then nothing is stored until the warnings are acknowledged with a reason. What was saved is 204, with
    the sentence for the status line and the `blocks` of the page to fetch again in the header HX-Trigger.

    A form with the field `base_version` is told where somebody else has changed the row meanwhile: field by field the
    other's value beside one's own. `constraint_fields` maps a database constraint to (field, words).
    """

    template_name = "admin/dialog.html"
    framed = False
    form_class: type[Form]
    submit_label: Any = _("Save")
    # What stands above the fields, and whether the button ends or removes something.
    text: Any = ""
    is_dangerous = False
    blocks: tuple[str, ...] = ()
    # Whether the page behind is loaded again, and says what was saved: where that shows in more places than blocks.
    refreshes_page = False
    constraint_fields: dict[str, tuple[str, Any]] = {}
    overridden: Override | None = None

    # --- what a dialog says -----------------------------------------------------------------------
    def get_initial(self) -> dict[str, Any]:
        """Return the initial values of the form."""
        return {}

    def get_form_kwargs(self) -> dict[str, Any]:
        """Return further arguments of the form."""
        return {}

    def get_form(self, data: Any = None) -> Form:
        """Return the form, with what was sent."""
        return self.form_class(data, initial=self.get_initial(), **self.get_form_kwargs())

    def warnings(self, form: Any) -> list[Warning]:
        """Return what speaks against saving the valid `form`."""
        return []

    def save(self, form: Any) -> str:
        """Call the service and return what was done, as a sentence. `self.overridden` is set where warnings were overridden."""
        raise NotImplementedError

    def success_url(self) -> str | None:
        """Return the address of the page to open after saving, None to stay."""
        return None

    def reread(self) -> None:
        """Read again what `get_initial` tells of: somebody else has changed it."""

    # --- requests ---------------------------------------------------------------------------------
    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        shown = {"title": self.get_title(), "submit_label": self.submit_label, "action": self.request.get_full_path()}
        shown |= {"text": self.text, "is_dangerous": self.is_dangerous}
        return super().get_context_data(**{**shown, **kwargs})

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.render_to_response(self.get_context_data(form=self.get_form()))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        form = self.get_form(with_chosen(request.POST, self.get_form))
        if not form.is_valid():
            return self.refused(form)
        try:
            return self.answer(form)
        except VersionConflict as error:
            if "base_version" in form.fields:
                return self.conflicting(form)
            return self.explained(form, error)
        except (DomainError, IntegrityError) as error:
            return self.explained(form, error)

    def answer(self, form: Form) -> HttpResponse:
        """Save the valid `form`, unless something speaks against it that nobody has acknowledged."""
        warnings = sorted(self.warnings(form), key=lambda warning: SEVERITIES.index(warning.severity))
        if warnings:
            sent, shown, reason = self.request.POST, fingerprint(warnings), self.given_reason()
            # The box is about the warnings that were shown: others are asked about anew.
            asked_before = sent.get("override") == shown
            if not (asked_before and "acknowledged" in sent and reason):
                context = {"override_reason": reason, "asked_before": asked_before, "fingerprint": shown}
                return self.refused(form, warnings=warnings, **context)
            self.overridden = Override(reason, warnings)
        return self.done(self.save(form))

    def given_reason(self) -> str:
        """Return the reason that was sent to save against warnings, "" for one that cannot be stored."""
        try:
            return CharField(max_length=LONGEST_REASON, required=False).clean(self.request.POST.get("override_reason"))
        except ValidationError:
            return ""

    def conflicting(self, form: Form) -> HttpResponse:
        """Return the dialog over the values that somebody else has written, and ask which to keep where both changed one."""
        self.reread()
        stored = self.get_form()
        fresh = self.get_form(rebased(form, stored))
        return self.refused(fresh, conflict=True, conflicts=conflicting_fields(form, stored))

    def explained(self, form: Form, error: DomainError | IntegrityError) -> HttpResponse:
        """Return the dialog with the error of a service."""
        add_errors(form, error, self.constraint_fields)
        return self.refused(form)

    def refused(self, form: Form, **context: Any) -> HttpResponse:
        """Return the dialog again, with what is wrong."""
        return self.render_to_response(self.get_context_data(form=form, **context), status=HTTPStatus.UNPROCESSABLE_ENTITY)

    def done(self, message: str) -> HttpResponse:
        """Return what tells the page that it was saved."""
        if self.refreshes_page and message:
            messages.success(self.request, message)
        url = self.success_url()
        if url:
            return HttpResponse(status=HTTPStatus.NO_CONTENT, headers={"HX-Redirect": url})
        if self.refreshes_page:
            return HttpResponse(status=HTTPStatus.NO_CONTENT, headers={"HX-Refresh": "true"})
        saved = json.dumps({"saved": {"message": message, "blocks": self.blocks}})
        return HttpResponse(status=HTTPStatus.NO_CONTENT, headers={"HX-Trigger": saved})
