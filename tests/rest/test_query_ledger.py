"""How many SQL statements a request costs: written down, and the same for 1, 10 and 50 rows."""

import datetime
import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Role
from accounts.models.catalogs import Catalog
from clinical.models import (
    Alert,
    Appointment,
    CommunicationLog,
    CommunicationType,
    Instrument,
    RuleOverride,
    SocialHistory,
    SocialHistoryCategory,
)
from patients.models import (
    FieldDefinition,
    FieldValue,
    Patient,
    PatientTag,
    ReferralAttribution,
    Relationship,
    TagDefinition,
)
from tests import policy
from tests.cast import ROUTES, model_of
from tests.conftest import ApiClient
from tests.factories import Clinic
from tests.policy import LIST, POLICY
from tests.sweeps import swept

SIZES = (1, 10, 50)
NUMBERS = itertools.count(1)


@dataclass(frozen=True)
class Cost:
    """Statements of one request, transaction control aside: on SQLite and on PostgreSQL.

    SQLite pays one to authenticate and one to count, one for the rows and one for each look-up that is not
    cached, and two for the audit of a read. PostgreSQL authenticates and counts by one statement, and
    reads, looks up and audits by another; a list by creation or change asks it for its horizon, and so does
    SQLite in lists of changes. A search finds whom it
    shows, and how many there are, by the statement that reads their rows. The typeahead finds them before: by one statement,
    and of a single word two on SQLite.
    """

    sqlite: int
    postgresql: int


PRACTICE, PUBLIC, GENERAL = "{base}/patients", "/v1/patients", "/general/v1/patients"
FILTERS = (
    "search=Last&dob_from=1950-01-01&dob_to=2020-01-01&status=active&primary_provider_uuid={provider}"
    "&location_uuid={location}&tag_definition_uuid={tag_definition}"
)

LEDGER: dict[str, Cost] = {
    f"{PRACTICE}?page_size=200": Cost(7, 2),
    f"{PRACTICE}?page_size=200&{FILTERS}": Cost(10, 5),
    f"{PRACTICE}?page_size=200&sort_by=created_at&sort_dir=desc": Cost(7, 2),
    f"{PRACTICE}/cursor": Cost(7, 2),
    f"{PRACTICE}/cursor?{FILTERS}": Cost(10, 5),
    f"{PRACTICE}/cursor?sort_by=updated_at": Cost(7, 3),
    f"{PRACTICE}/search?q=last": Cost(7, 3),
    f"{PRACTICE}/search?q=last+first": Cost(6, 3),
    f"{PRACTICE}/{{uuid}}": Cost(7, 2),
    "{base}/changes/patients": Cost(8, 3),
    "{base}/changes/tags": Cost(7, 3),
    f"{PUBLIC}": Cost(8, 3),
    f"{PUBLIC}?perPage=200": Cost(8, 3),
    f"{PUBLIC}/{{uuid}}": Cost(8, 2),
    "/v1/changes/patients": Cost(9, 3),
    f"{GENERAL}?page_size=200": Cost(5, 2),
    f"{GENERAL}?page_size=200&search=last": Cost(5, 2),
    f"{GENERAL}/{{id}}": Cost(5, 2),
}
"""Address -> what it costs an HC_ADMIN, whose catalogs are cached."""

WITHOUT_A_CACHE: dict[str, Cost] = {
    f"{PRACTICE}?page_size=200": Cost(13, 3),
    f"{PUBLIC}": Cost(9, 3),
    f"{GENERAL}?page_size=200": Cost(5, 2),
}
"""The same lists for an FC_ADMIN, who works in all organizations and fetches catalog rows by key."""


@pytest.fixture
def grow(clinic) -> Callable[[int], Patient]:
    """Return a function that raises the clinic's patients to a number, each with everything that look-ups find."""
    made: list[Patient] = []

    def to(size: int) -> Patient:
        guarantor = made[0] if made else None
        while len(made) < size:
            made.append(_referring(clinic, guarantor))
        return made[0]

    return to


def _referring(clinic: Clinic, guarantor: Patient | None) -> Patient:
    names = ("location", "fee_schedule", "billing_type", "employer")
    patient = clinic.enrolled(
        **{f"{name}_id": clinic.catalogs[name].pk for name in names},
        primary_provider_id=clinic.catalogs["provider"].pk,
        secondary_provider_id=clinic.catalogs["provider"].pk,
        care_group_id=clinic.group.pk,
        date_of_birth=datetime.date(1980, 1, 1),
        responsible_party_id=guarantor and guarantor.pk,
        identifiers=[{"system": "x", "value": f"{Patient.objects.count()}"}],
    )
    if guarantor is None:
        Patient.objects.filter(pk=patient.pk).update(responsible_party=clinic.patient(last_name="Zoë", first_name="Zoë"))
    clinic.tag(patient)
    return patient


def statements(speak: Callable[[], Any]) -> list[str]:
    """Return the SQL of one warm request: compiled before, catalogs cached, the key's last use noted."""
    warm = speak()
    assert warm.status_code == 200, warm.content
    with CaptureQueriesContext(connection) as queries:
        speak()
    control = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT", "SET ")
    return [query["sql"] for query in queries if not query["sql"].startswith(control)]


def address(line: str, clinic: Clinic, patient: Patient) -> str:
    catalogs = {name: clinic.catalogs[name].uuid for name in ("provider", "location", "tag_definition")}
    return line.format(base=clinic.base, uuid=patient.uuid, id=patient.pk, **catalogs)


Reader = tuple[str, str]
"""(role, address)."""
LISTED = f"{PRACTICE}?page_size=200"
READERS: dict[Reader, Cost] = (
    {(Role.HC_ADMIN, line): cost for line, cost in LEDGER.items()}
    | {(Role.FC_ADMIN, line): cost for line, cost in WITHOUT_A_CACHE.items()}
    # What a caregiver's scope asks more is in the same statements.
    | {(role, LISTED): LEDGER[LISTED] for role in (Role.HC_PRIMARY, Role.HC_VIEW_ALL)}
)


def client_of(clinic: Clinic, role: str, line: str) -> ApiClient:
    return ApiClient(clinic.keys[role], "X-User-Token" if line.startswith(GENERAL) else "Authorization")


def test_a_read_costs_what_the_ledger_says(clinic, grow):
    """One test for all reads, since the patients take longer than they do."""
    wrong = []
    for size in SIZES:
        patient = grow(size)
        for (role, line), cost in READERS.items():
            client, path = client_of(clinic, role, line), address(line, clinic, patient)
            found, expected = statements(lambda client=client, path=path: client.get(path)), getattr(cost, connection.vendor)
            if len(found) != expected:
                wrong.append(f"{role}, {line} with {size} rows: {len(found)}, not {expected}\n" + "\n".join(found))
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("query", [{}, {"status": "active"}])
def test_later_pages_cost_one_total_more_and_no_more(clinic, grow, api, query):
    grow(50)
    path = f"{clinic.base}/patients"
    first = statements(lambda: api().get(path, {**query, "page_size": "200"}))
    second = statements(lambda: api().get(path, {**query, "page_size": "10", "page": "2"}))
    assert len(second) == len(first) + 1
    assert sum("patients_patienttotal" in sql for sql in second) == 1
    assert not any(word in sql.lower() for sql in first for word in ("patients_patienttotal", "count(*)"))


def test_later_pages_of_a_search_cost_what_the_first_one_does(clinic, grow, api):
    grow(50)
    path = f"{clinic.base}/patients"
    first = statements(lambda: api().get(path, {"search": "last", "page_size": "200"}))
    second = statements(lambda: api().get(path, {"search": "last", "page_size": "10", "page": "2"}))
    assert len(second) == len(first)


def test_a_page_behind_a_cursor_costs_what_the_first_one_does(clinic, grow, api):
    grow(10)
    path = f"{clinic.base}/patients/cursor"
    after = api().get(path, {"first": "3"}).json()["page_info"]["end_cursor"]
    first = statements(lambda: api().get(path, {"first": "3"}))
    assert len(statements(lambda: api().get(path, {"first": "3", "after": after}))) == len(first)


# --- catalogs and appointments ----------------------------------------------------------------------

CATALOGS = sorted({route for route in ROUTES if issubclass(model_of(route), Catalog) and POLICY[route].get("GET") == LIST})
CATALOG_COST = Cost(3, 2)
"""A key with the rate limit, and the rows: reading a catalog leaves no event."""


@swept("route", CATALOGS, ["api/v1/<org_id>/providers"])
def test_a_catalog_costs_the_same_for_any_number_of_rows(clinic, api, route):
    model, path = model_of(route), f"/{route}".replace("<org_id>", str(clinic.organization.uuid))
    made = clinic.row(model)
    for size in SIZES:
        while model.objects.filter(organization=clinic.organization).count() < size:
            clinic.catalog(model, f"Row {next(NUMBERS)}", **clinic.least(model))
        for asked in (f"{path}?page_size=200&search=a", f"{path}/{made.uuid}"):
            found = statements(lambda asked=asked: api().get(asked))
            assert len(found) == getattr(CATALOG_COST, connection.vendor), f"{asked} with {size} rows\n" + "\n".join(found)


def test_appointments_cost_the_same_for_any_number_of_rows(clinic, api):
    provider, location = clinic.catalogs["provider"].pk, clinic.catalogs["location"].pk
    for size in SIZES:
        while Appointment.objects.count() < size:
            made = clinic.appointment(clinic.patient(), provider_id=provider, location_id=location)
        for asked in (f"{clinic.base}/appointments?page_size=200", f"{clinic.base}/appointments/{made.uuid}"):
            found = statements(lambda asked=asked: api().get(asked))
            assert len(found) == getattr(Cost(6, 2), connection.vendor), f"{asked} with {size} rows\n" + "\n".join(found)


CHARTS = sorted(route for route in ROUTES if policy.chart_of(route) == route.rpartition("/")[2] and "GET" in POLICY[route])
CHART_COST = Cost(7, 3)
"""A key with the rate limit, the patient, and the rows with the patient's name and the audit of the read."""


@swept("route", CHARTS, ["api/v1/<org_id>/patients/<patient_uuid>/allergies"])
def test_a_chart_costs_the_same_for_any_number_of_entries(clinic, api, route):
    model, patient = model_of(route), clinic.patient()
    path = f"/{route}".replace("<org_id>", str(clinic.organization.uuid)).replace("<patient_uuid>", str(patient.uuid))
    for size in SIZES:
        while model._base_manager.filter(patient=patient).count() < min(size, MOST.get(model, size)):
            made = clinic.entry(model, patient, **ANOTHER.get(model, lambda clinic: {})(clinic))
        for asked in (f"{path}?page_size=200", f"{path}/{made.uuid}"):
            found = statements(lambda asked=asked: api().get(asked))
            cost = getattr(CHART_COSTS.get(model, CHART_COST), connection.vendor)
            assert len(found) == cost, f"{asked} with {size} rows\n" + "\n".join(found)


CHART_COSTS: dict = {CommunicationLog: Cost(9, 3), FieldValue: Cost(6, 3), PatientTag: Cost(8, 3)}
"""What charts cost whose entries show no patient's name, or more than that: a user's, an appointment."""
ANOTHER: dict = {
    CommunicationLog: lambda clinic: {
        "communication_type_id": clinic.row(CommunicationType).pk,
        "appointment_id": clinic.appointment(clinic.patient()).pk,
        "created_by_id": clinic.users[Role.HC_PRIMARY].pk,
    },
    FieldValue: lambda clinic: {"field_definition_id": clinic.catalog(FieldDefinition, "One more", field_type="text").pk},
    PatientTag: lambda clinic: {
        "tag_definition_id": clinic.catalog(TagDefinition, "One more").pk,
        "assigned_by_id": clinic.users[Role.HC_PRIMARY].pk,
    },
    ReferralAttribution: lambda clinic: {
        "attribution_role": "secondary",
        "provider_id": None,
        "referring_patient_id": clinic.patient().pk,
    },
    Relationship: lambda clinic: {"to_patient_id": clinic.patient().pk},
    RuleOverride: lambda clinic: {
        "kind": "overdue",
        "instrument_id": clinic.catalog(Instrument, "Scales", code=f"scales-{next(NUMBERS)}").pk,
        "rules": [],
    },
    SocialHistory: lambda clinic: {"category": SocialHistoryCategory.values[SocialHistory.objects.count()]},
}
"""What makes one more entry of a chart: another one where two cannot be alike, a full one where look-ups cost."""
MOST: dict = {SocialHistory: len(SocialHistoryCategory)}
"""How many entries a chart can have where there is a limit."""


@pytest.mark.parametrize(("action", "guardian"), [("guardians", False), ("dependents", True)])
def test_guardianships_cost_the_same_for_any_number_of_rows(clinic, api, action, guardian):
    patient = clinic.patient()
    path = f"{clinic.base}/patients/{patient.uuid}/{action}"
    for size in SIZES:
        while len(api().get(path).json()) < size:
            one, other = (patient, clinic.patient()) if guardian else (clinic.patient(), patient)
            clinic.entry(Relationship, one, to_patient_id=other.pk, is_guardian=True)
        found = statements(lambda: api().get(path))
        assert len(found) == getattr(CHART_COST, connection.vendor), f"{action} with {size} rows\n" + "\n".join(found)


def test_alerts_cost_the_same_for_any_number_of_relatives(clinic, api):
    guarantor = clinic.patient(care_group_id=clinic.group.pk)
    patient = clinic.patient(care_group_id=clinic.group.pk, responsible_party_id=guarantor.pk)
    queries = ("include_family=true", "include_family=true&status=active", "status=disabled")
    for size in SIZES:
        while Alert.objects.count() < size:
            relative = clinic.patient(care_group_id=clinic.group.pk, responsible_party_id=guarantor.pk)
            clinic.entry(Alert, relative, alert_scope="family")
        clinic.entry(Alert, patient, disable_on=datetime.date(2020, 1, 1))
        for role, query in itertools.product((Role.HC_ADMIN, Role.HC_PRIMARY), queries):
            path = f"{clinic.base}/patients/{patient.uuid}/alerts?page_size=200&{query}"
            found = statements(lambda role=role, path=path: api(role).get(path))
            cost = getattr(CHART_COST, connection.vendor)
            assert len(found) == cost, f"{role}, {query} with {size} rows\n" + "\n".join(found)
