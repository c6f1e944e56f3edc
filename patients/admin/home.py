"""What the home page shows of patients: the search, who was opened last, and who was registered today with something missing."""

from dataclasses import dataclass
from typing import Any

from django.db.models import DateTimeField, Exists, OuterRef, Q, QuerySet
from django.http import HttpRequest

from accounts.admin.home import Part, home_block
from accounts.models import Organization
from accounts.permissions import Permission
from accounts.scope import Viewer, scope, viewer_of
from accounts.site import actor_of
from config.core.compiled_queries import parameter
from config.core.dates import start_of_today
from config.core.instances import InstanceQuery
from config.core.orm import SubqueryCount
from patients.admin.merging import ADMINISTRATORS
from patients.completeness import MAX_COUNTED, to_count
from patients.finding import COLUMNS
from patients.models import Patient
from patients.recent import recent_patients
from patients.services.duplicates import suspected

WRITERS = Permission.WRITE_PATIENTS.roles
# How many patients the list of what is to be put right names.
_NAMED = 5


@home_block(Part("find", "top", 10, "admin/home/find.html"))
def find(request: HttpRequest) -> dict[str, Any]:
    """The search, for everybody."""
    return {"registers": actor_of(request).role in WRITERS}


@home_block(Part("monitoring", "side", 10, "admin/home/recent.html"))
def recent(request: HttpRequest) -> dict[str, Any]:
    """The patients whom the caller opened last."""
    patients = recent_patients(actor_of(request))
    return {"recent": patients, "patients": _pairs(patients)}


@home_block(Part("desk", "side", 20, "admin/home/registered.html"), roles=WRITERS)
def registered(request: HttpRequest) -> dict[str, Any] | None:
    """The patients registered today who lack a phone number or a date of birth, or who look like somebody else."""
    actor = actor_of(request)
    rows = RegisteredToday(viewer_of(actor), start_of_today(actor.timezone)).instances()
    if not rows:
        return None
    return {"registered": rows[:_NAMED], "more": len(rows) > _NAMED, "patients": _pairs(rows[:_NAMED])}


@home_block(Part("desk", "side", 15, "admin/home/put_right.html"))
def put_right(request: HttpRequest) -> dict[str, Any] | None:
    """One statement: how many charts lack something, and, for those who merge, how many pairs are suspected."""
    actor, user = actor_of(request), request.user
    organization: Organization | None = getattr(user, "organization", None)
    if organization is None:
        return None
    rows = {"incomplete": to_count(actor, organization)}
    if actor.role in ADMINISTRATORS:
        rows["pairs"] = suspected(actor).order_by().values("pk")[: MAX_COUNTED + 1]
    counted = {name: SubqueryCount(those) for name, those in rows.items()}
    counts = Organization.objects.filter(pk=organization.pk).values(**counted).get()
    return {**counts, "most": MAX_COUNTED} if any(counts.values()) else None


@dataclass(frozen=True)
class RegisteredToday(InstanceQuery):
    """The patients registered since a moment with something missing, the last ones first; one more than are shown."""

    viewer: Viewer
    since: Any = parameter(DateTimeField())

    def queryset(self) -> QuerySet[Patient]:
        same = {name: OuterRef(name) for name in ("organization", "last_name_match_key", "date_of_birth_key")}
        twins = Patient.objects.filter(**same, deleted_at=None).exclude(pk=OuterRef("pk")).exclude(date_of_birth=None)
        no_phone = Q(mobile_phone=None, home_phone=None, work_phone=None)
        today = scope(self.viewer, Patient.objects.filter(created_at__gte=self.since, deleted_at=None))
        rows = today.annotate(has_twin=Exists(scope(self.viewer, twins)), has_no_phone=no_phone)
        rows = rows.filter(Q(has_twin=True) | Q(has_no_phone=True) | Q(date_of_birth=None))
        return rows.order_by("-created_at", "-id").only(*COLUMNS)[: _NAMED + 1]


def _pairs(patients: list[Patient]) -> list[tuple[int, int]]:
    return [(patient.organization_id, patient.pk) for patient in patients]
