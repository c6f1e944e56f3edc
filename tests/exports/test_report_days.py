"""The days of reports: which take them, what is no day, and where a day begins and ends."""

import datetime

import pytest

from accounts.models import Organization
from exports.registry import REPORTS
from tests.exports.rows import DATED, UNDATED, add_row, move, page, parameters_for, who
from tests.factories import Clinic

REQUIRED = ["measurements", "alerts"]
FORBIDDEN = ["patients", "hcps", "patientsMutations", "starRatings"]
NO_DAYS = (
    "nope",
    "2024-02-30",
    "2023-02-29",
    "2024-1-1",
    "20240101",
    "2024-01-01T00:00:01Z",
    " 2024-01-01",
    "٢٠٢٤-01-01",
    "\0",
)


def refused(answer) -> list[str]:
    """Return the attributes that a refusal names."""
    assert answer.status_code == 422, answer.content
    assert {error["code"] for error in answer.json()["errors"]} == {"validation"}
    return [error["attribute"] for error in answer.json()["errors"]]


def use_zone(clinic: Clinic, zone: str) -> None:
    Organization.objects.filter(pk=clinic.organization.pk).update(timezone=zone)


def test_the_documented_reports_ask_for_days_and_forbid_them():
    assert UNDATED == FORBIDDEN
    assert [name for name in REPORTS if parameters_for(name)] == REQUIRED


@pytest.mark.parametrize("form", ["", ".csv", ".ndjson"])
@pytest.mark.parametrize("verb", ["GET", "POST"])
@pytest.mark.parametrize("name", REQUIRED)
def test_missing_days_are_named(api, name, verb, form):
    path = f"/v1/export/{name}{form}"
    assert refused(api()(verb, path)) == ["startDate", "endDate"]
    assert refused(api()(verb, f"{path}?startDate=2024-01-01")) == ["endDate"]
    assert refused(api()(verb, f"{path}?endDate=2024-01-01")) == ["startDate"]


@pytest.mark.parametrize("form", ["", ".csv", ".ndjson"])
@pytest.mark.parametrize("name", FORBIDDEN)
def test_forbidden_days_are_named(api, name, form):
    path = f"/v1/export/{name}{form}"
    assert refused(api().get(path, {"startDate": "2024-01-01"})) == ["startDate"]
    assert refused(api().get(path, {"endDate": "nope"})) == ["endDate"]
    assert refused(api().get(path, {"startDate": "2024-01-01", "endDate": "2024-01-02"})) == ["startDate", "endDate"]


@pytest.mark.parametrize("name", DATED)
def test_days_the_wrong_way_round_are_refused(api, name):
    path = f"/v1/export/{name}"
    assert refused(api().get(path, {"startDate": "2024-01-02", "endDate": "2024-01-01"})) == ["endDate"]
    assert api().get(path, {"startDate": "2024-01-01", "endDate": "2024-01-01"}).status_code == 200


@pytest.mark.parametrize("wrong", NO_DAYS)
@pytest.mark.parametrize("name", DATED)
def test_what_is_no_day_is_refused(api, name, wrong):
    path = f"/v1/export/{name}"
    assert refused(api().get(path, {"startDate": wrong, "endDate": "2024-12-31"})) == ["startDate"]
    assert refused(api().get(path, {"startDate": "2024-01-01", "endDate": wrong})) == ["endDate"]


@pytest.mark.parametrize("name", DATED)
def test_days_at_the_ends_of_time_are_refused_or_taken_and_never_an_error(clinic, api, name):
    use_zone(clinic, "Europe/Amsterdam")
    path = f"/v1/export/{name}"
    assert refused(api().get(path, {"startDate": "0001-01-01", "endDate": "9999-12-31"})) == ["startDate"]
    assert refused(api().get(path, {"startDate": "0001-01-02", "endDate": "9999-12-31"})) == ["endDate"]
    assert api().get(path, {"startDate": "0001-01-02", "endDate": "9999-12-30"}).status_code == 200


@pytest.mark.parametrize("name", ["plannedActions", "usersStatusChangeReasons"])
def test_one_optional_day_bounds_one_side(clinic, api, name):
    early, late = add_row(clinic, name), add_row(clinic, name)
    move(early, datetime.datetime(2024, 1, 1, 12, tzinfo=datetime.UTC))
    move(late, datetime.datetime(2024, 6, 1, 12, tzinfo=datetime.UTC))
    assert [who(name, row) for row in page(api(), name, startDate="2024-03-01")] == [who(name, late)]
    assert [who(name, row) for row in page(api(), name, endDate="2024-03-01")] == [who(name, early)]
    assert [who(name, row) for row in page(api(), name)] == [who(name, early), who(name, late)]


SPANS = {
    # Zone: first day, its beginning, last day, its end.
    "America/New_York": ("2024-03-10", "2024-03-10T05:00+00:00", "2024-03-10", "2024-03-11T04:00+00:00"),  # 23 hours long
    "Europe/Amsterdam": ("2024-10-26", "2024-10-25T22:00+00:00", "2024-10-27", "2024-10-27T23:00+00:00"),  # ends in a 25-hour day
    "Pacific/Kiritimati": ("2024-02-28", "2024-02-27T10:00+00:00", "2024-02-29", "2024-02-29T10:00+00:00"),  # UTC+14
    "Pacific/Pago_Pago": ("2023-12-31", "2023-12-31T11:00+00:00", "2024-01-01", "2024-01-02T11:00+00:00"),  # UTC-11
}
MOMENT = datetime.timedelta(microseconds=1)


@pytest.mark.parametrize("zone", SPANS)
@pytest.mark.parametrize("name", DATED)
def test_both_days_are_included_by_the_clocks_of_the_organization(clinic, api, name, zone):
    use_zone(clinic, zone)
    first, begins, last, ends = SPANS[zone]
    beginning, end = datetime.datetime.fromisoformat(begins), datetime.datetime.fromisoformat(ends)
    moments = (beginning - MOMENT, beginning, end - MOMENT, end)
    rows = [add_row(clinic, name) for _ in moments]
    for row, moment in zip(rows, moments, strict=True):
        move(row, moment)
    found = page(api(), name, startDate=first, endDate=last)
    assert [who(name, row) for row in found] == [who(name, rows[1]), who(name, rows[2])]
