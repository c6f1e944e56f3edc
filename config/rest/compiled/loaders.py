"""Loaders that stand for joins: catalogs from a stamped cache, linked patients and child rows by one query."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import models
from django.db.models import BooleanField, Case, QuerySet, TextField, Value, When
from django.db.models.functions import Concat

from accounts.models import Organization, User
from accounts.scope import Actor, Viewer, viewer_of, visible
from config.core.compiled_queries import PageKeys, QueryDefinition, parameter

# A catalog with more rows than this is fetched by key, not held in memory.
MAX_CACHED_ROWS = 5_000
_BIG = models.BigIntegerField()


class Loader:
    """Fetches the rows of another table that a response refers to, once for a whole page.

    Either it says by which query, which may then be part of the statement that fetches the page, or it loads by itself.
    """

    def query(self, ids: list | PageKeys, actor: Actor) -> QueryDefinition | None:
        """Return the query of the rows under `ids`; None where they are not fetched, or not by one query."""
        return None

    def values_of(self, rows: list[tuple], keys: set) -> Mapping[Any, Any]:
        """Return what the response has for each of `keys`, from the rows of `query`; keys without a row may be left out."""
        raise NotImplementedError(type(self).__name__)

    def load(self, keys: set, actor: Actor) -> Mapping[Any, Any]:
        """Return what the response has for each of `keys`, as `values_of` does."""
        query = self.query(sorted(keys), actor)
        return self.values_of(query.fetch() if query else [], keys)

    def __deepcopy__(self, memo: dict) -> "Loader":
        # REST framework copies declared fields with their arguments: the copies share one loader and its cache.
        return self


# Loaders, and the columns of a row that hold their keys.
Loads = Mapping[Loader, Sequence[int]]


def load_all(loads: Loads, rows: Sequence[tuple], actor: Actor, known: Mapping[Loader, Mapping]) -> list[Callable]:
    """Return one function from key to value for each loader, after each has loaded the keys of all `rows`.

    `known` holds what loaders would find, where that is at hand already.
    """
    found = []
    for loader, indexes in loads.items():
        if loader in known:
            found.append(known[loader].get)
            continue
        keys = {row[index] for row in rows for index in indexes if row[index] is not None}
        found.append((loader.load(keys, actor) if keys else {}).get)
    return found


@dataclass(frozen=True)
class CatalogRows(QueryDefinition):
    """Id, UUID and name of a catalog's rows: those of an organization, or those with given ids."""

    model: type[models.Model]
    organization_id: int | None = parameter(_BIG, default=None)
    ids: list | PageKeys | None = parameter(_BIG, default=None)

    def queryset(self) -> QuerySet:
        rows = self.model._base_manager.order_by().values_list("id", "uuid", "name")
        if self.ids is not None:
            return rows.filter(id__anyof=self.ids)
        return rows.filter(organization_id=self.organization_id)


class CatalogLoader(Loader):
    """Rows of a catalog by id, as `render(uuid, name)` shows them.

    They come from a cache per organization. Its stamp is the organization's catalog version, which
    every catalog write raises and which the request has read together with its key: a changed row
    cannot be shown in its old form. Callers without an organization fetch by key.
    """

    def __init__(self, model: type[models.Model], render: Callable[[str, str], Any]):
        self.model, self.render = model, render
        self._cache: dict[int, tuple[tuple, dict | None]] = {}

    def query(self, ids: list | PageKeys, actor: Actor) -> QueryDefinition | None:
        return CatalogRows(self.model, ids=ids) if actor.organization_id is None else None

    def load(self, keys: set, actor: Actor) -> Mapping[Any, Any]:
        if actor.organization_id is None:
            return super().load(keys, actor)
        # With the UUID, as ids are given out again in a database that was put back under a running server.
        stamp = (actor.organization_uuid, actor.catalog_version)
        kept, rows = self._cache.get(actor.organization_id, (None, None))
        if kept != stamp:
            rows = self._whole(actor.organization_id)
            self._cache[actor.organization_id] = (stamp, rows)
        return self._fetch(keys) if rows is None else rows

    def _whole(self, organization_id: int) -> dict | None:
        rows = CatalogRows(self.model, organization_id=organization_id).fetch(f" LIMIT {MAX_CACHED_ROWS + 1}")
        return self.values_of(rows, set()) if len(rows) <= MAX_CACHED_ROWS else None

    def _fetch(self, keys: set) -> dict:
        return self.values_of(CatalogRows(self.model, ids=sorted(keys)).fetch(), keys)

    def values_of(self, rows: list[tuple], keys: set) -> dict:
        return {pk: self.render(str(uuid), name) for pk, uuid, name in rows}


@dataclass(frozen=True)
class OrganizationRows(QueryDefinition):
    """Organizations by id, with UUID and name of their parent."""

    ids: list | PageKeys = parameter(_BIG)

    def queryset(self) -> QuerySet:
        rows = Organization.objects.filter(id__anyof=self.ids).order_by()
        return rows.values_list("id", "uuid", "name", "parent__uuid", "parent__name")


class OrganizationLoader(Loader):
    """Organizations by id, as `render(uuid, name, parent_uuid, parent_name)` shows them."""

    def __init__(self, render: Callable[[Any, str, Any, str | None], dict]):
        self.render = render

    def query(self, ids: list | PageKeys, actor: Actor) -> QueryDefinition:
        return OrganizationRows(ids)

    def values_of(self, rows: list[tuple], keys: set) -> Mapping[Any, Any]:
        return {pk: self.render(*cells) for pk, *cells in rows}


@dataclass(frozen=True)
class NamedRows(QueryDefinition):
    """Id, UUID and name of rows by id; the name is null where the viewer may not see the row.

    `name` are the columns that make the name; none for rows that have no name.
    """

    model: type[models.Model]
    name: tuple[str, ...]
    viewer: Viewer
    ids: list | PageKeys = parameter(_BIG)

    def queryset(self) -> QuerySet:
        rows = self.model._base_manager.filter(id__anyof=self.ids).order_by()
        if not self.name:
            return rows.values_list("id", "uuid", Value(None, output_field=TextField()))
        parts = [part for column in self.name for part in (column, Value(" "))][:-1]
        name = Concat(*parts, output_field=TextField()) if len(parts) > 1 else models.F(self.name[0])
        rule = visible(self.viewer, self.model)
        # Who sees everything has no rule, and an empty condition cannot be written.
        visible_name = Case(When(rule, then=name), default=None, output_field=TextField()) if rule else name
        return rows.annotate(visible_name=visible_name).values_list("id", "uuid", "visible_name")


class NamedRowLoader(Loader):
    """Rows of a scoped table by id, as `render(uuid, name)` shows them: no name where the caller may not see the row."""

    def __init__(self, model: type[models.Model], name: tuple[str, ...], render: Callable[[str, str | None], dict]):
        self.model, self.name, self.render = model, name, render

    def query(self, ids: list | PageKeys, actor: Actor) -> QueryDefinition:
        return NamedRows(self.model, self.name, viewer_of(actor), ids)

    def values_of(self, rows: list[tuple], keys: set) -> Mapping[Any, Any]:
        return {pk: self.render(str(uuid), name) for pk, uuid, name in rows}


_USER_NAMES = ("first_name", "middle_name", "last_name", "email")


@dataclass(frozen=True)
class UserRows(QueryDefinition):
    """Id and UUID of users by id, whether the viewer may see them, and the columns of their names."""

    viewer: Viewer
    ids: list | PageKeys = parameter(_BIG)

    def queryset(self) -> QuerySet:
        rule, yes, no = visible(self.viewer, User), Value(True), Value(False)
        seen = Case(When(rule, then=yes), default=no, output_field=BooleanField()) if rule else yes
        rows = User._base_manager.filter(id__anyof=self.ids).order_by()
        return rows.annotate(seen=seen).values_list("id", "uuid", "seen", *_USER_NAMES)


class UserLoader(Loader):
    """Users by id, as `render(uuid, name)` shows them: the full name only where the caller may see the user."""

    def __init__(self, render: Callable[[str, str | None], dict]):
        self.render = render

    def query(self, ids: list | PageKeys, actor: Actor) -> QueryDefinition:
        return UserRows(viewer_of(actor), ids)

    def values_of(self, rows: list[tuple], keys: set) -> Mapping[Any, Any]:
        return {pk: self.render(str(uuid), self._full_name(names) if seen else None) for pk, uuid, seen, *names in rows}

    def _full_name(self, names: list[str]) -> str:
        return User(**dict(zip(_USER_NAMES, names, strict=True))).get_full_name()


@dataclass(frozen=True)
class ChildRows(QueryDefinition):
    """Rows of `model` whose column `parent` is one of `ids`: the parent, then `columns`, the oldest row first."""

    model: type[models.Model]
    parent: str
    columns: tuple[str, ...]
    ids: list | PageKeys = parameter(_BIG)

    def queryset(self) -> QuerySet:
        rows = self.model._base_manager.filter(**{f"{self.parent}__anyof": self.ids})
        return rows.order_by(self.parent, "id").values_list(self.parent, *self.columns)


class ChildLoader(Loader):
    """The child rows of the response's rows, grouped by `parent`; `gather(rows)` makes one value of each group."""

    def __init__(self, model: type[models.Model], parent: str, columns: tuple[str, ...], gather: Callable[[list], Any]):
        self.model, self.parent, self.columns, self.gather = model, parent, columns, gather

    def query(self, ids: list | PageKeys, actor: Actor) -> QueryDefinition:
        return ChildRows(self.model, self.parent, self.columns, ids)

    def values_of(self, rows: list[tuple], keys: set) -> Mapping[Any, Any]:
        groups: dict[Any, list] = {key: [] for key in keys}
        for parent, *cells in rows:
            groups[parent].append(cells)
        return {key: self.gather(group) for key, group in groups.items()}
