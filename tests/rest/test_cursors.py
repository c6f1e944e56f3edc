"""Cursors: opaque, signed, good for one caller and list, and a walk that meets every row once."""

import base64
import datetime
import itertools

import pytest
from django.utils import timezone

from accounts.models import Role
from config.rest.compiled.cursors import BadCursor, read_cursor, write_cursor
from patients.models import Patient
from tests.factories import Clinic, archive
from tests.shared import once_a_module

SORTS = ("chart_number", "created_at", "date_of_birth", "first_name", "last_name", "status", "updated_at")
BORN = datetime.date(1980, 5, 17)


# --- the token --------------------------------------------------------------------------------------


def test_a_cursor_gives_back_its_position():
    position = ["n", 'Ünal "ø" 👩‍⚕️', 2**63 - 1]
    assert read_cursor(write_cursor(position, "here"), "here") == position


NOT_FOR_HERE = ["", "x", "====", "a" * 5000, "ünicode", "AAAA", "-_-_", write_cursor(["n", "a", 1], "elsewhere")]


@pytest.mark.parametrize("raw", NOT_FOR_HERE, ids=range(len(NOT_FOR_HERE)))
def test_what_is_not_a_cursor_for_this_place_is_refused(raw):
    with pytest.raises(BadCursor):
        read_cursor(raw, "here")


def test_every_flipped_bit_is_noticed():
    data = bytearray(base64.urlsafe_b64decode(write_cursor(["n", "a", 1], "here") + "=="))
    for place, bit in itertools.product(range(len(data)), range(8)):
        data[place] ^= 1 << bit
        with pytest.raises(BadCursor):
            read_cursor(base64.urlsafe_b64encode(bytes(data)).rstrip(b"=").decode(), "here")
        data[place] ^= 1 << bit


def test_a_cursor_shows_no_more_than_its_key(settings):
    cursor = write_cursor(["n", "a", 1], "here")
    settings.CURSOR_KEY = "another" * 8
    with pytest.raises(BadCursor):
        read_cursor(cursor, "here")


# --- walking ----------------------------------------------------------------------------------------


def make_crowd(clinic: Clinic) -> list[str]:
    """Make rows with ties and missing values in every sort key; returns their ids."""
    rows = []
    for number in range(17):
        some = number % 3
        rows.append(
            clinic.patient(
                first_name=["Ada", "ADA", "Ærø"][some],
                last_name=["Same", "same", "Other"][some],
                date_of_birth=[None, BORN, BORN.replace(year=1990)][some],
                status=["active", "inactive", "prospective"][some],
                chart_number=None if some else f"C{number}",
            )
        )
    shared = timezone.now().replace(microsecond=120000) - datetime.timedelta(days=1)
    Patient.objects.filter(pk__in=[row.pk for row in rows[:9]]).update(created_at=shared, updated_at=shared)
    return [str(row.uuid) for row in rows]


copied_crowd = once_a_module(make_crowd)


@pytest.fixture
def crowd(clinic, copied_crowd) -> list[str]:
    return copied_crowd()


def walk(client, path: str, size: int, between=lambda: None, **query) -> list[str]:
    """Return the ids that a walk by `after` meets, doing `between` after each page."""
    seen, after = [], {}
    for _ in range(100):
        page = client.get(path, {"first": size, **after, **query}).json()
        seen += [item["id"] for item in page["data"]]
        if not page["page_info"]["has_next_page"]:
            return seen
        after = {"after": page["page_info"]["end_cursor"]}
        between()
    raise AssertionError("the walk does not end")


@pytest.mark.parametrize("direction", ["asc", "desc"])
@pytest.mark.parametrize("sort", SORTS)
def test_a_walk_meets_every_row_once(clinic, api, crowd, sort, direction):
    met = walk(api(), f"{clinic.base}/patients/cursor", 4, sort_by=sort, sort_dir=direction)
    assert sorted(met) == sorted(crowd)
    whole = walk(api(), f"{clinic.base}/patients/cursor", 200, sort_by=sort, sort_dir=direction)
    assert met == whole


@pytest.mark.parametrize("sort", SORTS)
def test_directions_are_each_others_mirror(clinic, api, crowd, sort):
    up, down = (walk(api(), f"{clinic.base}/patients/cursor", 5, sort_by=sort, sort_dir=to) for to in ("asc", "desc"))
    assert up == down[::-1]


@pytest.mark.parametrize("sort", [sort for sort in SORTS if sort != "updated_at"])
def test_the_cursor_orders_as_the_numbered_list_does(clinic, api, crowd, sort):
    numbered = api().get(f"{clinic.base}/patients", {"sort_by": sort, "page_size": 200}).json()
    assert walk(api(), f"{clinic.base}/patients/cursor", 6, sort_by=sort) == [item["id"] for item in numbered["items"]]


@pytest.mark.parametrize("sort", SORTS)
def test_rows_that_arrive_during_a_walk_hide_none_of_those_that_were_there(clinic, api, crowd, sort):
    names = itertools.cycle(["Aaron", "Same", "Zoë"])
    met = walk(
        api(),
        f"{clinic.base}/patients/cursor",
        3,
        between=lambda: clinic.patient(last_name=next(names), first_name="Ada") if Patient.objects.count() < 60 else None,
        sort_by=sort,
    )
    assert [pk for pk in met if pk in crowd] == list(dict.fromkeys(pk for pk in met if pk in crowd))
    assert set(crowd) <= set(met)


def test_a_row_that_is_archived_during_a_walk_leaves_it(clinic, api, crowd):
    path = f"{clinic.base}/patients/cursor"
    first = api().get(path, {"first": 16}).json()
    archive(Patient.objects.get(uuid=first["data"][-1]["id"]))  # the row that the cursor stands on
    rest = api().get(path, {"first": 16, "after": first["page_info"]["end_cursor"]}).json()
    assert len(rest["data"]) == 1
    assert rest["page_info"]["has_next_page"] is False


def test_the_end_cursor_waits_for_rows_that_come_later(clinic, api, crowd):
    path, query = f"{clinic.base}/patients/cursor", {"sort_by": "created_at"}
    page = api().get(path, {**query, "first": 200}).json()
    end = page["page_info"]["end_cursor"]
    nothing = {"data": [], "page_info": {"end_cursor": None, "has_next_page": False}}
    assert api().get(path, {**query, "after": end}).json() == nothing
    late = clinic.patient()
    assert [item["id"] for item in api().get(path, {**query, "after": end}).json()["data"]] == [str(late.uuid)]


def test_an_empty_list_has_no_cursor(neighbour, api):
    page = api(clinic=neighbour).get(f"{neighbour.base}/patients/cursor").json()
    assert page == {"data": [], "page_info": {"end_cursor": None, "has_next_page": False}}


def test_a_page_that_is_just_full_has_no_next_one(clinic, api, crowd):
    page = api().get(f"{clinic.base}/patients/cursor", {"first": len(crowd)}).json()
    assert page["page_info"]["has_next_page"] is False


# --- what a cursor is good for ----------------------------------------------------------------------


def cursor_of(api, clinic, **query) -> str:
    return api().get(f"{clinic.base}/patients/cursor", {"first": 2, **query}).json()["page_info"]["end_cursor"]


def assert_refused(response) -> None:
    assert response.status_code == 422
    assert [(error["loc"], error["type"]) for error in response.json()["detail"]] == [(["query", "after"], "invalid_cursor")]


@pytest.mark.parametrize("raw", ["garbage", "AAAA", "é", "%", "a" * 3000])
def test_a_malformed_cursor_is_refused(clinic, api, crowd, raw):
    assert_refused(api().get(f"{clinic.base}/patients/cursor", {"after": raw}))


@pytest.mark.parametrize("query", [{"sort_by": "last_name"}, {"sort_dir": "desc"}, {"status": "active"}, {"search": "Ada"}])
def test_a_cursor_of_other_filters_or_order_is_refused(clinic, api, crowd, query):
    assert_refused(api().get(f"{clinic.base}/patients/cursor", {"after": cursor_of(api, clinic), **query}))


def test_a_cursor_of_another_user_is_refused(clinic, api, crowd):
    assert_refused(api(Role.HC_VIEW_ALL).get(f"{clinic.base}/patients/cursor", {"after": cursor_of(api, clinic)}))


def test_a_cursor_of_another_organization_is_refused(clinic, neighbour, api, crowd):
    cursor = api(Role.FC_ADMIN).get(f"{clinic.base}/patients/cursor", {"first": 2}).json()["page_info"]["end_cursor"]
    assert_refused(api(Role.FC_ADMIN).get(f"{neighbour.base}/patients/cursor", {"after": cursor}))


def test_a_cursor_of_another_dialect_is_refused(clinic, api, crowd):
    public = api().get("/v1/patients", {"perPage": 2}).json()["meta"]["nextCursor"]
    assert_refused(api().get(f"{clinic.base}/patients/cursor", {"after": public, "sort_by": "created_at"}))


def test_a_cursor_may_be_followed_in_pages_of_another_size(clinic, api, crowd):
    page = api().get(f"{clinic.base}/patients/cursor", {"after": cursor_of(api, clinic), "first": 3})
    assert len(page.json()["data"]) == 3


# --- the public dialect's both ways -----------------------------------------------------------------


def public_page(client, address: str) -> dict:
    response = client.get(address)
    assert response.status_code == 200, response.content
    return response.json()


def test_public_pages_lead_forward_and_back_again(api, crowd):
    page = public_page(api(), "/v1/patients?perPage=5")
    assert page["meta"]["prevCursor"] is None
    assert page["meta"]["prevPageUrl"] is None
    pages = [page]
    while page["meta"]["nextPageUrl"]:
        page = public_page(api(), page["meta"]["nextPageUrl"])
        pages.append(page)
    assert len(pages) == 4
    assert sorted(item["id"] for page in pages for item in page["data"]) == sorted(crowd)
    back = [pages[-1]]
    while back[-1]["meta"]["prevPageUrl"]:
        back.append(public_page(api(), back[-1]["meta"]["prevPageUrl"]))
    assert [page["data"] for page in back] == [page["data"] for page in pages[::-1]]


def test_a_public_address_keeps_the_page_size_and_carries_the_cursor(api, crowd):
    meta = public_page(api(), "/v1/patients?perPage=5")["meta"]
    assert meta["perPage"] == 5
    assert meta["nextPageUrl"] == f"/v1/patients?perPage=5&cursor={meta['nextCursor']}"


def test_public_rows_come_in_order_of_creation(api, clinic, crowd):
    created = list(Patient.objects.order_by("created_at", "id").values_list("uuid", flat=True))
    assert [item["id"] for item in public_page(api(), "/v1/patients")["data"]] == [str(uuid) for uuid in created]


@pytest.mark.parametrize("raw", ["garbage", "a" * 3000])
def test_a_malformed_public_cursor_names_the_parameter(api, crowd, raw):
    response = api().get("/v1/patients", {"cursor": raw})
    assert response.status_code == 422
    assert [(error["code"], error["attribute"]) for error in response.json()["errors"]] == [("validation", "cursor")]


def test_cursor_hides_the_position(neighbour, api):
    for name in ("Quist", "Rademaker"):
        neighbour.patient(last_name=name)
    page = api(clinic=neighbour).get(f"{neighbour.base}/patients/cursor?sort_by=last_name&first=1").json()
    cursor = page["page_info"]["end_cursor"]
    assert b"quist" not in base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).lower()
