"""Fields that look rows up while somebody types: rows of catalogs by name or code, and patients."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import ProhibitNullCharactersValidator
from django.db.models import Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.admin.pages import page
from accounts.admin.parameters import searched
from accounts.models.catalogs import Catalog, key_of
from accounts.permissions import Permission
from accounts.scope import Actor
from config.core.orm import has_column, word_for
from config.core.text import fold, is_blank
from patients.admin.pages import PatientPage
from patients.admin.pickers import PatientField
from patients.models import Patient

SUGGESTIONS = 12
_catalogs: dict[str, type[Catalog]] = {}


class LookupField(forms.Field):
    """Base of the fields for a row that is looked up. The form tells them who asks, about which patient."""

    actor: Actor
    patient: Patient
    stored: Any = None

    def prepare(self, actor: Actor, patient: Patient, stored: Any) -> None:
        """Take who asks, about whom, and the row that is stored."""
        self.actor, self.patient, self.stored = actor, patient, stored


# --- catalogs ---------------------------------------------------------------------------------------
class CatalogInput(forms.TextInput):
    """A text input with suggestions from a catalog."""

    def render(self, name: str, value: Any, attrs: dict[str, Any] | None = None, renderer: Any = None) -> SafeString:
        options = f"{name}-options"
        suggests = {"list": options, "hx-trigger": "input changed delay:200ms", "hx-target": f"#{options}"}
        html = super().render(name, value, {**suggests, **(attrs or {})}, renderer)
        return format_html('{}<datalist id="{}"></datalist>', html, options)


class CatalogField(LookupField):
    """A row of the organization's catalog of `model`, by its name or code; with `in_words`, other text is taken as it is."""

    widget = CatalogInput
    default_error_messages = {"unknown": _("This is not in the catalog. Choose one of the suggestions.")}

    def __init__(self, model: type[Catalog], *, in_words: bool = False, max_length: int = 500, **kwargs):
        super().__init__(**kwargs)
        self.model, self.in_words, self.max_length = model, in_words, max_length
        self.word = word_for(model).replace("_", "-")
        _catalogs[self.word] = model

    def prepare(self, actor: Actor, patient: Patient, stored: Any) -> None:
        super().prepare(actor, patient, stored)
        address = reverse("admin:chart_options", args=[patient.pk, self.word])
        self.widget.attrs |= {"hx-get": address, "autocomplete": "off", "maxlength": self.max_length}

    def prepare_value(self, value: Any) -> Any:
        return value.name if isinstance(value, Catalog) else value

    def to_python(self, value: Any) -> Any:
        text = " ".join(str(self.prepare_value(value) or "").split())
        ProhibitNullCharactersValidator()(text)
        if is_blank(text):
            return None
        if len(text) > self.max_length:
            message = gettext("This has at most %(most)s characters.") % {"most": self.max_length}
            raise ValidationError(message, code="max_length")
        if isinstance(self.stored, Catalog) and fold(self.stored.name) == fold(text):
            return self.stored
        found = self._rows().filter(self._named(text)).first()
        if found is None and not self.in_words:
            raise ValidationError(self.error_messages["unknown"], code="unknown")
        return found or text

    def _rows(self) -> QuerySet:
        return self.model._base_manager.filter(organization_id=self.patient.organization_id, deleted_at=None).order_by("id")

    def _named(self, text: str) -> Q:
        coded = Q(concept_code=text) if has_column(self.model, "concept_code") else Q()
        return Q(name_key=key_of(text)) | coded

    def has_changed(self, initial: Any, data: Any) -> bool:
        return fold(str(self.prepare_value(initial) or "")) != fold(str(self.prepare_value(data) or ""))


@page("patients/patient/<int:patient_id>/options/<slug:catalog>/", name="chart_options")
class Options(PatientPage):
    """The rows of a catalog that what is typed may mean, for the suggestions of a CatalogField."""

    framed = False
    audited_action = None
    readers = Permission.WRITE_PATIENTS.roles
    template_name = "admin/patients/options.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        model = _catalogs.get(kwargs["catalog"])
        if model is None:
            raise Http404
        typed = fold(searched(str(next(iter(request.GET.values()), ""))))
        rows = model._base_manager.filter(organization_id=self.patient.organization_id, deleted_at=None, name_key__contains=typed)
        found = rows.order_by("name_key", "id")[:SUGGESTIONS] if typed else ()
        return self.render_to_response({"rows": found})


# --- patients ---------------------------------------------------------------------------------------
class OtherPatientField(PatientField, LookupField):
    """Another patient of the same organization, who is not archived."""

    def to_python(self, value: Any) -> Patient | None:
        found = super().to_python(value)
        if found is not None and found.organization_id != self.patient.organization_id:
            raise ValidationError(self.error_messages["invalid_choice"], code="invalid_choice")
        return found
