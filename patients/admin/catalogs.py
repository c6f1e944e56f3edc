"""Catalogs: one page each, all alike."""

from django.contrib import admin
from django.http import HttpRequest

from accounts.admin.base import ArchivableAdmin
from accounts.admin.filters import ArchivedFilter, ScopedRelatedFilter
from accounts.admin.forms import VersionedForm
from accounts.site import actor_of
from patients.models import BillingType, Employer, FeeSchedule, Location, Program, Protocol, Provider, TagDefinition
from patients.models.catalogs import Catalog
from patients.services.catalogs import archive_catalog_row, create_catalog_row, update_catalog_row


class CatalogAdmin(ArchivableAdmin):
    """Base of the pages of catalogs."""

    list_display = ["name"]
    fieldsets = [(None, {"fields": ["name", "base_version"]})]

    def create(self, request: HttpRequest, form: VersionedForm) -> Catalog:
        values = {name: value for name, value in form.cleaned_data.items() if name not in ("base_version", "organization")}
        return create_catalog_row(actor=actor_of(request), model=self.model, organization=self.organization_for(form), **values)

    def change(self, request: HttpRequest, obj: Catalog, form: VersionedForm) -> None:
        version = form.cleaned_data["base_version"]
        update_catalog_row(actor=actor_of(request), row=obj, base_version=version, changes=form.changes())

    def archive(self, request: HttpRequest, obj: Catalog) -> None:
        archive_catalog_row(actor=actor_of(request), row=obj)


@admin.register(Provider)
class ProviderAdmin(CatalogAdmin):
    """Providers."""

    place, icon, hint = 2, "stethoscope", "Clinicians who treat patients"
    list_display = ["name", "title", "specialty"]
    search_fields = ["name", "specialty"]
    fieldsets = [(None, {"fields": ["name", "title", "specialty", "base_version"]})]


@admin.register(Location)
class LocationAdmin(CatalogAdmin):
    """Locations."""

    place, icon, hint = 3, "location_on", "Places where patients are seen"
    list_display = ["name", "address", "is_active"]
    fieldsets = [(None, {"fields": ["name", "address", "is_active", "base_version"]})]


@admin.register(Program)
class ProgramAdmin(CatalogAdmin):
    """Programs."""

    place, icon, hint = 4, "assignment", "Care programs to enrol in"


@admin.register(Protocol)
class ProtocolAdmin(CatalogAdmin):
    """Protocols."""

    place, icon, hint = 5, "checklist", "Ways of carrying out a program"
    list_display = ["name", "program"]
    list_select_related = ["program"]
    list_filter = [("program", ScopedRelatedFilter), ArchivedFilter]
    fieldsets = [(None, {"fields": ["name", "program", "base_version"]})]


@admin.register(TagDefinition)
class TagDefinitionAdmin(CatalogAdmin):
    """Tag definitions."""

    place, icon, hint = 6, "sell", "Labels that staff put on patients"
    list_display = ["name", "category", "color", "item_order"]
    fieldsets = [(None, {"fields": ["name", "category", "color", "description", "item_order", "base_version"]})]


@admin.register(FeeSchedule)
class FeeScheduleAdmin(CatalogAdmin):
    """Fee schedules."""

    place, icon, hint = 7, "request_quote", "Price lists"


@admin.register(BillingType)
class BillingTypeAdmin(CatalogAdmin):
    """Billing types."""

    place, icon, hint = 7, "receipt_long", "How patients are billed"


@admin.register(Employer)
class EmployerAdmin(CatalogAdmin):
    """Employers."""

    place, icon, hint = 8, "apartment", "Employers of patients"
