"""Totals of patients: what is counted without counting, and what is not."""

import datetime
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.core.paginator import Paginator
from django.db import connection, transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Upper
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.admin.totals import TotalsPaginator
from accounts.models import Role
from accounts.scope import Actor
from config.core.bulk_writes import FEW, PreparedUpdate, insert_many, run_updates
from config.core.totals import number_of, totals_for
from config.rest.compiled.queries import NOT_ARCHIVED, OfOrganization, Query, Where, comparison, in_scope
from patients.filters import ARCHIVED
from patients.models import Location, Patient, PatientTag, PatientTotal, Status
from patients.practice.filters import PracticePatientFilterSet
from patients.triggers import TOTALS
from tests import totals
from tests.factories import archive
from tests.pages import sign_in, url

STATUSES = [status for status in Status.values if status != Status.ARCHIVED]


# --- what totals tell --------------------------------------------------------------------------------
@contextmanager
def counting() -> Iterator[list[str]]:
    """Collect the SQL of what is counted or summed meanwhile."""
    found: list[str] = []
    with CaptureQueriesContext(connection) as queries:
        yield found
    found += [query["sql"] for query in queries if "count(*)" in query["sql"].lower() or "sum(" in query["sql"].lower()]


def tells(sql: str) -> bool:
    """Tell whether `sql` reads totals and no patient."""
    return "patients_patienttotal" in sql and 'FROM "patients_patient"' not in sql


# Filters -> how many patients an administrator and a caregiver find.
KNOWN: list[tuple[dict[str, str], int, int]] = [
    ({}, 4, 3),
    ({"status": "active"}, 1, 1),
    ({"status": "archived"}, 1, 1),
    ({"location_uuid": "location"}, 2, 1),
    ({"status": "deceased"}, 1, 0),
    ({"status": "inactive", "location_uuid": "location"}, 0, 0),
]
UNKNOWN: list[dict[str, str]] = [
    {"search": "last"},
    {"primary_provider_uuid": "provider"},
    {"dob_from": "1900-01-01"},
    {"dob_to": "2100-01-01"},
    {"tag_definition_uuid": "tag_definition"},
    {"updated_since": "2000-01-01T00:00:00Z"},
]


@pytest.fixture
def listed(clinic, api):
    """Return `listed(role, query)`: the total of the practice list, and what counted it; catalogs are named by their keys."""
    for number in range(4):
        patient = clinic.enrolled(
            status=STATUSES[number],
            location_id=clinic.catalogs["location"].pk if number % 2 else None,
            care_group_id=(clinic.group if number < 3 else clinic.other_group).pk,
            primary_provider_id=clinic.catalogs["provider"].pk,
            date_of_birth=datetime.date(1980, 1, 1),
        )
        clinic.tag(patient)
    archive(clinic.patient(care_group_id=clinic.group.pk, location_id=clinic.catalogs["location"].pk))

    def ask(role: str, query: dict[str, str]) -> tuple[int, str]:
        named = {name: str(clinic.catalogs[value].uuid) if value in clinic.catalogs else value for name, value in query.items()}
        with counting() as statements:
            # A page after the last has to ask for the total.
            answer = api(role).get(f"{clinic.base}/patients", {**named, "page": "3", "page_size": "200"})
        # A search counts what it finds with the page, which is empty here, and then once more.
        return answer.json()["total"], statements[-1]

    return ask


@pytest.mark.parametrize(("query", "all_of_them", "of_the_group"), KNOWN, ids=str)
@pytest.mark.parametrize("role", [Role.FC_ADMIN, Role.HC_ADMIN, Role.HC_VIEW_ALL, Role.HC_PRIMARY])
def test_totals_tell_how_long_a_list_is(listed, role, query, all_of_them, of_the_group):
    total, sql = listed(role, query)
    assert (total, tells(sql)) == (of_the_group if role == Role.HC_PRIMARY else all_of_them, True)


@pytest.mark.parametrize("query", UNKNOWN, ids=str)
def test_what_totals_do_not_know_is_counted(listed, query):
    total, sql = listed(Role.HC_ADMIN, query)
    assert (total, tells(sql)) == (4, False)


def test_filters_are_known_or_counted_one_by_one():
    """A new filter of the list belongs into one of the two tests above."""
    tried = {name for query in (*[query for query, *_ in KNOWN], *UNKNOWN) for name in query}
    assert tried == set(PracticePatientFilterSet.base_filters)


def test_the_total_of_a_patients_own_list_is_counted(clinic, listed, api):
    clinic.patient(user_id=clinic.users[Role.PATIENT].pk)
    total, sql = listed(Role.PATIENT, {})
    assert (total, tells(sql)) == (1, False)


def test_the_general_dialect_reads_totals(general, listed):
    with counting() as statements:
        answer = general().get("/general/v1/patients", {"page": "3"})
    assert (answer.headers["X-Total"], [tells(sql) for sql in statements]) == ("4", [True])


@pytest.mark.parametrize(
    ("query", "expected", "told"),
    [({}, 4, True), ({"status": "archived"}, 1, True), ({"location__id__exact": "location"}, 2, True), ({"q": "last"}, 4, False)],
    ids=str,
)
def test_the_admin_reads_totals(clinic, listed, query, expected, told):
    named = {name: clinic.catalogs[value].pk if value in clinic.catalogs else value for name, value in query.items()}
    client = sign_in(clinic.users[Role.HC_ADMIN])
    with counting() as statements:
        answer = client.get(url(Patient, "changelist"), named)
    assert answer.context["cl"].result_count == expected
    # The sidebar counts the appointments of the day.
    assert [tells(sql) for sql in statements if 'FROM "patients_patient' in sql] == [told]


def test_counts_by_location_read_totals_unless_they_are_of_a_time(clinic, listed, api):
    path = f"{clinic.base}/patients/counts/by-location"
    with counting() as statements:
        counts = api().get(path, {"status_set": ["active", "deceased", "archived"]}).json()
    assert [item["count"] for item in counts["items"]] == [3]
    assert [tells(sql) for sql in statements] == [True]
    with counting() as statements:
        api().get(path, {"date_from": "2020-01-01"})
    assert [tells(sql) for sql in statements] == [False]


def test_a_location_that_everybody_has_left_is_no_longer_counted(clinic, api):
    patient = clinic.patient(location_id=clinic.catalogs["location"].pk)
    Patient.objects.filter(pk=patient.pk).update(location=None)
    counts = api().get(f"{clinic.base}/patients/counts/by-location").json()
    assert (counts["items"], counts["total"]) == ([], 1)


# --- conditions --------------------------------------------------------------------------------------
ANSWERED = [
    Q(),
    Q(status="active"),
    ~Q(status="active"),
    Q(status__in=["active", "archived"]) | Q(location=None),
    ~(Q(deleted_at=None) & Q(care_group__isnull=False)),
    Q(organization__id__gte=1),
    ~Q(location__id=1),
    Q(status__gt="b"),
]
OTHERS = [
    Q(first_name="x"),
    Q(status="active", first_name="x"),
    Q(status="active") | ~Q(first_name="x"),
    Q(deleted_at__lt=timezone.now()),
    Q(location__name="x"),
    Q(care_group_id=F("location_id")),
    Q(status__in=[F("state")]),
    Q(pk__in=[]),
    Q(Exists(PatientTag.objects.filter(patient=OuterRef("pk")))),
    Q(location__in=Location.objects.all()),
    Q(user=None),
]


@pytest.mark.django_db
@pytest.mark.parametrize("condition", ANSWERED)
def test_conditions_on_the_columns_of_totals_are_answered(listed, condition):
    rows = Patient.objects.filter(condition)
    assert totals_for(rows) is not None
    assert number_of(rows) == rows.count()


@pytest.mark.django_db
@pytest.mark.parametrize("condition", OTHERS)
def test_any_other_condition_is_not(listed, condition):
    rows = Patient.objects.filter(condition)
    assert totals_for(rows) is None
    assert number_of(rows) == rows.count()


def every_kind_of_queryset() -> dict[str, QuerySet]:
    rows = Patient.objects.all()
    return {
        "slice": rows[:1],
        "distinct": rows.values("status").distinct(),
        "grouped": rows.values("status").annotate(number=Count("pk")),
        "annotated": rows.annotate(upper=Upper("status")).filter(upper="ACTIVE"),
        "union": rows.order_by().union(rows.order_by()),
        "extra": rows.extra(where=["1 = 0"]),
        "joined": rows.filter(tags__isnull=False),
        "constant": rows.annotate(one=Value(1)).filter(one=2),
        "none": rows.none(),
    }


@pytest.mark.django_db
def test_rows_that_are_more_than_a_condition_are_counted(listed):
    for kind, rows in every_kind_of_queryset().items():
        assert totals_for(rows) is None, kind
        assert number_of(rows) == rows.count(), kind


@pytest.mark.django_db
def test_a_paginator_counts_what_has_no_totals(clinic):
    rows = Location.objects.order_by("pk")
    assert TotalsPaginator(rows, 10).count == Paginator(rows, 10).count > 0


# --- writes ------------------------------------------------------------------------------------------
# A write: (what, which patients, group, location, status), each but the first drawn by number.
WRITES = st.lists(
    st.tuples(
        st.sampled_from(["insert", "update", "prepared", "delete", "upsert", "rolled back"]),
        *[st.integers(0, 5) for _ in range(4)],
    ),
    min_size=1,
    max_size=12,
)


class Writes:
    """Writes of patients that no service makes."""

    def __init__(self, clinic):
        self.clinic = clinic
        self.groups = [None, clinic.group.pk, clinic.other_group.pk] * 2
        self.locations = [None, clinic.catalogs["location"].pk, clinic.catalog(Location, "Annex").pk] * 2
        self.statuses = [*Status.values, Status.ACTIVE]

    def run(self, what: str, which: int, *values: int) -> None:
        getattr(self, what.replace(" ", "_"))(which, self.values(*values))

    def values(self, group: int, location: int, status: int) -> dict[str, Any]:
        chosen = self.statuses[status]
        deleted_at = timezone.now() if chosen == Status.ARCHIVED else None
        places = {"care_group_id": self.groups[group], "location_id": self.locations[location]}
        return {**places, "status": chosen, "deleted_at": deleted_at}

    def rows(self, which: int) -> QuerySet:
        return Patient.objects.filter(organization=self.clinic.organization, consent_flags=which)

    def insert(self, which: int, values: dict[str, Any]) -> None:
        # Many at once take the COPY of PostgreSQL.
        number = FEW + 1 if which == 0 else which
        organization = self.clinic.organization
        insert_many(Patient, [Patient(organization=organization, consent_flags=which, **values) for _ in range(number)])

    def update(self, which: int, values: dict[str, Any]) -> None:
        self.rows(which).update(**values)

    def prepared(self, which: int, values: dict[str, Any]) -> None:
        run_updates([PreparedUpdate.of(row, row.version, values) for row in self.rows(which)])

    def delete(self, which: int, values: dict[str, Any]) -> None:
        self.rows(which).delete()

    def upsert(self, which: int, values: dict[str, Any]) -> None:
        found = {row.pk: row.uuid for row in self.rows(which)}
        # Beside those that are there, one that may be new.
        rows = {pk: Patient(pk=pk, uuid=uuid, organization=self.clinic.organization, **values) for pk, uuid in found.items()}
        rows.setdefault(10**9, Patient(pk=10**9, organization=self.clinic.organization, **values))
        Patient.objects.bulk_create(rows.values(), update_conflicts=True, unique_fields=["id"], update_fields=list(values))

    def rolled_back(self, which: int, values: dict[str, Any]) -> None:
        with transaction.atomic():
            self.insert(which, values)
            self.update(which, self.values(1, 1, which))
            transaction.set_rollback(True)


FILTERS = st.lists(st.tuples(st.sampled_from(Role.values), st.integers(0, 7)), min_size=5, max_size=5, unique=True)


@pytest.mark.sweep
@pytest.mark.django_db
def test_totals_are_numbers_of_patients_whatever_is_written(clinic):
    writes = Writes(clinic)

    @given(WRITES, FILTERS)
    @settings(max_examples=40, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    def agree(drawn: list[tuple], filters: list[tuple[str, int]]) -> None:
        with transaction.atomic():
            for write in drawn:
                writes.run(*write)
            assert totals.kept() == totals.counted()
            for role, number in filters:
                query = filtered(clinic, role, number)
                found = [location for _, location in query.rows(("pk", "location_id"))]
                assert query.count() == len(found), query.criteria
                assert query.count_by("location_id") == Counter(found), query.criteria
            transaction.set_rollback(True)

    agree()


def filtered(clinic, role: str, number: int) -> Query:
    """Return the patients that a role sees, by one of eight filters: six that totals know, and two that they do not."""
    organization = clinic.organization.pk
    actor = Actor(role, user_id=clinic.users[role].pk, organization_id=organization, group_ids=(clinic.group.pk,))
    filters = [
        [],
        [NOT_ARCHIVED],
        [ARCHIVED],
        [NOT_ARCHIVED, comparison(Patient, "status", "active")],
        [OfOrganization(organization), Where(Q(location=None))],
        [NOT_ARCHIVED, comparison(Patient, "location_id", clinic.catalogs["location"].pk)],
        [Where(Q(consent_flags__gt=1))],
        [Where(~Q(status="active") | Q(consent_flags=0, care_group=None))],
    ]
    return Query(Patient, [in_scope(actor), *filters[number]])


@pytest.mark.django_db
def test_rows_that_come_by_one_statement_are_counted(clinic):
    """And become others by one."""
    patient = clinic.patient(care_group_id=clinic.group.pk)
    columns = ", ".join(
        field.column for field in Patient._meta.concrete_fields if field.column not in ("id", "uuid", "account_name_key")
    )
    new = "gen_random_uuid()" if connection.vendor == "postgresql" else "lower(hex(randomblob(16)))"
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO patients_patient (uuid, {columns}) SELECT {new}, {columns} FROM patients_patient"  # noqa: S608
            " CROSS JOIN (SELECT id AS other FROM accounts_user) AS others WHERE patients_patient.id = %s",
            [patient.pk],
        )
        inserted = cursor.rowcount
        cursor.execute("UPDATE patients_patient SET organization_id = organization_id, status = 'inactive'")
    assert inserted > 1
    assert totals.kept() == totals.counted()
    assert totals.kept()[clinic.organization.pk, clinic.group.pk, None, "inactive"] == inserted + 1


@pytest.mark.django_db
def test_migrating_back_and_forth_counts_anew(clinic):
    patient = clinic.patient(care_group_id=clinic.group.pk)
    with connection.cursor() as cursor:
        editor = SimpleNamespace(connection=connection, execute=cursor.execute)
        # PostgreSQL alters no table of which something is still to be checked.
        connection.check_constraints()
        TOTALS.drop(apps, editor)
        assert totals.kept() == Counter()
        Patient.objects.filter(pk=patient.pk).update(status=Status.INACTIVE)
        assert totals.kept() == Counter()
        connection.check_constraints()
        TOTALS.make(apps, editor)
    assert totals.kept() == totals.counted()
    clinic.patient()
    assert totals.kept() == totals.counted()


@pytest.mark.django_db(transaction=True)
def test_rows_of_totals_stay_few(clinic):
    rows = Patient.objects.filter(pk=clinic.patient().pk)
    for number in range(150):
        rows.update(status=STATUSES[number % 2])
    kept = PatientTotal.objects.filter(organization=clinic.organization)
    assert kept.count() < 2 * 64 + len(STATUSES)
    assert totals.kept() == totals.counted()
