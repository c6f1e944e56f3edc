"""What each block of the chart page shows."""

import datetime

import pytest

from accounts.audit import record_denied, record_read
from accounts.models import Role
from clinical.models import (
    Alert,
    Allergy,
    AllergyDefinition,
    CommunicationLog,
    Disease,
    Medication,
    MonitoringAlert,
    PlannedAction,
    SocialHistory,
)
from clinical.services.overrides import create_override
from clinical.services.protocols import update_protocol
from patients.models import FieldDefinition, FieldValue, Patient, Protocol, Relationship
from patients.services.charts import archive_entry
from patients.services.patients import update_patient
from tests.clinical.full_charts import DAY, NOW, actor_for, measure, read, take_signs
from tests.factories import SYSTEM, archive

BORN = datetime.date(1960, 5, 17)


@pytest.fixture
def patient(clinic):
    return clinic.patient(care_group_id=clinic.group.pk, date_of_birth=BORN, sex="male")


# --- the banner -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("review", "words"),
    [("nkda", "No known drug allergies"), ("reviewed", "No known allergies"), ("not_reviewed", "Allergies not reviewed")],
)
def test_without_allergies_the_banner_tells_what_is_known_of_them_and_is_not_red(clinic, review, words):
    banner = read(clinic, clinic.patient(allergy_review_status=review), "banner")
    assert (banner.allergy_review, banner.allergies, banner.has_warning) == (words, [], False)
    assert banner.knows_no_allergies == (review != "not_reviewed")


def test_the_gravest_allergy_comes_first_and_inactive_and_archived_ones_are_left_out(clinic, patient):
    for name, severity, active in (
        ("Latex", "mild", True),
        ("Nuts", "Severe", True),
        ("Pollen", None, True),
        ("Dust", "severe", False),
    ):
        row = clinic.catalog(AllergyDefinition, name)
        clinic.entry(Allergy, patient, allergy_definition_id=row.pk, severity=severity, status_is_active=active, reaction="rash")
    gone = clinic.entry(Allergy, patient)
    archive_entry(actor=SYSTEM, model=Allergy, patient_id=patient.pk, entry_id=gone.pk)
    banner = read(clinic, patient, "banner")
    assert [(row.name, row.is_severe) for row in banner.allergies] == [("Nuts", True), ("Latex", False), ("Pollen", False)]
    assert banner.allergies[0].details == "rash, Severe"
    assert banner.has_warning
    assert read(clinic, patient, "allergies").inactive == 1


def test_what_must_not_be_overlooked_makes_the_banner_red(clinic):
    for values in ({"medical_urgent_note": "Ring the doctor"}, {"premedication_required": True}, {"status": "deceased"}):
        assert read(clinic, clinic.patient(**values), "banner").has_warning
    assert read(clinic, archive(clinic.patient()), "banner").archived_at
    assert not read(clinic, clinic.patient(), "banner").has_warning


def test_alerts_of_the_family_are_marked_and_only_those_that_hold_today_are_shown(clinic, patient):
    relative = clinic.patient(first_name="Ruth", responsible_party_id=patient.pk, care_group_id=clinic.group.pk)
    for values in ({"note": "own"}, {"disable_on": NOW.date()}, {"status": "archived"}):
        clinic.entry(Alert, patient, **values)
    clinic.entry(Alert, relative, alert_scope="family", note="family", is_urgent=True)
    clinic.entry(Alert, relative, note="only hers")
    shown = read(clinic, patient, "banner").alerts
    assert [(alert.note, alert.is_family, alert.of) for alert in shown] == [("family", True, "Ruth"), ("own", False, "")]


# --- lists ----------------------------------------------------------------------------------------
def test_current_medications_are_shown_and_the_others_counted(clinic, patient):
    today = NOW.date()
    for name, values in {
        "Zinc": {"date_start": today - 100 * DAY},
        "Aspirin": {"date_start": today - DAY},
        "Held": {"status": "on_hold"},
        "Done": {"status": "completed"},
        "Off": {"status": "discontinued"},
    }.items():
        clinic.entry(Medication, patient, med_descript=name, **values)
    block = read(clinic, patient, "medications")
    assert [(row.name, row.news) for row in block.rows] == [("Aspirin", "new"), ("Zinc", "")]
    assert (block.current, block.rest, block.last_name) == (2, "1 on hold and 2 stopped", "Off")
    assert [row.name for row in read(clinic, patient, "medications", whole=True).rows][:2] == ["Aspirin", "Zinc"]
    assert len(read(clinic, patient, "medications", whole=True).rows) == 5


def test_active_problems_are_shown_and_the_others_counted(clinic, patient):
    for status in ("active", "resolved", "resolved", "inactive"):
        clinic.entry(Disease, patient, problem_status=status)
    block = read(clinic, patient, "problems")
    assert (len(block.rows), block.active, block.rest) == (1, 1, "2 resolved and 1 inactive")
    assert len(read(clinic, patient, "problems", whole=True).rows) == 4


def test_the_next_appointments_and_the_last_one_are_shown(clinic, patient):
    for days, status in ((-30, "completed"), (-3, "completed"), (0, "arrived"), (2, "cancelled"), (5, "scheduled")):
        clinic.appointment(patient, starts_at=NOW + days * DAY, ends_at=NOW + days * DAY + DAY / 48, status=status)
    block = read(clinic, patient, "appointments")
    assert [(row.status, row.minutes) for row in block.upcoming] == [("arrived", 30), ("scheduled", 30)]
    assert [row.starts_at for row in block.past] == [NOW - 3 * DAY]
    assert block.total == 5


def test_the_last_contacts_are_shown_with_who_noted_them_in_scope(clinic, neighbour, patient):
    stranger = neighbour.users[Role.HC_ADMIN]
    for hours, user in ((1, clinic.users[Role.HC_ADMIN]), (2, stranger), (3, None), (4, None)):
        when = NOW - datetime.timedelta(hours=hours)
        clinic.entry(CommunicationLog, patient, communication_datetime=when, mode="phone", direction="received", created_by=user)
    block = read(clinic, patient, "communication")
    assert [contact.by for contact in block.contacts] == [clinic.users[Role.HC_ADMIN].email, "", ""]
    assert (block.contacts[0].how, block.contacts[0].icon, block.total) == ("Phone received", "phone", 4)


def test_social_history_tags_and_own_fields_are_shown_in_words(clinic, patient):
    clinic.entry(SocialHistory, patient)
    clinic.tag(patient)
    for name, kind, value in (("Day", "date", "2023-03-01"), ("Lift", "boolean", True), ("None", "text", None)):
        row = clinic.catalog(FieldDefinition, name, field_type=kind)
        FieldValue.objects.create(organization=clinic.organization, patient=patient, field_definition=row, value=value)
    found = read(clinic, patient, "social-history", "tags")
    assert [(aspect.label, aspect.value) for aspect in found["social_history"]] == [("Tobacco", "Never smoked")]
    assert {(field.name, field.value) for field in found["tags"].fields} == {("Day", datetime.date(2023, 3, 1)), ("Lift", "Yes")}
    assert [tag.name for tag in found["tags"].tags] == [f"{clinic.name} tag_definition"]


def test_contact_tells_which_phone_is_preferred(clinic):
    patient = clinic.patient(
        home_phone="1", mobile_phone="2", preferred_contact_method="text", city="Riverside", state="MA", postal_code="01901"
    )
    contact = read(clinic, patient, "contact")
    assert [(phone.label, phone.note) for phone in contact.phones] == [("Mobile", "preferred, no text messages"), ("Home", "")]
    assert contact.address == ["Riverside, MA 01901"]


# --- vital signs ----------------------------------------------------------------------------------
def test_the_last_three_recordings_are_columns_with_flags_beside_what_is_usual(clinic, patient):
    for back, systolic in ((40, 120), (30, 134), (20, 85), (10, 190)):
        take_signs(patient, NOW.date() - back * DAY, bp_systolic=systolic, bp_diastolic=75, weight_lbs=200)
    block = read(clinic, patient, "vital-signs")
    pressure, weight = block.rows
    assert [(cell.text, cell.direction, cell.is_critical) for cell in pressure.cells] == [
        ("134/75", "high", False),
        ("85/75", "low", True),
        ("190/75", "high", True),
    ]
    assert (pressure.usual, weight.usual) == ("101–129 / to 79", "")
    assert (block.total, block.abnormal, block.critical, block.blocks_procedures) == (4, 1, 1, True)
    assert "4 values" in pressure.line
    assert len(read(clinic, patient, "vital-signs", whole=True).recordings) == 4


def test_a_child_is_judged_by_what_is_usual_at_the_age_on_the_day(clinic):
    child = clinic.patient(date_of_birth=NOW.date() - 4 * 365 * DAY, sex="female")
    take_signs(child, NOW.date() - DAY, pulse=110)
    (pulse,) = read(clinic, child, "vital-signs").rows
    assert (pulse.usual, pulse.cells[0].direction) == ("80–120", "")


# --- monitoring -----------------------------------------------------------------------------------
@pytest.fixture
def monitored(clinic):
    """Return a patient whose pressure is measured daily, with limits of the protocol, and the instrument."""
    person = clinic.enrolled(care_group_id=clinic.group.pk)
    instrument = measure(clinic, person, [140, 152, None, 161], code="systolic")
    row = Protocol.objects.get(pk=clinic.catalogs["protocol"].pk)
    rules = [limit(150, "orange"), limit(160, "red")]
    schedule = [{"instrument": "systolic", "every_days": 1, "from_day": 0, "to_day": 99}]
    update_protocol(actor=SYSTEM, row=row, base_version=row.version, changes={"rules": rules, "schedule": schedule})
    return person, instrument


def limit(value: int, flag: str) -> dict:
    return {"kind": "measurement", "instrument": "systolic", "op": ">=", "value": value, "flag": flag}


def test_measurements_are_drawn_with_the_limits_of_the_protocol_and_gaps(clinic, monitored):
    block = read(clinic, monitored[0], "measurements")
    (series,) = block.charts
    assert [(value.text, value.flag) for value in series.values] == [("140", ""), ("152", "orange"), ("161", "red")]
    assert (series.unit, series.limits_text, series.own_limits) == ("mmHg", "limits 150 and 160", None)
    assert "160 red" in series.chart
    assert "1 gap" in series.chart


def test_own_limits_of_a_patient_replace_those_of_the_protocol(clinic, monitored):
    patient = monitored[0]
    own = create_override(
        actor=SYSTEM, patient_id=patient.pk, kind="measurement", instrument="systolic", rules=[limit(170, "red")]
    )
    (series,) = read(clinic, patient, "measurements").charts
    assert (series.limits_text, series.own_limits, {value.flag for value in series.values}) == ("limit 170", own.pk, {""})


def test_a_period_and_a_table_can_be_chosen(clinic, monitored):
    patient, instrument = monitored
    clinic.entry(PlannedAction, patient, instrument_id=instrument.pk)
    measure(clinic, patient, [100], NOW - 60 * DAY, code="old")
    assert len(read(clinic, patient, "measurements").all) == 1
    block = read(clinic, patient, "measurements", days=90, table=True)
    assert [series.code for series in block.all] == ["systolic", "old"]
    assert [[value and value.text for value in line.values] for line in block.table] == [
        ["161", None],
        ["152", None],
        ["140", None],
        [None, "100"],
    ]


def test_the_tracker_tells_kept_missed_and_planned_days(clinic, monitored):
    patient, instrument = monitored
    PlannedAction.objects.filter(patient=patient).delete()
    midnight = datetime.datetime(2024, 1, 17, tzinfo=clinic.organization.zone)
    for back, kept in ((3, True), (2, True), (1, False), (0, False)):
        begins = midnight - back * DAY
        clinic.entry(
            PlannedAction,
            patient,
            instrument_id=instrument.pk,
            not_before=begins,
            expires_at=begins + DAY,
            timezone="America/New_York",
            completed_at=begins if kept else None,
        )
    block = read(clinic, patient, "monitoring")
    (track,) = block.tracks
    assert track.states[-5:] == ["", "kept", "kept", "missed", "planned"]
    assert (track.kept, track.due, track.missed_on, track.rate) == (2, 3, [datetime.date(2024, 1, 16)], "daily")
    assert (block.next_due.day, block.next_due.by) == (datetime.date(2024, 1, 17), None)
    assert block.plan.program == clinic.catalogs["program"].name


def test_open_alerts_are_shown_the_gravest_and_oldest_first_and_processed_ones_not(clinic, monitored):
    nurse = clinic.users[Role.HC_PRIMARY]
    for flag, status, to in (
        ("grey", "open", None),
        ("red", "open", None),
        ("orange", "escalated", nurse),
        ("red", "processed", None),
    ):
        clinic.entry(MonitoringAlert, monitored[0], flag=flag, status=status, escalated_to=to)
    block = read(clinic, monitored[0], "monitoring")
    assert [alert.flag for alert in block.alerts] == ["red", "orange", "grey"]
    assert [alert.escalated_to for alert in block.alerts] == ["", nurse.email, ""]
    assert (block.total, block.alerts[0].cause) == (3, "Remark alert")


# --- family ---------------------------------------------------------------------------------------
def test_relatives_of_both_directions_are_one_family_with_the_responsible_party_first(clinic, patient):
    mother = clinic.patient(sex="female", care_group_id=clinic.group.pk, mobile_phone="555", first_name="Joan")
    update_patient(actor=SYSTEM, patient_id=patient.pk, base_version=None, changes={"responsible_party_id": mother.pk})
    sister = clinic.patient(sex="female", responsible_party_id=mother.pk, care_group_id=clinic.group.pk)
    grandson = clinic.patient(sex="male", care_group_id=clinic.group.pk)
    clinic.entry(Alert, sister, alert_scope="family")
    clinic.entry(Relationship, patient, to_patient_id=mother.pk, relationship_type="parent")
    clinic.entry(Relationship, grandson, to_patient_id=patient.pk, relationship_type="grandparent")
    members = {member.pk: member for member in read(clinic, patient, "family").members}
    assert next(iter(members)) == mother.pk
    assert (members[mother.pk].words, members[mother.pk].is_responsible, members[mother.pk].phone) == (["mother"], True, "555")
    assert (members[sister.pk].in_household, len(members[sister.pk].alerts)) == (True, 1)
    assert (members[grandson.pk].words, members[grandson.pk].in_household) == (["grandson"], False)
    assert (members[mother.pk].relationship is None, members[grandson.pk].relationship) == (False, None)


def test_relatives_out_of_scope_are_counted_and_not_named(clinic, patient):
    hidden = clinic.patient(care_group_id=clinic.other_group.pk, last_name="Hidden")
    other = clinic.patient(care_group_id=clinic.other_group.pk)
    clinic.entry(Relationship, patient, to_patient_id=other.pk)
    update_patient(actor=SYSTEM, patient_id=patient.pk, base_version=None, changes={"responsible_party_id": hidden.pk})
    clinic.entry(Alert, hidden, alert_scope="family")
    found = read(clinic, patient, "family", "banner", role=Role.HC_PRIMARY)
    assert (found["family"].members, found["family"].hidden, found["family"].responsible_is_hidden) == ([], 1, True)
    assert found["banner"].alerts == []
    assert len(read(clinic, patient, "family").members) == 2


# --- access ---------------------------------------------------------------------------------------
def test_access_counts_openings_and_people_and_refusals(clinic, patient):
    seen = [(patient.organization_id, patient.pk)]
    now = datetime.datetime.now(datetime.UTC)
    for role in (Role.HC_ADMIN, Role.HC_PRIMARY, Role.HC_PRIMARY):
        record_read(actor_for(clinic, role), "patient.read", patients=seen)
    record_read(actor_for(clinic), "patient.search", patients=seen)
    record_denied(actor_for(clinic, Role.HC_SECONDARY), "patient.read", patient_id=patient.pk)
    chart_patient = Patient.objects.get(pk=patient.pk)
    access = read_now(clinic, chart_patient, now)
    assert (access.times, access.people, access.refused) == (3, 2, 1)
    assert access.last_by == clinic.users[Role.HC_PRIMARY].email


def read_now(clinic, patient: Patient, now: datetime.datetime):
    """Return the block of access at the present: the trail is dated by the clock of the machine."""
    from clinical.admin.chart.blocks import BLOCKS
    from clinical.admin.chart.reading import Chart, read_blocks

    chart = Chart(patient, actor_for(clinic), now.astimezone(clinic.organization.zone))
    return read_blocks(chart, [BLOCKS["access"]])["access"]
