"""Model instances from SQL that is compiled once: for the few querysets that nearly every request runs."""

from collections.abc import Sequence
from typing import Any

from django.db import connections
from django.db.models import Model, QuerySet
from django.db.models.query import get_related_populators
from django.db.transaction import TransactionManagementError

from config.core.compiled_queries import CompiledQuery, QueryDefinition


class CompiledInstances(CompiledQuery):
    """The SQL of a queryset of instances, and how Django's own iteration makes them of its rows."""

    def __init__(self, queryset: QuerySet):
        super().__init__(queryset)
        self.locks = queryset.query.select_for_update

    def read_columns(self, compiler: Any) -> dict[int, list]:
        columns = compiler.klass_info["select_fields"]
        self.model, self.start, self.end = compiler.klass_info["model"], columns[0], columns[-1] + 1
        self.names = [selected[0].target.attname for selected in compiler.select[self.start : self.end]]
        # The type stubs know a parameter of a later Django.
        self.populators = get_related_populators(compiler.klass_info, compiler.select, self.using)  # type: ignore[call-arg]
        self.annotations = compiler.annotation_col_map
        return super().read_columns(compiler)

    def instance_of(self, row: Sequence[Any]) -> Model:
        """Return the instance that `row` holds, with those of `select_related` and with annotations."""
        instance = self.model.from_db(self.using, self.names, row[self.start : self.end])
        for populator in self.populators:
            populator.populate(row, instance)
        for name, column in self.annotations.items():
            setattr(instance, name, row[column])
        return instance


class InstanceQuery(QueryDefinition):
    """A definition whose `queryset` gives instances of a model, with those of `select_related` and with annotations.

    It ends in no `values_list`.
    """

    def compiled(self) -> CompiledInstances:
        return CompiledInstances(self.queryset())

    def instances(self) -> list[Any]:
        """Run the query and return what it finds."""
        bound = self.bind()
        query: Any = bound.query
        if query.locks and not connections[query.using].in_atomic_block:
            # Django looks when it compiles, which may be long ago.
            raise TransactionManagementError("select_for_update cannot be used outside of a transaction.")
        return [query.instance_of(row) for row in bound.fetch()]
