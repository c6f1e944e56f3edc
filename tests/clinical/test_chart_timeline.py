"""The timeline: every kind of event in words, latest first, page by page, without a gap or a repetition."""

import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import Role
from clinical.admin.chart import timeline
from clinical.admin.chart.reading import Chart, Options
from clinical.models import Appointment, CommunicationLog, Medication, MonitoringAlert
from clinical.services.medications import create_medication, update_medication
from clinical.services.monitoring import claim_alert, process_alert
from patients.models import FieldDefinition
from patients.services.charts import update_entry
from patients.services.field_values import set_field_values
from patients.services.lifecycle import archive_patient
from tests.clinical.full_charts import DAY, actor_for, fill, measure
from tests.factories import SYSTEM

HOUR = datetime.timedelta(hours=1)


@pytest.fixture
def patient(clinic):
    return clinic.patient(care_group_id=clinic.group.pk)


def page(clinic, patient, **options) -> timeline.Timeline:
    """Return a page of the timeline at the present: the trail is dated by the clock of the machine."""
    now = timezone.now().astimezone(clinic.organization.zone)
    return timeline.read(Chart(patient, actor_for(clinic), now, Options(**options)))


def texts(clinic, patient, **options) -> list[str]:
    return [entry.text for entry in page(clinic, patient, **options).entries]


def test_changes_are_told_by_the_name_of_the_entry_and_the_fields(clinic, patient):
    actor = actor_for(clinic)
    made = create_medication(actor=actor, patient_id=patient.pk, med_descript="Furosemide")
    update_medication(actor=actor, patient_id=patient.pk, entry_id=made.pk, base_version=1, changes={"dosage": "40 mg"})
    archive_patient(actor=SYSTEM, patient_id=patient.pk)
    found = page(clinic, patient, only="changes").entries
    assert [entry.text for entry in found] == [
        "Details archived",
        "Medication changed: Furosemide (dosage)",
        "Medication added: Furosemide",
        "Details added",
    ]
    assert [entry.by for entry in found] == ["", *[clinic.users[Role.HC_ADMIN].email] * 2, ""]


def test_an_own_field_is_told_once(clinic, patient):
    field = clinic.row(FieldDefinition)
    set_field_values(actor=SYSTEM, patient_id=patient.pk, values={field.pk: "blue"})
    assert texts(clinic, patient, only="changes")[0] == f"Own fields changed: {field.name}"


def test_an_appointment_is_named_by_its_time_and_what_follows_from_its_status_is_not_told(clinic, patient):
    starts_at = datetime.datetime(2024, 1, 17, 14, 30, tzinfo=datetime.UTC)
    visit = clinic.appointment(patient, starts_at=starts_at)
    changes = {"status": "completed", "completed_at": starts_at}
    update_entry(
        actor=SYSTEM, model=Appointment, patient_id=patient.pk, entry_id=visit.pk, base_version=visit.version, changes=changes
    )
    with timezone.override(clinic.organization.zone):
        found = texts(clinic, patient, only="changes")
    assert found[:2] == ["Appointment changed: 17 Jan 2024, 09:30 (status)", "Appointment added: 17 Jan 2024, 09:30"]


def test_who_only_looked_at_an_alert_is_no_event_of_the_chart(clinic, patient):
    alert = clinic.entry(MonitoringAlert, patient)
    claim_alert(actor=actor_for(clinic), alert_id=alert.pk)
    process_alert(actor=actor_for(clinic), patient_id=patient.pk, alert_id=alert.pk, status="processed")
    assert texts(clinic, patient, only="clinical") == ["Monitoring alert processed", "Monitoring alert added"]


def test_measurements_of_one_moment_are_one_entry(clinic, patient):
    now = timezone.now()
    measure(clinic, patient, [120], now, code="systolic")
    measure(clinic, patient, [80], now, code="diastolic")
    assert texts(clinic, patient, only="clinical") == ["Measured: systolic 120 mmHg, diastolic 80 mmHg"]


def test_each_filter_shows_its_kinds(clinic, patient):
    fill(clinic, patient, timezone.now())
    assert "Phone: Called back" in texts(clinic, patient, only="contacts")
    assert not any("Phone" in text for text in texts(clinic, patient, only="clinical") + texts(clinic, patient, only="changes"))
    assert any(text.startswith("Measured") for text in texts(clinic, patient, only="clinical"))
    assert any(text.startswith("Allergy added") for text in texts(clinic, patient, only="changes"))
    assert set(texts(clinic, patient, only="contacts")) <= set(walk(clinic, patient))


def walk(clinic, patient, **options) -> list[str]:
    """Return the texts of all pages."""
    shown = page(clinic, patient, **options)
    found = [entry.text for entry in shown.entries]
    while shown.before:
        shown = page(clinic, patient, before=shown.before, **options)
        found += [entry.text for entry in shown.entries]
    return found


def test_pages_show_every_event_once_in_order(clinic, patient):
    now = timezone.now()
    for number in range(70):
        clinic.entry(CommunicationLog, patient, communication_datetime=now - number * HOUR, note=f"call {number}")
    for number in range(30):
        clinic.appointment(patient, starts_at=now - number * 3 * HOUR, note=f"visit {number}")
    measure(clinic, patient, list(range(60)), now)
    first = page(clinic, patient)
    assert len(first.entries) == timeline.PAGE
    assert [entry.at for entry in first.entries] == sorted((entry.at for entry in first.entries), reverse=True)
    found = walk(clinic, patient)
    calls = [text for text in found if "call" in text]
    assert calls == [f"Contact: call {number}" for number in range(70)]
    assert len([text for text in found if "visit" in text]) == 30
    assert len([text for text in found if text.startswith("Measured")]) == 60


def test_a_page_takes_two_statements_however_much_has_happened(clinic, patient):
    for repetition in range(2):
        fill(clinic, patient, timezone.now() - repetition * DAY) if not repetition else clinic.entry(Medication, patient)
        with CaptureQueriesContext(connection) as statements:
            page(clinic, patient)
        assert len(statements) <= 3


def test_openings_are_no_events(clinic, patient):
    from accounts.audit import record_read

    record_read(actor_for(clinic), "patient.read", patients=[(patient.organization_id, patient.pk)])
    assert texts(clinic, patient) == ["Details added"]
