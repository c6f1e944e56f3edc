"""Appointments are moved, followed and cancelled: by version, by a table of statuses, and not for the dead."""

import datetime

import pytest

from accounts.models import AuditEvent, OutboxEvent, Role
from clinical.models import Appointment, AppointmentStatus
from clinical.models.appointments import MOMENTS
from clinical.services.appointments import DIED, TRANSITIONS, book_appointment, update_appointment
from config.core.exceptions import Invalid
from patients.services.lifecycle import record_death, transition_status
from tests.factories import NOON, SYSTEM, archive

HOUR = datetime.timedelta(hours=1)
LONG_AGO = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
ALLOWED = {
    "scheduled": {"confirmed", "arrived", "in_progress", "completed", "cancelled", "no_show"},
    "confirmed": {"scheduled", "arrived", "in_progress", "completed", "cancelled", "no_show"},
    "arrived": {"scheduled", "confirmed", "in_progress", "completed", "cancelled", "no_show"},
    "in_progress": {"arrived", "completed"},
    "completed": {"arrived", "in_progress"},
    "cancelled": {"scheduled"},
    "no_show": {"scheduled", "arrived"},
}


@pytest.fixture
def booked(clinic) -> Appointment:
    return clinic.appointment(clinic.patient(care_group_id=clinic.group.pk), ends_at=NOON + HOUR)


@pytest.fixture
def change(clinic, api, booked):
    """Return what sends a change of the appointment: change(role, **body)."""

    def send(role: str = Role.HC_ADMIN, **body):
        stored = Appointment.objects.values_list("version", flat=True).get(pk=booked.pk)
        return api(role).patch(f"{clinic.base}/appointments/{booked.uuid}", {"base_version": stored, **body})

    return send


def given(appointment: Appointment, status: str) -> Appointment:
    """Give an appointment a status without a way to it."""
    Appointment.objects.filter(pk=appointment.pk).update(status=status)
    appointment.refresh_from_db()
    return appointment


def follow(appointment: Appointment, *statuses: str, **values) -> Appointment:
    """Give an appointment one status after the other."""
    for status in statuses:
        appointment.refresh_from_db()
        named = {"patient_id": appointment.patient_id, "entry_id": appointment.pk, "base_version": appointment.version}
        update_appointment(actor=SYSTEM, **named, changes={"status": status, **values})
    appointment.refresh_from_db()
    return appointment


# --- the table of statuses --------------------------------------------------------------------------


@pytest.mark.parametrize("before", AppointmentStatus.values)
def test_only_what_makes_sense_follows_a_status(booked, before):
    assert TRANSITIONS[before] == ALLOWED[before]
    for after in set(AppointmentStatus.values) - {before}:
        given(booked, before)
        if after in ALLOWED[before]:
            assert follow(booked, after).status == after
        else:
            with pytest.raises(Invalid, match=f"cannot go from {before} to {after}"):
                follow(booked, after)


@pytest.mark.parametrize(("status", "column"), MOMENTS.items())
def test_a_status_has_its_moment(booked, status, column):
    assert getattr(follow(booked, status), column) is not None
    later = {other for other in MOMENTS.values() if other != column}
    assert {getattr(booked, other) for other in later} == {None}


def test_a_step_back_keeps_the_arrival_and_clears_what_it_undoes(booked):
    follow(booked, "arrived")
    arrived = LONG_AGO
    Appointment.objects.filter(pk=booked.pk).update(arrived_at=arrived)
    follow(booked, "in_progress", "completed", "arrived")
    assert (booked.arrived_at, booked.started_at, booked.completed_at) == (arrived, None, None)
    assert follow(booked, "scheduled").arrived_at is None


def test_a_booking_may_say_that_the_patient_is_there(clinic):
    row = book_appointment(actor=SYSTEM, patient_id=clinic.patient().pk, starts_at=NOON, status="arrived")
    assert row.arrived_at is not None


# --- through the API --------------------------------------------------------------------------------


def test_an_appointment_is_moved_to_another_time_provider_and_place(clinic, booked, change):
    provider, location = clinic.catalogs["provider"], clinic.catalogs["location"]
    answer = change(
        Role.HC_PRIMARY,
        starts_at="2030-03-04T09:00:00-05:00",
        ends_at="2030-03-04T09:20:00-05:00",
        provider_uuid=str(provider.uuid),
        location_uuid=str(location.uuid),
    )
    assert answer.status_code == 200, answer.content
    shown = answer.json()
    assert (shown["starts_at"], shown["ends_at"]) == ("2030-03-04T14:00:00Z", "2030-03-04T14:20:00Z")
    assert (shown["provider"]["name"], shown["location"]["name"], shown["version"]) == (provider.name, location.name, 2)
    event = AuditEvent.objects.filter(action="appointment.update").latest("id")
    assert event.changed_fields == "ends_at,location_id,provider_id,starts_at"
    assert str(OutboxEvent.objects.get(type="appointment.updated").subject_uuid) == shown["id"]


def test_a_change_of_nothing_is_a_read(booked, change):
    for body in ({}, {"status": None}):
        assert change(**body).json()["version"] == 1
    assert AuditEvent.objects.filter(action="appointment.read", outcome="ok").count() == 2
    assert not AuditEvent.objects.filter(action="appointment.update").exists()
    assert not OutboxEvent.objects.filter(type="appointment.updated").exists()


def test_an_arrival_is_shown_with_its_moment_and_published(booked, change):
    shown = change(status="arrived").json()
    assert (shown["status"], shown["version"]) == ("arrived", 2)
    assert shown["arrived_at"] is not None
    assert OutboxEvent.objects.filter(type="appointment.arrived", subject_uuid=booked.uuid).count() == 1


def test_a_cancellation_has_a_reason_until_it_is_taken_back(change):
    assert change(status="cancelled", cancellation_reason="Has the flu").json()["cancellation_reason"] == "Has the flu"
    shown = change(status="scheduled").json()
    assert (shown["status"], shown["cancelled_at"], shown["cancellation_reason"]) == ("scheduled", None, None)


@pytest.mark.parametrize(
    ("body", "field", "word"),
    [
        ({"status": "late"}, "status", "enum"),
        ({"cancellation_reason": "Has the flu"}, "cancellation_reason", "value_error"),
        ({"ends_at": "2030-01-01T12:00:00Z"}, "ends_at", "value_error"),
        ({"starts_at": "2030-01-02T12:00:00Z"}, "ends_at", "value_error"),
        ({"starts_at": "2030-01-01T12:00:00"}, "starts_at", "value_error"),
    ],
)
def test_a_change_that_makes_no_sense_is_named(booked, change, body, field, word):
    answer = change(**body)
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", field])
    booked.refresh_from_db()
    assert (booked.version, booked.status) == (1, "scheduled")


def test_a_status_that_cannot_follow_is_named(booked, change):
    given(booked, "cancelled")
    problem = change(status="arrived").json()["detail"][0]
    assert (problem["loc"], problem["type"]) == (["body", "status"], "transition")


def test_of_two_who_change_one_the_second_is_told(clinic, api, booked):
    path = f"{clinic.base}/appointments/{booked.uuid}"
    assert api().patch(path, {"base_version": 1, "status": "arrived"}).status_code == 200
    # The version comes before the status: scheduled could not follow in progress, but the caller does not know of that.
    given(booked, "in_progress")
    answer = api().patch(path, {"base_version": 1, "status": "no_show"})
    assert (answer.status_code, answer.json()) == (409, {"detail": "Version conflict: expected 2, got 1"})
    assert api().patch(path, {"status": "no_show"}).status_code == 422


def test_patients_do_not_see_the_reason(clinic, api):
    row = clinic.appointment(clinic.own_patient, status="cancelled", cancellation_reason="Do not tell")
    assert b"Do not tell" not in api(Role.PATIENT).get(f"{clinic.base}/appointments/{row.uuid}").content
    assert api(Role.PATIENT).patch(f"{clinic.base}/appointments/{row.uuid}", {"base_version": 1}).status_code == 403


# --- the dead and the archived ----------------------------------------------------------------------


def test_the_dead_are_not_booked_after_their_death(clinic, api):
    patient = clinic.patient()
    record_death(actor=SYSTEM, patient_id=patient.pk, at=LONG_AGO)
    body = {"patient_uuid": str(patient.uuid), "starts_at": "2020-01-01T00:00:01Z"}
    answer = api().post(f"{clinic.base}/appointments", body)
    problem = answer.json()["detail"][0]
    assert (answer.status_code, problem["loc"], problem["type"]) == (422, ["body", "patient_uuid"], "deceased")
    assert api().post(f"{clinic.base}/appointments", {**body, "starts_at": "2019-12-31T12:00:00Z"}).status_code == 201
    assert api().post(f"{clinic.base}/appointments", {**body, "status": "cancelled"}).status_code == 201


def test_the_dead_are_not_moved_beyond_their_death(clinic, api):
    patient = clinic.patient()
    row = clinic.appointment(patient, starts_at=LONG_AGO - HOUR)
    record_death(actor=SYSTEM, patient_id=patient.pk, at=LONG_AGO)
    path = f"{clinic.base}/appointments/{row.uuid}"
    assert api().patch(path, {"base_version": 1, "starts_at": "2030-01-01T12:00:00Z"}).status_code == 422
    assert api().patch(path, {"base_version": 1, "note": "Came late"}).status_code == 200


def test_a_death_cancels_what_was_to_come(clinic):
    patient = clinic.patient()
    before, after = clinic.appointment(patient, starts_at=LONG_AGO - HOUR), clinic.appointment(patient)
    others = clinic.appointment(clinic.patient())
    record_death(actor=SYSTEM, patient_id=patient.pk, at=LONG_AGO)
    for row in (before, after, others):
        row.refresh_from_db()
    assert (before.status, after.status, others.status) == ("scheduled", "cancelled", "scheduled")
    assert (after.cancellation_reason, after.version) == (DIED, 2)
    assert OutboxEvent.objects.filter(type="appointment.cancelled").count() == 1


def test_so_does_a_transition_to_deceased(clinic):
    patient = clinic.patient()
    row = clinic.appointment(patient)
    transition_status(actor=SYSTEM, patient_id=patient.pk, base_version=patient.version, new_status="deceased")
    row.refresh_from_db()
    assert row.status == "cancelled"


def test_what_belongs_to_an_archived_patient_is_not_changed(booked, change):
    archive(booked.patient)
    assert change(status="arrived").status_code == 404
