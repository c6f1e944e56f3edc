"""The patient lists: filters, orders, pages, totals, and who is left out."""

import datetime
import itertools

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Role
from config.rest.compiled import queries
from patients.models import Patient
from tests.conftest import ApiClient
from tests.factories import archive, new_key

BORN = datetime.date(1980, 5, 17)
SORTS = ("chart_number", "created_at", "date_of_birth", "first_name", "last_name", "status")


def listed(api, clinic, role: str = Role.HC_ADMIN, **query) -> list[str]:
    """Return the first names that a list shows."""
    response = api(role).get(f"{clinic.base}/patients", query)
    assert response.status_code == 200, response.content
    return [item["first_name"] for item in response.json()["items"]]


def cursored(api, clinic, **query) -> list[str]:
    return [item["first_name"] for item in api().get(f"{clinic.base}/patients/cursor", query).json()["data"]]


@pytest.fixture
def cast(clinic) -> dict[str, Patient]:
    """Patients who differ in every filtered column."""
    other = clinic.catalog(type(clinic.catalogs["provider"]), "Other")
    elsewhere = clinic.catalog(type(clinic.catalogs["location"]), "Elsewhere")
    provider, location = clinic.catalogs["provider"].pk, clinic.catalogs["location"].pk
    people = {
        "Ada": {"status": "active", "primary_provider_id": provider, "location_id": location, "date_of_birth": BORN},
        "Bob": {"status": "inactive", "primary_provider_id": other.pk, "location_id": location},
        "Cy": {"status": "prospective", "secondary_provider_id": provider, "date_of_birth": BORN.replace(year=1990)},
        "Di": {"status": "deceased", "location_id": elsewhere.pk, "date_of_birth": BORN.replace(year=2000)},
    }
    made = {name: clinic.patient(first_name=name, last_name=name, **values) for name, values in people.items()}
    made["Old"] = archive(clinic.patient(first_name="Old", last_name="Old", primary_provider_id=provider, date_of_birth=BORN))
    clinic.tag(made["Bob"])
    return made


FILTERS = [
    ({}, "Ada Bob Cy Di"),
    ({"status": "active"}, "Ada"),
    ({"status": "inactive"}, "Bob"),
    ({"status": "prospective"}, "Cy"),
    ({"status": "deceased"}, "Di"),
    ({"status": "archived"}, "Old"),
    ({"primary_provider_uuid": "provider"}, "Ada"),
    ({"location_uuid": "location"}, "Ada Bob"),
    ({"tag_definition_uuid": "tag_definition"}, "Bob"),
    ({"dob_from": "1980-05-17"}, "Ada Cy Di"),
    ({"dob_from": "1980-05-18"}, "Cy Di"),
    ({"dob_to": "1990-05-17"}, "Ada Cy"),
    ({"dob_to": "1980-05-16"}, ""),
    ({"dob_from": "1980-05-17", "dob_to": "1980-05-17"}, "Ada"),
    ({"dob_from": "2000-01-01", "dob_to": "1990-01-01"}, ""),
    ({"status": "active", "location_uuid": "location", "search": "ad", "dob_to": "1999-01-01"}, "Ada"),
    ({"status": "inactive", "primary_provider_uuid": "provider"}, ""),
    ({"status": "archived", "primary_provider_uuid": "provider"}, "Old"),
]


@pytest.mark.parametrize(("query", "names"), FILTERS, ids=str)
def test_filters_leave_what_they_say(clinic, api, cast, query, names):
    given = {name: str(clinic.catalogs[value].uuid) if value in clinic.catalogs else value for name, value in query.items()}
    assert listed(api, clinic, **given) == names.split()
    assert cursored(api, clinic, **given) == names.split()
    assert api().get(f"{clinic.base}/patients", given).json()["total"] == len(names.split())


def test_a_tag_that_was_taken_off_does_not_count(clinic, api, cast):
    tag = cast["Bob"].tags.get()
    type(tag).objects.filter(pk=tag.pk).update(deleted_at=datetime.datetime.now(datetime.UTC))
    assert listed(api, clinic, tag_definition_uuid=str(clinic.catalogs["tag_definition"].uuid)) == []


def test_a_tag_counts_once_however_often_it_was_put_on(clinic, api, cast):
    tag = cast["Bob"].tags.get()
    type(tag).objects.filter(pk=tag.pk).update(deleted_at=datetime.datetime.now(datetime.UTC))
    clinic.tag(cast["Bob"])
    assert listed(api, clinic, tag_definition_uuid=str(clinic.catalogs["tag_definition"].uuid)) == ["Bob"]


# --- order ------------------------------------------------------------------------------------------


@pytest.fixture
def unordered(clinic) -> list[Patient]:
    """Rows with ties, missing values, cases and accents in every sort key."""
    names = ["zoe", "Ada", "Ærø", "ada", "ÅSE", "Bob", "bob", " Cy", "Émile"]
    statuses = itertools.cycle(["inactive", "active", "prospective"])
    births = itertools.cycle([None, BORN, BORN.replace(year=1970)])
    return [
        clinic.patient(
            first_name=name,
            last_name=names[-index],
            status=next(statuses),
            date_of_birth=next(births),
            chart_number=None if index % 2 else f"{'abC'[index % 3]}-{index}",
        )
        for index, name in enumerate(names)
    ]


def sort_key(patient: Patient, sort: str):
    """Return what a row is sorted by, worked out anew: folded text, with what is missing before all else."""
    from config.core.text import fold

    value = getattr(patient, sort)
    if isinstance(value, datetime.datetime):
        return value, patient.pk
    return (value.isoformat() if isinstance(value, datetime.date) else fold(value)).encode(), patient.pk


@pytest.mark.parametrize("direction", ["asc", "desc"])
@pytest.mark.parametrize("sort", SORTS)
def test_every_sort_orders_rows_and_ends_in_the_id(clinic, api, unordered, sort, direction):
    rows = sorted(Patient.objects.all(), key=lambda row: sort_key(row, sort), reverse=direction == "desc")
    assert listed(api, clinic, sort_by=sort, sort_dir=direction) == [row.first_name for row in rows]


def test_lists_are_sorted_by_last_name_unless_asked(clinic, api, unordered):
    assert listed(api, clinic) == listed(api, clinic, sort_by="last_name", sort_dir="asc")


@pytest.mark.parametrize("word", ["social_security_number", "-last_name", "id;--", "search_text", " ", "LAST_NAME", "updated_at"])
def test_a_sort_that_is_not_offered_is_refused(clinic, api, word):
    response = api().get(f"{clinic.base}/patients", {"sort_by": word})
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["query", "sort_by"]


# --- pages ------------------------------------------------------------------------------------------


@pytest.fixture
def many(clinic) -> list[Patient]:
    return [clinic.patient(last_name=f"L{number:02}") for number in range(11)]


PAGES = [(1, 4, 4), (2, 4, 4), (3, 4, 3), (4, 4, 0), (1, 200, 11), (1, 11, 11), (2, 11, 0), (1_000_000, 200, 0)]


@pytest.fixture(params=[queries.DEEP, 0], ids=["near", "deep"])
def depth(monkeypatch, request) -> None:
    """Pages near the beginning of a list, and those that count as deep."""
    monkeypatch.setattr(queries, "DEEP", request.param)


@pytest.mark.usefixtures("depth")
@pytest.mark.parametrize(("page", "size", "shown"), PAGES)
def test_a_page_tells_where_it_stands(clinic, api, many, page, size, shown):
    answer = api().get(f"{clinic.base}/patients", {"page": page, "page_size": size}).json()
    assert (answer["page"], answer["page_size"], answer["total"], len(answer["items"])) == (page, size, 11, shown)


@pytest.mark.usefixtures("depth")
def test_pages_side_by_side_are_the_whole(clinic, api, many):
    pages = [api().get(f"{clinic.base}/patients", {"page": page, "page_size": 4}).json()["items"] for page in (1, 2, 3)]
    assert [item["last_name"] for page in pages for item in page] == [patient.last_name for patient in many]


def test_what_comes_before_a_deep_page_is_skipped_by_its_ids_alone(clinic, api, many, monkeypatch):
    monkeypatch.setattr(queries, "DEEP", 4)
    with CaptureQueriesContext(connection) as ran:
        api().get(f"{clinic.base}/patients", {"page": 2, "page_size": 4})
    skipping = [query["sql"].partition("OFFSET 4")[0] for query in ran if "OFFSET 4" in query["sql"]]
    assert len(skipping) == 1
    assert '"last_name"' not in skipping[0]


def test_an_empty_list_is_a_page(clinic, api):
    assert api().get(f"{clinic.base}/patients").json() == {"items": [], "page": 1, "page_size": 50, "total": 0}


@pytest.mark.parametrize("name", ["page", "page_size"])
@pytest.mark.parametrize("value", ["0", "-1", "1000001", "1e99", "٥", "1.5", " ", "true", "10" * 40])
def test_a_page_out_of_bounds_is_refused_and_not_clamped(clinic, api, name, value):
    response = api().get(f"{clinic.base}/patients", {name: value})
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["query", name]


@pytest.mark.parametrize(("path", "name"), [("/v1/patients", "perPage"), ("/general/v1/patients", "page_size")])
@pytest.mark.parametrize(("value", "status"), [("1", 200), ("200", 200), ("201", 422), ("0", 422)])
def test_the_other_dialects_have_the_same_bounds(api, general, many, path, name, value, status):
    speak = general if path.startswith("/general") else api
    assert speak().get(path, {name: value}).status_code == status


def test_the_general_list_is_plain_with_its_numbers_in_headers(general, many):
    response = general().get("/general/v1/patients", {"page": 2, "page_size": 4})
    assert [item["last_name"] for item in response.json()] == ["L04", "L05", "L06", "L07"]
    assert [response[name] for name in ("X-Total", "X-Page", "X-Page-Size")] == ["11", "2", "4"]


# --- who is left out --------------------------------------------------------------------------------


def test_archived_patients_are_left_out_of_every_dialect(api, general, cast):
    public = [item["firstName"] for item in api().get("/v1/patients").json()["data"]]
    plain = [item["first_name"] for item in general().get("/general/v1/patients").json()]
    assert sorted(public) == plain == ["Ada", "Bob", "Cy", "Di"]


def test_an_archived_patient_still_answers_by_id_with_the_date(clinic, api, general, cast):
    old = cast["Old"]
    practice = api().get(f"{clinic.base}/patients/{old.uuid}").json()
    assert practice["status"] == "archived"
    assert practice["deleted_at"] is not None
    assert api().get(f"/v1/patients/{old.uuid}").json()["data"]["status"] == "stopped"
    assert general().get(f"/general/v1/patients/{old.pk}").json()["active"] is False


def test_a_patient_lists_themselves_in_the_reduced_shape(clinic, api, cast):
    own = clinic.own_patient
    answer = api(Role.PATIENT).get(f"{clinic.base}/patients").json()
    assert [item["id"] for item in answer["items"]] == [str(own.uuid)]
    assert not {"social_security_number", "medical_urgent_note", "balance_total", "care_group"} & set(answer["items"][0])


def test_statuses_are_told_in_the_words_of_each_dialect(clinic, api, general, cast):
    public = {item["firstName"]: item["status"] for item in api().get("/v1/patients").json()["data"]}
    assert public == {"Ada": "active", "Bob": "stopped", "Cy": "created", "Di": "stopped"}
    active = {item["first_name"]: item["active"] for item in general().get("/general/v1/patients").json()}
    assert active == {"Ada": True, "Bob": False, "Cy": False, "Di": False}


def test_two_keys_of_one_user_see_the_same(clinic, api, cast):
    second = ApiClient(new_key(clinic.users[Role.HC_ADMIN]))
    path = f"{clinic.base}/patients"
    assert second.get(path).content == api().get(path).content
