"""Two people change one row: which fields, and whose value is kept.

A form that is told of a conflict has the field `base_version`, and sends with each field the value that it was opened with
(`show_hidden_initial`). So what the other wrote is kept wherever one has changed nothing, and one is asked only where both
did.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from django.forms import BoundField, CheckboxInput, Form
from django.http import QueryDict
from django.utils.translation import gettext as _

# How the choice for a field is sent: keep-dosage=theirs.
CHOICE = "keep-"


class ConflictingField(NamedTuple):
    """A field that both changed, with both values as people read them."""

    name: str
    label: str
    mine: str
    theirs: str


def conflicting_fields(form: Form, stored: Form) -> list[ConflictingField]:
    """Return the fields that the valid `form` changes, and that the unbound form `stored` has with yet another value."""
    return [
        ConflictingField(field.name, str(field.label), shown(field), shown(stored[field.name]))
        for field in form.visible_fields()
        if field.name in form.changed_data
        and _sent(field) != _sent(stored[field.name])
        and _changed_meanwhile(form, stored[field.name])
    ]


def _changed_meanwhile(form: Form, stored: BoundField) -> bool:
    """Tell whether the stored value is another one than that with which `form` was opened."""
    name = form.add_initial_prefix(stored.name)
    opened = stored.field.hidden_widget().value_from_datadict(form.data, form.files, name)
    return stored.field.has_changed(stored.initial, opened)


def rebased(form: Form, stored: Form) -> QueryDict:
    """Return what `form` was sent, as if it had been opened with the values of the unbound form `stored`."""
    data: Any = form.data
    data = data.copy()
    for field in stored.visible_fields():
        opened = field.value()
        # Never left out: Django would then take what is entered for what the form was opened with.
        data[stored.add_initial_prefix(field.name)] = "" if opened is None else str(opened)
        if field.name not in form.changed_data:
            _put(data, field.html_name, _sent(field))
    data["base_version"] = str(stored["base_version"].value())
    return data


def with_chosen(data: QueryDict, unbound: Callable[[], Form]) -> QueryDict:
    """Return what was sent, with the stored value in the fields for which it was chosen."""
    chosen = [name.removeprefix(CHOICE) for name, value in data.items() if name.startswith(CHOICE) and value == "theirs"]
    if not chosen:
        return data
    made, stored = data.copy(), unbound()
    for name in chosen:
        if name in stored.fields:
            _put(made, stored[name].html_name, _sent(stored[name]))
    return made


def shown(field: BoundField) -> str:
    """Return the value of a field as people read it."""
    sent = _sent(field)
    if isinstance(field.field.widget, CheckboxInput):
        return _("yes") if sent else _("no")
    for value, label in getattr(field.field, "choices", ()):
        if str(value) == sent:
            return str(label)
    return sent or _("nothing")


def _sent(field: BoundField) -> str:
    """Return the value of a field as a browser sends it, "" for none."""
    value = field.value()
    if isinstance(field.field.widget, CheckboxInput):
        return "on" if value in (True, "on", "True", "true") else ""
    formatted = field.field.widget.format_value(value)
    if isinstance(formatted, list | tuple):
        formatted = formatted[0] if formatted else ""
    return str(formatted or "").replace("\r\n", "\n").strip()


def _put(data: QueryDict, name: str, value: Any) -> None:
    if value in (None, "", False):
        data.pop(name, None)
    else:
        data[name] = str(value)
