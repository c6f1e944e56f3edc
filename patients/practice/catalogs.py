"""Catalogs of patient records in the practice dialect."""

from accounts.practice.catalogs import CatalogViewSet
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


class ProviderViewSet(CatalogViewSet):
    """Clinicians who treat patients."""

    model = Provider


class LocationViewSet(CatalogViewSet):
    """Places where the clinic sees patients."""

    model = Location


class FeeScheduleViewSet(CatalogViewSet):
    """Price lists."""

    model = FeeSchedule


class BillingTypeViewSet(CatalogViewSet):
    """How patients are billed."""

    model = BillingType


class EmployerViewSet(CatalogViewSet):
    """Employers of patients."""

    model = Employer


class ReferralSourceViewSet(CatalogViewSet):
    """How patients come to hear of the clinic."""

    model = ReferralSource


class ReferralPartnerViewSet(CatalogViewSet):
    """Persons and practices that send patients."""

    model = ReferralPartner


class TagDefinitionViewSet(CatalogViewSet):
    """Labels that staff put on patients."""

    model = TagDefinition


class FieldDefinitionViewSet(CatalogViewSet):
    """Custom fields of patient records."""

    model = FieldDefinition
    constraint_errors = {
        "field_definition_options": (
            422,
            "A dropdown or multi_select needs options, and no other field has any.",
            "dropdown_options",
        )
    }


class ProgramViewSet(CatalogViewSet):
    """Care programs that patients are enrolled in."""

    model = Program
