"""Lists in forms as rows, which people add, remove and move without a request (`rows.js`).

The form sends the key of each row under the name of the list, in the order of the rows, and the inputs of a row under
`<list>-<key>-<input>`. A row may hold a list itself, whose name is `<list>-<key>-<name>`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy, ngettext

# A row of this key is in no list: `rows.js` copies it, and gives each copy a key of its own.
KEY = re.compile(r"[0-9]{1,6}")


class RowForm(forms.Form):
    """Base of the forms of one row. `number` is its place, from 1 on, None for the one that is copied.

    `before` is written before the inputs of a row that needs a word to be understood. `opened_with` is what the row stood for
    when the form was opened, None for a new row.
    """

    use_required_attribute = False
    # What stands for the key in the row that is copied. A list within a row has another one than the list around it.
    blank_key: ClassVar[str] = "__row__"
    before: ClassVar[Any] = ""

    def __init__(self, *args: Any, key: str, number: int | None = None, opened_with: Any = None, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.label_suffix = ""
        self.key, self.number, self.opened_with = key, number, opened_with

    @classmethod
    def initial_of(cls, value: Any) -> dict[str, Any]:
        """Return the initial values of the inputs of a row that stands for `value`."""
        return dict(value)

    def as_item(self) -> Any:
        """Return what a valid row stands for."""
        return dict(self.cleaned_data)


class Rows:
    """The rows of a list: those that were sent with `data`, or those of its stored `value`. `options` are arguments of each row.

    The key of a stored row is its place in `value`; those of new rows are higher.
    """

    def __init__(
        self,
        name: str,
        row_class: type[Any],
        *,
        data: Any = None,
        value: Sequence[Any] = (),
        longest: int,
        options: Mapping[str, Any],
    ):
        self.name, self.row_class, self.longest, self.options = name, row_class, longest, options
        self.is_bound = data is not None
        # One more than may be, so that too many are told from just enough.
        sent = data.getlist(name)[: longest + 1] if data is not None else [str(place) for place in range(len(value))]
        keys = [key for key in dict.fromkeys(sent) if KEY.fullmatch(key)]
        self.is_readable = len(keys) == len(sent)
        self.value = value
        self.rows = [self._row(key, number, data) for number, key in enumerate(keys, start=1)]

    def _row(self, key: str, number: int | None, data: Any) -> Any:
        place = int(key) if number else len(self.value)
        stored = self.value[place] if place < len(self.value) else None
        initial = None if stored is None else self.row_class.initial_of(stored)
        named = {"prefix": f"{self.name}-{key}", "key": key, "number": number}
        return self.row_class(data, initial=initial, opened_with=stored, **named, **self.options)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def blank(self) -> RowForm:
        """The row that is copied for a new one."""
        return self._row(self.row_class.blank_key, None, None)

    @property
    def placeholder(self) -> str:
        """What stands for the key in `blank`."""
        return self.row_class.blank_key

    @property
    def next_key(self) -> int:
        """The first key that no row has."""
        return max([int(row.key) + 1 for row in self.rows] + [len(self.value)])

    @property
    def finished(self) -> list[RowForm]:
        """The valid rows."""
        return [row for row in self.rows if row.is_valid()]

    @property
    def unfinished(self) -> list[RowForm]:
        """The rows in which something is missing or wrong."""
        return [row for row in self.rows if not row.is_valid()]

    def is_valid(self) -> bool:
        """Tell whether every row is right, and none too many."""
        return self.is_readable and len(self.rows) <= self.longest and not self.unfinished

    def as_list(self) -> list[Any]:
        """Return what the valid rows stand for."""
        return [row.as_item() for row in self.finished]


class RowsWidget(forms.Widget):
    """Stands for the inputs of all rows; `RowsBoundField` renders them."""

    use_fieldset = True

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return False


class RowsBoundField(forms.BoundField):
    """A list in a form, with its rows."""

    field: "RowsField"

    @cached_property
    def rows(self) -> Rows:
        """The rows: those that were sent, with what is wrong beside each, or those of the initial value."""
        field = self.field
        data, stored = self.form.data if self.form.is_bound else None, self.initial or []
        return Rows(self.html_name, field.row_class, data=data, value=stored, longest=field.longest, options=field.options)

    @property
    def data(self) -> Rows:
        return self.rows

    def as_widget(self, widget: Any = None, attrs: Any = None, only_initial: bool = False) -> SafeString:
        return render_to_string(self.field.rows_template, {"rows": self.rows, "field": self, "noun": self.field.noun})


class RowsField(forms.Field):
    """A list whose rows are forms of `row_class`, called a `noun`. `options`, arguments of each row, are set by the form."""

    widget = RowsWidget
    default_error_messages = {
        "rows": gettext_lazy("These rows cannot be read."),
        "max_length": gettext_lazy("There may be %(longest)s rows at most."),
    }

    def __init__(
        self, row_class: type[RowForm], *, noun: Any, longest: int, template_name: str = "admin/rows/list.html", **kwargs: Any
    ):
        super().__init__(required=False, **kwargs)
        self.row_class, self.noun, self.longest = row_class, noun, longest
        self.rows_template = template_name
        self.options: dict[str, Any] = {}

    def get_bound_field(self, form: Any, field_name: str) -> RowsBoundField:
        return RowsBoundField(form, self, field_name)

    def clean(self, value: Rows) -> list[Any]:
        if not value.is_readable:
            raise ValidationError(self.error_messages["rows"], code="rows")
        if len(value) > self.longest:
            raise ValidationError(self.error_messages["max_length"] % {"longest": self.longest}, code="max_length")
        if unfinished := value.unfinished:
            raise ValidationError(self._told([str(row.number) for row in unfinished]), code="row")
        return value.as_list()

    def _told(self, numbers: list[str]) -> str:
        """Return the sentence for the rows of these numbers, in which something is missing or wrong."""
        *others, last = numbers
        text = ngettext(
            "Something is missing or wrong in %(noun)s %(last)s.",
            "Something is missing or wrong in %(noun)ss %(others)s and %(last)s.",
            len(numbers),
        )
        return text % {"noun": self.noun, "others": ", ".join(others), "last": last}

    def has_changed(self, initial: Any, data: Any) -> bool:
        return not data.is_valid() or data.as_list() != (initial or [])
