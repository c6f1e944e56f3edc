"""Catalogs: one page each, all alike. Care groups are the first."""

from collections.abc import Callable
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin.base import ArchivableAdmin
from accounts.admin.forms import LinesField, VersionedForm
from accounts.models import CareGroup
from accounts.models.catalogs import Catalog
from accounts.services.catalogs import archive_catalog_row, create_catalog_row, update_catalog_row
from accounts.site import AdminSite, actor_of
from config.core.orm import TextListField


def with_name(*columns: str) -> list[Any]:
    """Return the fieldsets of a page that shows the name and `columns`."""
    return [(None, {"fields": ["name", *columns, "base_version"]})]


class CatalogAdmin(ArchivableAdmin):
    """Base of the pages of catalogs. The form has the model's `catalog_columns`, unless the page has its own fieldsets."""

    list_display = ["name"]
    search_fields = ["name_key__contains_folded"]
    create_service: ClassVar[Callable[..., Catalog]] = staticmethod(create_catalog_row)
    update_service: ClassVar[Callable[..., None]] = staticmethod(update_catalog_row)

    def __init__(self, model: type[Catalog], admin_site: AdminSite):
        self.fieldsets = self.fieldsets or with_name(*model.catalog_columns)  # type: ignore[misc]
        super().__init__(model, admin_site)  # type: ignore[call-arg]  # BaseModelAdmin stands before ModelAdmin

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        fields = super().get_readonly_fields(request, obj)
        return [*fields, *self.model.set_once] if obj else fields

    def formfield_for_dbfield(self, db_field, request: HttpRequest, **kwargs):
        if isinstance(db_field, TextListField):
            label = capfirst(db_field.verbose_name)
            return LinesField(label=label, required=not db_field.blank, help_text=_("One a line."))
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def create(self, request: HttpRequest, form: VersionedForm) -> Catalog:
        values = {name: value for name, value in form.cleaned_data.items() if name not in ("base_version", "organization")}
        return self.create_service(actor=actor_of(request), model=self.model, organization=self.organization_for(form), **values)

    def change(self, request: HttpRequest, obj: Catalog, form: VersionedForm) -> None:
        version = form.cleaned_data["base_version"]
        self.update_service(actor=actor_of(request), row=obj, base_version=version, changes=form.changes())

    def archive(self, request: HttpRequest, obj: Catalog) -> None:
        archive_catalog_row(actor=actor_of(request), row=obj, base_version=obj.version)


@admin.register(CareGroup)
class CareGroupAdmin(CatalogAdmin):
    """Care groups."""

    place, icon, hint = 1, "groups", gettext_lazy("Teams, and the patients in their care")
    constraint_fields = {"care_group_name_unique": ("name", gettext_lazy("Another care group has this name."))}
