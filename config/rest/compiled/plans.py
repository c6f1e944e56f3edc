"""The read path: a read serializer compiled once into columns, look-ups and one function from row to object.

Serializers are declared as usual, and the OpenAPI documents come from them, but no answer runs
them. `Plan` turns one into the columns of a single-table query, the look-ups that stand for joins,
and a generated function that builds the answer's object from a row tuple.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from django.db import models
from django.db.models import QuerySet
from rest_framework import serializers

from accounts.scope import Actor, organization_of, scope_of, visible
from config.core.databases import AsText, Param
from config.core.statements import Run, Statement, statements
from config.rest.fields import DateTime


class Lookup:
    """Rows of another table that answers refer to, fetched once for a whole page.

    `load(keys, actor)` maps a key to what the answer shows; keys without a row are left out.
    """

    def load(self, keys: set, actor: Actor) -> Mapping[Any, Any]:
        raise NotImplementedError(type(self).__name__)

    def __deepcopy__(self, memo: dict) -> "Lookup":
        # REST framework copies declared fields with their arguments: the copies share one look-up and its cache.
        return self


class LookedUp(serializers.Field):
    """A field whose value stands in another table, under the key that the column `source` holds.

    `show(found, *values)` may turn the row that was found (None where there is none) and the
    values of further `columns` into what the answer shows.
    """

    def __init__(self, lookup: Lookup, *, schema: dict, show: Callable | None = None, columns: Sequence[str] = (), **kwargs):
        self.lookup, self.show, self.columns = lookup, show, tuple(columns)
        super().__init__(read_only=True, **kwargs)
        self._spectacular_annotation = {"field": schema}

    def get_attribute(self, instance):
        return _follow(instance, self.source), [_follow(instance, column) for column in self.columns]

    def to_representation(self, value):
        key, others = value
        found = self.lookup.load({key}, self.context["actor"]).get(key) if key is not None else None
        return self.show(found, *others) if self.show else found


class Computed(serializers.Field):
    """A field worked out from several columns: `compute(actor, *values)`, values as the model gives them."""

    def __init__(self, compute: Callable, columns: Sequence[str], *, schema: dict, **kwargs):
        self.compute, self.columns = compute, tuple(columns)
        super().__init__(read_only=True, source="*", **kwargs)
        self._spectacular_annotation = {"field": schema}

    def to_representation(self, value):
        return self.compute(self.context["actor"], *(_follow(value, column) for column in self.columns))


def _follow(instance: Any, lookup: str) -> Any:
    for name in lookup.replace(".", "__").split("__"):
        instance = getattr(instance, name, None)
    return instance


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
"""Fields whose stored value is what the answer shows: JSON takes it as it is. So it is with our own DateTime (UTC, Z)."""


class Columns(tuple):
    """Columns of a query, with the name under which its compiled SQL is kept."""

    shape: Hashable | type

    @classmethod
    def named(cls, shape: Hashable | type, columns: Iterable) -> "Columns":
        """Return `columns` under the name `shape`."""
        made = cls(columns)
        made.shape = shape
        return made

    def plus(self, **more: Any) -> "Columns":
        """Return these columns and `more`, by name."""
        return Columns.named((self.shape, *more), (*self, *more.values()))


class Plan:
    """One read serializer, compiled.

    Columns 0 and 1 of its rows are the row's id and its organization's; `patient` is the place of
    the id of the patient whom a row is about, None for rows about no patient.
    """

    def __init__(self, serializer_class: type[serializers.ModelSerializer]):
        self.serializer_class = serializer_class
        self.model: type[models.Model] = serializer_class.Meta.model
        self.lookups: dict[Lookup, list[int]] = {}
        self._columns: dict[str, Any] = {"pk": "pk", "organization": organization_of(self.model)}
        self._names: dict[str, Any] = {}
        about = scope_of(self.model).patient
        self.patient = self._column(about) if about else None
        body = self._object(serializer_class())
        self.columns = Columns.named(serializer_class, self._columns.values())
        parameters = ", ".join(["row", "actor", *(f"seen{i}" for i in range(len(self.lookups)))])
        self.source = f"def build({parameters}):\n    return {body}\n"
        exec(compile(self.source, f"<plan of {serializer_class.__name__}>", "exec"), self._names)  # noqa: S102
        self._build: Callable = self._names["build"]

    def _object(self, serializer: serializers.Serializer) -> str:
        parts = (f"{name!r}: {self._value(declared)}" for name, declared in serializer.fields.items() if not declared.write_only)
        return "{" + ", ".join(parts) + "}"

    def _value(self, declared: serializers.Field) -> str:
        """Return the Python expression that makes one field's value out of `row`."""
        if isinstance(declared, serializers.Serializer):
            return self._object(declared)
        if isinstance(declared, LookedUp):
            return self._looked_up(declared)
        if isinstance(declared, Computed):
            values = "".join(f", row[{self._column(column)}]" for column in declared.columns)
            return f"{self._named(declared.compute)}(actor{values})"
        index = self._column(str(declared.source), shown=True)
        if isinstance(declared, _NATIVE) or type(declared) is DateTime:
            return f"row[{index}]"
        return f"(None if row[{index}] is None else {self._named(declared.to_representation)}(row[{index}]))"

    def _looked_up(self, declared: LookedUp) -> str:
        index = self._column(str(declared.source))
        # Fields that share a look-up (two providers of one patient) share its one load.
        self.lookups.setdefault(declared.lookup, []).append(index)
        found = f"seen{list(self.lookups).index(declared.lookup)}(row[{index}])"
        if declared.show is None:
            return found
        others = "".join(f", row[{self._column(column)}]" for column in declared.columns)
        return f"{self._named(declared.show)}({found}{others})"

    def _column(self, source: str, *, shown: bool = False) -> int:
        """Return the place of a column in the row; decimals that are only shown are fetched as text."""
        name = lookup = source.replace(".", "__")
        as_text = shown and isinstance(columns_of(self.model, lookup)[-1], models.DecimalField)
        if as_text:
            name = f"{lookup} as text"
        self._columns.setdefault(name, AsText(lookup) if as_text else lookup)
        return list(self._columns).index(name)

    def _named(self, function: Callable) -> str:
        name = f"f{len(self._names)}"
        self._names[name] = function
        return name

    def touched(self, rows: Iterable[tuple]) -> list[tuple[int, int]]:
        """Return (organization id, patient id) of the patients whom `rows` are about."""
        return [] if self.patient is None else sorted({(row[1], row[self.patient]) for row in rows})

    def objects(self, rows: Sequence[tuple], actor: Actor, known: Mapping[Lookup, Mapping] | None = None) -> list[dict]:
        """Build the answer's objects of `rows`, fetching every look-up once for all of them.

        `known` holds what look-ups would find, where that is at hand already.
        """
        if not rows:
            return []
        found = known or {}
        seen = [
            (found[lookup] if lookup in found else lookup.load(_keys(rows, indexes), actor)).get
            for lookup, indexes in self.lookups.items()
        ]
        build = self._build
        return [build(row, actor, *seen) for row in rows]


def _keys(rows: Sequence[tuple], indexes: list[int]) -> set:
    return {row[index] for row in rows for index in indexes if row[index] is not None}


def columns_of(model: type[models.Model], source: str) -> list[Any]:
    """Return the columns that `source` (`name`, `patient.uuid`, `patient__uuid`) leads through."""
    found: list[Any] = []
    for name in source.replace(".", "__").split("__"):
        found.append(model._meta.pk if name == "pk" else model._meta.get_field(name))
        model = found[-1].related_model or model
    return found


@cache
def plan_of(serializer_class: type[serializers.ModelSerializer]) -> Plan:
    """Return the compiled form of a read serializer, made the first time it is asked for."""
    return Plan(serializer_class)


@dataclass(frozen=True)
class Criterion:
    """One condition of a query: how it shapes the SQL, how it is applied, and the values it takes.

    `apply(queryset)` filters with Param markers named as in `values`. Two criteria of the same
    `shape` must compile to the same SQL.
    """

    shape: Hashable
    apply: Callable[[QuerySet], QuerySet]
    values: Mapping[str, Any] = field(default_factory=dict)


class Query:
    """A query over one model as a list of criteria; its SQL is compiled once per shape."""

    def __init__(self, model: type[models.Model], criteria: Iterable[Criterion]):
        self.model = model
        self.criteria = tuple(criteria)
        self.values = {name: value for criterion in self.criteria for name, value in criterion.values.items()}

    def rows(self, columns: tuple, order: tuple = (), tail: str = "") -> list[tuple]:
        """Fetch `columns` in `order`; `tail` is LIMIT and OFFSET."""
        return self._statement(columns, order).decoded(self.values, tail)

    def run(self, columns: tuple, order: tuple = (), tail: str = "") -> Run:
        """Return what `rows` would run, to be run together with others."""
        return Run(self._statement(columns, order), self.values, tail)

    def count(self) -> int:
        """Count the rows."""
        counted = self._statement(("pk",), (), "SELECT count(*) FROM ({}) AS counted").rows(self.values)
        # A query that can find nothing is not asked.
        return counted[0][0] if counted else 0

    def count_by(self, column: str) -> dict[Any, int]:
        """Count the rows by the values of `column`."""
        frame = f"SELECT {column}, count(*) FROM ({{}}) AS counted GROUP BY {column}"  # noqa: S608 - a column of ours
        return dict(self._statement((column,), (), frame).rows(self.values))

    def _statement(self, columns: tuple, order: tuple, frame: str = "{}") -> Statement:
        chosen = getattr(columns, "shape", columns)
        shape = (self.model, chosen, order, frame, *(criterion.shape for criterion in self.criteria))
        return statements.get(shape, lambda: self._queryset(columns, order), frame)

    def _queryset(self, columns: tuple, order: tuple) -> QuerySet:
        queryset = self.model._base_manager.all()
        for criterion in self.criteria:
            queryset = criterion.apply(queryset)
        return queryset.order_by(*order).values_list(*columns)


def scoped(actor: Actor) -> Criterion:
    """Return the condition under which `actor` sees a row."""
    return Criterion(
        ("scope", actor.role, actor.organization_id is None),
        lambda rows: rows.filter(visible(marked(actor), rows.model)),
        values_of(actor),
    )


def marked(actor: Actor) -> Actor:
    """Return `actor` with markers for values: what a scope rule makes of it fits every actor of that role."""
    big = models.BigIntegerField()
    return Actor(
        role=actor.role,
        user_id=Param("actor.user_id", big),
        organization_id=Param("actor.organization_id", big) if actor.organization_id is not None else None,
        group_ids=Param("actor.group_ids", big),
    )


def values_of(actor: Actor) -> dict[str, Any]:
    """Return the values of `marked(actor)`'s markers."""
    return {
        "actor.user_id": actor.user_id,
        "actor.organization_id": actor.organization_id,
        "actor.group_ids": actor.group_ids,
    }
