"""Forms that pass their values to a service and show the errors that it raises."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from django import forms
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import ValidationError
from django.db import IntegrityError, models
from django.forms.utils import ErrorList
from django.utils.formats import sanitize_separators
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import UnfoldAdminTextareaWidget

from accounts.admin.fields import require_visible_texts
from accounts.admin.labels import HIDDEN
from accounts.admin.taken import TOO_MANY
from accounts.scope import Actor, Role, scope
from config.core.databases import broken_constraint
from config.core.decimals import round_half_up
from config.core.exceptions import DomainError, Invalid, RateLimited, VersionConflict
from config.core.orm import is_id

STALE = gettext_lazy(
    "Someone else changed this record meanwhile, so nothing was saved. "
    "Open it again in another tab, compare, and enter your changes there."
)


class FieldErrors(ErrorList):
    """The errors of a field. Where there are none no template is rendered: a page of the admin asks four times for each field."""

    def render(self, *args: Any, **kwargs: Any) -> SafeString:
        return super().render(*args, **kwargs) if self else SafeString("")


class ServiceForm(forms.ModelForm):
    """A model form that is never saved: the admin passes its values to a service.

    `actor` and `refusal` are set by the admin. `refusal` is what the service raised on the first
    attempt; the form then shows it. `constraint_fields` maps a database constraint to (field, words).
    """

    actor: Actor
    refusal: DomainError | IntegrityError | None = None
    constraint_fields: dict[str, tuple[str, Any]] = {}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **{"error_class": FieldErrors, **kwargs})
        require_visible_texts(self)
        for name, field in self.fields.items():
            stored = getattr(self.instance, f"{name}_id", None)
            if stored and isinstance(field, forms.ModelChoiceField):
                self._keep_choice(field, stored)

    def _keep_choice(self, field: Any, stored: int) -> None:
        """Let `field` keep its stored value even if it is not selectable any more: archived, or out of scope and unnamed."""
        if field.queryset.filter(pk=stored).exists():
            return
        label, rows = field.label_from_instance, field.queryset.model._base_manager.filter(pk=stored)
        hidden = not scope(self.actor, rows).exists()
        field.queryset = field.queryset | rows
        field.label_from_instance = lambda row: HIDDEN if hidden and row.pk == stored else label(row)

    @cached_property
    def changed_data(self) -> list[str]:
        """Names of the fields that changed, apart from line ends and stripped blanks."""
        return [name for name in super().changed_data if not self._same_text(name)]

    def _same_text(self, name: str) -> bool:
        before, after = self.get_initial_for_field(self.fields[name], name), getattr(self, "cleaned_data", {}).get(name)
        return isinstance(before, str) and isinstance(after, str) and _normalized(before) == _normalized(after)

    def changes(self) -> dict[str, Any]:
        """Return the changed columns as services take them: references as `<name>_id`, line ends as LF."""
        return dict(self._column(name) for name in self.changed_data if self._is_column(name))

    def _is_column(self, name: str) -> bool:
        return name != "organization" and name in {field.name for field in self._meta.model._meta.concrete_fields}

    def _column(self, name: str) -> tuple[str, Any]:
        value = self.cleaned_data[name]
        if isinstance(self._meta.model._meta.get_field(name), models.ForeignKey):
            return f"{name}_id", value.pk if value else None
        return name, value.replace("\r\n", "\n") if isinstance(value, str) else value

    @property
    def organization_id(self) -> Any:
        """The organization of the row: its own, the one chosen in this form, or the actor's."""
        chosen = self.cleaned_data.get("organization")
        return getattr(self.instance, "organization_id", None) or (chosen.pk if chosen else self.actor.organization_id)

    def clean(self) -> dict[str, Any]:
        super().clean()
        cleaned = self.cleaned_data
        # Only a superadmin sees more than one organization, and even they may not refer across organizations.
        for name, value in list(cleaned.items() if self.actor.role == Role.FC_ADMIN else ()):
            for row in value if isinstance(value, models.QuerySet) else [value]:
                if self.organization_id and getattr(row, "organization_id", None) not in (None, self.organization_id):
                    self.add_error(name, _("This belongs to another organization."))
                    break
        return cleaned

    def validate_unique(self) -> None:
        """Leave it to the database: Django would look in all organizations, and say what it found."""

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]  # the hook is missing in the stubs
        if self.refusal:
            add_errors(self, self.refusal, self.constraint_fields)


class NoteField(forms.CharField):
    """Text of several lines, whose ends count as one character each, as in the browser that sent two."""

    def to_python(self, value: Any) -> Any:
        return super().to_python(value.replace("\r\n", "\n") if isinstance(value, str) else value)


class WrittenNumber(forms.Field):
    """Base of fields for numbers, which refuse an underscore: Python reads 1_0 as 10.

    They take 5.6 in every language, and 5,6 where the language of the page writes it so.
    """

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str) and "_" in value:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(sanitize_separators(value))


class WholeNumberField(WrittenNumber, forms.IntegerField):
    """A whole number."""


class DecimalNumberField(WrittenNumber, forms.DecimalField):
    """A decimal number. More places than the field has are rounded half up."""

    def to_python(self, value: Any) -> Any:
        number = super().to_python(value)
        if number is None or self.decimal_places is None:
            return number
        try:
            return round_half_up(number, self.decimal_places)
        except ArithmeticError:  # NaN, or endless: the field's validators say so.
            return number

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """Let the browser take as many places as somebody types."""
        attrs = super().widget_attrs(widget)
        return attrs | {"step": "any"} if "step" in attrs else attrs


class FloatNumberField(WrittenNumber, forms.FloatField):
    """A number with a decimal point."""


class RowField(forms.ModelChoiceField):
    """One row, by its id."""

    def to_python(self, value: Any) -> Any:
        if value not in self.empty_values and not isinstance(value, models.Model) and not is_id(str(value)):
            raise ValidationError(self.error_messages["invalid_choice"], code="invalid_choice", params={"value": value})
        return super().to_python(value)


class AutocompleteWidget(AutocompleteSelect):
    """Django's, which looks up what was entered. Where that is no id, a refused form is shown without it."""

    def optgroups(self, name: str, value: Sequence[str], attrs: dict[str, Any] | None = None) -> list:
        return super().optgroups(name, [pk for pk in value if is_id(str(pk))], attrs)


class RowsField(forms.ModelMultipleChoiceField):
    """Several rows. Django asks the database for each id that is a number, even one that is too big for it."""

    def clean(self, value: Any) -> models.QuerySet:
        for pk in value or ():
            if not is_id(str(pk)):
                raise ValidationError(self.error_messages["invalid_pk_value"], code="invalid_pk_value", params={"pk": pk})
        return super().clean(value)


FORM_FIELDS: dict[type[models.Field], type[forms.Field]] = {
    models.TextField: NoteField,
    models.IntegerField: WholeNumberField,
    models.DecimalField: DecimalNumberField,
    models.FloatField: FloatNumberField,
    models.ForeignKey: RowField,
    models.ManyToManyField: RowsField,
}
"""The fields of forms by kind of column, where they are not Django's."""


class LinesField(forms.CharField):
    """A list of texts, one per line. Empty lines and outer blanks are dropped; no lines are None."""

    widget = UnfoldAdminTextareaWidget

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(value) if isinstance(value, list) else value

    def to_python(self, value: Any) -> Any:
        lines = (line.strip() for line in (super().to_python(value) or "").splitlines())
        return [line for line in lines if line] or None


class VersionedForm(ServiceForm):
    """A form that carries the version it was opened with."""

    base_version = WholeNumberField(widget=forms.HiddenInput, required=False, label="")

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["base_version"].initial = self.instance.version

    def clean_base_version(self) -> int:
        """Treat a form without a version as stale."""
        return self.cleaned_data["base_version"] or 0


def _normalized(text: str) -> str:
    return text.replace("\r\n", "\n").strip()


def add_errors(form: Any, refusal: DomainError | IntegrityError, constraint_fields: dict[str, tuple[str, Any]]) -> None:
    """Show what a service raised beside the fields of `form`.

    `constraint_fields` maps a database constraint to (field, words).
    """
    for name, messages in _error_messages(refusal, constraint_fields).items():
        form.add_error(name if name in form.fields else None, messages)


def _error_messages(refusal: DomainError | IntegrityError, constraint_fields: dict[str, tuple[str, Any]]) -> dict[str, list[Any]]:
    """Return the messages of `refusal` by field."""
    if isinstance(refusal, IntegrityError):
        field, words = constraint_fields.get(broken_constraint(refusal), ("", _("This collides with another record.")))
        return {field: [words]}
    if isinstance(refusal, Invalid):
        return refusal.errors
    if isinstance(refusal, VersionConflict):
        return {"": [STALE]}
    if isinstance(refusal, RateLimited):
        return {"": [TOO_MANY]}
    return {getattr(refusal, "field", ""): [refusal.message]}
