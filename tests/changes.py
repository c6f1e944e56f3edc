"""A client that keeps a copy by the lists of changes, and what its copy must be in the end."""

import json
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Model, Q

from accounts.permissions import CAREGIVERS
from accounts.scope import Actor, scope
from clinical.models import Alert
from config.core.databases import change_horizon, on_postgres
from config.core.orm import has_column
from config.rest.changes import ChangesViewSet
from config.rest.compiled.plans import response_plan
from config.rest.compiled.queries import Query
from config.rest.responses import to_json
from patients.models import FieldValue
from tests.cast import VIEWS
from tests.conftest import ApiClient
from tests.factories import Clinic

LISTS: dict[str, type[ChangesViewSet]] = {
    route: view.cls for route, view in sorted(VIEWS.items()) if issubclass(view.cls, ChangesViewSet)
}
"""The route of each list of changes -> its view set."""
PRACTICE, PUBLIC = "api/v1/<org_id>/changes/", "v1/changes/"
GONE: dict[type[Model], Q] = {Alert: Q(status="archived"), FieldValue: Q(value=None)}
"""The rows that other lists do not show, where it is not that they are archived by a date."""


def settled() -> None:
    """Wait until lists of changes show what this thread has written: on SQLite for the next millisecond."""
    now = change_horizon()
    while not on_postgres() and change_horizon() <= now:
        pass


@dataclass
class Copy:
    """What a client holds of one list: objects by id, and the cursor from which it goes on. `begun` counts its full reads."""

    client: ApiClient
    route: str
    address: str
    size: int = 3
    cursor: str | None = None
    objects: dict[str, Any] = field(default_factory=dict)
    begun: int = 1

    @classmethod
    def of(cls, client: ApiClient, clinic: Clinic, route: str, **given: Any) -> "Copy":
        """Return an empty copy of the list that `route` leads to."""
        return cls(client, route, f"/{route}".replace("<org_id>", str(clinic.organization.uuid)), **given)

    @property
    def is_public(self) -> bool:
        """Whether the list speaks the public dialect."""
        return self.route.startswith(PUBLIC)

    def page(self, **query: Any) -> Any:
        """Ask for the next page."""
        after, first = ("cursor", "perPage") if self.is_public else ("after", "first")
        query = {first: self.size, **({after: self.cursor} if self.cursor else {}), **query}
        return self.client.get(self.address, query)

    def poll(self) -> list[dict]:
        """Bring the copy up to date, as docs/changes.md says, and return the changes that came."""
        settled()
        came = []
        while True:
            answer = self.page()
            if answer.status_code == 410:
                self.cursor, self.objects, self.begun = None, {}, self.begun + 1
                continue
            assert answer.status_code == 200, answer.content
            changes, has_more = self._take(answer.json())
            came += changes
            if not has_more:
                return came

    def _take(self, page: dict) -> tuple[list[dict], bool]:
        assert len(page["data"]) <= self.size
        for change in page["data"]:
            assert change["deleted"] == (change["object"] is None)
            self.objects.pop(change["id"], None)
            if not change["deleted"]:
                self.objects[change["id"]] = change["object"]
        if self.is_public:
            self.cursor = page["meta"]["changesCursor"]
            return page["data"], page["meta"]["nextCursor"] is not None
        self.cursor = page["page_info"]["end_cursor"]
        return page["data"], page["page_info"]["has_next_page"]

    def stored(self, actor: Actor, clinic: Clinic) -> dict[str, Any]:
        """Return what `objects` must be: the rows that the actor sees, but for those that are gone, as other reads show them."""
        shown = type(LISTS[self.route].serializer_class().fields["object"])
        model = shown.Meta.model
        gone = GONE.get(model, Q(deleted_at__isnull=False) if has_column(model, "deleted_at") else Q(pk=None))
        plan = response_plan(shown)
        here = scope(actor, model._base_manager.filter(organization=clinic.organization)).exclude(gone)
        rows = Query.in_scope(model, actor, clinic.organization.pk).filter(pk__anyof=list(here.values_list("pk", flat=True)))
        objects = json.loads(to_json(plan.objects(rows.rows(plan.columns), actor)))
        return {one["id"]: one for one in objects}


def without_names(value: Any) -> Any:
    """Return `value` without the names of other rows, which change without it."""
    if isinstance(value, list):
        return [without_names(inner) for inner in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"uuid", "name"}:
        return value["uuid"]
    return {name: without_names(inner) for name, inner in value.items() if name not in ("from_patient_name", "to_patient_name")}


def actor_of(clinic: Clinic, role: str) -> Actor:
    """Return the actor whom the clinic's key of `role` makes."""
    organization = type(clinic.organization).objects.get(pk=clinic.organization.pk)
    return Actor(
        role=role,
        user_id=clinic.users[role].pk,
        organization_id=organization.pk,
        organization_uuid=organization.uuid,
        group_ids=(clinic.group.pk,) if role in CAREGIVERS else (),
        catalog_version=organization.catalog_version,
    )
