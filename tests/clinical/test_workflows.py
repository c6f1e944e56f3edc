"""Workflows: a program's rules that fire on certain days since a patient began it."""

import datetime
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from accounts.models import Role
from accounts.services.catalogs import archive_catalog_row
from clinical.models import PlannedAction, Workflow, WorkflowFiring
from clinical.services.monitoring import run_workflows
from patients.models import Enrolment, Patient, Program
from patients.services.lifecycle import transition_status
from tests.clinical.monitored import audited, end_enrolment, published
from tests.clinical.rules import DAILY
from tests.factories import SYSTEM, archive
from tests.pages import opened, row_inputs, sign_in, submit

DAY, HOUR = datetime.timedelta(days=1), datetime.timedelta(hours=1)
# Noon in New York, where the clinic is, of the day on which the enrolments of these tests begin.
MAY = datetime.datetime(2030, 5, 1, 16, tzinfo=datetime.UTC)


@pytest.fixture
def patient(ward) -> Patient:
    return begin(ward.patient())


def begin(patient: Patient, when: datetime.datetime = MAY) -> Patient:
    Enrolment.objects.filter(patient=patient).update(start_date=when.date())
    return patient


@pytest.fixture
def weekly(clinic) -> Workflow:
    """A workflow of the clinic's program that fires on days 0 and 7."""
    return clinic.catalog(Workflow, "Weekly", program=clinic.catalogs["program"], days=[0, 7])


def run(now: datetime.datetime) -> int:
    return run_workflows(actor=SYSTEM, now=now).fired


def firings(patient: Patient) -> list[tuple[int, int]]:
    """Return the day of the month and the count of each firing for the patient."""
    rows = WorkflowFiring.objects.filter(patient=patient).order_by("pk")
    return [(row.trigger_day.day, row.trigger_count) for row in rows]


def test_a_workflow_fires_on_its_days_and_counts(patient, weekly):
    assert [run(MAY + day * DAY) for day in range(9)] == [1, 0, 0, 0, 0, 0, 0, 1, 0]
    assert firings(patient) == [(1, 1), (8, 2)]
    first, second = WorkflowFiring.objects.order_by("pk")
    assert (first.workflow, first.organization_id) == (weekly, patient.organization_id)
    assert audited(patient, "workflow.fire") == [("workflow_firing", first.pk, ""), ("workflow_firing", second.pk, "")]
    assert published("workflow.fired") == [first.uuid, second.uuid]


def test_it_fires_once_a_day_however_often_it_runs_and_whatever_the_clock_does(patient, weekly):
    """From noon to the last hour of the day, back to noon, over midnight and back before it."""
    moments = [MAY, MAY + 11 * HOUR, MAY, MAY + 12 * HOUR, MAY + 11 * HOUR, MAY]
    assert [run(now) for now in moments] == [1, 0, 0, 0, 0, 0]
    assert firings(patient) == [(1, 1)]


@pytest.mark.parametrize(
    "begins", [datetime.datetime(2030, 3, 3, 16), datetime.datetime(2030, 10, 27, 16)], ids=["spring", "autumn"]
)
def test_a_clock_change_neither_loses_nor_doubles_a_day(ward, weekly, begins):
    """Day 7 is the Sunday on which New York's clocks change: run every hour of it, of its neighbours and of day 0."""
    patient = begin(ward.patient(), begins)
    start = begins.replace(tzinfo=datetime.UTC)
    for hour in [*range(24), *range(6 * 24, 9 * 24)]:
        run(start + hour * HOUR)
    assert [count for _, count in firings(patient)] == [1, 2]


def test_today_is_the_organizations(patient, weekly):
    """Three in the morning where the patient lives, nine in the evening of the day before where the clinic is."""
    assert run(datetime.datetime(2030, 5, 1, 3, 59, tzinfo=datetime.UTC)) == 0
    assert run(datetime.datetime(2030, 5, 1, 4, tzinfo=datetime.UTC)) == 1


@pytest.mark.parametrize(("late", "fired"), [(1, 1), (2, 1), (3, 0)])
def test_a_missed_day_is_made_up_for_within_two_days(patient, weekly, late, fired):
    assert run(MAY + late * DAY) == fired
    assert firings(patient) == [(1, 1)] * fired


def test_days_that_are_made_up_for_are_counted_in_their_order(ward, patient, clinic):
    clinic.catalog(Workflow, "First days", program=clinic.catalogs["program"], days=[2, 0, 1])
    assert run(MAY + 2 * DAY) == 3
    assert firings(patient) == [(1, 1), (2, 2), (3, 3)]


def test_each_workflow_counts_for_itself_and_each_patient(ward, patient, weekly, clinic):
    clinic.catalog(Workflow, "Welcome", program=clinic.catalogs["program"], days=[0])
    other = begin(ward.patient(), MAY - 7 * DAY)
    assert run(MAY) == 3
    assert (firings(patient), firings(other)) == ([(1, 1), (1, 1)], [(1, 1)])


@pytest.mark.parametrize("state", ["archived", "inactive", "ended", "other program", "archived workflow", "neighbour"])
def test_nothing_fires_for_who_is_not_monitored(patient, weekly, clinic, neighbour, state):
    if state == "archived":
        archive(patient)
    elif state == "inactive":
        transition_status(actor=SYSTEM, patient_id=patient.pk, base_version=1, new_status="inactive")
    elif state == "ended":
        end_enrolment(patient)
    elif state == "other program":
        Enrolment.objects.filter(patient=patient).update(program=clinic.catalog(Program, "Other"))
    elif state == "archived workflow":
        archive_catalog_row(actor=SYSTEM, row=weekly, base_version=1)
    else:
        Workflow.objects.update(organization=neighbour.organization, program=neighbour.catalogs["program"])
    assert run(MAY) == 0
    assert not WorkflowFiring.objects.exists()


def test_a_workflow_without_days_never_fires(patient, weekly):
    Workflow.objects.update(days=[])
    assert [run(MAY + day * DAY) for day in (0, 7)] == [0, 0]


def test_the_command_fires_and_plans_and_tells_what_it_did(ward, weekly):
    ward.prescribe(schedule=[DAILY])
    patient = ward.patient()
    PlannedAction.objects.all().delete()
    out = StringIO()
    for arguments in ((), ("--organization", ward.clinic.organization.slug)):
        call_command("run_workflows", *arguments, stdout=out)
    assert out.getvalue().splitlines() == [
        "1 patients: 1 workflows fired, 2 measurements planned.",
        "1 patients: 0 workflows fired, 0 measurements planned.",
    ]
    today = timezone.now().astimezone(ward.clinic.organization.zone).date()
    assert WorkflowFiring.objects.get(patient=patient).trigger_day == today


# --- the catalog ------------------------------------------------------------------------------------
def test_workflows_are_kept_as_a_catalog(clinic, api):
    program, many = clinic.catalogs["program"], f"{clinic.base}/workflows"
    made = api().post(many, {"name": "Weekly", "program_uuid": str(program.uuid), "days": [7, 0]})
    assert (made.status_code, made.json()["days"]) == (201, [7, 0])
    assert made.json()["program"] == {"uuid": str(program.uuid), "name": program.name}
    one = f"{many}/{made.json()['id']}"
    changed = api().patch(one, {"base_version": 1, "days": []})
    assert (changed.status_code, changed.json()["days"], changed.json()["version"]) == (200, [], 2)
    assert api().patch(one, {"base_version": 2, "days": None}).json()["days"] == []


@pytest.mark.parametrize("days", [{}, "0", 7, [1.5], ["1"], [True], [-1], [3_651], [None], [[0]], [1, 1], [10**30]])
def test_days_that_are_none_are_refused_by_name(clinic, api, days):
    body = {"name": "Weekly", "program_uuid": str(clinic.catalogs["program"].uuid), "days": days}
    answer = api().post(f"{clinic.base}/workflows", body)
    assert (answer.status_code, [one["loc"] for one in answer.json()["detail"]]) == (422, [["body", "days"]])
    assert not Workflow.objects.exists()


def test_days_are_rows_in_the_admin(clinic):
    client, weekly = sign_in(clinic.users[Role.HC_ADMIN]), clinic.row(Workflow)
    assert submit(client, Workflow, weekly.pk, **row_inputs("days", [{"day": 7}, {"day": " 0 "}])).status_code == 302
    assert (Workflow.objects.get(pk=weekly.pk).days, opened(client, Workflow, weekly.pk)[1]["days-0-day"]) == ([7, 0], ["7"])
    for wrong, told in (
        ("-1", "in day 2."),
        ("3651", "in day 2."),
        ("1_0", "in day 2."),
        ("7", "No day may stand in the list twice."),
    ):
        refused = submit(client, Workflow, weekly.pk, **row_inputs("days", [{"day": 7}, {"day": wrong}]))
        assert told in refused.context["adminform"].form.errors["days"][0]
    assert Workflow.objects.get(pk=weekly.pk).days == [7, 0]
