"""Organizations."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db.models import Model
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.decorators import display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminIntegerFieldWidget

from accounts.admin.base import ScopedAdmin
from accounts.admin.forms import ServiceForm, WholeNumberField
from accounts.admin.taken import TAKEN
from accounts.models import ChartNeed, Organization
from accounts.permissions import ADMINISTRATORS
from accounts.scope import Role
from accounts.services.organizations import create_organization, update_organization
from accounts.site import actor_of

# Who sees how the organization is run: its users, keys and audit trail.
OFFICE = ADMINISTRATORS | {Role.HC_VIEW_ALL}


class OrganizationForm(ServiceForm):
    """An organization."""

    chart_needs = forms.MultipleChoiceField(
        label=gettext_lazy("Every chart has"),
        required=False,
        choices=ChartNeed.choices,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=gettext_lazy("Charts of active patients without one of these are in the list of incomplete charts."),
    )
    vital_signs_days = WholeNumberField(
        label=gettext_lazy("Vital signs at most so many days old"),
        required=False,
        widget=UnfoldAdminIntegerFieldWidget,
        validators=[MinValueValidator(1), MaxValueValidator(3650)],
        help_text=gettext_lazy("Empty: vital signs are not asked for."),
    )

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.initial["chart_needs"] = self.instance.needs

    def clean_parent(self) -> Organization | None:
        """Refuse an organization that would be its own parent."""
        parent = self.cleaned_data["parent"]
        if parent and parent.pk == self.instance.pk:
            raise forms.ValidationError(_("An organization cannot be its own parent."))
        return parent


@admin.register(Organization)
class OrganizationAdmin(ScopedAdmin):
    """Organizations: superadmins add them, administrators change their own."""

    form = OrganizationForm
    readers = OFFICE
    creators = frozenset({Role.FC_ADMIN})
    writers = ADMINISTRATORS
    place, icon, hint = 9, "domain", gettext_lazy("Name, time zone and country")
    list_display = ["name", "kind", "slug", "country", "timezone"]
    search_fields = ["name", "slug"]
    fieldsets = [
        (
            None,
            {"fields": ["name", "slug", "country", "timezone", "language", "care_networks_enabled", "second_factor_required"]},
        ),
        (gettext_lazy("Complete charts"), {"fields": ["chart_needs", "vital_signs_days"]}),
    ]
    constraint_fields = {
        "accounts_organization_slug_key": ("slug", TAKEN),
        "accounts_organization.slug": ("slug", TAKEN),
    }

    @display(description=gettext_lazy("Kind"), label={"sandbox": "warning", "clinic": ""})
    def kind(self, organization: Organization) -> tuple[str, str]:
        return ("sandbox", _("Sandbox")) if organization.is_sandbox else ("clinic", _("Clinic"))

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> list:
        """Show the parent to superadmins only: it is out of scope for everybody else."""
        fieldsets = super().get_fieldsets(request, obj)
        if actor_of(request).role == Role.FC_ADMIN:
            fieldsets[0][1]["fields"].append("parent")
        return fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        return [] if actor_of(request).role == Role.FC_ADMIN else ["slug"]

    def response_post_save_change(self, request: HttpRequest, obj: Organization) -> HttpResponse:
        """Lead back to the page that named itself as `next`, or to the list."""
        back = request.GET.get("next", "")
        if url_has_allowed_host_and_scheme(back, allowed_hosts=None):
            return HttpResponseRedirect(back)
        return super().response_post_save_change(request, obj)

    def create(self, request: HttpRequest, form: ServiceForm) -> Organization:
        return create_organization(actor=actor_of(request), **form.cleaned_data)

    def change(self, request: HttpRequest, obj: Organization, form: ServiceForm) -> None:
        update_organization(actor=actor_of(request), organization=obj, changes=form.changes())
