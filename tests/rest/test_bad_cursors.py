"""Cursors that were not made by the server, or not for this list, caller and order."""

import base64
import datetime
import json

import pytest

from accounts.scope import Role
from clinical.models import Measurement, MonitoringAlert, PlannedAction
from config.rest.compiled.cursors import write_cursor
from exports.registry import REPORTS
from tests.changes import settled
from tests.exports.rows import add_row, parameters_for
from tests.factories import NOON, new_key
from tests.rest.wire import Wire


class Pages:
    """A keyset list of one dialect: that of its patients, unless another `path` is given, with what it cannot do without."""

    def __init__(self, name: str, clinic, path: str = "", least: dict | None = None):
        self.wire, self.least = Wire(name, clinic), least or {}
        self.path = path or (f"{self.wire.patients}/cursor" if name == "practice" else self.wire.patients)
        self.parameter, self.size = ("after", "first") if name == "practice" else ("cursor", "perPage")

    def get(self, cursor: str | list[str] | None = None, client=None, **query):
        given = {} if cursor is None else {self.parameter: cursor}
        return (client or self.wire.client()).get(self.path, {self.size: "1", **self.least, **given, **query})

    def first(self, client=None, **query) -> str:
        """Return the cursor that leads on from the first page."""
        body = self.get(client=client, **query).json()
        return body["page_info"]["end_cursor"] if self.wire.name == "practice" else body["meta"]["nextCursor"]

    def refused(self, response) -> None:
        assert self.wire.named(response) == [self.parameter], response.content[:200]
        message = response.json()["detail"][0]["msg"] if self.wire.name == "practice" else response.json()["errors"][0]["message"]
        assert message == "The cursor is malformed or was made for another list"


INSIDE = {"measurements": Measurement, "plannedActions": PlannedAction}
"""Keyset lists of a patient, by their path."""
REPORT_SAMPLE = ("measurements", "patients")
"""All reports are one view set: these stand for them, one that is asked for with days and one that is not."""
LISTS = ("practice", "public", *INSIDE, "alerts", "changes", *(f"export/{name}" for name in REPORT_SAMPLE))


def filled(name: str, clinic) -> Pages:
    """Return a keyset list of three rows."""
    if name.startswith("export/"):
        report = name.removeprefix("export/")
        for _ in range(3):
            add_row(clinic, report)
        return Pages("public", clinic, f"/v1/{name}", parameters_for(report))
    if name == "alerts":
        for _ in range(3):
            clinic.entry(MonitoringAlert, clinic.patient())
        return Pages("public", clinic, "/v1/alerts")
    if name in INSIDE:
        patient, first = clinic.patient(), clinic.least_entry(INSIDE[name])
        for hour in range(3):
            begin = {"not_before": NOON + datetime.timedelta(hours=hour)} if "not_before" in first else {}
            clinic.entry(INSIDE[name], patient, **begin)
        return Pages("public", clinic, f"/v1/patients/{patient.uuid}/{name}")
    for letter in "abc":
        clinic.patient(first_name=letter, last_name=letter)
    if name == "changes":
        settled()
        return Pages("practice", clinic, f"{clinic.base}/changes/patients")
    return Pages(name, clinic)


@pytest.fixture(params=LISTS)
def pages(request, clinic) -> Pages:
    return filled(request.param, clinic)


GARBAGE = [
    " ",
    "0",
    "null",
    "nope",
    "=",
    "====",
    "%%%",
    "a" * 100_000,
    "é",
    "🙂",
    "\n",
    "../..",
    "-1",
    "1" * 30,
    "W10",
    "W10=",
    base64.urlsafe_b64encode(b"[]").decode(),
    base64.urlsafe_b64encode(b"\x00" * 64).decode(),
    base64.urlsafe_b64encode(json.dumps(["n", "a", 1]).encode()).decode(),
    base64.urlsafe_b64encode(b"p=abc").decode(),
    write_cursor(["n", "a", 1], "somebody else's list"),
    write_cursor(["n", "a", 10**30], ""),
]


def test_garbage_is_422_and_names_the_parameter(pages):
    for cursor in GARBAGE:
        pages.refused(pages.get(cursor))


def test_an_empty_cursor_leads_to_the_first_page_and_empty_filters_leave_a_cursor_good(pages):
    plain, empty = pages.get().json(), pages.get("").json()
    assert plain["data"] == empty["data"]
    assert pages.get(pages.first(search="", dob_from="")).status_code == 200
    assert pages.get(pages.first(), status="").status_code == 200


def test_nul_in_a_cursor_is_422(pages):
    assert pages.wire.named(pages.get("a\x00")) == [pages.parameter]


def test_cursor_given_twice_is_422(pages):
    cursor = pages.first()
    assert pages.wire.named(pages.get([cursor, cursor])) == [pages.parameter]


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


@pytest.mark.parametrize(
    "query",
    [
        {"search": "a"},
        {"status": "active"},
        {"sort_by": "last_name"},
        {"sort_by": "updated_at"},
        {"sort_dir": "desc"},
        {"dob_from": "2000-01-01"},
    ],
)
def test_cursor_made_for_other_filters_or_another_order_is_422(clinic, query):
    clinic.patient(first_name="a", date_of_birth=datetime.date(2001, 1, 1))
    pages = Pages("practice", clinic)
    pages.refused(pages.get(pages.first(), **query))
    pages.refused(pages.get(pages.first(**query)))


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("measurements", {"startDate": "2000-01-01"}),
        ("measurements", {"endDate": "2099-12-31"}),
        ("plannedActions", {"startDate": "2000-01-01"}),
        ("alerts", {"status": "open"}),
        ("alerts", {"flag": "grey"}),
        ("alerts", {"type": "remark"}),
        ("export/measurements", {"endDate": "2098-12-31"}),
        ("public", {"unknown": "x"}),
    ],
)
def test_cursor_made_for_other_days_or_words_is_422_in_the_public_dialect(clinic, name, query):
    pages = filled(name, clinic)
    pages.refused(pages.get(pages.first(), **query))
    pages.refused(pages.get(pages.first(**query)))
    assert pages.get(pages.first(**query), **query).status_code == 200


def test_cursor_of_another_list_or_report_is_422(clinic):
    """Also where both lists are of the same rows in the same order."""
    names = ("public", *INSIDE, "alerts", *(f"export/{report}" for report in REPORTS))
    lists = {name: filled(name, clinic) for name in names}
    cursors = {name: pages.first() for name, pages in lists.items()}
    assert all(cursors.values())
    for name, pages in lists.items():
        for other, cursor in cursors.items():
            answer = pages.get(cursor)
            assert (answer.status_code == 200) == (name == other), (name, other)
            assert name == other or pages.wire.named(answer) == ["cursor"]


@pytest.mark.parametrize("name", INSIDE)
def test_cursor_of_another_patients_list_is_422(clinic, name):
    pages, others = filled(name, clinic), filled(name, clinic)
    pages.refused(pages.get(others.first()))


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
