"""Queries of one model whose SQL is compiled once for each set of criteria, columns and order."""

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, ClassVar

from django.core.exceptions import FieldDoesNotExist, FieldError
from django.db import models
from django.db.models import Field, Q, QuerySet, Window
from django.db.models.expressions import RawSQL

from accounts.scope import Actor, Viewer, organization_of, visible
from config.core.caching import cached
from config.core.compiled_queries import (
    FOUND,
    FOUND_IDS,
    BoundQuery,
    Compilable,
    QueryDefinition,
    columns_of,
    parameter,
    planned_anew,
)
from config.core.databases import Among
from config.core.orm import has_column
from config.core.totals import totals_for


class Criterion(Compilable):
    """One condition of a query: a frozen dataclass whose `apply` filters by its fields.

    While SQL is compiled, placeholders stand in the fields that are declared with `parameter`.
    """

    found_in: ClassVar[type[models.Model] | None] = None
    """The table by which rows that meet the condition are found, where it is another one: a narrow one, with some of the
    columns under the same names, and the same ids. The condition is asked of its rows only."""

    def apply(self, rows: QuerySet) -> QuerySet:
        """Return those of `rows` that meet the condition."""
        raise NotImplementedError(type(self).__name__)

    def applies_to(self, model: type[models.Model]) -> bool:
        """Tell whether rows of `model`, which is the `found_in` of a criterion, can be asked for the condition, too."""
        return False


@dataclass(frozen=True)
class Where(Criterion):
    """A fixed condition. Values inside it shape the SQL: what differs from request to request is a `Comparison`."""

    condition: Q

    def apply(self, rows: QuerySet) -> QuerySet:
        return rows.filter(self.condition)

    def applies_to(self, model: type[models.Model]) -> bool:
        return all(has_column(model, lookup) for lookup in _lookups_of(self.condition))


@dataclass(frozen=True)
class Comparison(Criterion):
    """`lookup` (as in `QuerySet.filter`) compared with a value that `field` prepares."""

    lookup: str
    field: Field
    value: Any = parameter("field")

    def apply(self, rows: QuerySet) -> QuerySet:
        return rows.filter(**{self.lookup: self.value})

    def applies_to(self, model: type[models.Model]) -> bool:
        return has_column(model, self.lookup)


@dataclass(frozen=True)
class InScope(Viewer, Criterion):
    """The rows that a viewer may see; those of `model` reached through the lookup `prefix`, where these are given."""

    model: type[models.Model] | None = None
    prefix: str = ""

    def apply(self, rows: QuerySet) -> QuerySet:
        return rows.filter(visible(self, self.model or rows.model, self.prefix))

    def applies_to(self, model: type[models.Model]) -> bool:
        return self.model is None and not self.prefix


def in_scope(actor: Actor, model: type[models.Model] | None = None, prefix: str = "") -> InScope:
    """Return the condition that `actor` may see a row; see `InScope`."""
    return InScope(actor.role, actor.user_id, actor.organization_id, actor.group_ids, actor.out_of_reach, model, prefix)


@dataclass(frozen=True)
class OfOrganization(Criterion):
    """The rows that belong to an organization."""

    organization_id: int = parameter(models.BigIntegerField())

    def apply(self, rows: QuerySet) -> QuerySet:
        return rows.filter(**{organization_of(rows.model): self.organization_id})

    def applies_to(self, model: type[models.Model]) -> bool:
        return True


# Rows before a page from which on its ids are fetched first: those stand in an index, while whole rows are read to be skipped.
DEEP = 500
# Beside the id of each row that is found first the number of all rows, whatever LIMIT and OFFSET leave.
TOTAL = Window(models.Count("*"))
# The same beside the rows that are fetched by these ids.
FOUND_TOTAL = RawSQL(f"SELECT max(c1) FROM {FOUND}", ())  # noqa: S608, S611 - a name of ours

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


def _lookups_of(condition: Q) -> Iterator[str]:
    """Yield the lookups of `condition`, and no lookup ("") for an expression, on either side, which may ask for anything."""
    for child in condition.children:
        if isinstance(child, Q):
            yield from _lookups_of(child)
        elif isinstance(child, tuple):
            lookup, value = child
            values = value if isinstance(value, list | tuple | set | frozenset) else [value]
            yield "" if any(hasattr(one, "resolve_expression") for one in values) else lookup
        else:
            yield ""


class Columns(tuple):
    """The columns of a response, made once: compared by identity, as every request asks for the SQL of up to 70 of them."""

    __hash__ = object.__hash__
    __eq__ = object.__eq__

    @lru_cache(maxsize=256)  # noqa: B019 - columns live as long as the process
    def plus(self, *columns: Any) -> "Columns":
        """Return these columns and `columns` after them."""
        return Columns((*self, *columns))


@dataclass(frozen=True)
class Found(QueryDefinition):
    """The rows of one model that meet all of some criteria: what a `Query` holds."""

    model: type[models.Model]
    criteria: tuple[Criterion, ...]

    def rows(self) -> QuerySet:
        """Return the rows in no order.

        Those whom a criterion finds in another table are looked up there first, by all criteria that it knows: to go through
        rows in the order of a list until some are found is quick where there are many, but those of one name stand together.
        """
        rows = self.model._base_manager.all()
        for criterion in self.criteria:
            if criterion.found_in in (None, self.model):
                rows = criterion.apply(rows)
        for table in {criterion.found_in: None for criterion in self.criteria}:
            if table not in (None, self.model):
                known = tuple([one for one in self.criteria if one.found_in is table or one.applies_to(table)])
                rows = rows.filter(Among("pk", Found(table, known).rows().order_by().values("pk")))
        return rows


@dataclass(frozen=True)
class Select(Found):
    """A `Query` with the columns and the order of one run."""

    columns: tuple
    order: tuple = ()

    def queryset(self) -> QuerySet:
        return self.rows().order_by(*self.order).values_list(*self.columns)


@dataclass(frozen=True)
class Count(Found):
    """The number of rows, by the values of the column `by` where it is given. Totals tell it where these know the criteria."""

    by: str = ""

    def queryset(self) -> QuerySet:
        counted = self.rows() if self._totals is None else self._totals
        columns = [self.by] if self.by else []
        columns += ["pk"] if self._totals is None else ["number"]
        return counted.order_by().values_list(*columns)

    @property
    def wrapper_sql(self) -> str:
        number = "count(*)" if self._totals is None else "coalesce(sum(number), 0)"
        if not self.by:
            return f"SELECT {number} FROM ({{}}) AS counted"  # noqa: S608 - a column of ours
        # Totals of what has gone may stand beside those of what came.
        return f"SELECT {self.by}, {number} FROM ({{}}) AS counted GROUP BY {self.by} HAVING {number} <> 0"  # noqa: S608

    @cached_property
    def _totals(self) -> QuerySet | None:
        return totals_for(self.rows(), self.by)


class Query:
    """Rows of one model that meet all of some criteria. It stands where Django has a QuerySet, and is narrowed like one."""

    def __init__(self, model: type[models.Model], criteria: Iterable[Criterion] = (), ordering: Any = (), disclosure: Any = None):
        self.model, self.criteria, self.ordering, self.disclosure = model, tuple(criteria), ordering, disclosure

    @classmethod
    def in_scope(cls, model: type[models.Model], actor: Actor, organization_id: int | None = None) -> "Query":
        """Return the query of the rows that `actor` may see, in one organization where that is given."""
        return cls(model, [in_scope(actor)] if organization_id is None else [in_scope(actor), OfOrganization(organization_id)])

    def filter(self, *criteria: Criterion, **lookups: Any) -> "Query":
        """Return the query narrowed by `criteria` and by lookups of COMPARISONS (`uuid=…`, `starts_at__gte=…`)."""
        compared = [comparison(self.model, lookup, value) for lookup, value in lookups.items()]
        return Query(self.model, (*self.criteria, *criteria, *compared), self.ordering, self.disclosure)

    def order_by(self, ordering: Any) -> "Query":
        """Return the query whose pages are in the order `ordering`: columns that end in the id, or a Keyset."""
        return Query(self.model, self.criteria, ordering, self.disclosure)

    def disclosed(self, disclosure: Any) -> "Query":
        """Return the query whose rows leave the server as `disclosure` says; see disclosures.py."""
        return Query(self.model, self.criteria, self.ordering, disclosure)

    def rows(self, columns: tuple, order: tuple = (), limit_clause: str = "", leaving: int | None = None) -> list[tuple]:
        """Fetch `columns` in `order`; `limit_clause` is LIMIT and OFFSET. So many rows leave the server as `leaving` says."""
        return self._fetch(self.bind(columns, order, limit_clause), leaving)

    def page(self, columns: Columns, order: tuple, size: int, skipped: int) -> tuple[list[tuple], int | None]:
        """Fetch `columns` of the `size` rows after the first `skipped` in `order`; a row may have more behind them.

        Also return how many rows there are in all, where the page tells.
        """
        limit_clause = f" LIMIT {size} OFFSET {skipped}"
        if found := self._found(order):
            ids = found.bind(("id", TOTAL), order, limit_clause)
            rows = self._rows_of_ids(ids, columns.plus(FOUND_TOTAL), order)
            return rows, rows[0][-1] if rows else _total(0, size, skipped)
        if skipped < DEEP:
            rows = self.rows(columns, order, limit_clause)
        else:
            rows = self._rows_of_ids(self.bind(("pk",), order, limit_clause), columns, order)
        return rows, _total(len(rows), size, skipped)

    def first_rows(self, columns: tuple, order: tuple, size: int, leaving: int | None = None) -> list[tuple]:
        """Fetch `columns` of the first `size` rows in `order`. So many of them leave the server as `leaving` says."""
        limit_clause = f" LIMIT {size}"
        if found := self._found(order):
            return self._rows_of_ids(found.bind(("id",), order, limit_clause), columns, order, leaving)
        return self.rows(columns, order, limit_clause, leaving)

    def _rows_of_ids(self, ids: BoundQuery, columns: tuple, order: tuple, leaving: int | None = None) -> list[tuple]:
        """Fetch `columns` of the rows that `ids` finds, by one statement with it: a change in between would take some away."""
        others = [criterion for criterion in self.criteria if not criterion.found_in]
        rows = Query(self.model, others).filter(pk__anyof=FOUND_IDS).bind(columns, order)
        return self._fetch(rows._replace(found=ids), leaving)

    def _fetch(self, bound: BoundQuery, leaving: int | None) -> list[tuple]:
        with self._planned():
            return bound.fetch() if self.disclosure is None else self.disclosure.fetch(bound, leaving)

    def _planned(self) -> AbstractContextManager[None]:
        """Return the block in which the query is run: how a search is planned depends on what is looked for, and where."""
        return planned_anew() if any(criterion.found_in for criterion in self.criteria) else nullcontext()

    def _found(self, order: tuple = ()) -> "Query | None":
        """Return the query of the table in which a criterion finds its rows, if that knows all criteria and the order."""
        table = next((criterion.found_in for criterion in self.criteria if criterion.found_in), None)
        if table in (None, self.model) or not all(criterion.applies_to(table) for criterion in self.criteria):
            return None
        return Query(table, self.criteria) if all(has_column(table, name.lstrip("-")) for name in order) else None

    def bind(self, columns: tuple, order: tuple = (), limit_clause: str = "") -> BoundQuery:
        """Return what `rows` would run, to be run together with others."""
        return Select(self.model, self.criteria, columns, order).bind(limit_clause)

    def exists(self) -> bool:
        """Tell whether there is such a row."""
        return bool(self.bind(("pk",), limit_clause=" LIMIT 1").fetch())

    def count(self) -> int:
        """Count the rows."""
        if found := self._found():
            return found.count()
        with self._planned():
            counted = Count(self.model, self.criteria).fetch()
        # A query that can find nothing is not run.
        return counted[0][0] if counted else 0

    def count_by(self, column: str) -> dict[Any, int]:
        """Count the rows by the values of `column`."""
        return dict(Count(self.model, self.criteria, column).fetch())


def _total(found: int, size: int, skipped: int) -> int | None:
    """Return how many rows there are, by a page on which `found` are: None where it is full, or all rows are before it."""
    return skipped + found if found < size and (found or not skipped) else None
