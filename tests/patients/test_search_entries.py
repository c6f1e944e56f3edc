"""The narrow tables that searches and the typeahead read say what the patients' own rows say."""

import datetime
import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import F, Q
from django.db.models.lookups import Exact
from django.test.utils import CaptureQueriesContext

from accounts.authentication import actor_of_user
from accounts.models import Role
from accounts.scope import scope_of
from config.rest.compiled.queries import Where
from patients.filters import ORDERINGS
from patients.finding import containing_words, find_patients
from patients.models import Location, NameKey, Patient, SearchEntry
from patients.search import name_keys
from patients.services.lifecycle import restore_patient
from patients.triggers import ENTRIES
from tests.factories import SYSTEM, archive

COLUMNS = [field.attname for field in SearchEntry._meta.concrete_fields]
PEOPLE = [
    ("Johanna", "Jansen", "J-1"),
    ("Jan", "Jansen-Jacobs", "J-2"),
    ("Emma", "de Jong", "E-1"),
    ("Jürgen", "Müller", "M-1"),
    ("Jan", "Jansen", None),
    ("Emma", "Jansen", "JJ-1"),
]


@pytest.fixture
def people(clinic) -> list[Patient]:
    names = ("first_name", "last_name", "chart_number")
    return [clinic.patient(**dict(zip(names, person, strict=True))) for person in PEOPLE]


def check_entries() -> None:
    """Check that there is an entry for each patient, and that it has the patient's values."""
    entries = set(SearchEntry.objects.values_list(*COLUMNS))
    assert entries == set(Patient.objects.values_list(*COLUMNS))
    assert len(entries) == SearchEntry.objects.count()


def test_entries_follow_every_write(clinic, api, people):
    check_entries()
    one, two = people[:2]
    change = {"base_version": 1, "last_name": "Other", "location_uuid": str(clinic.catalogs["location"].uuid)}
    assert api().patch(f"{clinic.base}/patients/{one.uuid}", change).status_code == 200
    rows = [{"first_name": "New", "last_name": f"Row {number}", "chart_number": f"R-{number}"} for number in range(30)]
    assert api().post(f"{clinic.base}/patients/bulk", {"rows": rows}).status_code == 200
    check_entries()
    archive(two)
    check_entries()
    assert SearchEntry.objects.get(pk=two.pk).status == "archived"
    restore_patient(actor=SYSTEM, patient_id=two.pk)
    Patient.objects.filter(first_name="New").update(care_group=clinic.group, date_of_birth="1980-05-17", deleted_at=None)
    check_entries()
    NameKey.objects.filter(patient__first_name="New").delete()
    Patient.objects.filter(first_name="New")._raw_delete("default")
    check_entries()
    assert SearchEntry.objects.count() == len(people)


def test_the_migration_copies_the_patients_who_exist(people):
    schema = SimpleNamespace(connection=connection, execute=lambda sql, params=None: connection.cursor().execute(sql, params))
    ENTRIES.drop(apps, schema)
    assert not SearchEntry.objects.exists()
    Patient.objects.filter(pk=people[0].pk).update(last_name_key="meanwhile")
    ENTRIES.make(apps, schema)
    check_entries()
    Patient.objects.filter(pk=people[0].pk).update(last_name_key="afterwards")
    check_entries()


def test_an_entry_is_in_scope_where_its_patient_is():
    assert scope_of(SearchEntry) == scope_of(Patient)


FILTERS = {
    "status": lambda clinic: "active",
    "primary_provider_uuid": lambda clinic: str(clinic.catalogs["provider"].uuid),
    "location_uuid": lambda clinic: str(clinic.catalogs["location"].uuid),
    "tag_definition_uuid": lambda clinic: str(clinic.catalogs["tag_definition"].uuid),
    "dob_from": lambda clinic: "1970-01-01",
    "dob_to": lambda clinic: "1990-01-01",
}


@pytest.fixture
def filed(clinic) -> list[Patient]:
    """Five patients whom all filters find, and one whom none of them does."""
    filed = [
        clinic.patient(
            last_name=f"Filed {number % 3}",
            first_name=f"F {number % 2}",
            chart_number=f"F-{number}",
            date_of_birth=datetime.date(1980, 1, 1),
            primary_provider_id=clinic.catalogs["provider"].pk,
            location_id=clinic.catalogs["location"].pk,
        )
        for number in range(5)
    ]
    for patient in filed:
        clinic.tag(patient)
    clinic.patient(last_name="Filed elsewhere", date_of_birth=datetime.date(1960, 1, 1), status="inactive")
    return filed


@pytest.mark.parametrize("name", FILTERS)
def test_a_search_is_narrowed_by_every_filter_and_counted_on_every_page(clinic, api, filed, name):
    asked = {"search": "filed", name: FILTERS[name](clinic)}
    whole = api().get(f"{clinic.base}/patients", asked).json()
    least = 6 if name == "dob_to" else 5
    assert (len(whole["items"]), whole["total"]) == (least, least)
    pages = [api().get(f"{clinic.base}/patients", {**asked, "page_size": 2, "page": page}).json() for page in range(1, 6)]
    assert [item for page in pages for item in page["items"]] == whole["items"]
    assert {page["total"] for page in pages} == {least}


@pytest.mark.parametrize(("sort", "direction"), [*itertools.product(ORDERINGS, ("asc", "desc"))])
def test_a_search_has_the_order_of_the_list(clinic, api, filed, sort, direction):
    asked = {"sort_by": sort, "sort_dir": direction}
    listed = api().get(f"{clinic.base}/patients", asked).json()
    assert api().get(f"{clinic.base}/patients", {**asked, "search": "filed"}).json() == listed
    walked, after = [], {}
    while not walked or after["after"]:
        page = api().get(f"{clinic.base}/patients/cursor", {**asked, **after, "search": "filed", "first": 2}).json()
        walked += page["data"]
        after = {"after": page["page_info"]["has_next_page"] and page["page_info"]["end_cursor"]}
    assert [item["id"] for item in walked] == [item["id"] for item in listed["items"]]


def test_a_search_reads_no_more_patients_than_it_shows(clinic, api, general, filed):
    lists = ("patients", "patients/cursor")
    asked = [(api(), f"{clinic.base}/{path}", {"search": "filed", "sort_by": by}) for path in lists for by in ORDERINGS]
    asked += [
        (api(), f"{clinic.base}/{path}", {"search": "filed", name: FILTERS[name](clinic)}) for path in lists for name in FILTERS
    ]
    for client, path, query in [*asked, (general(), "/general/v1/patients", {"search": "filed"})]:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(path, query).status_code == 200
        searches = [sql["sql"] for sql in queries if " LIKE " in sql["sql"]]
        assert len(searches) == 1
        # What is found first, by the search, is the first part of the statement.
        found, shown = searches[0].index(" LIMIT "), searches[0].index('"patients_patient"')
        assert searches[0].rindex(" LIKE ") < found < shown, (path, query)


CHANGES = {
    "archived": {"deleted_at": datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC), "status": "archived"},
    "moved to another group": {"care_group_id": None},
    "renamed": {"last_name_key": "zz"},
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_while_a_page_is_read_hides_nobody_else(clinic, api, filed, change):
    Patient.objects.filter(organization=clinic.organization).update(care_group=clinic.group)
    changed = filed[3]  # The second one in the order of names.
    walked, after = [], {}
    with changing_after_the_search(lambda: Patient.objects.filter(pk=changed.pk).update(**CHANGES[change])):
        while not walked or after["after"]:
            asked = {"search": "filed", "sort_by": "last_name", "first": 2, **after}
            page = api(Role.HC_PRIMARY).get(f"{clinic.base}/patients/cursor", asked).json()
            walked += page["data"]
            after = {"after": page["page_info"]["has_next_page"] and page["page_info"]["end_cursor"]}
    assert [item["id"] for item in walked][:2] == [str(filed[0].uuid), str(changed.uuid)]
    others = {str(patient.uuid) for patient in Patient.objects.filter(organization=clinic.organization).exclude(pk=changed.pk)}
    assert {item["id"] for item in walked} - {str(changed.uuid)} == others


@contextmanager
def changing_after_the_search(change: Callable[[], Any]) -> Iterator[None]:
    """Let `change` happen between the first statement that searches and the next one."""
    begun: list[str] = []

    def between(execute, sql, params, many, context):
        if begun == ["search"]:
            begun.append("change")
            change()
        if not begun and " LIKE " in sql:
            begun.append("search")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(between):
        yield
    assert begun == ["search", "change"]


@pytest.mark.parametrize("role", [Role.FC_ADMIN, Role.HC_ADMIN, Role.HC_PRIMARY])
def test_entries_are_looked_up_within_the_scope_of_the_list(clinic, neighbour, api, role):
    """Where the list reads other columns than entries have, too: how long it takes must not depend on strangers."""
    patient = clinic.patient(last_name="Filed", care_group_id=clinic.group.pk)
    asked = {"search": "filed", "sort_by": "updated_at"}
    assert len(api(role).get(f"{clinic.base}/patients/cursor", asked).json()["data"]) == 1
    SearchEntry.objects.filter(pk=patient.pk).update(organization=neighbour.organization)
    assert api(role).get(f"{clinic.base}/patients/cursor", asked).json()["data"] == []


def test_a_search_is_planned_for_what_is_looked_for(clinic, api, filed):
    """Planned once for any values on PostgreSQL, one for two letters would read the entries of all organizations."""
    prepared_after = []

    def note(execute, sql, params, many, context):
        if " LIKE " in sql:
            prepared_after.append(getattr(connection.connection, "prepare_threshold", None))
        return execute(sql, params, many, context)

    lists = [("patients", {}), ("patients", {"page": 9}), ("patients/cursor", {}), ("patients/cursor", {"sort_by": "updated_at"})]
    with connection.execute_wrapper(note):
        for path, asked in lists:
            assert api().get(f"{clinic.base}/{path}", {"search": "filed", **asked}).status_code == 200
        find_patients(actor_of_user(clinic.users[Role.HC_ADMIN], route="tests"), "filed")
    assert prepared_after == [None] * 6  # The page that does not exist is counted, too.


def test_words_are_looked_up_within_the_scope_of_the_actor(clinic, neighbour):
    patient = clinic.patient(last_name="Filed")
    actor = actor_of_user(clinic.users[Role.HC_ADMIN], route="tests")
    assert list(Patient.objects.filter(containing_words(actor, "filed"))) == [patient]
    SearchEntry.objects.filter(pk=patient.pk).update(organization=neighbour.organization)
    assert not Patient.objects.filter(containing_words(actor, "filed"))
    assert list(Patient.objects.filter(containing_words(SYSTEM, "filed"))) == [patient]


@pytest.mark.parametrize(
    ("condition", "is_known"),
    [
        (Q(deleted_at=None) | Q(location__name="x", status__in=["active", "inactive"]), True),
        (Q(city="x") | Q(deleted_at=None), False),
        (Q(first_name_key=F("last_name_key")), False),
        (Q(deleted_at=None) & ~Q(date_of_birth__range=(F("created_at__date"), "2000-01-01")), False),
        (Q(location__in=Location.objects.none()), False),
        (Q(Exact(F("status"), "active")), False),
    ],
)
def test_a_condition_is_asked_of_entries_where_it_compares_their_columns_with_values(condition, is_known):
    assert Where(condition).applies_to(SearchEntry) is is_known


def test_the_search_of_a_patient_finds_their_own_record_only(clinic, api, people):
    own = clinic.patient(last_name="Jansen", user_id=clinic.users[Role.PATIENT].pk)
    answer = api(Role.PATIENT).get(f"{clinic.base}/patients", {"search": "jansen"}).json()
    assert [item["id"] for item in answer["items"]] == [str(own.uuid)]


def keys_of(patient: Patient) -> list[str]:
    return [key for key, _ in name_keys(vars(patient))]


def test_a_key_says_what_it_shares_with_the_one_before(people):
    for patient in people:
        keys = list(NameKey.objects.filter(patient=patient).order_by("key").values_list("key", "shared"))
        assert keys == name_keys(vars(patient))
        for (before, _), (key, shared) in itertools.pairwise([("", 0), *keys]):
            assert key[:shared] == before[:shared]
            assert key[: shared + 1] != before[: shared + 1]


def test_the_typeahead_counts_each_patient_once_and_keeps_the_order_of_keys(clinic, api, people):
    keys = {str(patient.uuid): keys_of(patient) for patient in people}
    # A word with signs or digits is looked for in further forms.
    texts = {key[:length] for mine in keys.values() for key in mine for length in range(1, 6) if key[:length].isalpha()}
    for text in sorted(texts):
        first = {uuid: min(filter(lambda key: key.startswith(text), mine), default=None) for uuid, mine in keys.items()}
        ordered = sorted((key, number) for number, key in enumerate(first.values()) if key)
        answer = api().get(f"{clinic.base}/patients/search", {"q": text, "limit": 2}).json()
        assert answer["total"] == len(ordered), text
        assert [item["id"] for item in answer["items"]] == [list(keys)[number] for _, number in ordered[:2]], text


WORDS = {
    "emma j": [2, 5],
    "j emma": [2, 5],
    "jansen jan": [0, 1, 4, 5],
    "jürgen m": [3],
    "mueller": [3],
    "jan jac": [1],
    "emma emma johanna": [],
}


@pytest.mark.parametrize(("text", "found"), [*WORDS.items()])
def test_several_words_find_who_has_all_of_them(clinic, api, people, text, found):
    answer = api().get(f"{clinic.base}/patients/search", {"q": text}).json()
    expected = {str(people[number].uuid) for number in found}
    assert {item["id"] for item in answer["items"]} == expected
    assert answer["total"] == len(expected)
