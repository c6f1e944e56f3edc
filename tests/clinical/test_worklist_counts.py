"""How many alerts wait, as the sidebar, the home page and the tabs of the worklist say."""

import datetime
from itertools import count
from typing import Any

import pytest
from django.test import RequestFactory
from django.utils import timezone

from accounts.models import Role, User
from clinical.admin.worklist.queries import counts_of
from clinical.models import MonitoringAlert
from tests.factories import Clinic, archive

HOUR = datetime.timedelta(hours=1)
NOTHING = {"red": 0, "orange": 0, "grey": 0, "open": 0, "escalated": 0, "mine": 0}
NEVER = {"red_since": None, "orange_since": None, "grey_since": None, "mine_since": None}


def counts(user: User) -> dict[str, Any]:
    request = RequestFactory().get("/admin/")
    request.user = user
    return counts_of(request)


@pytest.fixture
def nurse(clinic) -> User:
    return clinic.users[Role.HC_PRIMARY]


@pytest.fixture
def raised(clinic):
    """Return what raises an alert of a new patient of the nurse's group, each an hour after the one before."""
    hours = count()
    now = timezone.now()

    def alert(flag: str, of: Clinic = clinic, group: Any = None, **values: Any) -> MonitoringAlert:
        row = of.entry(MonitoringAlert, of.patient(care_group_id=(group or of.group).pk), flag=flag)
        moment = now + next(hours) * HOUR
        MonitoringAlert.objects.filter(pk=row.pk).update(created_at=moment, **values)
        return MonitoringAlert.objects.get(pk=row.pk)

    return alert


def test_where_nothing_waits_there_is_nothing_since(nurse):
    assert counts(nurse) == {**NOTHING, **NEVER}


def test_open_ones_are_counted_by_flag_with_the_oldest_of_each(nurse, raised):
    first, *_ = [raised("red"), raised("red"), raised("grey"), raised("red", status="processed")]
    grey = MonitoringAlert.objects.get(flag="grey")
    expected = {"red": 2, "grey": 1, "open": 3, "red_since": first.created_at, "grey_since": grey.created_at}
    assert counts(nurse) == {**NOTHING, **NEVER, **expected}


def test_escalated_ones_are_not_open_and_those_to_the_caller_are_theirs(clinic, nurse, raised):
    now, other = timezone.now(), clinic.users[Role.HC_SECONDARY]
    for flag, to, hours in (("orange", nurse, 2), ("red", nurse, 3), ("red", nurse, 1), ("red", other, 9)):
        raised(flag, status="escalated", escalated_to=to, escalated_at=now - hours * HOUR)
    assert counts(nurse) == {**NOTHING, **NEVER, "escalated": 4, "mine": 3, "mine_since": now - 3 * HOUR}
    assert counts(other) == {**NOTHING, **NEVER, "escalated": 4, "mine": 1, "mine_since": now - 9 * HOUR}


def test_nobody_counts_the_alerts_of_patients_whom_they_do_not_see(clinic, neighbour, nurse, raised):
    raised("red")
    raised("red", group=clinic.other_group)
    raised("red", of=neighbour)
    archive(raised("red").patient)
    seen = {role: counts(clinic.users[role])["open"] for role in Role.values}
    assert seen == {"FC_ADMIN": 3, "HC_ADMIN": 2, "HC_VIEW_ALL": 2, "HC_PRIMARY": 1, "HC_SECONDARY": 1, "PATIENT": 0}
