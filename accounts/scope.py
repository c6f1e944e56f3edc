"""Who sees which rows: the only place that turns a tenant or a care group into a filter.

Each model declares the columns by which it belongs to an organization, a care group and a patient's login (`ScopePath`);
each role has one rule over those columns. An empty scope means no rows.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol, cast
from uuid import UUID

from django.db.models import BigIntegerField, Model, Q, QuerySet, TextChoices
from django.utils.translation import gettext_lazy as _

from config.core.caching import cached
from config.core.compiled_queries import Compilable, parameter


class Role(TextChoices):
    """What a person is to the organization; the wire names of the public API."""

    FC_ADMIN = "FC_ADMIN", _("Superadmin of all organizations")
    HC_ADMIN = "HC_ADMIN", _("Administrator of an organization")
    HC_VIEW_ALL = "HC_VIEW_ALL", _("Reader of an organization")
    HC_PRIMARY = "HC_PRIMARY", _("Primary caregiver")
    HC_SECONDARY = "HC_SECONDARY", _("Secondary caregiver")
    PATIENT = "PATIENT", _("Patient")


@dataclass(frozen=True, slots=True)
class ScopePath:
    """The lookups from a model's rows to their owners.

    `organization`: the organization's id, None for tables that hold no organization's data.
    `care_group`: the care group's id, None where the whole organization shares the rows.
    `patient_user`: the id of the patient's login, None where no patient owns the rows.
    """

    organization: str | None
    care_group: str | None = None
    patient_user: str | None = None

    @property
    def patient(self) -> str | None:
        """The lookup of the patient's id: `pk` on the patient itself, None for rows about no patient."""
        if self.patient_user is None:
            return None
        owner = self.patient_user.rpartition("__")[0]
        return f"{owner}_id" if owner else "pk"


class Scoped(Protocol):
    """Every model of this project has a `scope`."""

    scope: ClassVar[ScopePath]


@dataclass(frozen=True)
class Viewer(Compilable):
    """What of an Actor decides which rows are in scope: compiled SQL is shared by viewers of one role.

    None for what the actor does not have; a rule that needs it then finds nothing. `out_of_reach` takes rows away, and None
    takes none.
    """

    role: str
    user_id: Any = parameter(BigIntegerField())
    organization_id: Any = parameter(BigIntegerField())
    group_ids: Any = parameter(BigIntegerField())
    out_of_reach: Any = parameter(BigIntegerField())


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and by which route. `organization_id` is None for FC_ADMIN and for commands.

    `out_of_reach` are ids of organizations that one who has none does not reach: sandboxes, for an API key.
    """

    role: str
    user_id: Any = None
    user_uuid: UUID | None = None
    organization_id: Any = None
    organization_uuid: UUID | None = None
    group_ids: Any = ()
    out_of_reach: Any = None
    default_group_id: int | None = None
    timezone: str = "UTC"
    catalog_version: int = 0
    key_id: str = ""
    route: str = ""
    request_id: str = ""
    address: str = ""
    key: dict = field(default_factory=dict, compare=False)

    @classmethod
    def system(cls, route: str) -> "Actor":
        """Return the actor of a management command: all organizations, no person."""
        return cls(role=Role.FC_ADMIN, route=route)


def viewer_of(actor: Actor) -> Viewer:
    """Return `actor` as compiled queries take one."""
    return Viewer(actor.role, actor.user_id, actor.organization_id, actor.group_ids, actor.out_of_reach)


def scope(actor: Actor | Viewer, queryset: QuerySet) -> QuerySet:
    """Return the rows of `queryset` that `actor` may see."""
    return queryset.filter(visible(actor, queryset.model))


def visible(actor: Actor | Viewer, model: type[Model], prefix: str = "") -> Q:
    """Return the condition under which `actor` sees a row of `model`, reached through the lookup `prefix`."""
    organization_of(model)
    return RULES[actor.role](_Reach(scope_of(model), prefix), actor)


def scope_of(model: type[Model]) -> ScopePath:
    """Return the `ScopePath` of `model`."""
    return cast("type[Scoped]", model).scope


@cached
def organization_of(model: type[Model]) -> str:
    """Return the lookup of the organization of `model`. Raises LookupError if its rows belong to none."""
    lookup = scope_of(model).organization
    if lookup is None:
        raise LookupError(f"{model.__name__} belongs to nobody and is not reached through scope")
    return lookup


@dataclass(frozen=True, slots=True)
class _Reach:
    path: ScopePath
    prefix: str

    def equals(self, lookup: str | None, value: Any) -> Q:
        # A missing value must never become IS NULL and match rows without an owner.
        return NOTHING if lookup is None or value is None else Q(**{f"{self.prefix}{lookup}": value})


NOTHING = Q(pk__in=[])


def _within_reach(reach: _Reach, actor: Actor | Viewer) -> Q:
    """All rows, but those of the organizations that are out of reach; rows of no organization are everybody's here."""
    if actor.out_of_reach is None:
        return Q()
    return ~Q(**{f"{reach.prefix}{reach.path.organization}__anyof": actor.out_of_reach})


def _organization(reach: _Reach, actor: Actor | Viewer) -> Q:
    return reach.equals(reach.path.organization, actor.organization_id)


def _care_groups(reach: _Reach, actor: Actor | Viewer) -> Q:
    rule = _organization(reach, actor)
    if reach.path.care_group:
        rule &= Q(**{f"{reach.prefix}{reach.path.care_group}__anyof": actor.group_ids})
    return rule


def _own_record(reach: _Reach, actor: Actor | Viewer) -> Q:
    return _organization(reach, actor) & reach.equals(reach.path.patient_user, actor.user_id)


RULES: dict[str, Callable[[_Reach, Actor | Viewer], Q]] = {
    Role.FC_ADMIN: _within_reach,
    Role.HC_ADMIN: _organization,
    Role.HC_VIEW_ALL: _organization,
    Role.HC_PRIMARY: _care_groups,
    Role.HC_SECONDARY: _care_groups,
    Role.PATIENT: _own_record,
}
