"""A sandbox: an organization of invented patients, for integrators to try their programs on, and put back as it was.

Its users, their keys and second factors, its webhook endpoints, its events and its audit trail stay; everything else is deleted
and made anew.
"""

from collections import defaultdict
from typing import Any

from django.apps import apps
from django.db import models, transaction

from accounts.audit import record_change
from accounts.models import (
    ApiKey,
    AuditChain,
    AuditedPatient,
    AuditEvent,
    AuditSeal,
    CareGroup,
    GroupMembership,
    Organization,
    OutboxEvent,
    Role,
    SecondFactor,
    User,
    UserStatus,
)
from accounts.scope import Actor, scope, scope_of
from accounts.services.users import change_user_status, update_user
from exports.demo.clinic import MAIN, DemoOrganization, OrganizationSpec, fill, make_users
from exports.models import WebhookDelivery, WebhookEndpoint
from patients.models import Patient
from patients.triggers import DERIVED_TABLES

DEFAULT_PATIENTS = 24
KEPT = frozenset(
    {
        Organization,
        User,
        SecondFactor,
        ApiKey,
        OutboxEvent,
        WebhookEndpoint,
        WebhookDelivery,
        AuditEvent,
        AuditedPatient,
        AuditSeal,
        AuditChain,
    }
)
_ACTOR = Actor.system("manage.py reset_sandbox")
_CHUNK = 1_000
_CAREGIVERS = (Role.HC_PRIMARY, Role.HC_SECONDARY)


class NotASandbox(Exception):
    """The organization has patients who are not invented: nothing of it may be deleted."""


@transaction.atomic
def reset_sandbox(slug: str, name: str = "Sandbox", patients: int = DEFAULT_PATIENTS) -> tuple[Organization, dict[str, User]]:
    """Put the sandbox called `slug` back, or make it; return it, and a user for each role.

    All of it or nothing: who reads meanwhile sees what was there before. Raises NotASandbox for another organization.
    """
    found = scope(_ACTOR, Organization.objects.filter(slug=slug)).first()
    if found and not found.is_sandbox:
        raise NotASandbox
    groups = {}
    if found:
        _lock_out_writers(found)
        groups = _group_names(found)
        _empty(found)
    clinic = DemoOrganization(OrganizationSpec(slug, name, "SB", MAIN.groups, MAIN.seed, is_sandbox=True), _ACTOR)
    users = make_users(clinic)
    for role, user in users.items():
        _restore(user, role)
    _join_groups(clinic, users, groups)
    fill(clinic, patients, users)
    record_change(_ACTOR, "organization.reset", clinic.organization, event="organization.reset")
    return clinic.organization, users


def emptied_models() -> list[type[models.Model]]:
    """Return the models whose rows of a sandbox are deleted: all that belong to an organization and are not KEPT.

    The database itself keeps derived tables.
    """
    derived = {apps.get_model(*table.model) for table in DERIVED_TABLES}
    ours = (model for model in apps.get_models() if hasattr(model, "scope") and scope_of(model).organization is not None)
    return [model for model in ours if model not in KEPT | derived]


def _lock_out_writers(organization: Organization) -> None:
    """Wait until nobody is writing rows of `organization`, and let others wait for the end of the transaction.

    Who writes locks a patient first, and who adds a row refers to the organization.
    """
    patients = Patient.objects.select_for_update().filter(organization=organization).order_by("pk")
    list(patients.values_list("pk", flat=True))
    Organization.objects.select_for_update().get(pk=organization.pk)


def _empty(organization: Organization) -> None:
    """Delete the rows of `organization`. In which order is the same: references are checked when the transaction commits."""
    User.objects.filter(organization=organization).update(default_group=None)
    for model in emptied_models():
        rows = model._base_manager.filter(**{str(scope_of(model).organization): organization.pk}).order_by()
        while ids := list(rows.values_list("pk", flat=True)[:_CHUNK]):
            model._base_manager.filter(pk__in=ids)._raw_delete(rows.db)
    # Whom a program has made, who holds no key and has never signed in, would be in the way of its next run.
    users = User.objects.filter(organization=organization, api_keys=None, last_login=None, second_factor=None)
    users.delete()


def _group_names(organization: Organization) -> dict[int, list[str]]:
    """Return the names of the care groups of each user."""
    names: dict[int, list[str]] = defaultdict(list)
    memberships = GroupMembership.objects.filter(organization=organization, care_group__deleted_at=None)
    for user_id, name in memberships.order_by("pk").values_list("user_id", "care_group__name"):
        names[user_id].append(name)
    return names


def _restore(user: User, role: str) -> None:
    """Give one of the demo's users their role and status back."""
    if user.role != role:
        update_user(actor=_ACTOR, user=user, changes={"role": role})
    change_user_status(actor=_ACTOR, user=user, status=UserStatus.ACTIVE, reason="The sandbox was reset")


def _join_groups(clinic: DemoOrganization, users: dict[str, User], names: dict[int, list[str]]) -> None:
    """Let caregivers join the groups that are called as theirs were, and the demo's users, or who has none, the first one."""
    groups = {group.name: group for group in clinic.groups}
    own = {user.pk for user in users.values()}
    rows: Any = User.objects.filter(organization=clinic.organization, role__in=_CAREGIVERS).order_by("pk")
    for user in rows:
        former = [] if user.pk in own else [groups[name] for name in names.get(user.pk, ()) if name in groups]
        joined: list[CareGroup] = former or clinic.groups[:1]
        update_user(actor=_ACTOR, user=user, changes={}, care_groups=joined)
