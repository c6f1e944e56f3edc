"""The base of the dialogs that add to a chart or change an entry of it, and the pages that lead to them.

A dialog is registered for a kind of entry and a verb: `chart_dialog("medication", "stop")`. "add" is reached at
admin:chart_add, every other verb at admin:chart_entry.
"""

from collections.abc import Callable, Iterable
from functools import partial
from http import HTTPStatus
from typing import Any, ClassVar

from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin.conflicts import shown
from accounts.admin.fields import LocalForm
from accounts.admin.forms import RowField, WholeNumberField
from accounts.admin.pages import page
from accounts.permissions import Permission
from accounts.scope import Actor
from config.core.orm import has_column, verbose_name
from patients.admin.dialogs.lookups import LookupField
from patients.admin.pages import PatientDialog, PatientPage
from patients.admin.pickers import PatientField
from patients.models import Patient
from patients.services.charts import archive_entry, create_entry, update_entry

WRITERS = Permission.WRITE_PATIENTS.roles
_dialogs: dict[tuple[str, str], type["ChartDialog"]] = {}


def chart_dialog(kind: str, *verbs: str) -> Callable[[type["ChartDialog"]], type["ChartDialog"]]:
    """Register a dialog for entries of `kind` under these verbs."""

    def register(dialog: type["ChartDialog"]) -> type["ChartDialog"]:
        for verb in verbs:
            _dialogs[kind, verb] = dialog
        return dialog

    return register


def registered_dialogs() -> dict[tuple[str, str], type["ChartDialog"]]:
    """Return the dialogs by kind and verb."""
    return dict(_dialogs)


class _ToDialog(PatientPage):
    """Hands a request over to the dialog that its address names."""

    framed = False
    readers = writers = WRITERS

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        """Leave the patient to the dialog."""
        super(PatientPage, self).setup(request, *args, **kwargs)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        verb = kwargs.get("verb", "add")
        found = _dialogs.get((kwargs["kind"], verb))
        if found is None or ("entry_id" in kwargs) == (verb == "add"):
            raise Http404
        return found.as_view()(request, *args, **kwargs)


@page("patients/patient/<int:patient_id>/add/<slug:kind>/", name="chart_add")
class ChartAdd(_ToDialog):
    """Adding an entry to a chart."""


@page("patients/patient/<int:patient_id>/<slug:kind>/<int:entry_id>/<slug:verb>/", name="chart_entry")
class ChartEntryTurn(_ToDialog):
    """Changing an entry of a chart."""


class ChartForm(LocalForm):
    """A form about a `patient`, and about an `entry` of their chart if there is one.

    A form that corrects carries the version of its entry, and each value with which it was opened.
    """

    def __init__(self, *args, actor: Actor, patient: Patient, entry: Any = None, **kwargs):
        self.actor, self.patient, self.entry = actor, patient, entry
        super().__init__(*args, country=patient.organization.country, label_suffix="", **kwargs)
        for name, field in self.fields.items():
            if isinstance(field, LookupField):
                field.prepare(actor, patient, self.get_initial_for_field(field, name))
            if isinstance(field, forms.CharField) and not isinstance(field, forms.EmailField | forms.URLField):
                field.empty_value = None

    def carry_version(self) -> None:
        """Add what tells that somebody else has changed the entry meanwhile."""
        for field in self.fields.values():
            field.show_hidden_initial = True
        self.fields["base_version"] = WholeNumberField(widget=forms.HiddenInput, required=False, initial=self.entry.version)

    def values(self, names: Iterable[str] | None = None) -> dict[str, Any]:
        """Return the values of the fields, or of those with these names, as services take them: references as `<name>_id`."""
        wanted = [name for name in (self.fields if names is None else names) if name != "base_version"]
        return dict(self._column(name, self.cleaned_data[name]) for name in wanted)

    def changes(self) -> dict[str, Any]:
        """Return the values of the fields that were changed."""
        return self.values(self.changed_data)

    def _column(self, name: str, value: Any) -> tuple[str, Any]:
        if isinstance(self.fields[name], RowField | LookupField):
            return f"{name}_id", value and value.pk
        return name, value.replace("\r\n", "\n") if isinstance(value, str) else value


def entered(form: forms.Form) -> list[tuple[str, str]]:
    """Return label and value, as people read it, of the fields that are filled in."""
    told = [(str(field.label), shown(field)) for field in form.visible_fields() if not isinstance(field.field, PatientField)]
    return [(label, value) for label, value in told if value not in (_("nothing"), _("no"))]


class ChartDialog(PatientDialog):
    """Base of the dialogs of a chart: who may, and about which entry of which patient.

    `model` is that of the entry. `layout` lists the names of fields that stand side by side. An archived chart is not
    added to: it says so instead.
    """

    readers = writers = WRITERS
    template_name = "admin/patients/chart_dialog.html"
    form_class: type[ChartForm] = ChartForm
    model: ClassVar[Any] = None
    layout: tuple[tuple[str, ...], ...] = ()
    versioned = False
    hint: Any = ""
    entry: Any = None

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        if "entry_id" in kwargs:
            self.reread()

    def reread(self) -> None:
        self.entry = self.find_entry(self.kwargs["entry_id"])

    def find_entry(self, entry_id: int) -> Any:
        """Return the entry of this patient. Raises Http404."""
        rows = self.model._base_manager.filter(patient_id=self.patient.pk, pk=entry_id)
        found = (rows.filter(deleted_at=None) if has_column(self.model, "deleted_at") else rows).first()
        if found is None:
            raise Http404
        return found

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.closed() or super().get(request, *args, **kwargs)

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self.closed() or super().post(request, *args, **kwargs)

    def closed(self) -> HttpResponse | None:
        """Return what tells that nothing can be added to an archived chart; None where it is not archived."""
        if self.patient.deleted_at is None:
            return None
        told = {"form": None, "closed": _("This chart is archived. Restore it first.")}
        return self.render_to_response(self.get_context_data(**told), status=HTTPStatus.CONFLICT)

    def get_form_kwargs(self) -> dict[str, Any]:
        return {"actor": self.actor, "patient": self.patient, "entry": self.entry}

    def get_form(self, data: Any = None) -> Any:
        form: Any = super().get_form(data)
        if self.versioned and self.entry is not None:
            form.carry_version()
        return form

    def named(self) -> dict[str, Any]:
        """Return what services take to find the entry."""
        return {"actor": self.actor, "patient_id": self.patient.pk, "entry_id": self.entry.pk}

    def overridden_kwargs(self) -> dict[str, Any]:
        """Return what services take that save against warnings; nothing where there was none."""
        return {"overridden": self.overridden.recorded} if self.overridden else {}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        form = kwargs.get("form")
        told = {"rows": self._rows(form) if form else [], "entered": entered(form) if form and "warnings" in kwargs else []}
        return super().get_context_data(**{"hint": self.hint, **told, **kwargs})

    def _rows(self, form: forms.Form) -> list[list[forms.BoundField]]:
        """Return the visible fields in lines, those that `layout` leaves out last."""
        placed = {name for line in self.layout for name in line}
        lines = [*self.layout, *((field.name,) for field in form.visible_fields() if field.name not in placed)]
        return [[form[name] for name in line if name in form.fields] for line in lines]


class EntryDialog(ChartDialog):
    """A dialog that adds an entry, or corrects the one that its address names: only what was changed is written.

    `create_service` and `update_service` are as `create_entry` and `update_entry`, without `model`.
    """

    create_service: ClassVar[Callable[..., Any] | None] = None
    update_service: ClassVar[Callable[..., Any] | None] = None
    noun: Any = ""

    versioned = True

    def get_title(self) -> str:
        noun = str(self.noun or verbose_name(self.model))
        if self.entry is not None:
            return capfirst(_("Correct the %(entry)s") % {"entry": noun})
        title = _("Add an %(entry)s") if noun[0] in "aeiou" else _("Add a %(entry)s")
        return capfirst(title % {"entry": noun})

    def get_initial(self) -> dict[str, Any]:
        fields = self.form_class.base_fields
        return {name: getattr(self.entry, name, None) for name in fields} if self.entry is not None else {}

    def save(self, form: Any) -> str:
        if self.entry is None:
            self.create(form)
            return _("%(entry)s was added.") % {"entry": self.label(form)}
        self.change(form)
        return _("%(entry)s was corrected.") % {"entry": self.label(form)}

    def create(self, form: Any) -> Any:
        """Add the entry."""
        create = type(self).create_service or partial(create_entry, model=self.model)
        return create(actor=self.actor, patient_id=self.patient.pk, **form.values(), **self.overridden_kwargs())

    def change(self, form: Any) -> None:
        """Correct the entry."""
        update = type(self).update_service or partial(update_entry, model=self.model)
        version = form.cleaned_data["base_version"] or 0
        update(**self.named(), base_version=version, changes=form.changes(), **self.overridden_kwargs())

    def label(self, form: Any) -> str:
        """Return what people call the entry."""
        return capfirst(_("The %(entry)s") % {"entry": self.noun or verbose_name(self.model)})


class ArchiveDialog(ChartDialog):
    """A dialog that archives the entry that its address names; `archive_service` is as `archive_entry`, without `model`."""

    archive_service: ClassVar[Callable[..., Any] | None] = None
    submit_label: Any = gettext_lazy("Archive")
    is_dangerous = True
    noun: Any = ""
    hint: Any = gettext_lazy("It stays in the record, and is not shown on the chart any more.")

    def get_title(self) -> str:
        return capfirst(_("Archive the %(entry)s") % {"entry": self.noun or verbose_name(self.model)})

    def describe(self, entry: Any) -> str:
        """Return the entry in words."""
        return ""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**{"described": self.describe(self.entry), **kwargs})

    def save(self, form: Any) -> str:
        archive = type(self).archive_service or partial(archive_entry, model=self.model)
        archive(**self.named())
        return _("%(entry)s was archived.") % {"entry": self.describe(self.entry) or _("The entry")}
