"""The charts of the practice dialect as a caller meets them, read off the views that are there."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from rest_framework import serializers

from clinical.models import MonitoringAlert, StarRating
from patients.models import ChartEntry, Patient
from patients.practice.charts import ChartViewSet
from tests import policy
from tests.cast import PUBLIC_BODIES, VIEWS, another, model_of, wire
from tests.conftest import ApiClient
from tests.declared import body_serializers
from tests.factories import Clinic
from tests.policy import Dialect
from tests.rest.wire import Wire

UUID = "9890ed24-5b3e-7c5a-9d51-0e3f2a9c4b10"
Path = tuple[str, ...]
"""Where a field stands in a body. A name that ends in [] is a list of which the next name, or the field, is the first."""


@dataclass(frozen=True)
class ChartBody:
    """The body of one operation on charts."""

    route: str
    method: str
    action: str
    view: type[ChartViewSet]

    def __str__(self) -> str:
        return f"{self.method} {self.route.partition('<patient_uuid>/')[2] or self.route}"

    @property
    def dialect(self) -> str:
        return policy.dialect_of(self.route).name.lower()

    @property
    def list_route(self) -> str:
        """The route that lists what this body has written, among others."""
        return LISTS.get(policy.chart_of(self.route), LISTED_ELSEWHERE.get(self.view.model, self.route))

    def wrapped(self, values: Any) -> Any:
        """Return `values` in the wrapper of the dialect, if it has one."""
        wrapper = getattr(self.view, "wrapper", "")
        return {wrapper: values} if wrapper else values

    def fields(self) -> dict[Path, serializers.Field]:
        """Return the leaves of the body, and the lists in it, by their paths."""
        return dict(_leaves(body_serializers(self.view)[self.action]()))


def _leaves(serializer: serializers.BaseSerializer, path: Path = ()) -> Iterator[tuple[Path, serializers.Field]]:
    for name, field in serializer.fields.items():
        if isinstance(field, serializers.ListSerializer):
            yield (*path, name), field
            yield from _leaves(field.child, (*path, f"{name}[]"))
        elif isinstance(field, serializers.ListField):
            yield (*path, name), field
            yield (*path, f"{name}[]"), field.child
        elif not field.read_only:
            yield (*path, name), field


def _on_charts(route: str, view: type) -> bool:
    """Tell whether `route` leads to entries of charts: inside a patient, or what the other dialects have of them."""
    if policy.dialect_of(route) is Dialect.PRACTICE:
        return issubclass(view, ChartViewSet) and policy.chart_of(route) is not None
    return issubclass(model_of(route), ChartEntry) and not route.startswith("v1/export/")


VIEWS_OF_CHARTS = {route: view for route, view in sorted(VIEWS.items()) if _on_charts(route, view.cls)}
LISTS = {policy.chart_of(route): route for route in VIEWS_OF_CHARTS if policy.chart_of(route) == route.rpartition("/")[2]}
"""Kind of entries of the practice dialect -> the route of its list."""
LISTED_ELSEWHERE = {MonitoringAlert: "v1/alerts", StarRating: "v1/export/starRatings"}
"""What is not listed where it is written."""
GAUGE = {"gauge_type": "mood", "value": 7}
"""A body of the general dialect that is taken."""

BODIES = [
    ChartBody(route, method.upper(), action, view.cls)
    for route, view in VIEWS_OF_CHARTS.items()
    for method, action in view.actions.items()
    if method != "head" and action in body_serializers(view.cls)
]


def address(clinic: Clinic, patient: Patient, route: str, entry: ChartEntry | None = None) -> str:
    """Return the address of `route` for a patient, and for `entry` where the route leads to one."""
    whole = policy.dialect_of(route) is Dialect.GENERAL
    filled = f"/{route}".replace("<org_id>", str(clinic.organization.uuid)).replace("<patient_uuid>", str(patient.uuid))
    filled = filled.replace("<patient_id>", str(patient.pk if whole else patient.uuid))
    head, mark, tail = filled.partition("<")
    return f"{head}{entry.uuid if entry else UUID}{tail.partition('>')[2]}" if mark else filled


class Chart:
    """The chart of one patient, with one entry of the kind that `body` is about."""

    def __init__(self, clinic: Clinic, body: ChartBody):
        self.clinic, self.body, self.patient = clinic, body, clinic.patient()
        self.wire = Wire(body.dialect, clinic)

    @cached_property
    def entry(self) -> Any:
        """The entry that is there from the beginning."""
        return self.clinic.entry(self.body.view.model, self.patient)

    @property
    def path(self) -> str:
        return address(self.clinic, self.patient, self.body.route, self.entry)

    @property
    def list_path(self) -> str:
        return address(self.clinic, self.patient, self.body.list_route)

    def send(self, values: Any, client: ApiClient | None = None, path: str = "", **headers: str):
        """Send a body that holds `values`."""
        return (client or self.wire.client())(self.body.method, path or self.path, self.body.wrapped(values), **headers)

    def written(self, answer) -> Any:
        """Return the row that `answer` shows."""
        shown = answer.json()["data"] if self.body.dialect == "public" else answer.json()
        name = "pk" if self.body.dialect == "general" else "uuid"
        return self.body.view.model._base_manager.get(**{name: shown["id"]})

    def least(self) -> dict[str, Any]:
        """Return values that are taken: a second entry, or the version of the one that is there."""
        model, fields = self.body.view.model, self.body.fields()
        if self.body.dialect == "public":
            return next(values for part, values in PUBLIC_BODIES.items() if part in self.body.route)
        if self.body.dialect == "general":
            return GAUGE
        if self.body.action == "create":
            return another(self.clinic, model)
        if self.body.method == "PUT":
            return {"fields": [wire(model, self.clinic.least_entry(model))]}
        return {"base_version": self.entry.version} if ("base_version",) in fields else {"alert_uuids": []}

    def stored(self) -> list[dict]:
        """Return all that is stored of the patient and of entries of this kind."""
        of_patient = Patient.objects.filter(pk=self.patient.pk).values()
        return [*of_patient, *self.body.view.model._base_manager.order_by("pk").values()]


def nested(values: dict[Path, Any], body: dict[str, Any]) -> dict[str, Any]:
    """Return `body` with `values`, by path, over what it holds."""
    made = copy.deepcopy(body)
    for path, value in values.items():
        place: Any = made
        for name in path[:-1]:
            place = place[name.removesuffix("[]")]
            place = place[0] if name.endswith("[]") else place
        last = path[-1].removesuffix("[]")
        place[last] = [value] if path[-1].endswith("[]") else value
    return made


def dotted(path: Path) -> str:
    """Return `path` as an answer of 422 names it."""
    return ".".join(path).replace("[]", ".0")
