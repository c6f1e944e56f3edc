"""The home page: what it shows to whom, whom it audits, and what it costs."""

import datetime
import re
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.audit import record_read
from accounts.authentication import actor_of_user
from accounts.models import ApiKey, AuditedPatient, AuditEvent, Organization, Role, User
from clinical.models import Appointment, Instrument, MonitoringAlert, PlannedAction
from patients.models import Enrolment, Patient
from tests.clinical.rules import HEAVY, OVER_100
from tests.factories import Clinic, archive
from tests.pages import sign_in

MAX_STATEMENTS = 22
HOUR, DAY = datetime.timedelta(hours=1), datetime.timedelta(days=1)
TASKS = ("Monitoring", "Look at these first", "Recent patients", "Appointments today", "Administration")


def page_of(clinic: Clinic, role: str) -> str:
    return shown(sign_in(clinic.users[role]))


def shown(client: Client) -> str:
    response = client.get("/admin/")
    assert response.status_code == 200
    return unescape(response.content.decode()).partition('<main id="content"')[2]


def open_chart(clinic: Clinic, role: str, patient: Patient) -> None:
    record_read(
        actor_of_user(clinic.users[role], route="admin/"), "patient.read", patients=[(patient.organization_id, patient.pk)]
    )


@pytest.fixture
def noon(clinic, monkeypatch) -> datetime.datetime:
    """A clock that stands at noon of today, so that no visit falls on another day."""
    moment = timezone.now().replace(hour=12, minute=0, second=0, microsecond=0)
    monkeypatch.setattr(timezone, "now", lambda: moment)
    Organization.objects.filter(pk=clinic.organization.pk).update(timezone="UTC")
    return moment


@pytest.fixture
def day(ward, clinic, noon) -> dict[str, Patient]:
    """A day with something in every block."""
    ward.prescribe(HEAVY, OVER_100)
    people = {name: ward.patient(last_name=name, mobile_phone="555") for name in ("Red", "Orange", "Visitor", "Late")}
    Enrolment.objects.update(start_date=(noon - 9 * DAY).date())
    ward.measure(people["Orange"], 95, noon - 2 * DAY)
    ward.measure(people["Red"], 105, noon - DAY)
    clinic.appointment(people["Visitor"], starts_at=noon + HOUR, note="Wound check")
    planned(clinic, ward.instruments["weight"], people["Late"], noon - 3 * DAY)
    return people


def planned(clinic: Clinic, instrument: Instrument, patient: Patient, ends: datetime.datetime, **values) -> PlannedAction:
    span = {"not_before": ends - DAY, "expires_at": ends, "timezone": "UTC"}
    return clinic.entry(PlannedAction, patient, instrument_id=instrument.pk, **span, **values)


def test_each_role_sees_the_blocks_of_its_work(clinic, day):
    seen = {
        role: {task for task in TASKS if task in page_of(clinic, role)}
        for role in (Role.HC_ADMIN, Role.HC_PRIMARY, Role.HC_VIEW_ALL)
    }
    assert seen[Role.HC_ADMIN] == {*TASKS}
    assert seen[Role.HC_PRIMARY] == {*TASKS} - {"Administration"}
    assert seen[Role.HC_VIEW_ALL] == {*TASKS}
    assert 'name="status"' in page_of(clinic, Role.HC_PRIMARY)
    assert 'name="status"' not in page_of(clinic, Role.HC_VIEW_ALL)


def test_alerts_stand_red_first_with_their_cause(clinic, day):
    page = page_of(clinic, Role.HC_PRIMARY)
    assert re.search(r"Red, \w+</a>.*Weight 105.*limit 100.*Orange, \w+</a>.*Weight 95", page, re.DOTALL)
    assert re.search(
        r"red-counter.*counter-number\">1<.*orange-counter.*counter-number\">1<.*grey-counter.*counter-number\">0<",
        page,
        re.DOTALL,
    )


def test_a_measurement_is_overdue_until_a_later_one_has_come(clinic, ward, day, noon):
    assert re.search(r"Late, \w+</a>.*Weight.*late 3 d", page_of(clinic, Role.HC_PRIMARY), re.DOTALL)
    planned(clinic, ward.instruments["weight"], day["Late"], noon - DAY, completed_at=noon)
    assert "Overdue measurements" not in page_of(clinic, Role.HC_PRIMARY)


def test_alerts_escalated_to_the_caller_are_counted(clinic, day):
    MonitoringAlert.objects.filter(patient=day["Red"]).update(
        status="escalated", escalated_to=clinic.users[Role.HC_PRIMARY], escalated_at=timezone.now() - HOUR
    )
    counter = r"Escalated to me</span>\s*<span class=\"counter-number\">{}<"
    assert re.search(counter.format(1), page_of(clinic, Role.HC_PRIMARY))
    assert re.search(counter.format(0), page_of(clinic, Role.HC_SECONDARY))


def test_the_day_says_who_comes_and_counts_who_came(clinic, day, noon):
    clinic.appointment(day["Late"], starts_at=noon - HOUR, status="completed")
    clinic.appointment(day["Red"], starts_at=noon + DAY)
    page = page_of(clinic, Role.HC_PRIMARY)
    assert "2: 1 completed, 1 to come" in page
    assert "Wound check" in page
    assert "13:00" in page
    client = sign_in(clinic.users[Role.HC_PRIMARY])
    block = client.get(reverse("admin:home_appointments")).content.decode()
    assert "Wound check" in block
    assert "<html" not in block
    assert AuditedPatient.objects.filter(event__action="appointment.search", patient_id=day["Visitor"].pk).exists()


def test_allergies_never_reviewed_are_named_before_the_visit(clinic, day):
    assert "1 of today’s 1 patient" in page_of(clinic, Role.HC_PRIMARY)
    Patient.objects.update(allergy_review_status="nkda")
    assert "never reviewed" not in page_of(clinic, Role.HC_PRIMARY)


def test_nothing_to_do_is_said(clinic, noon):
    page = page_of(clinic, Role.HC_ADMIN)
    for words in ("No alert waits", "Nobody is expected today", "whose charts you open", "No key expires within 30 days"):
        assert words in page
    assert "Look at these first" not in page
    assert "To put right" not in page


def test_nobody_out_of_scope_is_shown(clinic, neighbour, ward, day, noon):
    hidden = {"care_group_id": clinic.other_group.pk, "last_name": "Hidden"}
    ward.measure(ward.patient(**hidden), 105, noon)
    clinic.appointment(clinic.patient(**hidden), starts_at=noon + HOUR)
    neighbour.appointment(neighbour.patient(last_name="Foreign"), starts_at=noon + HOUR)
    assert not re.search("Hidden|Foreign", page_of(clinic, Role.HC_PRIMARY))
    assert "Foreign" not in page_of(clinic, Role.HC_ADMIN)
    assert "Hidden" in page_of(clinic, Role.HC_ADMIN)


# --- recent patients ----------------------------------------------------------------------------------
def recent(clinic: Clinic, role: str = Role.HC_PRIMARY) -> list[str]:
    block = page_of(clinic, role).partition('id="recent"')[2].partition("</section>")[0]
    return re.findall(r'class="name"[^>]*>(\w+),', block)


def test_the_last_eight_patients_whom_one_opened_are_listed_once(clinic):
    people = [clinic.patient(last_name=f"P{number}", care_group_id=clinic.group.pk) for number in range(10)]
    for patient in [*people, people[3]]:
        open_chart(clinic, Role.HC_PRIMARY, patient)
    open_chart(clinic, Role.HC_ADMIN, people[0])
    assert recent(clinic) == ["P3", "P9", "P8", "P7", "P6", "P5", "P4", "P2"]
    assert recent(clinic, Role.HC_SECONDARY) == []


def test_recent_patients_are_those_still_visible(clinic):
    gone, moved, here = (clinic.patient(last_name=name, care_group_id=clinic.group.pk) for name in ("Gone", "Moved", "Here"))
    for patient in (here, gone, moved):
        open_chart(clinic, Role.HC_PRIMARY, patient)
    archive(gone)
    Patient.objects.filter(pk=moved.pk).update(care_group_id=clinic.other_group.pk)
    assert recent(clinic) == ["Here"]


# --- what is to be put right ---------------------------------------------------------------------------
def test_who_was_registered_today_with_something_missing_is_named(clinic):
    born = datetime.date(1980, 2, 3)
    complete = {"mobile_phone": "555", "date_of_birth": born}
    clinic.patient(last_name="Whole", **complete)
    clinic.patient(last_name="Mute", date_of_birth=born)
    clinic.patient(last_name="Twin", **complete)
    Patient.objects.filter(last_name="Twin").update(created_at=timezone.now() - 2 * DAY)
    clinic.patient(last_name="Twin", **complete)
    block = page_of(clinic, Role.HC_ADMIN).partition('id="registered-title"')[2].partition("</section>")[0]
    assert re.findall(r"(\w+), \w+</a>", block) == ["Twin", "Mute"]
    assert "no phone number" in block
    assert "same last name and birth date as another" in block


# --- administration -------------------------------------------------------------------------------------
def test_administrators_see_keys_that_expire_people_who_are_away_and_refusals(clinic):
    away = clinic.users[Role.HC_VIEW_ALL]
    ApiKey.objects.filter(user=clinic.users[Role.HC_PRIMARY]).update(
        expires_at=timezone.now() + 3 * DAY, description="Ward tablet"
    )
    ApiKey.objects.filter(user=away).update(last_used_at=None)
    User.objects.filter(pk=away.pk).update(last_login=timezone.now() - 100 * DAY)
    assert sign_in(clinic.users[Role.HC_PRIMARY]).get(reverse("admin:audit")).status_code == 403
    page = page_of(clinic, Role.HC_ADMIN)
    assert "Ward tablet" in page
    assert "1 refused access today" in page
    assert re.search(rf"{re.escape(away.get_full_name())}</a>\s*<br><span class=\"muted\">has not signed in since", page)


# --- costs and audit -------------------------------------------------------------------------------------
def test_whom_home_shows_is_audited_by_one_event(clinic, day):
    before = AuditEvent.objects.latest("id").pk
    page_of(clinic, Role.HC_PRIMARY)
    events = AuditEvent.objects.filter(pk__gt=before, action="patient.search")
    assert {pair.patient_id for pair in AuditedPatient.objects.filter(event=events.get())} == {
        patient.pk for patient in day.values()
    }


@pytest.mark.parametrize("role", [Role.HC_ADMIN, Role.HC_PRIMARY, Role.HC_VIEW_ALL])
def test_home_costs_the_same_few_statements_however_much_there_is(clinic, ward, day, noon, role):
    client = sign_in(clinic.users[role])

    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            shown(client)
        return sum("SAVEPOINT" not in query["sql"] for query in captured)

    statements()
    few = statements()
    for number in range(6):
        patient = ward.patient(last_name=f"More{number}")
        ward.measure(patient, 105, noon)
        clinic.appointment(patient, starts_at=noon + HOUR)
        planned(clinic, ward.instruments["weight"], patient, noon - 4 * DAY)
        open_chart(clinic, role, patient)
    assert statements() == few <= MAX_STATEMENTS
    assert Appointment.objects.count() == 7
