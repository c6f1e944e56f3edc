"""Moments that callers name and that are far away, long ago, or on a clock of their own."""

import csv
import datetime
import io

import pytest
from django.utils import timezone

from clinical.models import Instrument, Measurement
from tests.factories import Clinic

# From the first day that every clock can show, in order: years of less than four digits, and before there were time
# zones.
LONG_AGO = (
    "0001-01-02T00:00:00Z",
    "0009-12-31T23:59:59Z",
    "0999-06-01T12:00:00Z",
    "1582-10-10T00:00:00Z",
    "1883-11-18T12:03:57Z",
)
# When the clocks of Monrovia were still off by seconds.
BEFORE_WHOLE_MINUTES = "1960-06-01T12:00:00Z"


class Chart:
    """The measurements of one patient, whose clocks and the clinic's stand in New York or elsewhere."""

    def __init__(self, clinic: Clinic, api, zone: str = "America/New_York"):
        self.client, self.patient = api(), clinic.patient(timezone=zone)
        self.instrument = clinic.catalog(Instrument, "Weight", code="weight")
        self.path = f"/v1/patients/{self.patient.uuid}/measurements"

    def measure(self, measured_at: str):
        return self.client.post(self.path, {"instrument": "weight", "value": 80, "measuredAt": measured_at})

    def keep(self, measured_at: str) -> None:
        """Store a measurement of a moment that is refused at every door, as other programs have left it."""
        Measurement.objects.create(
            organization_id=self.patient.organization_id,
            patient=self.patient,
            instrument=self.instrument,
            measured_at=datetime.datetime.fromisoformat(measured_at),
            value_number=80,
        )

    def times(self, **query) -> list[str]:
        """Return the times of the measurements that the list shows, page by page of two."""
        seen, address = [], f"{self.path}?{'&'.join(f'{name}={value}' for name, value in {'perPage': 2, **query}.items())}"
        while address:
            page = self.client.get(address).json()
            seen += [row["measuredAt"] for row in page["data"]]
            address = page["meta"]["nextPageUrl"]
        return seen


@pytest.mark.parametrize("zone", ["America/New_York", "Africa/Monrovia", "Pacific/Kiritimati", "UTC"])
def test_moments_of_long_ago_come_back_as_they_were_and_those_of_a_lifetime_can_be_sent_again(clinic, api, zone):
    chart = Chart(clinic, api, zone)
    kept = [*LONG_AGO, BEFORE_WHOLE_MINUTES]
    for moment in kept:
        chart.keep(moment)
    times = chart.times()
    assert [datetime.datetime.fromisoformat(time) for time in times] == [datetime.datetime.fromisoformat(time) for time in kept]
    assert chart.measure(times[-1]).status_code == 201, "what an answer says can be sent"


def test_days_of_long_ago_bound_lists_and_reports(clinic, api):
    chart = Chart(clinic, api)
    for moment in LONG_AGO:
        chart.keep(moment)
    for first, last, count in (
        ("0001-01-01", "9999-12-30", 5),
        ("0010-01-01", "0998-12-31", 0),
        ("0010-01-01", "0999-12-31", 1),
        ("0999-06-02", "1883-11-19", 2),
    ):
        assert len(chart.times(startDate=first, endDate=last)) == count, (first, last)
    report = chart.client.get("/v1/export/measurements.csv", {"startDate": "2000-01-01", "endDate": "2999-12-31"})
    rows = list(csv.DictReader(io.StringIO(b"".join(report.streaming_content).decode())))
    assert [row["Measurement_Date"] for row in rows[:3]] == ["0001-01-01 19:03:58", "0009-12-31 19:03:57", "0999-06-01 07:03:58"]


def test_the_general_list_shows_moments_of_long_ago(clinic, api, general):
    chart = Chart(clinic, api)
    for moment in LONG_AGO:
        chart.keep(moment)
    shown = general().get(f"/general/v1/patients/{chart.patient.pk}/gauges").json()
    assert [row["recorded_at"] for row in shown] == [moment.replace("Z", ".000Z") for moment in LONG_AGO]


@pytest.mark.parametrize(
    "written",
    [
        "2024-03-01T12:00:00+23:59",
        "2024-03-01T12:00:00-23:59",
        "2024-03-01T12:00:00+00:01",
        "2024-03-01T12:00:00-00:00",
        "2024-03-01t12:00:00z",
        "2024-03-01 12:00Z",
        "2024-03-01T12:00:00.123456+05:45",
        "2024-11-03T01:30:00-04:00",
    ],
)
def test_an_odd_offset_is_the_same_moment_on_another_clock(clinic, api, written):
    chart = Chart(clinic, api)
    assert chart.measure(written).status_code == 201
    moment = datetime.datetime.fromisoformat(written.upper())
    assert Measurement.objects.get().measured_at == moment
    assert datetime.datetime.fromisoformat(chart.times()[0]) == moment.replace(microsecond=0)


@pytest.mark.parametrize(
    "ahead", [datetime.timedelta(hours=25), datetime.timedelta(days=366), datetime.timedelta(days=2_900_000)]
)
def test_the_future_is_refused_on_every_clock(clinic, api, ahead):
    chart = Chart(clinic, api)
    for offset in (-23, 0, 23):
        moment = (timezone.now() + ahead).astimezone(datetime.timezone(datetime.timedelta(hours=offset)))
        answer = chart.measure(moment.isoformat())
        assert (answer.status_code, [error["attribute"] for error in answer.json()["errors"]]) == (422, ["measuredAt"])
    assert chart.times() == []
