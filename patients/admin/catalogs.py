"""Catalogs of patient records."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from accounts.admin.catalogs import CatalogAdmin, with_name
from patients.models import (
    BillingType,
    Employer,
    FeeSchedule,
    FieldDefinition,
    Location,
    Program,
    Provider,
    ReferralPartner,
    ReferralSource,
    TagDefinition,
)


@admin.register(Provider)
class ProviderAdmin(CatalogAdmin):
    """Providers."""

    place, icon, hint = 2, "stethoscope", _("Clinicians who treat patients")
    list_display = ["name", "title", "specialty"]
    search_fields = ["name_key__contains_folded", "specialty"]


@admin.register(Location)
class LocationAdmin(CatalogAdmin):
    """Locations."""

    place, icon, hint = 3, "location_on", _("Places where patients are seen")
    list_display = ["name", "address", "is_active"]


@admin.register(Program)
class ProgramAdmin(CatalogAdmin):
    """Programs."""

    place, icon, hint = 4, "assignment", _("Care programs to enrol in")


@admin.register(TagDefinition)
class TagDefinitionAdmin(CatalogAdmin):
    """Tag definitions."""

    place, icon, hint = 6, "sell", _("Labels that staff put on patients")
    list_display = ["name", "category", "color", "item_order"]


@admin.register(FieldDefinition)
class FieldDefinitionAdmin(CatalogAdmin):
    """Field definitions."""

    place, icon, hint = 7, "edit_note", _("Fields of your own in patient records")
    list_display = ["name", "field_type", "is_required", "item_order"]
    # The type stands before the options that depend on it.
    fieldsets = with_name("field_type", "dropdown_options", "is_required", "description", "item_order")
    constraint_fields = {"field_definition_options": ("dropdown_options", _("These options do not fit the type of the field."))}


@admin.register(FeeSchedule)
class FeeScheduleAdmin(CatalogAdmin):
    """Fee schedules."""

    place, icon, hint = 15, "request_quote", _("Price lists")


@admin.register(BillingType)
class BillingTypeAdmin(CatalogAdmin):
    """Billing types."""

    place, icon, hint = 16, "receipt_long", _("How patients are billed")


@admin.register(Employer)
class EmployerAdmin(CatalogAdmin):
    """Employers."""

    place, icon, hint = 17, "apartment", _("Employers of patients")


@admin.register(ReferralSource)
class ReferralSourceAdmin(CatalogAdmin):
    """Referral sources."""

    place, icon, hint = 18, "campaign", _("How patients come to hear of the clinic")


@admin.register(ReferralPartner)
class ReferralPartnerAdmin(CatalogAdmin):
    """Referral partners."""

    place, icon, hint = 19, "handshake", _("Who sends patients")
