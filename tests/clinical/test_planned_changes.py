"""Plans that are made while something changes: where a patient lives, the schedule, their status, an instrument."""

import datetime
from zoneinfo import ZoneInfo

import pytest

from clinical.models import PlannedAction
from clinical.services.monitoring import Tally, raise_overdue_alerts
from patients.models import Patient
from tests.clinical.rules import DAILY
from tests.clock import Clock
from tests.factories import SYSTEM

DAY, HOUR = datetime.timedelta(days=1), datetime.timedelta(hours=1)
MAY = datetime.datetime(2024, 5, 1, 12, tzinfo=datetime.UTC)
"""Eight in the morning in New York, where the clinic is."""


@pytest.fixture
def clock(monkeypatch) -> Clock:
    """The program's clock, on the morning of 1 May."""
    return Clock(monkeypatch, MAY)


def make_round(clock: Clock, days: float = 0) -> Tally:
    """Make a round after so many days, and return what it did."""
    clock.move(clock.now + days * DAY)
    return raise_overdue_alerts(actor=SYSTEM, now=clock.now)


def planned(patient: Patient) -> list[tuple[int, bool]]:
    """Return day of the month, where the patient lived, of each planned action, and whether it is completed."""
    rows = PlannedAction.objects.filter(patient=patient).order_by("not_before", "pk")
    return [(row.not_before.astimezone(ZoneInfo(row.timezone)).day, row.completed_at is not None) for row in rows]


# --- where a patient lives --------------------------------------------------------------------------
@pytest.mark.parametrize("zone", ["Pacific/Tongatapu", "Pacific/Kiritimati"], ids=["a day ahead", "more than a day ahead"])
def test_who_crosses_the_date_line_skips_the_day_that_begins_when_one_is_planned_already(ward, clock, zone):
    ward.prescribe(schedule=[DAILY])
    patient = ward.patient(timezone="Pacific/Pago_Pago")
    Patient.objects.filter(pk=patient.pk).update(timezone=zone)
    for _ in range(3):
        assert make_round(clock, 1).failed == 0
    moments = list(PlannedAction.objects.filter(patient=patient).values_list("not_before", flat=True))
    assert [day for day, _ in planned(patient)] == [1, 2, 4, 5, 6]
    assert moments == sorted(set(moments))
