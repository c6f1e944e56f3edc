"""Catalogs in the practice dialect: one view set, of which each catalog declares what is its own."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from django.db import models
from django.urls import URLPattern, path
from rest_framework import serializers

from accounts.models import Organization
from accounts.models.catalogs import Catalog
from accounts.permissions import Permission
from accounts.services.catalogs import archive_catalog_row, create_catalog_row, update_catalog_row
from config.core.databases import contains_pattern
from config.core.text import fold
from config.rest import practice
from config.rest.compiled.queries import NOT_ARCHIVED, Query
from config.rest.fields import BaseVersion, ContractSerializer, ScopedRelation
from config.rest.filters import StrictFilter, StrictFilterSet, TextFilter
from config.rest.responses import ApiResponse


class NameFilter(StrictFilter):
    """A part of the name, in any case and without regard to accents."""

    def filter(self, qs: Query, value: str) -> Query:
        return qs.filter(name_key__matches=contains_pattern(fold(value)))


class CatalogFilterSet(StrictFilterSet):
    """Filters of every catalog."""

    search = NameFilter()


class CategoryFilterSet(CatalogFilterSet):
    """Filters of catalogs whose rows belong to categories."""

    category = TextFilter(field_name="category")


class PracticeArchiveIn(serializers.Serializer):
    """The body that archives a row."""

    base_version = BaseVersion()


class CatalogPatchIn(ContractSerializer):
    """Base of the bodies that change a row. Null is taken for everything but the name; the service says what it does."""

    base_version = BaseVersion()

    def build_standard_field(self, field_name, model_field):
        field_class, kwargs = super().build_standard_field(field_name, model_field)
        return field_class, kwargs if field_name == "name" else {**kwargs, "allow_null": True}


class CatalogViewSet(practice.ViewSet):
    """A catalog of an organization.

    A subclass names its `model`, whose `catalog_columns` responses show and bodies take besides the name.
    Foreign keys among them are `references`, shown as `name` and taken as `name_uuid`. What is `fixed` is
    taken by a create only. The serializers are made from that, and `paths` gives the addresses. A catalog with
    rules of its own names the services that know them.

    Staff read catalogs and administrators write them. They tell about no patient, so that reading
    them leaves no audit event; every write does.
    """

    model: ClassVar[type[Catalog]]
    filterset_class: ClassVar[type[StrictFilterSet]] = CatalogFilterSet
    columns: ClassVar[tuple[str, ...]] = ()
    references: ClassVar[Mapping[str, type[models.Model]]] = {}
    fixed: ClassVar[frozenset[str]] = frozenset()
    permissions = dict.fromkeys(("create", "partial_update", "archive"), Permission.ADMINISTER)
    create_service: ClassVar[Callable[..., Catalog]] = staticmethod(create_catalog_row)
    update_service: ClassVar[Callable[..., None]] = staticmethod(update_catalog_row)

    def __init_subclass__(cls, **kwargs: Any):
        super().__init_subclass__(**kwargs)
        names = cls.model._meta
        columns: dict[str, Any] = {name: names.get_field(name) for name in cls.model.catalog_columns}
        cls.references = {name: column.related_model for name, column in columns.items() if column.is_relation}
        cls.columns = tuple(name for name in columns if name not in cls.references)
        cls.fixed = frozenset(cls.model.set_once)
        cls.lookup_url_kwarg = f"{cls.model._meta.verbose_name_raw.split()[-1]}_uuid"
        cls.filterset_class = CategoryFilterSet if any(field.name == "category" for field in names.fields) else CatalogFilterSet
        cls.serializer_class = cls._response_serializer()
        cls.request_serializer_classes = {
            "create": cls._request_serializer("In", ContractSerializer, frozenset()),
            "partial_update": cls._request_serializer("PatchIn", CatalogPatchIn, cls.fixed),
            "archive": PracticeArchiveIn,
        }

    @classmethod
    def _response_serializer(cls) -> type[ContractSerializer]:
        declared = {name: practice.ReferenceField(model, source=f"{name}_id") for name, model in cls.references.items()}
        fields = ["id", "name", *cls.columns, *declared, "version", "created_at", "updated_at", "deleted_at"]
        return cls._serializer("Out", ContractSerializer, fields, {"id": serializers.UUIDField(source="uuid"), **declared})

    @classmethod
    def _request_serializer(
        cls, suffix: str, base: type[ContractSerializer], left_out: frozenset[str]
    ) -> type[ContractSerializer]:
        declared = {
            f"{name}_uuid": ScopedRelation(model, source=f"{name}_id", required=not cls.model._meta.get_field(name).null)
            for name, model in cls.references.items()
            if name not in left_out
        }
        taken = ["name", *(name for name in cls.columns if name not in left_out), *declared]
        return cls._serializer(suffix, base, [*base._declared_fields, *taken], declared)

    @classmethod
    def _serializer(
        cls, suffix: str, base: type[ContractSerializer], fields: list[str], declared: dict[str, Any]
    ) -> type[ContractSerializer]:
        meta = type("Meta", (), {"model": cls.model, "fields": fields})
        named = {"__module__": cls.__module__, "__doc__": cls.__doc__, "Meta": meta}
        return type(f"Practice{cls.model.__name__}{suffix}", (base,), {**declared, **named})

    @classmethod
    def paths(cls, name: str) -> list[URLPattern]:
        """Return the lines of a table of contents for this catalog, whose list is found under `name`."""
        one = f"{name}/<{cls.lookup_url_kwarg}>"
        return [
            path(name, cls.as_view({"get": "list", "post": "create"})),
            path(one, cls.as_view({"get": "retrieve", "patch": "partial_update"})),
            path(f"{one}/archive", cls.as_view({"post": "archive"})),
        ]

    def get_queryset(self) -> Query:
        query = super().get_queryset()
        return query.filter(NOT_ARCHIVED) if self.action == "list" else query

    def read_event(self, action: str | None = None) -> None:
        """Leave no event: no patient's data has been read."""

    def perform_create(self, serializer: serializers.Serializer) -> int:
        organization = Organization.objects.get(pk=self.organization_id)
        values = serializer.validated_data
        return self.create_service(actor=self.actor, model=self.model, organization=organization, **values).pk

    def perform_update(self, serializer: serializers.Serializer) -> int:
        changes = serializer.validated_data
        base_version = changes.pop("base_version")
        self.update_service(actor=self.actor, row=self._row(), base_version=base_version, changes=changes)
        return self.object_id

    def archive(self, request, *args, **kwargs) -> ApiResponse:
        return self.write(self.perform_archive)

    def perform_archive(self, serializer: serializers.Serializer) -> int:
        """Archive the row that the path names."""
        archive_catalog_row(actor=self.actor, row=self._row(), base_version=serializer.validated_data["base_version"])
        return self.object_id

    def _row(self) -> Catalog:
        return self.model._base_manager.get(pk=self.object_id)
