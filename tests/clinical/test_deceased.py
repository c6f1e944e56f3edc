"""The dead: their age stops, nothing is planned for or raised about them, and nobody expects them any more."""

import datetime

import pytest
from django.utils import timezone

from accounts.models import AuditEvent, OutboxEvent
from clinical.models import Appointment, Measurement, MonitoringAlert, PlannedAction
from clinical.services.issues import issues_of_enrolment, issues_of_patient
from clinical.services.monitoring import plan_actions, plan_own_action, raise_overdue_alerts
from config.core.exceptions import Invalid
from patients.ages import age_in_years, died_at
from patients.labels import label_of
from patients.models import Patient
from patients.services.lifecycle import record_death, restore_patient, transition_status
from tests.clinical.monitored import Monitored, alerts
from tests.clinical.rules import DAILY, HEAVY
from tests.factories import NOON, SYSTEM, archive
from tests.rest.wire import Wire

BORN = datetime.date(1940, 6, 1)
DIED = datetime.datetime(2000, 6, 1, 2, tzinfo=datetime.UTC)
A_DAY = datetime.timedelta(days=1)


# --- age --------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("status", "deceased_at", "stopped_at", "died"), [
    ("active", None, None, None),
    ("inactive", None, DIED, None),
    ("deceased", None, DIED, DIED),
    ("deceased", DIED, NOON, DIED),
    ("archived", DIED, NOON, DIED),
])  # fmt: skip
def test_a_death_of_unknown_time_is_taken_for_the_day_of_its_record(status, deceased_at, stopped_at, died):
    assert died_at(status, deceased_at, stopped_at) == died


def test_the_day_of_death_is_that_of_the_clinic():
    west, today = datetime.timezone(datetime.timedelta(hours=-5)), datetime.date(2026, 1, 1)
    assert [age_in_years(BORN, DIED, today, zone) for zone in (datetime.UTC, west)] == [60, 59]
    assert [age_in_years(BORN, None, today, west), age_in_years(None, DIED, today, west)] == [85, None]


@pytest.mark.parametrize("time_known", [True, False])
def test_the_age_stops_at_death_in_the_general_dialect_and_on_pages(clinic, time_known):
    patient = clinic.patient(date_of_birth=BORN, last_name="Quist", first_name="Ada")
    columns = {"status": "deceased", "stopped_at": NOON if time_known else DIED + A_DAY}
    columns |= {"date_time_deceased": DIED + A_DAY} if time_known else {}
    Patient.objects.filter(pk=patient.pk).update(**columns)
    assert Wire("general", clinic).client()("GET", f"/general/v1/patients/{patient.pk}").json()["age"] == 60
    assert "Quist, Ada, 60" in label_of(Patient.objects.get(pk=patient.pk), timezone.localdate())


def test_a_patient_who_is_recorded_as_deceased_ages_no_more(clinic):
    before = timezone.now()
    assert clinic.patient(status="deceased").stopped_at >= before


# --- appointments -----------------------------------------------------------------------------------
def statuses(patient: Patient) -> list[tuple[str, str | None]]:
    rows = Appointment.objects.filter(patient=patient).order_by("starts_at")
    return list(rows.values_list("status", "cancellation_reason"))


KEPT, CANCELLED = ("scheduled", None), ("cancelled", "The patient has died.")


@pytest.mark.parametrize("door", ["practice", "bulk"])
def test_a_corrected_time_of_death_cancels_what_lay_after_it_and_books_nothing_again(clinic, api, door):
    patient = clinic.patient()
    for days in (-2, 0, 2):
        clinic.appointment(patient, starts_at=DIED + days * A_DAY)
    record_death(actor=SYSTEM, patient_id=patient.pk, at=DIED + A_DAY)
    assert statuses(patient) == [KEPT, KEPT, CANCELLED]
    for moment in (DIED - A_DAY, DIED + A_DAY):
        patient.refresh_from_db()
        changes = {"date_time_deceased": moment.isoformat()}
        if door == "bulk":
            row = {"uuid": str(patient.uuid), "first_name": patient.first_name, "last_name": patient.last_name, **changes}
            body = {"meta": {"mode": "update", "match_on": "uuid"}, "rows": [row]}
            assert api().post(f"{clinic.base}/patients/bulk", body).json()["results"][0]["status"] == "updated"
        else:
            path = f"{clinic.base}/patients/{patient.uuid}"
            assert api().patch(path, {"base_version": patient.version, **changes}).status_code == 200
        assert statuses(patient) == [KEPT, CANCELLED, CANCELLED]
    assert AuditEvent.objects.filter(action="appointment.update").count() == 2
    assert OutboxEvent.objects.filter(type="appointment.cancelled").count() == 2


def test_a_death_recorded_by_mistake_is_taken_back_and_books_nothing_again(clinic, api):
    patient = clinic.patient()
    clinic.appointment(patient)
    record_death(actor=SYSTEM, patient_id=patient.pk, at=timezone.now() - A_DAY)
    archive(patient)
    path = f"{clinic.base}/patients/{patient.uuid}"
    restored = api().post(f"{path}/restore").json()
    cleared = api().patch(path, {"base_version": restored["version"], "date_time_deceased": None}).json()
    active = api().post(f"{path}/transition-status", {"base_version": cleared["version"], "new_status": "active"}).json()
    assert (active["status"], active["date_time_deceased"]) == ("active", None)
    assert statuses(patient) == [CANCELLED]


# --- monitoring -------------------------------------------------------------------------------------
@pytest.fixture
def monitored(clinic) -> Monitored:
    return Monitored(clinic)


def become(patient: Patient, status: str) -> None:
    patient.refresh_from_db()
    transition_status(actor=SYSTEM, patient_id=patient.pk, base_version=patient.version, new_status=status)


@pytest.mark.parametrize("status", ["inactive", "deceased"])
def test_a_measurement_of_who_is_not_active_is_kept_and_raises_nothing(monitored, status):
    monitored.prescribe(HEAVY)
    gone, active = monitored.patient(), monitored.patient()
    become(gone, status)
    for patient in (gone, active):
        monitored.measure(patient, 120)
    assert (alerts(gone), len(alerts(active))) == ([], 1)
    assert (Measurement.objects.count(), MonitoringAlert.objects.count()) == (2, 1)


@pytest.mark.parametrize("status", ["inactive", "deceased"])
def test_nothing_is_expected_of_who_is_not_active(clinic, api, monitored, status):
    monitored.prescribe(schedule=[DAILY])
    patient = monitored.patient()
    plans, now = f"/v1/patients/{patient.uuid}/plannedActions", timezone.now()
    assert api().get(plans).json()["data"]
    become(patient, status)
    assert PlannedAction.objects.filter(patient=patient).exists()
    assert api().get(plans).json()["data"] == []
    own = {"instrument": "weight", "notBefore": now.isoformat(), "expiresAt": (now + A_DAY).isoformat()}
    assert api().post(plans, own).status_code == 422
    with pytest.raises(Invalid):
        plan_own_action(actor=SYSTEM, patient_id=patient.pk, instrument="weight", not_before=now, expires_at=now + A_DAY)


# --- who is restored after death, and active again -----------------------------------------------------
@pytest.fixture
def restored(monitored, api) -> Patient:
    """Return a patient who has died, whose chart is active again, with the time of death."""
    monitored.prescribe(HEAVY, schedule=[DAILY])
    patient = monitored.patient()
    record_death(actor=SYSTEM, patient_id=patient.pk, at=timezone.now() - A_DAY)
    archive(patient)
    restore_patient(actor=SYSTEM, patient_id=patient.pk)
    become(patient, "active")
    patient.refresh_from_db()
    return patient


@pytest.mark.parametrize("status", ["inactive", "active"])
def test_who_is_restored_after_death_is_not_expected(clinic, api, restored, status):
    if status == "inactive":
        become(restored, status)
    later = {"patient_uuid": str(restored.uuid), "starts_at": (timezone.now() + A_DAY).isoformat()}
    refused = api().post(f"{clinic.base}/appointments", later)
    assert (refused.status_code, "has died" in refused.content.decode()) == (422, True), refused.content
    restored.refresh_from_db()
    assert [issue.code for issue in issues_of_patient(restored)] == ["deceased"]
    assert [issue.code for issue in issues_of_enrolment(restored)] == ["deceased"]


def test_nothing_is_planned_for_or_raised_about_who_is_restored_after_death(api, monitored, restored):
    plans, now = f"/v1/patients/{restored.uuid}/plannedActions", timezone.now()
    own = {"instrument": "weight", "notBefore": now.isoformat(), "expiresAt": (now + A_DAY).isoformat()}
    assert api().post(plans, own).status_code == 422
    before = PlannedAction.objects.filter(patient=restored).count()
    assert plan_actions(actor=SYSTEM, patient=restored, now=now + 3 * A_DAY) == 0
    assert PlannedAction.objects.filter(patient=restored).count() == before > 0
    assert api().get(plans).json()["data"] == []
    assert raise_overdue_alerts(actor=SYSTEM, now=now + 3 * A_DAY).patients == 0
    monitored.measure(restored, 120)
    assert alerts(restored) == []
