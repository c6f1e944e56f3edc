"""People who sign in or hold keys."""

import datetime
from collections.abc import Iterable
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget, UnfoldBooleanWidget

from accounts.admin.base import ScopedAdmin
from accounts.admin.choices import CheckBoxes, ExplainedRadios
from accounts.admin.filters import ChoiceFilter, ScopedRelatedFilter
from accounts.admin.forms import RowsField, ServiceForm
from accounts.admin.history import KeptValue, changed_field
from accounts.admin.organizations import OFFICE
from accounts.admin.people import access_of, mail_link, revoke_issued_label
from accounts.admin.taken import TAKEN
from accounts.models import CareGroup, Organization, Role, User, UserStatus, UserStatusChange
from accounts.permissions import ADMINISTRATORS, ROLE_SENTENCES
from accounts.services.keys import issued_for_others
from accounts.services.password_links import invite_user
from accounts.services.second_factors import reset_second_factor, second_factor_of
from accounts.services.users import NewPassword, change_user_status, create_user, update_user
from accounts.site import actor_of, stay_signed_in
from config.core.exceptions import NotFound, NotPermitted
from config.core.orm import NOTE_LENGTH


class UserForm(ServiceForm):
    """A user with their care groups and a write-only password. `issued` is how many keys of others they issued."""

    issued: int

    role = forms.ChoiceField(label=gettext_lazy("Role"), widget=ExplainedRadios)
    groups = RowsField(
        CareGroup.objects.none(),
        label=gettext_lazy("Care groups"),
        required=False,
        widget=CheckBoxes,
        help_text=gettext_lazy("Caregivers see the patients of these groups."),
    )
    language = forms.ChoiceField(label=gettext_lazy("Language"), widget=UnfoldAdminSelectWidget)
    invite = forms.BooleanField(
        label=gettext_lazy("Send an invitation"),
        required=False,
        initial=True,
        widget=UnfoldBooleanWidget,
        help_text=gettext_lazy("A mail with a link, by which the person chooses a password. Until then they cannot do anything."),
    )
    password = forms.CharField(
        label=gettext_lazy("Password"),
        required=False,
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )
    status = forms.ChoiceField(
        label=gettext_lazy("Status"),
        choices=UserStatus.choices,
        widget=UnfoldAdminSelectWidget,
        help_text=gettext_lazy("Any status but active signs the person out and revokes their API keys for good."),
    )
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        required=False,
        max_length=NOTE_LENGTH,
        widget=UnfoldAdminTextInputWidget,
        help_text=gettext_lazy("Why the status changes. It is kept and reported."),
    )

    revoke_issued = forms.BooleanField(
        required=False,
        widget=UnfoldBooleanWidget,
        help_text=gettext_lazy("A status that is not active leaves them: programs of others use them."),
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.initial["password"] = ""
        # Somebody new has no status to change, and who is there already is invited by a button.
        for name in ("invite",) if self.instance.pk else ("status", "reason", "revoke_issued"):
            del self.fields[name]
        self.fields["password"].help_text = self._about_passwords()
        if not self.instance.pk:
            self.initial["language"] = get_language()
        else:
            self.fields["revoke_issued"].label = revoke_issued_label(self.issued)
            self.initial["groups"] = list(self.instance.memberships.values_list("care_group_id", flat=True))
        self._offer_choices()

    def _about_passwords(self) -> str:
        rule = _("At least 12 characters, not only common words, names or sequences.")
        if self.instance.pk:
            more = _("Empty: unchanged. A new one signs the person out everywhere.")
        else:
            more = _("For a person who gets no invitation; empty for one who only holds API keys.")
        return f"{rule} {more}"

    def _offer_choices(self) -> None:
        if "role" in self.fields:
            field: Any = self.fields["role"]
            field.choices = [(role, Role(role).label) for role in self._roles()]
            field.widget.sentences, field.widget.group_label = ROLE_SENTENCES, field.label
        if "groups" in self.fields:
            groups: Any = self.fields["groups"]
            groups.widget.group_label = groups.label
        if "language" in self.fields:
            languages: Any = self.fields["language"]
            stored, known = self.instance.language, dict(settings.LANGUAGES)
            # The APIs and older releases store others.
            languages.choices = list((known if stored in known else {stored: stored, **known}).items())

    def _roles(self) -> list[str]:
        """Return the roles to choose from. A change never makes a user a superadmin, or stops one being it."""
        if self.instance.pk:
            superadmin = self.instance.role == Role.FC_ADMIN
        else:
            superadmin = None if self.actor.role == Role.FC_ADMIN else False
        return [role for role in Role.values if superadmin is None or (role == Role.FC_ADMIN) == superadmin]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        self._check_organization(cleaned)
        groups, default = cleaned.get("groups") or (), cleaned.get("default_group")
        if default and default not in groups:
            self.add_error("default_group", _("Must be one of the care groups."))
        if not self.instance.pk:
            self._check_invitation(cleaned)
        elif "status" in self.changed_data and not cleaned.get("reason"):
            self.add_error("reason", _("Say why the status changes."))
        if self.instance.pk == self.actor.user_id and {"role", "status"} & set(self.changed_data):
            self.add_error(None, _("You cannot change your own role or status."))
        return cleaned

    def _check_invitation(self, cleaned: dict[str, Any]) -> None:
        if cleaned.get("invite") and cleaned.get("password"):
            self.add_error("password", _("Who is invited chooses a password themselves. Leave it empty, or send no invitation."))
        if cleaned.get("invite") and cleaned.get("role") == Role.PATIENT:
            self.add_error("invite", _("Patients do not sign in here. Send no invitation."))

    def _check_organization(self, cleaned: dict[str, Any]) -> None:
        if "organization" not in self.fields or self.instance.pk:
            return
        superadmin, organization = cleaned.get("role") == Role.FC_ADMIN, cleaned.get("organization")
        if superadmin and organization:
            self.add_error("organization", _("A superadmin belongs to no organization."))
        if not superadmin and not organization:
            self.add_error("organization", _("This role needs an organization."))

    def columns(self) -> dict[str, Any]:
        """Return the changed columns that a plain update takes."""
        return {name: value for name, value in self.changes().items() if name not in ("status", "password")}


@admin.register(User)
class UserAdmin(ScopedAdmin):
    """Users: role, care groups, password, status with its reason."""

    form = UserForm
    readers = OFFICE
    creators = writers = ADMINISTRATORS
    section, place, icon, hint = "Access", 1, "person", gettext_lazy("People, their roles and care groups")
    # Labels above inputs: beside them, three inputs in a row would be too narrow for a name.
    compressed_fields = False
    change_form_template = "admin/accounts/user/change_form.html"
    list_display = ["email", "full_name", "role", "status_label", "has_second_factor", "last_login"]
    list_select_related = ["second_factor"]
    actions = ["reset_second_factor"]
    list_filter = [("role", ChoiceFilter), ("status", ChoiceFilter), ("care_groups", ScopedRelatedFilter)]
    search_fields = ["email_key__contains_folded", "first_name", "last_name", "user_name"]
    readonly_fields = ["last_login"]
    fieldsets = [
        (
            gettext_lazy("Who"),
            {"fields": ["email", ("first_name", "middle_name", "last_name"), ("language", "timezone")]},
        ),
        (gettext_lazy("Access"), {"fields": ["role", "groups", "default_group", "password"]}),
        (gettext_lazy("Status"), {"fields": [("status", "reason"), "last_login"]}),
    ]
    constraint_fields = {
        "accounts_user_email_key": ("email", TAKEN),
        "accounts_user_email_key_key": ("email", TAKEN),
        "accounts_user.email": ("email", TAKEN),
        "accounts_user.email_key": ("email", TAKEN),
        "user_organization_required": ("role", gettext_lazy("This role needs an organization.")),
    }

    def kept_values(
        self, request: HttpRequest, row: User, since: datetime.datetime, until: datetime.datetime
    ) -> Iterable[KeptValue]:
        """Return the changes of the status, each with its reason."""
        kept = UserStatusChange.objects.filter(user=row, created_at__gte=since, created_at__lte=until).order_by(
            "created_at", "pk"
        )
        for change in kept:
            after = f"{change.get_to_status_display()}: {change.reason}" if change.reason else change.get_to_status_display()
            yield KeptValue(change.created_at, _("Status"), change.get_from_status_display(), after, changed_field("status"))

    @display(description=gettext_lazy("Name"))
    def full_name(self, user: User) -> str:
        return " ".join(filter(None, (user.first_name, user.middle_name, user.last_name)))

    @display(
        description=gettext_lazy("Status"),
        ordering="status",
        label={"active": "success", "created": "info", "blocked": "danger", "stopped": "warning", "cancelled": "warning"},
    )
    def status_label(self, user: User) -> tuple[str, str]:
        return user.status, user.get_status_display()

    @display(description=gettext_lazy("Second factor"), label={"on": "success"})
    def has_second_factor(self, user: User) -> tuple[str, str] | None:
        return ("on", _("On")) if second_factor_of(user) else None

    @admin.action(description=gettext_lazy("Reset second factor"), permissions=["reset"])
    def reset_second_factor(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Remove the second factor of the chosen people, who lost their phone and their recovery codes."""
        for user in queryset:
            try:
                reset_second_factor(actor=actor_of(request), user=user)
            except NotFound:
                messages.warning(request, _("%(email)s has no second factor.") % {"email": user.email})
            except NotPermitted as refusal:
                messages.warning(request, f"{user.email}: {refusal.message}")
            else:
                messages.success(request, _("%(email)s has no second factor any more.") % {"email": user.email})

    def has_reset_permission(self, request: HttpRequest) -> bool:
        """Tell whether the caller may reset second factors."""
        return self._is(request, ADMINISTRATORS)

    def label(self, obj: User) -> str:
        return f"{obj.get_full_name()} · {obj.email}" if obj.first_name else obj.email

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Leave superadmins to superadmins."""
        above = isinstance(obj, User) and obj.role == Role.FC_ADMIN and actor_of(request).role != Role.FC_ADMIN
        return super().has_change_permission(request, obj) and not above

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> list:
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None:
            fieldsets[1][1]["fields"].insert(-1, "invite")
            del fieldsets[2]
        elif not self.has_change_permission(request, obj):
            fieldsets[1][1]["fields"] = ["role"]
            fieldsets[2][1]["fields"] = ["status", "last_login"]
        elif _issued_by(obj):
            fieldsets[2][1]["fields"].insert(1, "revoke_issued")
        return fieldsets

    def get_form(self, request: HttpRequest, obj: Model | None = None, change: bool = False, **kwargs) -> type:
        form: Any = super().get_form(request, obj, change, **kwargs)
        form.issued = _issued_by(obj)
        groups: Any = self.admin_site.get_model_admin(CareGroup)
        form.base_fields["groups"].queryset = groups.selectable(request, groups.get_queryset(request))
        return form

    def render_change_form(self, request: HttpRequest, context, add=False, change=False, form_url="", obj=None):
        if obj is not None:
            context["access"] = access_of(actor_of(request), obj, may_write=self.has_change_permission(request, obj))
        return super().render_change_form(request, context, add, change, form_url, obj)

    def changeform_view(self, request: HttpRequest, object_id=None, form_url="", extra_context=None) -> HttpResponse:
        """Send the invitation that a form has asked for, once what it rests on is committed."""
        response = super().changeform_view(request, object_id, form_url, extra_context)
        link = vars(request).pop("invitation", None)
        if link:
            mail_link(request, link)
        return response

    def prepare(self, request: HttpRequest) -> None:
        """Hash a new password."""
        text = request.POST.get("password")
        vars(request)["new_password"] = NewPassword.hashed(text) if text and self._is(request, self.writers) else None

    def create(self, request: HttpRequest, form: UserForm) -> User:
        columns = ("first_name", "middle_name", "last_name", "language", "timezone")
        actor, invited = actor_of(request), form.cleaned_data["invite"]
        user = create_user(
            actor=actor,
            email=form.cleaned_data["email"],
            role=form.cleaned_data["role"],
            organization=Organization.objects.filter(pk=form.organization_id).first(),
            password=vars(request)["new_password"],
            care_groups=form.cleaned_data["groups"],
            status=UserStatus.CREATED if invited else UserStatus.ACTIVE,
            default_group=form.cleaned_data["default_group"],
            **{name: form.cleaned_data[name] for name in columns},
        )
        if invited:
            vars(request)["invitation"] = invite_user(actor=actor, user=user)
        return user

    def change(self, request: HttpRequest, obj: User, form: UserForm) -> None:
        actor, password = actor_of(request), vars(request)["new_password"]
        groups: QuerySet | None = form.cleaned_data["groups"] if "groups" in form.changed_data else None
        if form.columns() or password or groups is not None:
            update_user(actor=actor, user=obj, changes=form.columns(), care_groups=groups, password=password)
        status, reason = form.cleaned_data["status"], form.cleaned_data["reason"]
        revoke_issued = form.cleaned_data["revoke_issued"]
        if change_user_status(actor=actor, user=obj, status=status, reason=reason, revoke_issued=revoke_issued):
            self._warn_of_issued(request, obj)
        if password and obj.pk == actor.user_id:
            stay_signed_in(request)

    def _warn_of_issued(self, request: HttpRequest, user: User) -> None:
        """Name the keys that somebody who has just been stopped issued for others, and that still work."""
        keys = [] if user.is_active else list(issued_for_others(user))
        if keys:
            named = ", ".join(map(str, keys))
            messages.warning(request, _("They issued keys for others that still work: %(keys)s.") % {"keys": named})


def _issued_by(user: Model | None) -> int:
    return issued_for_others(user).count() if isinstance(user, User) else 0
