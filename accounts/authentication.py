"""Signing in to the admin, and from a signed-in person to an Actor. Keys are in accounts/services/keys.py."""

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.backends import BaseBackend
from django.db.models import BigAutoField, QuerySet
from django.http import HttpRequest

from accounts.models import GroupMembership, User
from accounts.scope import Actor
from config.core.compiled_queries import QueryDefinition, parameter
from config.core.instances import InstanceQuery
from config.core.text import fold


@dataclass(frozen=True)
class GroupsOfPerson(QueryDefinition):
    """The ids of the care groups that a person belongs to; every page of the admin asks."""

    user_id: int = parameter(BigAutoField())

    def queryset(self) -> QuerySet:
        rows = GroupMembership.objects.filter(user_id=self.user_id, care_group__deleted_at=None)
        return rows.order_by().values_list("care_group_id")


def actor_of_user(user: User, *, route: str, request_id: str = "", address: str = "") -> Actor:
    """Return the Actor of a person who signed in to the admin."""
    organization = user.organization
    return Actor(
        role=user.role,
        user_id=user.pk,
        user_uuid=user.uuid,
        organization_id=user.organization_id,
        organization_uuid=organization.uuid if organization else None,
        group_ids=tuple(group_id for (group_id,) in GroupsOfPerson(user.pk).fetch()),
        default_group_id=user.default_group_id,
        timezone=organization.timezone if organization else "UTC",
        catalog_version=organization.catalog_version if organization else 0,
        route=route,
        request_id=request_id,
        address=address,
    )


def name_to_lock(request: HttpRequest, credentials: dict[str, Any] | None = None) -> str:
    """Return under which name failed attempts to sign in are counted: one for all spellings of an address."""
    return fold((credentials or request.POST).get("username"))[:254]


@dataclass(frozen=True)
class PersonById(InstanceQuery):
    """A person with what every page of the admin asks of them; every request for one runs this, so that it is compiled once."""

    user_id: int = parameter(BigAutoField())

    def queryset(self) -> QuerySet[User]:
        return User.objects.select_related("organization", "second_factor").filter(pk=self.user_id).order_by()


class StaffBackend(BaseBackend):
    """Signs staff in by e-mail address and password; patients and inactive people are refused."""

    def authenticate(self, request, username=None, password=None, **credentials):
        user = User.objects.filter(email_key=fold(username)).first() if username else None
        if user is None:
            User().set_password(password)  # An unknown address takes as long as a wrong password.
            return None
        return user if user.check_password(password) and user.is_staff else None

    def get_user(self, user_id):
        user = next(iter(PersonById(user_id).instances()), None)
        return user if user and user.is_staff else None
