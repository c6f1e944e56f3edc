"""What a key will be able to do, told before it is issued: by the role of its user, and counted in their scope."""

from dataclasses import dataclass, replace
from typing import Any

from django.apps import apps
from django.http import HttpRequest, HttpResponse

from accounts.admin.pages import Page, page
from accounts.authentication import actor_of_user
from accounts.models import CareGroup, Organization, Role, User, UserStatus
from accounts.permissions import ADMINISTRATORS, CAREGIVERS, Permission
from accounts.scope import scope
from config.core.orm import is_id
from config.core.totals import number_of


@dataclass(frozen=True)
class Reach:
    """What a key of `user` reaches: so many patients, of so many care groups where the role has some."""

    user: User
    patients: int
    groups: int | None
    writes_patients: bool
    measures: bool
    writes_catalogs: bool

    @property
    def is_active(self) -> bool:
        """Whether the person can have a key at all."""
        return self.user.status == UserStatus.ACTIVE

    @property
    def is_everywhere(self) -> bool:
        """Whether it reaches every organization."""
        return self.user.role == Role.FC_ADMIN


def reach_of(user: User) -> Reach:
    """Return what a key of `user` reaches now."""
    actor = actor_of_user(user, route="")
    if user.role == Role.FC_ADMIN:
        # No key but those of a sandbox reaches one.
        sandboxes = Organization.objects.filter(is_sandbox=True).values_list("pk", flat=True)
        actor = replace(actor, out_of_reach=tuple(sandboxes) or None)
    patients = scope(actor, apps.get_model("patients", "Patient")._base_manager.filter(deleted_at=None).order_by())
    groups = scope(actor, CareGroup.objects.filter(pk__anyof=actor.group_ids)).count() if user.role in CAREGIVERS else None
    return Reach(
        user=user,
        patients=number_of(patients),
        groups=groups,
        writes_patients=user.role in Permission.WRITE_PATIENTS.roles,
        measures=user.role in Permission.MEASURE.roles,
        writes_catalogs=user.role in Permission.ADMINISTER.roles,
    )


@page("keys/reach/", name="api_key_reach")
class KeyReach(Page):
    """The fragment of the form of a new key that says what it will be able to do, once a user is chosen."""

    template_name = "admin/accounts/apikey/reach.html"
    readers = ADMINISTRATORS
    framed = False

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        given = request.GET.get("user", "")
        users = scope(self.actor, User.objects.select_related("organization"))
        user = users.filter(pk=given).first() if is_id(given) else None
        return self.render_to_response(self.get_context_data(reach=reach_of(user) if user else None))
