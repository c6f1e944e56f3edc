"""The calendar of the admin and its dialogs: who sees what, on which clock, and what is told before anything is stored."""

import datetime
import re
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import AuditedPatient, AuditEvent, Role
from clinical.models import Appointment
from patients.models import OverriddenWarning, Provider
from patients.services.lifecycle import record_death
from tests.clock import Clock
from tests.factories import SYSTEM, Clinic, archive
from tests.pages import form_values, sign_in

NEW_YORK = ZoneInfo("America/New_York")
DAY = datetime.date(2030, 3, 4)
EN_DASH = "\N{EN DASH}"


def at(clock: str, day: datetime.date = DAY) -> datetime.datetime:
    """Return a time of the clinic's day."""
    return datetime.datetime.combine(day, datetime.time.fromisoformat(clock), NEW_YORK)


def visit(clinic: Clinic, clock: str, minutes: int = 30, **values) -> Appointment:
    """Book a patient of the first team with the clinic's provider."""
    patient = values.pop("patient", None) or clinic.patient(care_group_id=clinic.group.pk)
    starts_at = at(clock, values.pop("day", DAY))
    given = {"provider_id": clinic.catalogs["provider"].pk, **values}
    return clinic.appointment(patient, starts_at=starts_at, ends_at=starts_at + datetime.timedelta(minutes=minutes), **given)


@pytest.fixture
def morning(monkeypatch) -> Clock:
    """It is 09:42 of that day at the clinic."""
    return Clock(monkeypatch, at("09:42"))


@pytest.fixture
def desk(clinic, morning) -> Client:
    return sign_in(clinic.users[Role.HC_PRIMARY])


def calendar(client: Client, **query) -> str:
    answer = client.get(reverse("admin:calendar"), {"on": DAY.isoformat(), **query})
    assert answer.status_code == 200
    return answer.content.decode()


def times(html: str) -> list[str]:
    return re.findall(r'class="hour"[^>]*>(\d\d:\d\d)<', html)


def shown(action: str) -> set[int]:
    event = AuditEvent.objects.filter(action=action, outcome="ok").latest("id")
    return set(AuditedPatient.objects.filter(event=event).values_list("patient_id", flat=True))


def send(client: Client, address: str, **changes):
    """Open a dialog, change some inputs and send it."""
    page = client.get(address)
    assert page.status_code == 200
    html = page.content.decode().replace("<form ", '<form id="dialog-form" ')
    return client.post(address, {**form_values(html, "dialog-form"), **changes})


# --- the calendar -----------------------------------------------------------------------------------


def test_a_day_shows_visits_on_the_clock_of_the_clinic_and_what_is_free(clinic, desk):
    row = visit(clinic, "10:20", 40, note="Diabetes, yearly")
    html = calendar(desk)
    assert "to 11:00</span> Diabetes, yearly" in html
    assert f'11:00{EN_DASH}17:00<span class="free-word"> free' in html
    # Nothing is offered that has passed by more than a few minutes.
    assert f'09:45{EN_DASH}10:20<span class="free-word"> free' in html
    assert "New York time (EST)" in html
    assert shown("appointment.search") == {row.patient_id}


def test_a_free_time_is_booked_with_provider_and_time(clinic, desk):
    visit(clinic, "10:20", 40)
    address = re.search(r'data-dialog="([^"]*starts_at=2030-03-04T11[^"]*)"', calendar(desk))[1].replace("&amp;", "&")
    values = form_values(desk.get(address).content.decode().replace("<form ", '<form id="f" '), "f")
    assert (values["provider"], values["starts_at"], values["starts_at_time"]) == (
        [str(clinic.catalogs["provider"].pk)],
        ["4 Mar 2030"],
        ["11:00"],
    )


@pytest.mark.parametrize(("query", "day"), [({}, [""]), ({"on": "2030-03-05"}, ["5 Mar 2030"]), ({"view": "week"}, [""])])
def test_booking_begins_with_the_day_and_the_provider_that_are_shown(clinic, desk, query, day):
    provider = clinic.catalogs["provider"].pk
    html = calendar(desk, **{"provider": provider, **query})
    address = re.search(r'data-dialog="([^"]*)" data-key="b"', html)[1].replace("&amp;", "&")
    values = form_values(desk.get(address).content.decode().replace("<form ", '<form id="f" '), "f")
    assert (values["provider"], values["starts_at"], values["starts_at_time"]) == ([str(provider)], day, [""])


@pytest.mark.parametrize(("day", "hours"), [("2030-03-10", 23), ("2030-11-03", 25)])
def test_a_day_on_which_the_clock_is_changed_has_its_hours(clinic, desk, day, hours):
    on = datetime.date.fromisoformat(day)
    visit(clinic, "00:15", day=on)
    visit(clinic, "23:15", day=on)
    html = calendar(desk, on=day)
    assert len(times(html)) == hours
    assert [times(html).count(clock) for clock in ("01:00", "02:00")] == {23: [1, 0], 25: [2, 1]}[hours]


def test_who_waits_and_what_overlaps_stands_above(clinic, desk, morning):
    late = visit(clinic, "09:30", status="arrived")
    Appointment.objects.filter(pk=late.pk).update(arrived_at=at("09:31"))
    first, second = visit(clinic, "13:00", 45), visit(clinic, "13:30")
    html = calendar(desk)
    assert "Waiting room, 1" in html
    assert re.search(r"data-since[^>]*>11 min<", html)
    assert f"{first.patient.last_name} 13:00{EN_DASH}13:45 and {second.patient.last_name} 13:30{EN_DASH}14:00" in html


def test_a_cancelled_visit_leaves_its_time_free(clinic, desk):
    row = visit(clinic, "10:20", status="cancelled")
    html = calendar(desk)
    assert row.patient.last_name not in html
    assert f'09:45{EN_DASH}17:00<span class="free-word"> free' in html


def test_a_colleagues_patient_makes_the_provider_busy_without_a_word_about_them(clinic, desk):
    hidden = visit(clinic, "10:20", patient=clinic.patient(care_group_id=clinic.other_group.pk), note="Secret")
    html = calendar(desk)
    assert f"Booked 10:20{EN_DASH}10:50" in html
    assert not {hidden.patient.last_name, hidden.patient.first_name, "Secret"} & set(re.split(r"\W+", html))
    assert desk.get(reverse("admin:appointment", args=[hidden.pk])).status_code == 404
    assert AuditEvent.objects.filter(action="appointment.read", outcome="denied").exists()


def test_nothing_of_the_neighbour_is_shown(clinic, neighbour, desk):
    foreign = visit(neighbour, "10:20")
    for query in ({}, {"view": "week"}, {"by": "location"}, {"provider": foreign.provider_id}):
        assert neighbour.name not in calendar(desk, **query)


def test_a_week_is_that_of_one_provider(clinic, desk):
    other = clinic.catalog(Provider, "Zz other")
    mine, theirs = visit(clinic, "10:20"), visit(clinic, "10:20", provider_id=other.pk)
    html = calendar(desk, view="week")
    assert mine.patient.last_name in html
    assert theirs.patient.last_name not in html
    assert theirs.patient.last_name in calendar(desk, view="week", provider=other.pk)


def test_a_week_shows_each_day(clinic, desk):
    for count in range(7):
        visit(clinic, "10:20", day=DAY + datetime.timedelta(days=count))
    assert calendar(desk, view="week").count('class="visit ') == 7


@pytest.mark.parametrize(
    "query",
    [{"view": "year"}, {"by": "patient"}, {"provider": "x"}, {"location": "-1"}],
)
def test_what_no_link_asks_is_refused(desk, query):
    assert desk.get(reverse("admin:calendar"), query).status_code == 400


@pytest.mark.parametrize("written", ["5 Mar 2030", "3/5/2030", "2030-03-05"])
def test_a_day_is_found_as_people_write_it(desk, written):
    assert "Tue 5 Mar 2030" in calendar(desk, on=written)


@pytest.mark.parametrize("written", ["31 Feb 2030", "0001-01-01", "9999-12-31", "soon"])
def test_a_day_that_cannot_be_read_is_told(desk, written):
    html = calendar(desk, on=written)
    assert f"{written}” is not a day that can be read. This is today." in html
    assert "Mon 4 Mar 2030" in html


def test_a_calendar_costs_the_same_for_any_number_of_visits(clinic, desk):
    for view in ("day", "week"):
        counts = []
        for size in (1, 6):
            while Appointment.objects.count() < size:
                visit(clinic, f"1{Appointment.objects.count()}:00")
            calendar(desk, view=view)
            with CaptureQueriesContext(
                connection,
            ) as captured:
                calendar(desk, view=view)
            counts.append(len(captured))
        assert counts[0] == counts[1] <= 20, [query["sql"] for query in captured]
        Appointment.objects.all().delete()


def test_readers_read(clinic, morning):
    row, client = visit(clinic, "10:20"), sign_in(clinic.users[Role.HC_VIEW_ALL])
    html = calendar(client)
    assert row.patient.last_name in html
    assert 'data-dialog="' not in html
    assert "<form" not in client.get(reverse("admin:appointment", args=[row.pk])).content.decode()
    for name in ("appointment_status", "appointment_move"):
        assert client.post(reverse(f"admin:{name}", args=[row.pk]), {"status": "arrived", "base_version": 1}).status_code == 403
    assert client.get(reverse("admin:book")).status_code == 403
    row.refresh_from_db()
    assert row.version == 1


def test_a_superadmin_sees_every_clinic_in_utc(clinic, neighbour, morning):
    rows = [visit(clinic, "10:20"), visit(neighbour, "10:20")]
    html = calendar(sign_in(clinic.users[Role.FC_ADMIN]))
    assert all(row.patient.last_name in html for row in rows)
    assert "UTC. Arrow keys" in html


def test_the_sidebar_counts_today(clinic, neighbour, desk):
    visit(clinic, "10:20")
    visit(neighbour, "10:20")
    archive(visit(clinic, "10:50").patient)
    visit(clinic, "09:50", patient=clinic.patient(care_group_id=clinic.other_group.pk))
    visit(clinic, "11:20", status="cancelled")
    visit(clinic, "10:20", day=DAY + datetime.timedelta(days=1))
    assert "1 today" in calendar(desk)
    assert "2 today" in calendar(sign_in(clinic.users[Role.HC_ADMIN]))


# --- one visit --------------------------------------------------------------------------------------


def test_the_card_of_a_visit_says_what_to_mind(clinic, desk):
    patient = clinic.patient(
        care_group_id=clinic.group.pk,
        medical_urgent_note="Takes apixaban",
        ask_to_arrive_early_mins=10,
        appointment_module_note="ramp",
    )
    row = visit(clinic, "10:20", patient=patient)
    html = desk.get(reverse("admin:appointment", args=[row.pk])).content.decode()
    assert "Takes apixaban" in html
    assert "Asks to come 10 minutes early: ramp" in html
    assert shown("appointment.read") == {patient.pk}


def test_a_button_gives_a_status(clinic, desk):
    row = visit(clinic, "10:20")
    answer = desk.post(reverse("admin:appointment_status", args=[row.pk]), {"base_version": 1, "status": "arrived"})
    assert answer.status_code == 204
    assert "has arrived" in answer["HX-Trigger"]
    row.refresh_from_db()
    assert (row.status, row.arrived_at) == ("arrived", at("09:42"))


def test_a_cancellation_asks_for_the_reason(clinic, desk):
    row, address = visit(clinic, "10:20"), None
    address = reverse("admin:appointment_status", args=[row.pk])
    assert send(desk, address).status_code == 422
    assert send(desk, address, cancellation_reason="Has the flu").status_code == 204
    row.refresh_from_db()
    assert (row.status, row.cancellation_reason) == ("cancelled", "Has the flu")


def test_a_status_on_an_old_version_says_that_somebody_else_changed_it(clinic, desk):
    row = visit(clinic, "10:20", status="confirmed")
    address = reverse("admin:appointment_status", args=[row.pk])
    answer = desk.post(address, {"base_version": 7, "status": "arrived"})
    assert answer.status_code == 422
    assert b"Someone else changed this visit meanwhile" in answer.content
    assert b"it is 4 Mar 2030, 10:20 EST, confirmed." in answer.content
    values = form_values(answer.content.decode().replace("<form ", '<form id="f" '), "f")
    assert desk.post(address, values).status_code == 204


def test_a_visit_of_an_archived_patient_is_not_there(clinic, desk):
    row = visit(clinic, "10:20")
    archive(row.patient)
    for name in ("appointment", "appointment_move", "appointment_status"):
        assert desk.get(reverse(f"admin:{name}", args=[row.pk])).status_code == 404


# --- booking and moving -----------------------------------------------------------------------------


@pytest.fixture
def whom(clinic):
    return clinic.patient(care_group_id=clinic.group.pk)


def book(client: Client, patient, clock: str, **changes):
    """Book a patient on the day of the tests, with the provider that the address presets."""
    query = f"?patient={patient.pk}&provider={Provider.objects.order_by('pk').first().pk}"
    given = {"starts_at": DAY.isoformat(), "starts_at_time": clock, **changes}
    return send(client, f"{reverse('admin:book')}{query}", **given)


def test_what_is_typed_as_nine_is_nine_at_the_clinic_through_the_api(clinic, api, desk, whom):
    answer = book(desk, whom, "9:45", length="20", note="Fasting", provider=clinic.catalogs["provider"].pk)
    assert answer.status_code == 204, answer.content
    found = api().get(f"{clinic.base}/appointments").json()["items"][0]
    assert (found["starts_at"], found["ends_at"]) == ("2030-03-04T14:45:00Z", "2030-03-04T15:05:00Z")
    assert (found["note"], found["provider"]["name"]) == ("Fasting", clinic.catalogs["provider"].name)


def test_an_overlap_is_told_before_and_saved_with_a_reason(clinic, desk, whom):
    other = visit(clinic, "10:20", 40, status="confirmed")
    provider = clinic.catalogs["provider"].pk
    answer = book(desk, whom, "10:50", provider=provider)
    html = answer.content.decode()
    name = f"{other.patient.last_name}, {other.patient.first_name}"
    assert answer.status_code == 422
    assert f"Overlaps by 10 minutes with {name}, 10:20{EN_DASH}11:00, confirmed." in html
    assert "Book at 11:00" in html
    assert Appointment.objects.count() == 1
    assert shown("appointment.search") == {other.patient_id}
    read = {"override": answer.context["fingerprint"], "acknowledged": "on", "override_reason": "Both agreed"}
    assert book(desk, whom, "10:50", provider=provider, **read).status_code == 204
    event = AuditEvent.objects.filter(action="appointment.create").latest("id")
    assert event.overridden == "overlap_of_provider.high"
    assert OverriddenWarning.objects.get(patient=whom).reason == "Both agreed"


def test_a_free_time_that_is_offered_is_booked_at_once(clinic, desk, whom):
    visit(clinic, "10:20", 40)
    answer = book(desk, whom, "10:50", provider=clinic.catalogs["provider"].pk, offered=at("11:00").isoformat())
    assert answer.status_code == 204
    assert Appointment.objects.get(patient=whom).starts_at == at("11:00")


def test_an_overlap_with_a_patient_out_of_sight_names_nobody(clinic, desk, whom):
    hidden = visit(clinic, "10:20", patient=clinic.patient(care_group_id=clinic.other_group.pk))
    html = book(desk, whom, "10:20", provider=clinic.catalogs["provider"].pk).content.decode()
    assert "another patient&#x27;s appointment" in html
    assert hidden.patient.last_name not in html


def test_a_patient_who_is_elsewhere_then_is_told(clinic, desk, whom):
    visit(clinic, "10:20", patient=whom, provider_id=None)
    assert b"another appointment of this patient" in book(desk, whom, "10:30", provider="").content


def test_a_time_that_has_passed_is_told(desk, whom, clinic):
    assert b"This time has passed." in book(desk, whom, "9:00", provider="").content
    assert not Appointment.objects.exists()


def test_the_dead_are_told_and_refused(desk, whom):
    record_death(actor=SYSTEM, patient_id=whom.pk, at=at("09:00"))
    answer = book(desk, whom, "11:00", provider="")
    assert answer.status_code == 422
    assert b"A patient who has died cannot have an appointment after that." in answer.content
    assert b"has died on 4 Mar 2030" in desk.get(reverse("admin:book_patient"), {"patient": whom.pk}).content


def test_the_archived_are_told_and_refused(desk, whom):
    archive(whom)
    answer = desk.post(
        reverse("admin:book"), {"patient": whom.pk, "starts_at": DAY.isoformat(), "starts_at_time": "11:00", "length": "30"}
    )
    assert answer.status_code == 422
    assert b"is archived and cannot be booked" in desk.get(reverse("admin:book_patient"), {"patient": whom.pk}).content
    assert not Appointment.objects.exists()


def test_an_hour_that_the_clock_skips_is_refused(desk, whom):
    answer = book(desk, whom, "2:30", provider="", starts_at="2030-03-10")
    assert b"02:30 does not come on 10 Mar 2030" in answer.content


def test_a_foreign_provider_is_no_choice(neighbour, desk, whom):
    answer = book(desk, whom, "11:00", provider=neighbour.catalogs["provider"].pk)
    assert b"not one of the available choices" in answer.content


def test_a_visit_is_moved_and_does_not_overlap_itself(clinic, desk):
    row = visit(clinic, "10:20", 40)
    answer = send(desk, reverse("admin:appointment_move", args=[row.pk]), starts_at_time="10:30")
    assert answer.status_code == 204, answer.content
    assert "moved to 4 Mar 2030, 10:30" in answer["HX-Trigger"]
    row.refresh_from_db()
    assert (row.starts_at, row.ends_at, row.version) == (at("10:30"), at("11:10"), 2)


def test_a_move_of_what_somebody_else_has_moved_is_told(clinic, desk):
    row = visit(clinic, "10:20")
    address = reverse("admin:appointment_move", args=[row.pk])
    values = form_values(desk.get(address).content.decode().replace("<form ", '<form id="f" '), "f")
    assert send(desk, address, starts_at_time="11:00").status_code == 204
    answer = desk.post(address, {**values, "starts_at_time": "12:00"})
    assert (answer.status_code, b"it is 4 Mar 2030, 11:00 EST, scheduled." in answer.content) == (422, True)
    row.refresh_from_db()
    assert row.starts_at == at("11:00")


def test_a_move_onto_another_visit_is_told(clinic, desk):
    row = visit(clinic, "10:20")
    visit(clinic, "11:00")
    answer = send(desk, reverse("admin:appointment_move", args=[row.pk]), starts_at_time="11:00")
    assert (answer.status_code, b"Overlaps by 30 minutes" in answer.content) == (422, True)
    row.refresh_from_db()
    assert row.version == 1


# --- the list ---------------------------------------------------------------------------------------


def test_the_list_is_of_today_and_searches_all_days(clinic, desk):
    today, tomorrow = visit(clinic, "10:20"), visit(clinic, "10:20", day=DAY + datetime.timedelta(days=1))
    listed = reverse("admin:clinical_appointment_changelist")

    def names(**query) -> set[str]:
        html = desk.get(listed, query).content.decode()
        return {row.patient.last_name for row in (today, tomorrow) if f"{row.patient.last_name}, " in html}

    assert names() == {today.patient.last_name}
    assert names(when="tomorrow") == names(when="2030-03-05") == {tomorrow.patient.last_name}
    assert names(q=tomorrow.patient.last_name) == {tomorrow.patient.last_name}
    assert names(when="all") == {today.patient.last_name, tomorrow.patient.last_name}
    assert names(when="2030-02-30") == {today.patient.last_name}
