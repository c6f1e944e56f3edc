"""What pages say of audit events: which of them somebody may see, who did it, and by which door."""

import datetime
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import ApiKey, AuditedPatient, AuditEvent, User
from accounts.scope import Actor, Role, scope
from config.core.databases import Among

_DOORS = (
    ("admin/", gettext_lazy("Admin")),
    ("api/v1/", gettext_lazy("Practice API")),
    ("v1/", gettext_lazy("Public API")),
    ("general/", gettext_lazy("General API")),
)
OPERATOR, TASK, SOMEBODY = gettext_lazy("The operator"), gettext_lazy("A task of the server"), gettext_lazy("Somebody")


@dataclass(frozen=True)
class Doer:
    """Who did something: a person, or a key, which is `of` a person. `role` is theirs at that time, in words."""

    name: str
    of: str = ""
    role: str = ""
    key_id: str = ""


def own_events(actor: Actor, organization_id: int | None) -> QuerySet[AuditEvent]:
    """Return the events of an organization, or those of none: what superadmins and tasks of the server did."""
    return scope(actor, AuditEvent.objects.filter(organization_id=organization_id))


def events_from_outside(
    actor: Actor, organization_id: int, since: datetime.datetime, until: datetime.datetime
) -> QuerySet[AuditEvent]:
    """Return the events of others that concern an organization, from `since` until before `until`.

    They are what superadmins and tasks of the server did to its patients, and refused requests of anybody that named one of
    them. The condition of each is found first, so that its index is used.
    """
    during = AuditEvent.objects.order_by().filter(at__gte=since, at__lt=until)
    patients = scope(actor, _patients().filter(organization_id=organization_id))
    affected = AuditedPatient.objects.filter(event=OuterRef("pk"), organization_id=organization_id)
    by_uuid, by_id = patients.filter(uuid=OuterRef("patient_uuid")), patients.filter(pk=OuterRef("patient_id"))
    found = (
        during.filter(Exists(affected), organization_id=None),
        during.filter(Exists(by_uuid), patient_uuid__isnull=False),
        during.filter(Exists(by_id), patient_id__isnull=False),
    )
    concerned = Q()
    for events in found:
        concerned |= Q(Among("pk", events.values("pk")))
    return AuditEvent.objects.filter(concerned).exclude(organization_id=organization_id)


def _patients() -> QuerySet:
    return apps.get_model("patients", "Patient")._base_manager.order_by()


def door_of(route: str) -> str:
    """Return by which door somebody came, as people call it. The routes of APIs begin with the method."""
    path = route.rpartition(" ")[2]
    return str(next((name for prefix, name in _DOORS if path.lstrip("/").startswith(prefix)), TASK))


def doers_of(actor: Actor, events: Collection[Any]) -> dict[int, Doer]:
    """Return who did each of `events`, by the event's id, by two statements. Whoever `actor` may not see is the operator."""
    wanted = {event.user_id for event in events} | {event.subject_id for event in events if event.subject == "user"}
    users = scope(actor, User.objects.filter(pk__anyof=sorted(wanted - {None}))).order_by("pk")
    names = {user.pk: name_of_user(user) for user in users}
    keys = scope(actor, ApiKey.objects.filter(key_id__anyof=sorted({event.key_id for event in events} - {""}))).order_by("pk")
    descriptions = dict(keys.values_list("key_id", "description"))
    return {event.pk: _doer(event, names, descriptions) for event in events}


def name_of_user(user: User) -> str:
    """Return what people call a user."""
    return user.get_full_name() or user.email


def _doer(event: Any, names: dict[int, str], descriptions: dict[str, str]) -> Doer:
    role = str(Role(event.role).label) if event.role in Role.values else ""
    if event.user_id is None:
        account = names.get(event.subject_id, "") if event.subject == "user" else ""
        if event.role:
            return Doer(str(TASK))
        return Doer(_("Somebody, as %(account)s,") % {"account": account} if account else str(SOMEBODY))
    person = names.get(event.user_id, str(OPERATOR))
    if not event.key_id:
        return Doer(person, role=role)
    description = descriptions.get(event.key_id, "")
    owner = names.get(event.user_id, _("the operator"))
    key = _("Key “%(description)s”") % {"description": description} if description else _("A key")
    return Doer(key, owner, role, event.key_id)
