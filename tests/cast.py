"""The cast of the tenancy sweep: an object in every place of tests/policy.py, a key for every caller, and every URL."""

import datetime
import itertools
import json
import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from django.db import connection, transaction
from django.db.models import Model
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from accounts.models import CareGroup, Role, User, UserStatus
from accounts.models.catalogs import Catalog
from accounts.services.catalogs import archive_catalog_row
from accounts.services.keys import revoke_key
from accounts.services.users import create_user
from clinical.models import Appointment, RuleOverride, SocialHistory
from exports.models import WebhookDelivery, WebhookEndpoint
from exports.services import archive_endpoint
from patients.models import ChartEntry, Patient, PatientTag, ReferralAttribution, Relationship, TagDefinition
from tests import policy
from tests.conftest import ApiClient
from tests.factories import SYSTEM, Clinic, archive, key_row, new_key
from tests.policy import POLICY, Caller, Dialect, Place
from tests.shared import note_use_of_keys

_numbers = itertools.count(1)


def endpoints(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (route, view) of every line of the URL conf that belongs to a dialect."""
    for line in (resolver or get_resolver()).url_patterns:
        route = prefix + str(line.pattern)
        if isinstance(line, URLResolver):
            yield from endpoints(line, route)
        elif isinstance(line, URLPattern) and route.lstrip("^").startswith(tuple(Dialect)):
            yield route, line.callback


VIEWS = dict(endpoints())
ROUTES = sorted(set(VIEWS) & set(POLICY))
"""The routes that have a policy; one test tells of those that have none."""


def model_of(route: str) -> type:
    """Return the model of the objects that `route` leads to; a patient for a path that leads nowhere."""
    return getattr(VIEWS[route].cls, "model", Patient)


class Cast:
    """A clinic with a parent, a child and a neighbour, a patient in every place and a key for every caller."""

    def __init__(self) -> None:
        parent = Clinic("Parent")
        self.clinic = Clinic("Hill Valley", parent=parent.organization)
        others = {Place.PARENT: parent, Place.FOREIGN: Clinic("Elm Street")}
        others[Place.CHILD] = Clinic("Child", parent=self.clinic.organization)
        self.clinics = {Place.OWN: self.clinic, **others}
        self.patients = {place: self._patient(other, other.group) for place, other in others.items()}
        self.patients[Place.FOREIGN_UNDER_OWN_PATH] = self.patients[Place.FOREIGN]
        self.patients[Place.OWN] = self._patient(
            self.clinic, self.clinic.group, user_id=self.clinic.users[Role.PATIENT].pk, mobile_phone="+31612345678"
        )
        self.patients[Place.OTHER_GROUP] = self._patient(self.clinic, self.clinic.other_group)
        self.patients[Place.NO_GROUP] = self._patient(self.clinic, None)
        self.patients[Place.ARCHIVED] = archive(self._patient(self.clinic, self.clinic.group))
        for other in others.values():
            # A list of care groups then has one row in each place.
            archive_catalog_row(actor=SYSTEM, row=other.other_group, base_version=1)
        for each in self.clinics.values():
            # Archived, so that no list shows them.
            archive(each.relative)
        self.keys = self._keys()
        # Otherwise each request would note it anew, since `ask` takes that back.
        note_use_of_keys()
        self._paths: dict[tuple[str, Place], str] = {}

    def _patient(self, clinic: Clinic, group: CareGroup | None, **values) -> Patient:
        return clinic.patient(last_name=f"Lantern {next(_numbers)}", care_group_id=group and group.pk, **values)

    def _keys(self) -> dict[Caller, str | None]:
        keys: dict[Caller, str | None] = {Caller(role): key for role, key in self.clinic.keys.items()}
        admin = self.clinic.users[Role.HC_ADMIN]
        keys[Caller.NO_KEY] = None
        keys[Caller.REVOKED] = new_key(admin)
        revoke_key(actor=SYSTEM, key=key_row(keys[Caller.REVOKED]))
        keys[Caller.EXPIRED] = new_key(admin, expires_at=timezone.now() - datetime.timedelta(seconds=1))
        leaver = create_user(
            actor=SYSTEM,
            email="leaver@hill-valley.test",
            role=Role.HC_ADMIN,
            organization=self.clinic.organization,
        )
        keys[Caller.INACTIVE] = new_key(leaver)
        # Past the service, which would also revoke the key.
        User.objects.filter(pk=leaver.pk).update(status=UserStatus.STOPPED)
        return keys

    def client(self, route: str, caller: Caller) -> ApiClient:
        header = "X-User-Token" if policy.dialect_of(route) is Dialect.GENERAL else "Authorization"
        return ApiClient(self.keys[caller], header)

    def path(self, route: str, place: Place) -> str:
        """Return the address of `route` for the object in `place`; the same one each time."""
        if (route, place) not in self._paths:
            self._paths[route, place] = self._path(route, place)
        return self._paths[route, place]

    def _path(self, route: str, place: Place) -> str:
        if route.startswith("^"):
            return f"/{route[1:]}v1/nothing/here"
        whole = policy.dialect_of(route) is Dialect.GENERAL
        filled = route.replace("<org_id>", self._organization_id(place))
        user = self.clinics.get(place, self.clinic).users[Role.HC_VIEW_ALL]
        unknown = {Place.RANDOM: str(uuid.uuid4()), Place.MALFORMED: "not-a-uuid"}
        filled = filled.replace("<user_id>", unknown.get(place, str(user.uuid)))
        filled = filled.replace("<key_id>", user.api_keys.get().key_id)
        filled = re.sub(r"<patient_(uu)?id>", self._patient_id(place, whole), filled)
        filled = re.sub(r"<\w+>", lambda _: self.object_id(route, place, whole), filled)
        if route.startswith(("v1/export/measurements", "v1/export/alerts")):
            filled += "?startDate=2000-01-01&endDate=2099-12-31"
        queries = {"/search": "?q=Lantern", "<attribution_uuid>/archive": "?base_version=1"}
        return f"/{filled}" + next((query for end, query in queries.items() if route.endswith(end)), "")

    def _patient_id(self, place: Place, whole: bool = False) -> str:
        patient = self.patients.get(place, self.patients[Place.OWN])
        return self._nowhere(place, whole) or str(patient.pk if whole else patient.uuid)

    def _nowhere(self, place: Place, whole: bool) -> str | None:
        """Return an id of nothing, None for the places in which objects stand."""
        if place is Place.MALFORMED:
            return "1049.0" if whole else "not-a-uuid"
        if place is Place.RANDOM:
            return str(2**62) if whole else str(uuid.uuid4())
        return None

    def _organization_id(self, place: Place) -> str:
        if place is Place.MALFORMED_ORGANIZATION:
            return "not-a-uuid"
        if place is Place.RANDOM_ORGANIZATION:
            return str(uuid.uuid4())
        return str(self.clinics.get(place, self.clinic).organization.uuid)

    def object_id(self, route: str, place: Place, whole: bool = False) -> str:
        """Return the id, in a path, of the object of `route` that stands in `place`."""
        if nowhere := self._nowhere(place, whole):
            return nowhere
        found = self.object(route, place)
        return str(found.pk if whole else found.uuid)

    def object(self, route: str, place: Place) -> Any:
        """Return the object of `route` that stands in `place`, made when it is first asked for."""
        model = model_of(route)
        if model is CareGroup and place is Place.OTHER_GROUP:
            return self.clinic.other_group
        if model in (WebhookEndpoint, WebhookDelivery):
            return self._endpoint(place)
        if issubclass(model, Catalog):
            return self._archived_row(model) if place is Place.ARCHIVED else self._home(place).row(model)
        if place not in self.patients:
            return self.object(route, Place.OWN)
        patient = self.patients[place]
        return self.entry(model, place) if issubclass(model, ChartEntry) else patient

    def _duplicate(self, place: Place) -> Patient:
        """Return a record that may be merged into the patient in `place`, made when it is first asked for.

        It is in no care group and has another name, so that nothing else asks for it.
        """
        clinic = self._home(place)
        found = Patient.objects.filter(organization=clinic.organization, last_name="Twice").first()
        return found or clinic.patient(last_name="Twice")

    def _home(self, place: Place) -> Clinic:
        """Return the clinic in which the objects of `place` stand."""
        return self.clinics[Place.FOREIGN] if place is Place.FOREIGN_UNDER_OWN_PATH else self.clinics.get(place, self.clinic)

    def _endpoint(self, place: Place) -> WebhookEndpoint:
        """Return the webhook endpoint of the clinic in `place`, or the one that it has archived."""
        home, archived = self._home(place), place is Place.ARCHIVED
        rows = WebhookEndpoint.objects.filter(organization=home.organization, deleted_at__isnull=not archived)
        if (found := rows.first()) is None:
            found = home.endpoint()
            if archived:
                archive_endpoint(actor=SYSTEM, endpoint=found, base_version=1)
        return found

    def _archived_row(self, model: type[Catalog]) -> Catalog:
        found = model.objects.filter(organization=self.clinic.organization).exclude(deleted_at=None).first()
        if found is None:
            self.clinic.row(model)
            found = self.clinic.catalog(model, "Gone", **self.clinic.least(model))
            archive_catalog_row(actor=SYSTEM, row=found, base_version=1)
        return found

    def entry(self, model: type[ChartEntry], place: Place) -> ChartEntry:
        """Return the entry of `model` on the chart of the patient in `place`; archived patients have theirs from before."""
        patient = self.patients[place]
        found = model._base_manager.filter(patient=patient).first()
        if found is None:
            found = model(patient=patient, organization_id=patient.organization_id, **self._home(place).least_entry(model))
            found.save(force_insert=True)
        return found

    def body(self, route: str, method: str, place: Place = Place.OWN) -> dict | None:
        """Return a body that is good wherever the caller may write."""
        if method not in ("POST", "PUT", "PATCH"):
            return None
        named = {"first_name": "Ada", "last_name": "Lovelace"}
        match policy.dialect_of(route):
            case Dialect.GENERAL if route.endswith("/gauges"):
                return {"gauge": {"gauge_type": "mood", "value": 7}}
            case Dialect.GENERAL:
                return {"patient": {**named, "date_of_birth": "1980-05-17"}}
            case Dialect.PUBLIC:
                end = next((end for end in PUBLIC_BODIES if end in route), None)
                return PUBLIC_BODIES[end] if end else public_body(self.clinic)
        return self._practice_body(route, method, place, named)

    def _practice_body(self, route: str, method: str, place: Place, named: dict[str, str]) -> dict:
        if route.endswith("/bulk"):
            return {"rows": [named]}
        if route.endswith("/merge"):
            versions = {"base_version": self.object(route, place).version, "other_base_version": self._duplicate(place).version}
            return {"other_patient_uuid": str(self._duplicate(place).uuid), **versions}
        if route.endswith("/bulk-dismiss"):
            return {"alert_uuids": [str(self.object(route, place).uuid)]}
        if method == "PUT":
            return {"fields": [self._new(model_of(route), place)]}
        if route.endswith("/replay"):
            return {"since": timezone.now().isoformat()}
        if method == "PATCH" or ("_uuid>" in route and not _adds(route)):
            version = {"base_version": getattr(self.object(route, place), "version", 1)}
            return (
                version
                if policy.catalog_of(route) or "<endpoint_uuid>" in route
                else {**named, **version, "new_status": "inactive"}
            )
        return self._new(model_of(route), place) or named

    def _new(self, model, place: Place) -> dict[str, Any]:
        """Return a body that makes an entry of a chart, or a row of a catalog; an empty one for other models."""
        if issubclass(model, ChartEntry):
            named = {"patient_uuid": self._patient_id(place)} if model is Appointment else {}
            return named | another(self._home(place), model)
        if model is WebhookEndpoint:
            return {"url": "https://hooks.clinic.example/new", "description": "New"}
        if not issubclass(model, Catalog):
            return {}
        return {"name": f"New {next(_numbers)}"} | wire(model, self._home(place).least(model))


PUBLIC_BODIES: dict[str, dict[str, Any]] = {
    "<user_id>": {"description": "tablet"},
    "/alerts": {"status": "processed"},
    "/measurements": {"instrument": "mood", "value": 7},
    "/plannedActions": {"instrument": "mood", "notBefore": "2099-01-01T00:00:00Z", "expiresAt": "2099-01-02T00:00:00Z"},
    "/ratings": {"score": 450},
}
"""What bodies of the public dialect hold, by a part of their route."""
UNLIKE: dict[type[ChartEntry], Callable[[Clinic], dict[str, Any]]] = {
    PatientTag: lambda clinic: {"tag_definition_id": clinic.catalog(TagDefinition, f"Another {next(_numbers)}").pk},
    ReferralAttribution: lambda clinic: {"attribution_role": "secondary"},
    Relationship: lambda clinic: {"to_patient_id": clinic.patient(care_group_id=clinic.group.pk).pk},
    SocialHistory: lambda clinic: {"category": "alcohol"},
    RuleOverride: lambda clinic: {"kind": "combination", "rules": []},
}
"""What a second entry of the same chart needs to be another one."""


def another(clinic: Clinic, model: type[ChartEntry]) -> dict[str, Any]:
    """Return a body that adds an entry to a chart which may have one."""
    return wire(model, clinic.least_entry(model) | UNLIKE.get(model, lambda clinic: {})(clinic))


def _adds(route: str) -> bool:
    """Tell whether a POST to `route` adds an entry to a chart."""
    return policy.chart_of(route) == route.rpartition("/")[2]


def wire(model, values: dict[str, Any]) -> dict[str, Any]:
    """Return columns of `model` as a body names them."""
    return dict(_on_the_wire(model._meta.get_field(name), value) for name, value in values.items())


def _on_the_wire(column, value: Any) -> tuple[str, Any]:
    if column.is_relation:
        row = value if isinstance(value, Model) else column.related_model._base_manager.get(pk=value)
        return f"{column.name}_uuid", str(row.uuid)
    return column.name, value.isoformat() if hasattr(value, "isoformat") else value


def public_body(clinic: Clinic, **values) -> dict:
    """Return a good body of POST /v1/patients in `clinic`."""
    number = next(_numbers)
    return {
        "accountName": f"ada{number}",
        "email": "ada@example.test",
        "firstName": "Ada",
        "lastName": "Lovelace",
        "sex": "female",
        "organizationId": str(clinic.organization.uuid),
        "groupId": str(clinic.group.uuid),
        "programId": str(clinic.catalogs["program"].uuid),
        "protocolId": str(clinic.catalogs["protocol"].uuid),
        **values,
    }


def ask(client: ApiClient, method: str, path: str, body: Any = None):
    """Send a request and take back whatever it wrote."""
    with transaction.atomic():
        response = client(method, path, body)
        transaction.set_rollback(True)
    return response


def shown(route: str, response) -> tuple[set[str], int | None]:
    """Return the ids that a list shows, and the total that it tells (None where it tells none)."""
    data = json.loads(response.content)
    match policy.dialect_of(route):
        case Dialect.GENERAL:
            return {str(item["id"]) for item in data}, int(response["X-Total"])
        case Dialect.PUBLIC:
            return {item["id"] for item in data["data"]}, None
    items = data["data"] if route.endswith("/cursor") else data["items"]
    return {item["id"] for item in items}, data.get("total")


def ask_counting(client: ApiClient, method: str, path: str, body: Any = None) -> tuple[Any, int]:
    """Do as `ask`, and return also how many statements it took."""
    statements = itertools.count()

    def count(execute: Callable, *arguments: Any) -> Any:
        next(statements)
        return execute(*arguments)

    with connection.execute_wrapper(count):
        response = ask(client, method, path, body)
    return response, next(statements)


def traces(client: ApiClient, method: str, path: str, body: Any) -> tuple:
    """Return all that an answer tells; the request is sent once before, so that what is kept between requests is there."""
    ask(client, method, path, body)
    return traces_of(*ask_counting(client, method, path, body))


def traces_of(response: Any, statements: int) -> tuple:
    """Return all that an answer tells: status, body, header names, and how many statements it took."""
    return response.status_code, response.content, sorted(response.headers), statements
