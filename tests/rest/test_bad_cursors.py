"""Cursors that were not made by the server, or not for this list, caller and order."""

import base64
import datetime
import json

import pytest

from accounts.scope import Role
from config.rest.cursors import write_cursor
from tests.factories import new_key
from tests.rest.wire import Wire


class Pages:
    """A keyset list of one dialect."""

    def __init__(self, name: str, clinic):
        self.wire = Wire(name, clinic)
        self.path = f"{self.wire.patients}/cursor" if name == "practice" else self.wire.patients
        self.parameter, self.size = ("after", "first") if name == "practice" else ("cursor", "perPage")

    def get(self, cursor: str | None = None, client=None, path: str = "", **query):
        given = {} if cursor is None else {self.parameter: cursor}
        return (client or self.wire.client()).get(path or self.path, {self.size: "1", **given, **query})

    def first(self, client=None, **query) -> str:
        """Return the cursor that leads on from the first page."""
        body = self.get(client=client, **query).json()
        return body["page_info"]["end_cursor"] if self.wire.name == "practice" else body["meta"]["nextCursor"]

    def refused(self, response) -> None:
        assert self.wire.named(response) == [self.parameter], response.content[:200]
        message = response.json()["detail"][0]["msg"] if self.wire.name == "practice" else response.json()["errors"][0]["message"]
        assert message == "The cursor is malformed or was made for another list"


@pytest.fixture(params=["practice", "public"])
def pages(request, clinic) -> Pages:
    for name in "abc":
        clinic.patient(first_name=name, last_name=name)
    return Pages(request.param, clinic)


GARBAGE = [
    "", " ", "0", "null", "nope", "=", "====", "%%%", "a" * 100_000, "é", "🙂", "\n", "../..", "-1", "1" * 30, "W10", "W10=",
    base64.urlsafe_b64encode(b"[]").decode(), base64.urlsafe_b64encode(b"\x00" * 64).decode(),
    base64.urlsafe_b64encode(json.dumps(["n", "a", 1]).encode()).decode(), base64.urlsafe_b64encode(b"p=abc").decode(),
    write_cursor(["n", "a", 1], "somebody else's list"), write_cursor(["n", "a", 10**30], ""),
]  # fmt: skip


@pytest.mark.parametrize("cursor", GARBAGE, ids=range(len(GARBAGE)))
def test_garbage_is_422_and_names_the_parameter(pages, cursor):
    pages.refused(pages.get(cursor))


def test_nul_in_a_cursor_is_422(pages):
    assert pages.wire.named(pages.get("a\x00")) == [pages.parameter]


def test_cursor_given_twice_is_422(pages):
    cursor = pages.first()
    assert pages.wire.named(pages.wire.client().get(pages.path, {pages.parameter: [cursor, cursor]})) == [pages.parameter]


def test_the_cursor_itself_is_good_and_good_again(pages):
    cursor = pages.first()
    answers = [pages.get(cursor) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json()["data"] == answers[1].json()["data"] != []


def test_no_letter_of_a_cursor_can_be_turned(pages):
    cursor = pages.first()
    for index, letter in enumerate(cursor):
        turned = cursor[:index] + ("A" if letter != "A" else "B") + cursor[index + 1 :]
        pages.refused(pages.get(turned))


def test_no_bit_of_a_cursor_can_be_turned(pages):
    """Also not in the bits of the last letter that stand for nothing."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    cursor = pages.first()
    for bit in range(6):
        turned = letters[letters.index(cursor[-1]) ^ 1 << bit]
        pages.refused(pages.get(cursor[:-1] + turned))


def test_cursor_has_one_spelling(pages):
    cursor = pages.first()
    for other in (cursor + "=", cursor + "==", cursor + " ", cursor[:-1], cursor + "A", cursor + "\n", f" {cursor}"):
        pages.refused(pages.get(other))


def test_cursor_of_another_user_is_422(pages):
    cursor = pages.first()
    clinic = pages.wire.clinic
    pages.refused(pages.get(cursor, client=pages.wire.client(Role.HC_VIEW_ALL)))
    colleague = clinic.add_user(Role.HC_ADMIN)
    pages.refused(pages.get(cursor, client=pages.wire.with_key(new_key(colleague))))


def test_cursor_goes_on_with_another_key_of_the_same_user(pages):
    """A rotated key does not end a walk."""
    cursor = pages.first()
    other = pages.wire.with_key(new_key(pages.wire.clinic.users[Role.HC_ADMIN]))
    assert pages.get(cursor, client=other).status_code == 200


def test_cursor_may_be_followed_with_another_page_size(pages):
    assert pages.get(pages.first(), **{pages.size: "2"}).status_code == 200


@pytest.mark.parametrize("query", [
    {"search": "a"}, {"status": "active"}, {"sort_by": "last_name"}, {"sort_by": "updated_at"}, {"sort_dir": "desc"},
    {"dob_from": "2000-01-01"},
])  # fmt: skip
def test_cursor_made_for_other_filters_or_another_order_is_422(clinic, query):
    clinic.patient(first_name="a", date_of_birth=datetime.date(2001, 1, 1))
    pages = Pages("practice", clinic)
    pages.refused(pages.get(pages.first(), **query))
    pages.refused(pages.get(pages.first(**query)))


def test_cursor_of_another_organization_is_422(clinic, neighbour):
    """A superadmin's cursor is good in the organization it was made in only."""
    clinic.patient()
    neighbour.patient()
    pages, others = Pages("practice", clinic), Pages("practice", neighbour)
    client = pages.wire.client(Role.FC_ADMIN)
    pages.refused(pages.get(others.first(client=client), client=client))


def test_cursor_of_another_route_is_422(clinic):
    for _ in range(2):
        clinic.patient()
    practice, public = Pages("practice", clinic), Pages("public", clinic)
    practice.refused(practice.get(public.first()))
    public.refused(public.get(practice.first()))


def test_cursor_shows_nothing_that_has_left_the_callers_scope(clinic):
    """A cursor only says where to go on; who may see what is asked anew."""
    pages = Pages("practice", clinic)
    patients = [clinic.patient(first_name=name, care_group_id=clinic.group.pk) for name in "ab"]
    client = pages.wire.client(Role.HC_PRIMARY)
    cursor = pages.first(client=client)
    type(patients[1]).objects.filter(pk=patients[1].pk).update(care_group=clinic.other_group)
    assert pages.get(cursor, client=client).json()["data"] == []


def test_cursor_does_not_survive_another_signing_key(pages, settings):
    cursor = pages.first()
    settings.CURSOR_KEY = "another" * 8
    pages.refused(pages.get(cursor))


def test_cursor_holds_no_key_to_another_row(clinic):
    """A cursor carries the sort key of the last row shown to this caller, and no name of any other."""
    clinic.patient(first_name="ZZhidden", care_group_id=clinic.other_group.pk)
    for name in ("aa", "bb"):
        clinic.patient(first_name=name, care_group_id=clinic.group.pk)
    pages = Pages("practice", clinic)
    cursor = pages.first(client=pages.wire.client(Role.HC_PRIMARY))
    assert b"zzhidden" not in base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).lower()
