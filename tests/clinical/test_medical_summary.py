"""The medical summary: one answer about a chart, made of what its own operations would answer."""

import csv
import datetime
from collections import Counter
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from accounts.models import AuditedPatient, AuditEvent, Role
from clinical.models import Alert, Allergy, Disease, Medication, SocialHistory, VitalSigns
from clinical.practice import medical_summary
from clinical.practice.medical_summary import PracticeMedicalSummaryOut
from clinical.services.vital_signs import record_vital_signs
from patients.models import Patient
from patients.services.charts import archive_entry
from patients.services.patients import update_patient
from tests.clinical.synthea_exports import CHARTS
from tests.clinical.test_import_synthea import imported, run
from tests.clinical.test_import_synthea_charts import IVO, MAREN, NOA
from tests.contracts.facts import table
from tests.factories import SYSTEM, Clinic, archive
from tests.rest.test_builders import keys
from tests.rest.test_query_ledger import Cost, statements

LISTS = ("allergies", "current_medications", "past_medications", "active_problems", "social_history", "alerts")
TODAY = datetime.date(2024, 3, 10)
CATEGORIES = ("tobacco", "alcohol", "drugs", "exercise", "diet", "occupation", "housing", "other")


@pytest.fixture
def patient(clinic) -> Patient:
    return clinic.patient(care_group_id=clinic.group.pk, user_id=clinic.users[Role.PATIENT].pk)


@pytest.fixture
def summary(clinic, api, patient):
    """Return a function that asks for a summary: of the patient, as an administrator, unless told otherwise."""

    def ask(role: str = Role.HC_ADMIN, of: Patient = patient) -> dict:
        answer = api(role).get(f"{clinic.base}/patients/{of.uuid}/medical-summary")
        assert answer.status_code == 200, answer.content
        return answer.json()

    return ask


def fill(clinic: Clinic, patient: Patient, number: int = 1) -> None:
    """Put `number` entries of every kind on a chart, each in every list of the summary."""
    for index in range(number):
        clinic.entry(Allergy, patient, reaction="Hives")
        clinic.entry(Medication, patient, med_descript=f"Tea {index}", provider_id=clinic.catalogs["provider"].pk)
        clinic.entry(Medication, patient, med_descript=f"Ointment {index}", status="completed")
        clinic.entry(Disease, patient)
        record_vital_signs(
            actor=SYSTEM,
            patient_id=patient.pk,
            date_taken=datetime.date(2023, 1, 1),
            bp_systolic=150,
            bp_diastolic=95,
            height_inches=70,
            weight_lbs=180,
            time_taken=datetime.time(9, index),
        )
        clinic.entry(Alert, patient, note="Rings twice", disable_on=datetime.date(2999, 1, 1))
    for category in CATEGORIES[:number]:
        if not SocialHistory.objects.filter(patient=patient, category=category).exists():
            clinic.entry(SocialHistory, patient, category=category)


def family(clinic: Clinic, guarantor: Patient, **values) -> Patient:
    return clinic.patient(responsible_party_id=guarantor.pk, **{"care_group_id": clinic.group.pk, **values})


def ids(entries: list[dict]) -> list[str]:
    return [entry["id"] for entry in entries]


def one(row) -> list[str]:
    return [str(row.uuid)]


# --- what stands in it ------------------------------------------------------------------------------


def test_an_empty_chart_has_empty_lists_and_no_vital_signs(summary, patient):
    assert summary() == {
        **{name: [] for name in LISTS},
        "patient": {"uuid": str(patient.uuid), "name": patient.full_name},
        "allergy_review_status": "not_reviewed",
        "latest_vitals": None,
        "medical_urgent_note": None,
        "premedication_required": False,
    }


def test_what_the_record_says_of_the_patient_is_told(summary, patient):
    changes = {"allergy_review_status": "reviewed", "medical_urgent_note": "Ⅱ valve", "premedication_required": True}
    update_patient(actor=SYSTEM, patient_id=patient.pk, base_version=1, changes=changes)
    found = summary()
    assert {name: found[name] for name in changes} == changes


@pytest.mark.parametrize("role", [role for role in Role.values if role != Role.PATIENT])
def test_every_entry_is_shown_as_its_own_operation_shows_it(clinic, api, summary, patient, role):
    """All at once, and each alone: on both databases the same bytes of every type."""
    fill(clinic, patient, 2)
    found, client, chart = summary(role), api(role), f"{clinic.base}/patients/{patient.uuid}"

    def listed(path: str) -> list[dict]:
        return client.get(f"{chart}/{path}").json()["items"]

    assert found["allergies"] == listed("allergies") != []
    assert found["current_medications"] == listed("medications?is_active=true") != []
    assert found["past_medications"] == listed("medications?is_active=false") != []
    assert found["active_problems"] == listed("diseases") != []
    assert found["social_history"] == listed("social-history") != []
    assert found["alerts"] == listed("alerts") != []
    assert found["latest_vitals"] in listed("vital-signs")
    assert found["latest_vitals"]["abnormal_flags"] != []
    assert found["latest_vitals"]["time_taken"] == "09:01:00"


def test_the_answer_has_the_declared_and_the_promised_shape(clinic, summary, patient):
    practice = table("practice")
    assert list(practice.faults("MedicalSummary", summary())) == []
    fill(clinic, patient)
    assert list(practice.faults("MedicalSummary", summary())) == []
    assert list(summary()) == list(keys(PracticeMedicalSummaryOut()))


def test_allergies_that_no_longer_stand_are_left_out(clinic, summary, patient):
    standing = clinic.entry(Allergy, patient)
    clinic.entry(Allergy, patient, status_is_active=False)
    assert ids(summary()["allergies"]) == one(standing)


@pytest.mark.parametrize("status", ["completed", "discontinued", "on_hold"])
def test_medications_are_current_where_active_and_past_in_any_other_state(clinic, summary, patient, status):
    taken = clinic.entry(Medication, patient)
    former = clinic.entry(Medication, patient, status=status)
    found = summary()
    assert ids(found["current_medications"]) == one(taken)
    assert ids(found["past_medications"]) == one(former)


@pytest.mark.parametrize("status", ["resolved", "inactive"])
def test_only_active_problems_are_shown(clinic, summary, patient, status):
    present = clinic.entry(Disease, patient)
    clinic.entry(Disease, patient, problem_status=status)
    assert ids(summary()["active_problems"]) == one(present)


@pytest.mark.parametrize("model", [Allergy, Medication, Disease, SocialHistory, VitalSigns])
def test_archived_entries_are_left_out(clinic, summary, patient, model):
    entry = clinic.entry(model, patient)
    archive_entry(actor=SYSTEM, model=model, patient_id=patient.pk, entry_id=entry.pk)
    found = summary()
    assert [found[name] for name in LISTS] == [[]] * len(LISTS)
    assert found["latest_vitals"] is None


def test_entries_of_others_are_left_out(clinic, neighbour, summary, patient):
    for other in (clinic.patient(care_group_id=clinic.group.pk), family(clinic, patient)):
        fill(clinic, other)
    fill(neighbour, neighbour.patient())
    found = summary()
    assert [found[name] for name in LISTS] == [[]] * len(LISTS)
    assert found["latest_vitals"] is None


def test_the_latest_vital_signs_are_those_of_the_last_day_then_time_then_entry(clinic, summary, patient):
    def taken(day: int, hour: int | None = None) -> list[str]:
        at = None if hour is None else datetime.time(hour)
        return one(clinic.entry(VitalSigns, patient, date_taken=datetime.date(2024, 1, day), time_taken=at))

    def latest() -> list[str]:
        return [summary()["latest_vitals"]["id"]]

    without_time = taken(10)
    assert latest() == without_time
    taken(9, 23)
    assert latest() == without_time, "an earlier day"
    morning = taken(10, 7)
    assert latest() == morning, "a time is later than none"
    taken(10)
    assert latest() == morning, "none is not later than a time"
    taken(10, 6)
    assert latest() == morning, "an earlier hour"
    again = taken(10, 7)
    assert latest() == again, "the same moment, entered later"


# --- alerts -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", ["disabled", "archived"])
def test_alerts_that_are_not_active_are_left_out(clinic, summary, patient, status):
    active = clinic.entry(Alert, patient, is_urgent=True)
    clinic.entry(Alert, patient, status=status)
    (found,) = summary()["alerts"]
    assert (found["id"], found["is_urgent"], found["alert_scope"]) == (str(active.uuid), True, "patient")


def test_an_alert_ends_with_its_day_on_the_clock_of_the_clinic(clinic, summary, patient, monkeypatch):
    seen = []

    def today_at(zone: str) -> datetime.date:
        seen.append(zone)
        return TODAY

    monkeypatch.setattr(medical_summary, "today_at", today_at)
    alert = clinic.entry(Alert, patient, disable_on=TODAY + datetime.timedelta(days=1))
    clinic.entry(Alert, patient, disable_on=TODAY)
    assert ids(summary()["alerts"]) == one(alert)
    assert ids(summary(Role.FC_ADMIN)["alerts"]) == one(alert)
    assert {ZoneInfo(zone) for zone in seen} == {clinic.organization.zone}, "whoever asks"


def test_family_alerts_of_the_family_stand_here_too_and_say_whose_they_are(clinic, summary, patient):
    child, sibling = family(clinic, patient), family(clinic, patient)
    own = clinic.entry(Alert, patient)
    clinic.entry(Alert, child, alert_scope="patient")
    shared = clinic.entry(Alert, child, alert_scope="family")
    outsider = clinic.patient(care_group_id=clinic.group.pk)
    clinic.entry(Alert, outsider, alert_scope="family")
    assert ids(summary()["alerts"]) == one(shared) + one(own)
    assert summary()["alerts"][0]["patient"] == {"uuid": str(child.uuid), "name": child.full_name}
    assert ids(summary(of=sibling)["alerts"]) == one(shared)


def test_family_alerts_of_relatives_whom_the_caller_does_not_see_are_not_there(clinic, summary, patient):
    elsewhere = family(clinic, patient, care_group_id=clinic.other_group.pk)
    gone = family(clinic, patient)
    for relative in (elsewhere, gone):
        clinic.entry(Alert, relative, alert_scope="family")
    archive(gone)
    assert summary(Role.HC_PRIMARY)["alerts"] == []
    assert [alert["patient"]["name"] for alert in summary()["alerts"]] == [elsewhere.full_name]


# --- who reads it -----------------------------------------------------------------------------------


def test_patients_read_their_own_without_what_staff_note_for_each_other(clinic, api, summary, patient):
    fill(clinic, patient)
    update_patient(actor=SYSTEM, patient_id=patient.pk, base_version=1, changes={"medical_urgent_note": "Difficult"})
    staff, own = summary(), summary(Role.PATIENT)
    assert (own["alerts"], own["medical_urgent_note"]) == ([], None)
    assert own == {**staff, "alerts": [], "medical_urgent_note": None}
    relative = family(clinic, patient)
    assert api(Role.PATIENT).get(f"{clinic.base}/patients/{relative.uuid}/medical-summary").status_code == 404


def test_an_archived_patient_still_has_one(clinic, summary, patient):
    fill(clinic, patient)
    before = summary()
    archive(patient)
    assert summary() == before


@pytest.mark.parametrize("name", ["00000000-0000-4000-8000-000000000000", "not-a-uuid", "1"])
def test_an_unknown_patient_has_none(clinic, api, name):
    answer = api().get(f"{clinic.base}/patients/{name}/medical-summary")
    assert (answer.status_code, answer.json()) == (404, {"detail": "Patient not found"})


def test_one_event_names_the_patient_and_the_relatives_whose_alerts_are_shown(clinic, summary, patient):
    child, quiet = family(clinic, patient), family(clinic, patient)
    for _ in range(2):
        clinic.entry(Alert, child, alert_scope="family")
    summary()
    event = AuditEvent.objects.get(action="patient.medical_summary")
    audited = AuditedPatient.objects.filter(event=event)
    assert sorted(audited.values_list("patient_id", flat=True)) == [patient.pk, child.pk]
    assert set(audited.values_list("organization_id", flat=True)) == {clinic.organization.pk}
    assert quiet.pk not in audited.values_list("patient_id", flat=True)


# --- what it costs ----------------------------------------------------------------------------------

# PostgreSQL: a key with the rate limit, and everything of the chart with the audit. SQLite: each by itself, of the chart eight
# statements, less the alerts for patients.
COST = Cost(12, 2)


def test_a_summary_costs_the_same_however_long_the_chart(clinic, api, patient):
    path = f"{clinic.base}/patients/{patient.uuid}/medical-summary"
    entries = 0
    for size in (1, 10, 50):
        fill(clinic, patient, size - entries)
        clinic.entry(Alert, family(clinic, patient), alert_scope="family")
        entries = size
        for role in (Role.HC_ADMIN, Role.HC_PRIMARY, Role.PATIENT):
            fewer = 1 if role == Role.PATIENT and connection.vendor == "sqlite" else 0
            found = statements(lambda role=role: api(role).get(path))
            assert len(found) == getattr(COST, connection.vendor) - fewer, f"{role}, {size} entries\n" + "\n".join(found)
            assert len(api(role).get(path).json()["active_problems"]) == size


# --- the whole way, from files ------------------------------------------------------------------------


def counted(directory: Path, synthea_id: str) -> dict[str, int]:
    """Count what a summary should show of a person, straight from Synthea's files."""

    def rows(name: str) -> list[dict[str, str]]:
        with (directory / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            return [row for row in csv.DictReader(file) if row["PATIENT"] == synthea_id]

    def standing(name: str) -> Counter:
        return Counter("past" if row["STOP"] else "current" for row in rows(name))

    measured = [row["DATE"] for row in rows("observations") if row["CODE"] in ("8302-2", "29463-7", "8480-6", "8867-4", "8310-5")]
    return {
        "allergies": standing("allergies")["current"],
        "current_medications": standing("medications")["current"],
        "past_medications": standing("medications")["past"],
        "active_problems": standing("conditions")["current"],
        "latest_vitals": len(set(sorted(measured)[-1:])),
    }


def shown(answer: dict) -> dict[str, int]:
    """Count what a summary shows."""
    lists = {name: len(answer[name]) for name in ("allergies", "current_medications", "past_medications", "active_problems")}
    return {**lists, "latest_vitals": int(answer["latest_vitals"] is not None)}


@pytest.mark.parametrize("synthea_id", [MAREN, IVO, NOA])
def test_an_imported_chart_shows_what_the_files_say(clinic, summary, synthea_id):
    run(clinic, CHARTS)
    run(clinic, CHARTS)
    found = summary(of=imported(clinic, synthea_id))
    assert shown(found) == counted(CHARTS, synthea_id)


def test_the_latest_vital_signs_of_an_imported_chart_are_in_the_units_of_the_record(clinic, summary):
    run(clinic, CHARTS)
    latest = summary(of=imported(clinic, MAREN))["latest_vitals"]
    assert (latest["date_taken"], latest["time_taken"], latest["temperature_f"]) == ("2023-01-10", "22:15:45", "100.2")
