"""Look-ups that stand for joins: catalogs from a stamped cache, linked patients and child rows by one query."""

from collections.abc import Callable, Mapping
from typing import Any

from django.db import models
from django.db.models import BooleanField, Case, QuerySet, TextField, Value, When
from django.db.models.functions import Concat

from accounts.models import Organization, User
from accounts.scope import Actor, visible
from config.core.databases import Param
from config.core.statements import statements
from config.rest.compiled.plans import Lookup, marked, values_of

MAX_CACHED_ROWS = 5_000
"""A catalog with more rows than this is fetched by key, not held in memory."""


class CatalogLookup(Lookup):
    """Rows of a catalog by id, as `shape(uuid, name)` shows them.

    They come from a cache per organization. Its stamp is the organization's catalog version, which
    every catalog write raises and which the request has read together with its key: a changed row
    can not be shown in its old form. Callers without an organization fetch by key.
    """

    def __init__(self, model: type[models.Model], shape: Callable[[str, str], Any]):
        self.model, self.shape = model, shape
        self._cache: dict[int, tuple[tuple, dict | None]] = {}

    def load(self, keys: set, actor: Actor) -> Mapping[Any, Any]:
        if not keys:
            return {}
        if actor.organization_id is None:
            return self._fetch(keys)
        # With the UUID, as ids are given out again in a database that was put back under a running server.
        stamp = (actor.organization_uuid, actor.catalog_version)
        kept, rows = self._cache.get(actor.organization_id, (None, None))
        if kept != stamp:
            rows = self._whole(actor.organization_id)
            self._cache[actor.organization_id] = (stamp, rows)
        return self._fetch(keys) if rows is None else rows

    def _whole(self, organization_id: int) -> dict | None:
        rows = statements.get(
            ("catalog", self.model),
            lambda: self._rows().filter(organization_id=Param("organization_id", models.BigIntegerField())),
        ).decoded({"organization_id": organization_id}, f" LIMIT {MAX_CACHED_ROWS + 1}")
        return self._shaped(rows) if len(rows) <= MAX_CACHED_ROWS else None

    def _fetch(self, keys: set) -> dict:
        rows = statements.get(
            ("catalog by key", self.model), lambda: self._rows().filter(id__anyof=Param("ids", models.BigIntegerField()))
        ).decoded({"ids": sorted(keys)})
        return self._shaped(rows)

    def _rows(self) -> QuerySet:
        return self.model._base_manager.order_by().values_list("id", "uuid", "name")

    def _shaped(self, rows: list[tuple]) -> dict:
        return {pk: self.shape(str(uuid), name) for pk, uuid, name in rows}


class OrganizationLookup(Lookup):
    """Organizations by id, with the name of their parent."""

    def __init__(self, shape: Callable[[Any, str, Any, str | None], dict]):
        self.shape = shape

    def load(self, keys: set, actor: Actor) -> Mapping[Any, Any]:
        rows = statements.get(
            "organizations by key",
            lambda: (
                Organization.objects.filter(id__anyof=Param("ids", models.BigIntegerField()))
                .order_by()
                .values_list("id", "uuid", "name", "parent__uuid", "parent__name")
            ),
        ).decoded({"ids": sorted(keys)})
        return {pk: self.shape(*cells) for pk, *cells in rows}


class LinkedRows(Lookup):
    """Rows of a scoped table by id: the UUID always, the name only where the caller may see the row.

    `name` are the columns that make the name; none for rows that are called by no name.
    """

    def __init__(self, model: type[models.Model], name: tuple[str, ...], shape: Callable[[str, str | None], dict]):
        self.model, self.name, self.shape = model, name, shape

    def load(self, keys: set, actor: Actor) -> Mapping[Any, Any]:
        if not keys:
            return {}
        key = ("linked", self.model, actor.role, actor.organization_id is None)
        rows = statements.get(key, lambda: self._rows(actor)).decoded({"ids": sorted(keys), **values_of(actor)})
        return {pk: self.shape(str(uuid), name) for pk, uuid, name in rows}

    def _rows(self, actor: Actor) -> QuerySet:
        if not self.name:
            return self._by_id().values_list("id", "uuid", Value(None, output_field=TextField()))
        parts = [part for column in self.name for part in (column, Value(" "))][:-1]
        name = Concat(*parts, output_field=TextField()) if len(parts) > 1 else models.F(self.name[0])
        rule = visible(marked(actor), self.model)
        # Who sees everything has no rule, and an empty condition can not be written.
        seen = Case(When(rule, then=name), default=None, output_field=TextField()) if rule else name
        return self._by_id().annotate(shown_name=seen).values_list("id", "uuid", "shown_name")

    def _by_id(self) -> QuerySet:
        return self.model._base_manager.filter(id__anyof=Param("ids", models.BigIntegerField())).order_by()


class LinkedUsers(LinkedRows):
    """Users by id: the UUID always, the full name only where the caller may see the user."""

    _NAMES = ("first_name", "middle_name", "last_name", "email")

    def __init__(self, shape: Callable[[str, str | None], dict]):
        super().__init__(User, self._NAMES, shape)

    def load(self, keys: set, actor: Actor) -> Mapping[Any, Any]:
        if not keys:
            return {}
        key = ("users", actor.role, actor.organization_id is None)
        rows = statements.get(key, lambda: self._rows(actor)).decoded({"ids": sorted(keys), **values_of(actor)})
        return {pk: self.shape(str(uuid), self._called(names) if seen else None) for pk, uuid, seen, *names in rows}

    def _called(self, names: list[str]) -> str:
        return User(**dict(zip(self._NAMES, names, strict=True))).get_full_name()

    def _rows(self, actor: Actor) -> QuerySet:
        rule = visible(marked(actor), User)
        yes, no = Value(True), Value(False)
        seen = Case(When(rule, then=yes), default=no, output_field=BooleanField()) if rule else yes
        return self._by_id().annotate(seen=seen).values_list("id", "uuid", "seen", *self._NAMES)


class ChildRows(Lookup):
    """Rows that hang on the answer's rows, gathered by `parent`; `gather(rows)` makes one value of each group.

    Within a group the oldest row comes first.
    """

    def __init__(self, model: type[models.Model], parent: str, columns: tuple[str, ...], gather: Callable[[list], Any]):
        self.model, self.parent, self.columns, self.gather = model, parent, columns, gather

    def load(self, keys: set, actor: Actor) -> Mapping[Any, Any]:
        rows = statements.get(("children", self.model, self.columns), self._rows).decoded({"ids": sorted(keys)})
        groups: dict[Any, list] = {key: [] for key in keys}
        for parent, *cells in rows:
            groups[parent].append(cells)
        return {key: self.gather(group) for key, group in groups.items()}

    def _rows(self) -> QuerySet:
        rows = self.model._base_manager.filter(**{f"{self.parent}__anyof": Param("ids", models.BigIntegerField())})
        return rows.order_by(self.parent, "id").values_list(self.parent, *self.columns)
