"""Totals: numbers of rows that are kept as rows are written, so that nobody has to count them.

A table of totals holds how many rows of another table have the same values in a few of its columns. Triggers of
the database keep it, so that no write goes around it. The number of rows that meet a condition on these columns is the sum
of the totals that meet the same condition. Whether a condition is of that kind is read off the compiled form of the very
queryset that would be counted: whatever else is in it, the rows are counted.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, TypeVar

from django.db import models
from django.db.models import Lookup, Q, QuerySet, Sum
from django.db.models.expressions import Col
from django.db.models.lookups import IsNull
from django.db.models.sql import Query
from django.db.models.sql.where import WhereNode

from config.core.compiled_queries import Parameter


class Totals(models.Model):
    """Base of tables of totals. Every column but the id and the number is named as in the table whose rows are counted.

    Several rows may have the same values, and their numbers be negative: only sums mean something.
    """

    number = models.IntegerField()

    null_where: ClassVar[Mapping[str, Q]] = {}
    """A column of the counted table that only is null or not, as far as totals know -> the condition under which it is."""

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"Total {self.pk}"

    @classmethod
    def known_columns(cls) -> dict[str, str]:
        """Return the columns that the rows are counted by: name -> attribute."""
        return {field.name: field.attname for field in cls._meta.concrete_fields if field.name not in ("id", "number")}


_TOTALS: dict[type[models.Model], type[Totals]] = {}
_Table = TypeVar("_Table", bound=type[Totals])


def totals_of(model: type[models.Model]) -> Callable[[_Table], _Table]:
    """Declare that the decorated table holds the totals of `model`."""

    def declare(totals: _Table) -> _Table:
        _TOTALS[model] = totals
        return totals

    return declare


def totals_for(rows: QuerySet, by: str = "") -> QuerySet | None:
    """Return the totals whose numbers, by the column `by` where it is given, add up to those of `rows`.

    None where the totals do not tell: `rows` must be counted then.
    """
    totals = _TOTALS.get(rows.model)
    if totals is None or not _is_plain(rows.query) or by not in ("", *totals.known_columns().values()):
        return None
    try:
        condition = _Translation(rows.model, totals).of(rows.query.where)
    except _UnknownError:
        return None
    return totals._base_manager.using(rows.db).filter(condition)


def number_of(rows: QuerySet) -> int:
    """Return how many `rows` there are, by totals where these tell."""
    totals = totals_for(rows)
    return rows.count() if totals is None else totals.aggregate(sum=Sum("number", default=0))["sum"]


def _is_plain(query: Query) -> bool:
    """Tell whether `query` finds rows of its table by nothing but its WHERE, and each of them once."""
    tables = {alias for alias, references in query.alias_refcount.items() if references}
    more = (query.distinct, query.is_sliced, query.combinator, query.group_by, query.annotations, query.extra, query.extra_tables)
    return tables <= {query.get_meta().db_table} and not any(more)


class _UnknownError(Exception):
    """A condition is on more than the totals know."""


class _Translation:
    """Conditions on rows of `model`, as conditions on its totals."""

    def __init__(self, model: type[models.Model], totals: type[Totals]):
        self.model, self.known, self.null_where = model, totals.known_columns(), totals.null_where

    def of(self, node: Any) -> Q:
        """Return the condition that `node` is. Raises _UnknownError."""
        if isinstance(node, WhereNode):
            return Q(*map(self.of, node.children), _connector=node.connector, _negated=node.negated)
        # A subclass of Lookup has a left side, too, but a function or an outer row may stand there.
        if not isinstance(node, Lookup) or not isinstance(node.lhs, Col) or node.lhs.alias != self.model._meta.db_table:
            raise _UnknownError
        name = node.lhs.target.name
        if name in self.known and _is_given(node.rhs):
            return Q(**{f"{self.known[name]}__{node.lookup_name}": node.rhs})
        if name in self.null_where and isinstance(node, IsNull):
            return self.null_where[name] if node.rhs else ~self.null_where[name]
        raise _UnknownError


def _is_given(value: Any) -> bool:
    """Tell whether `value` is one, or several, and nothing that the database works out of rows."""
    if isinstance(value, list | tuple | set | frozenset):
        return all(map(_is_given, value))
    return isinstance(value, Parameter) or not hasattr(value, "resolve_expression")
