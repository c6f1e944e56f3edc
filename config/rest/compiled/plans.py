"""A response serializer compiled once into columns, loaders and one function from row to object.

Serializers are declared as usual, and the OpenAPI documents come from them, but no response runs
them. `ResponsePlan` turns one into the columns of a single-table query, the loaders that stand for
joins, and a generated function that builds the response's object from a row tuple.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from django.db import models
from rest_framework import serializers

from accounts.scope import Actor, organization_of, scope_of
from config.core.caching import cached
from config.core.compiled_queries import columns_of
from config.core.databases import AsText
from config.rest.compiled.loaders import Loader, load_all
from config.rest.compiled.queries import Columns
from config.rest.fields import DateTime


class SqlText(NamedTuple):
    """What PostgreSQL writes for a field: SQL for a text, in which {0}, {1}, … are the columns that the field declares.

    It must be what Python makes of the same values, to the byte. `verbatim` promises that no format has to quote or to
    change it: digits, a UUID, a word of ours.
    """

    template: str
    verbatim: bool = False


class LoadedField(serializers.Field):
    """A field whose value stands in another table, under the key that the column `source` holds.

    `render(found, *values)` may turn the row that was found (None where there is none) and the
    values of further `columns` into what the response shows.
    """

    def __init__(self, loader: Loader, *, schema: dict, render: Callable | None = None, columns: Sequence[str] = (), **kwargs):
        self.loader, self.render, self.columns = loader, render, tuple(columns)
        super().__init__(read_only=True, **kwargs)
        self._spectacular_annotation = {"field": schema}

    # What follows is for REST framework's own way, with which tests/rest/test_builders.py compares the plan.
    def get_attribute(self, instance):
        return _follow(instance, self.source), [_follow(instance, column) for column in self.columns]

    def to_representation(self, value):
        key, others = value
        found = self.loader.load({key}, self.context["actor"]).get(key) if key is not None else None
        return self.render(found, *others) if self.render else found


class Computed(serializers.Field):
    """A field worked out from several columns: `compute(actor, *values)`, values as the model gives them.

    `sql` says the same for PostgreSQL, where that can.
    """

    def __init__(self, compute: Callable, columns: Sequence[str], *, schema: dict, sql: SqlText | None = None, **kwargs):
        self.compute, self.columns, self.sql = compute, tuple(columns), sql
        super().__init__(read_only=True, source="*", **kwargs)
        self._spectacular_annotation = {"field": schema}

    def to_representation(self, value):
        return self.compute(self.context["actor"], *(_follow(value, column) for column in self.columns))


class Constant(serializers.Field):
    """A field that is the same in every response, such as one that only a create fills: null, or an empty list."""

    def __init__(self, value: list | None, *, schema: dict):
        self.value = value
        super().__init__(read_only=True, source="*")
        self._spectacular_annotation = {"field": schema}

    def to_representation(self, value):
        return self.value


def _follow(instance: Any, lookup: str) -> Any:
    for name in lookup.replace(".", "__").split("__"):
        instance = getattr(instance, name, None)
    return instance


# Fields whose stored value is what the response shows: JSON takes it as it is. So it is with our own DateTime (UTC, Z).
_NATIVE = (
    serializers.CharField,
    serializers.IntegerField,
    serializers.BooleanField,
    serializers.ChoiceField,
    serializers.UUIDField,
    serializers.DateField,
    serializers.TimeField,
    serializers.DecimalField,
    serializers.DictField,
    serializers.JSONField,
)


class ResponsePlan:
    """One response serializer, compiled.

    Columns 0 and 1 of its rows are the row's id and its organization's; `patient` is the index of
    the id of the patient whom a row is about, None for rows about no patient. `notes` are those of long texts.

    A serializer may have `null_where`: a field -> the field of it that is true where the first one is null, whatever the row
    holds.
    """

    def __init__(self, serializer_class: type[serializers.ModelSerializer]):
        self.serializer_class = serializer_class
        self.model: type[models.Model] = serializer_class.Meta.model
        self.loads: dict[Loader, list[int]] = {}
        self._columns: dict[str, Any] = {"pk": "pk", "organization": organization_of(self.model)}
        self._names: dict[str, Any] = {}
        about = scope_of(self.model).patient
        self.patient = self._column(about) if about else None
        body = self._object(serializer_class())
        self.columns = Columns(self._columns.values())
        self.notes = [index for index, source in enumerate(self._columns.values()) if self._is_note(source)]
        parameters = ", ".join(["row", "actor", *(f"loaded{i}" for i in range(len(self.loads)))])
        self.source = f"def build({parameters}):\n    return {body}\n"
        exec(compile(self.source, f"<plan of {serializer_class.__name__}>", "exec"), self._names)  # noqa: S102
        self._build: Callable = self._names["build"]

    def _object(self, serializer: serializers.Serializer) -> str:
        shown = {name: self._value(declared) for name, declared in serializer.fields.items() if not declared.write_only}
        for name, condition in getattr(serializer, "null_where", {}).items():
            shown[name] = f"(None if {shown[condition]} else {shown[name]})"
        return "{" + ", ".join(f"{name!r}: {value}" for name, value in shown.items()) + "}"

    def _value(self, declared: serializers.Field) -> str:
        """Return the Python expression that makes one field's value out of `row`."""
        if isinstance(declared, serializers.Serializer):
            return self._object(declared)
        if isinstance(declared, LoadedField):
            return self._loaded(declared)
        if isinstance(declared, Constant):
            return repr(declared.value)
        if isinstance(declared, Computed):
            values = "".join(f", row[{self._column(column)}]" for column in declared.columns)
            return f"{self._named(declared.compute)}(actor{values})"
        index = self._column(str(declared.source), displayed=True)
        if isinstance(declared, _NATIVE) or type(declared) is DateTime:
            return f"row[{index}]"
        return f"(None if row[{index}] is None else {self._named(declared.to_representation)}(row[{index}]))"

    def _loaded(self, declared: LoadedField) -> str:
        index = self._column(str(declared.source))
        # Fields that share a loader (two providers of one patient) share its one query.
        self.loads.setdefault(declared.loader, []).append(index)
        found = f"loaded{list(self.loads).index(declared.loader)}(row[{index}])"
        if declared.render is None:
            return found
        others = "".join(f", row[{self._column(column)}]" for column in declared.columns)
        return f"{self._named(declared.render)}({found}{others})"

    def _column(self, source: str, *, displayed: bool = False) -> int:
        """Return the index of a column in the row; decimals that are only displayed are fetched as text."""
        name = lookup = source.replace(".", "__")
        as_text = displayed and isinstance(columns_of(self.model, lookup)[-1], models.DecimalField)
        if as_text:
            name = f"{lookup} as text"
        self._columns.setdefault(name, AsText(lookup) if as_text else lookup)
        return list(self._columns).index(name)

    def _named(self, function: Callable) -> str:
        name = f"f{len(self._names)}"
        self._names[name] = function
        return name

    def _is_note(self, source: Any) -> bool:
        return isinstance(source, str) and isinstance(columns_of(self.model, source)[-1], models.TextField)

    def length(self, rows: Iterable[tuple]) -> int:
        """Return how many characters the long texts in `rows` have together."""
        return sum(len(row[index]) for row in rows for index in self.notes if row[index])

    def keys_of(self, loader: Loader, rows: Iterable[tuple]) -> set:
        """Return the keys in `rows` under which `loader` would look."""
        return {row[index] for row in rows for index in self.loads.get(loader, ()) if row[index] is not None}

    def affected_patients(self, rows: Iterable[tuple]) -> list[tuple[int, int]]:
        """Return (organization id, patient id) of the patients whom `rows` are about."""
        return [] if self.patient is None else sorted({(row[1], row[self.patient]) for row in rows})

    def objects(self, rows: Sequence[tuple], actor: Actor, known: Mapping[Loader, Mapping] | None = None) -> list[dict]:
        """Build the response's objects of `rows`, running every loader once for all of them.

        `known` holds what loaders would find, where that is at hand already.
        """
        if not rows:
            return []
        loaded = load_all(self.loads, rows, actor, known or {})
        build = self._build
        return [build(row, actor, *loaded) for row in rows]


@cached
def response_plan(serializer_class: type[serializers.ModelSerializer]) -> ResponsePlan:
    """Return the compiled form of a response serializer, made the first time it is asked for."""
    return ResponsePlan(serializer_class)
