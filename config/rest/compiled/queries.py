"""Queries of one model whose SQL is compiled once for each set of criteria, columns and order."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from django.core.exceptions import FieldDoesNotExist, FieldError
from django.db import models
from django.db.models import Field, Q, QuerySet

from accounts.scope import Actor, Viewer, organization_of, visible
from config.core.caching import cached
from config.core.compiled_queries import BoundQuery, Compilable, QueryDefinition, columns_of, parameter


class Criterion(Compilable):
    """One condition of a query: a frozen dataclass whose `apply` filters by its fields.

    While SQL is compiled, placeholders stand in the fields that are declared with `parameter`.
    """

    def apply(self, rows: QuerySet) -> QuerySet:
        """Return those of `rows` that meet the condition."""
        raise NotImplementedError(type(self).__name__)


@dataclass(frozen=True)
class Where(Criterion):
    """A fixed condition. Values inside it shape the SQL: what differs from request to request is a `Comparison`."""

    condition: Q

    def apply(self, rows: QuerySet) -> QuerySet:
        return rows.filter(self.condition)


@dataclass(frozen=True)
class Comparison(Criterion):
    """`lookup` (as in `QuerySet.filter`) compared with a value that `field` prepares."""

    lookup: str
    field: Field
    value: Any = parameter("field")

    def apply(self, rows: QuerySet) -> QuerySet:
        return rows.filter(**{self.lookup: self.value})


@dataclass(frozen=True)
class InScope(Viewer, Criterion):
    """The rows that a viewer may see; those of `model` reached through the lookup `prefix`, where these are given."""

    model: type[models.Model] | None = None
    prefix: str = ""

    def apply(self, rows: QuerySet) -> QuerySet:
        return rows.filter(visible(self, self.model or rows.model, self.prefix))


def in_scope(actor: Actor, model: type[models.Model] | None = None, prefix: str = "") -> InScope:
    """Return the condition that `actor` may see a row; see `InScope`."""
    return InScope(actor.role, actor.user_id, actor.organization_id, actor.group_ids, model, prefix)


@dataclass(frozen=True)
class OfOrganization(Criterion):
    """The rows that belong to an organization."""

    organization_id: int = parameter(models.BigIntegerField())

    def apply(self, rows: QuerySet) -> QuerySet:
        return rows.filter(**{organization_of(rows.model): self.organization_id})


NOT_ARCHIVED = Where(Q(deleted_at=None))


def comparison(model: type[models.Model], lookup: str, value: Any) -> Comparison:
    """Return the condition `lookup` = `value` on rows of `model`."""
    return Comparison(lookup, _compared_field(model, lookup), value)


# Lookups that compare with one parameter. Django makes others of the value itself, which is not known yet.
COMPARISONS = frozenset({"exact", "gt", "gte", "lt", "lte", "anyof", "matches"})


@cached
def _compared_field(model: type[models.Model], lookup: str) -> Field:
    """Return the model field that `lookup` ends at: that of `starts_at` for `starts_at__gte`.

    Raises FieldError for a lookup that cannot be compiled: a Where or a Criterion of its own says such a condition.
    """
    try:
        return columns_of(model, lookup)[-1]
    except FieldDoesNotExist:
        column, _, comparison_name = lookup.rpartition("__")
        if comparison_name not in COMPARISONS:
            raise FieldError(f"{lookup} is not one of {', '.join(sorted(COMPARISONS))}: use a Where or a Criterion") from None
        return columns_of(model, column)[-1]


class Columns(tuple):
    """The columns of a response, made once: compared by identity, as every request asks for the SQL of up to 70 of them."""

    __hash__ = object.__hash__
    __eq__ = object.__eq__

    @lru_cache(maxsize=256)  # noqa: B019 - columns live as long as the process
    def plus(self, *columns: Any) -> "Columns":
        """Return these columns and `columns` after them."""
        return Columns((*self, *columns))


@dataclass(frozen=True)
class Select(QueryDefinition):
    """A `Query` with the columns and the order of one run."""

    model: type[models.Model]
    criteria: tuple[Criterion, ...]
    columns: tuple
    order: tuple = ()
    wrapper_sql: str = "{}"

    def queryset(self) -> QuerySet:
        rows = self.model._base_manager.all()
        for criterion in self.criteria:
            rows = criterion.apply(rows)
        return rows.order_by(*self.order).values_list(*self.columns)


class Query:
    """Rows of one model that meet all of some criteria. It stands where Django has a QuerySet, and is narrowed like one."""

    def __init__(self, model: type[models.Model], criteria: Iterable[Criterion] = (), ordering: Any = ()):
        self.model, self.criteria, self.ordering = model, tuple(criteria), ordering

    @classmethod
    def in_scope(cls, model: type[models.Model], actor: Actor, organization_id: int | None = None) -> "Query":
        """Return the query of the rows that `actor` may see, in one organization where that is given."""
        return cls(model, [in_scope(actor)] if organization_id is None else [in_scope(actor), OfOrganization(organization_id)])

    def filter(self, *criteria: Criterion, **lookups: Any) -> "Query":
        """Return the query narrowed by `criteria` and by lookups of COMPARISONS (`uuid=…`, `starts_at__gte=…`)."""
        compared = [comparison(self.model, lookup, value) for lookup, value in lookups.items()]
        return Query(self.model, (*self.criteria, *criteria, *compared), self.ordering)

    def order_by(self, ordering: Any) -> "Query":
        """Return the query whose pages are in the order `ordering`: columns that end in the id, or a Keyset."""
        return Query(self.model, self.criteria, ordering)

    def rows(self, columns: tuple, order: tuple = (), limit_clause: str = "") -> list[tuple]:
        """Fetch `columns` in `order`; `limit_clause` is LIMIT and OFFSET."""
        return Select(self.model, self.criteria, columns, order).fetch(limit_clause)

    def bind(self, columns: tuple, order: tuple = (), limit_clause: str = "") -> BoundQuery:
        """Return what `rows` would run, to be run together with others."""
        return Select(self.model, self.criteria, columns, order).bind(limit_clause)

    def exists(self) -> bool:
        """Tell whether there is such a row."""
        return bool(self.rows(("pk",), limit_clause=" LIMIT 1"))

    def count(self) -> int:
        """Count the rows."""
        counted = Select(self.model, self.criteria, ("pk",), (), "SELECT count(*) FROM ({}) AS counted").fetch()
        # A query that can find nothing is not run.
        return counted[0][0] if counted else 0

    def count_by(self, column: str) -> dict[Any, int]:
        """Count the rows by the values of `column`."""
        counting = f"SELECT {column}, count(*) FROM ({{}}) AS counted GROUP BY {column}"  # noqa: S608 - a column of ours
        return dict(Select(self.model, self.criteria, (column,), (), counting).fetch())
