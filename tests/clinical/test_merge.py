"""Merging two records of one person: what each rule does, what comes back, and what is told, also through the API."""

import datetime

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import AuditedPatient, AuditEvent, OutboxEvent, Role
from clinical.models import (
    Allergy,
    Appointment,
    CommunicationLog,
    Measurement,
    Medication,
    MonitoringAlert,
    PlannedAction,
    SocialHistory,
)
from config.core.exceptions import Invalid
from patients.models import (
    Enrolment,
    FieldDefinition,
    FieldValue,
    NameKey,
    Patient,
    PatientMerge,
    PatientMutation,
    PatientTag,
    ReferralAttribution,
    Relationship,
    SettingChange,
    Status,
)
from patients.services.lifecycle import record_death
from patients.services.merging import preview_merge, rules
from patients.services.merging.choices import CHOICES, value_of
from patients.services.patients import update_patient
from tests.clinical.full_charts import fill
from tests.clinical.merging import merge, now, stored, unmerge
from tests.factories import NOON, SYSTEM

DAY = datetime.timedelta(days=1)


# --- the rules of references ---------------------------------------------------------------------------
def test_every_column_that_refers_to_a_patient_has_a_rule():
    assert rules.merge_rules().keys() == rules.references_to_patients()


def test_a_column_without_a_rule_stops_every_merge(pair, monkeypatch):
    without = {reference: rule for reference, rule in rules.merge_rules().items() if reference.model is not Medication}
    monkeypatch.setattr(rules._registry, "rules", without)
    with pytest.raises(LookupError, match=r"Medication\.patient_id"):
        merge(*pair)


def test_every_value_of_a_patient_has_a_choice_or_is_kept_by_the_record_itself():
    chosen = {column for columns in CHOICES.values() for column in columns}
    sealed = {f"{name}_{part}" for name in ("social_security_number", "medicaid_id", "bsn") for part in ("sealed", "index")}
    of_record = {"id", "organization_id", "user_id", "status"}
    people_fill = {column.attname for column in Patient._meta.concrete_fields if column.editable and not column.primary_key}

    assert people_fill - chosen - sealed - of_record == set()


MOVING = [Allergy, Appointment, CommunicationLog, Measurement, Medication, MonitoringAlert, SocialHistory]


@pytest.mark.parametrize("model", MOVING)
def test_an_entry_moves_and_comes_back(clinic, pair, model):
    survivor, other = pair
    entry = clinic.entry(model, other)
    before = stored(clinic)

    merge(survivor, other)
    moved = now(entry)
    unmerge(other)

    assert moved.patient_id == survivor.pk
    assert moved.updated_at >= entry.updated_at
    assert getattr(moved, "version", 2) == 2
    assert stored(clinic) == before


def test_what_only_one_chart_may_have_stays_where_both_have_it(clinic, pair):
    survivor, other = pair
    for patient in pair:
        clinic.entry(PatientTag, patient)
        clinic.entry(SocialHistory, patient, category="tobacco", value="No", snomed_code="8517006")
        clinic.entry(Measurement, patient, external_id="sensor 1")

    report = merge(survivor, other)

    for kind in ("tag", "social_history_entry", "measurement"):
        assert (report.rows[kind].moved, report.rows[kind].stayed) == (0, 1)


def test_of_two_open_enrolments_the_survivors_goes_on(clinic):
    survivor, other = clinic.enrolled(), clinic.enrolled()
    expected = clinic.entry(PlannedAction, other)
    done = clinic.entry(PlannedAction, other, not_before=NOON - DAY, completed_at=NOON)

    merge(survivor, other)
    moved = Enrolment.objects.get(patient=survivor, end_date__isnull=False)

    assert moved.end_date == moved.start_date
    assert not Enrolment.objects.filter(patient=other).exists()
    # Nobody is asked twice for a measurement.
    assert [now(expected).patient_id, now(done).patient_id] == [other.pk, survivor.pk]
    unmerge(other)
    assert Enrolment.objects.get(patient=other).end_date is None


def test_a_record_that_is_not_enrolled_takes_over_the_enrolment(clinic):
    survivor, other = clinic.patient(), clinic.enrolled()
    expected = clinic.entry(PlannedAction, other)

    merge(survivor, other)

    assert Enrolment.objects.get(patient=survivor).end_date is None
    assert now(expected).patient_id == survivor.pk


def test_a_second_primary_attribution_becomes_secondary(clinic, pair):
    survivor, other = pair
    clinic.entry(ReferralAttribution, survivor)
    second = clinic.entry(ReferralAttribution, other, provider_id=None, referring_patient_id=clinic.relative.pk)

    merge(survivor, other)
    assert (now(second).patient_id, now(second).attribution_role) == (survivor.pk, "secondary")
    unmerge(other)
    assert (now(second).patient_id, now(second).attribution_role) == (other.pk, "primary")


def test_links_of_others_lead_to_the_survivor_and_none_between_the_two_stands(clinic, pair):
    survivor, other = pair
    person = clinic.patient(responsible_party_id=other.pk)
    link = clinic.entry(Relationship, person, to_patient_id=other.pk)
    between = clinic.entry(Relationship, survivor, to_patient_id=other.pk)
    referral = clinic.entry(ReferralAttribution, survivor, provider_id=None, referring_patient_id=other.pk)

    merge(survivor, other)

    assert now(link).to_patient_id == survivor.pk
    assert now(person).responsible_party_id == survivor.pk
    assert now(person).version == person.version + 1
    assert None not in (now(between).deleted_at, now(referral).deleted_at)
    unmerge(other)
    assert [now(row).deleted_at for row in (between, referral)] == [None, None]
    assert now(person).responsible_party_id == now(link).to_patient_id == other.pk


def test_a_link_that_both_records_have_is_there_once(clinic, pair):
    person = clinic.relative
    for patient in pair:
        clinic.entry(Relationship, patient, to_patient_id=person.pk)
        clinic.entry(Relationship, person, to_patient_id=patient.pk)
        clinic.entry(ReferralAttribution, patient)
        clinic.entry(ReferralAttribution, person, provider_id=None, referring_patient_id=patient.pk, attribution_role="assist")
    before = stored(clinic)

    merge(*pair)
    for model in (Relationship, ReferralAttribution):
        assert model.objects.filter(patient=pair[0], deleted_at=None).count() == 1
        assert model.objects.filter(patient=person, deleted_at=None).count() == 1
    unmerge(pair[1])
    assert stored(clinic) == before


def test_what_has_happened_to_a_record_is_told_under_it(clinic, pair):
    rows = [clinic.entry(model, pair[1]) for model in (PatientMutation, SettingChange)]

    report = merge(*pair)

    assert [now(row).patient_id for row in rows] == [pair[1].pk] * 2
    assert (report.rows["setting_change"].moved, report.rows["setting_change"].stayed) == (0, 1)


def test_a_survivor_who_was_a_dependent_of_the_record_has_no_guarantor(clinic):
    other = clinic.patient()
    survivor = clinic.patient(responsible_party_id=other.pk)

    merge(survivor, other)
    assert now(survivor).responsible_party_id is None
    unmerge(other)
    assert now(survivor).responsible_party_id == other.pk


def test_a_communication_log_moves_between_merged_records_only_and_is_never_changed_by_it(clinic, pair):
    survivor, other = pair
    log = clinic.entry(CommunicationLog, other, note="As it was")

    def passes(**values) -> bool:
        try:
            with transaction.atomic():
                # SQLite's trigger would move it by a second change, of the log alone.
                CommunicationLog.objects.filter(pk=log.pk).update(**{"updated_at": timezone.now()} | values)
        except IntegrityError:
            return False
        return True

    assert not passes(patient_id=survivor.pk)
    merge(survivor, other)
    assert not passes(patient_id=clinic.relative.pk)
    kept = {"id", "patient_id", "updated_at", "organization_id", "communication_type_id", "appointment_id", "created_by_id"}
    for column in CommunicationLog._meta.concrete_fields:
        if column.attname not in kept:
            value = "x" if column.get_internal_type() in ("CharField", "TextField") else timezone.now()
            value = log.organization.uuid if column.attname == "uuid" else value
            assert not passes(patient_id=other.pk, **{column.attname: value}), column.attname
    assert not passes(patient_id=other.pk, created_by_id=clinic.users[Role.HC_ADMIN].pk)
    assert passes(patient_id=other.pk)
    assert not passes(patient_id=clinic.relative.pk)
    assert passes(patient_id=survivor.pk)
    unmerge(other)
    assert not passes(patient_id=survivor.pk)


# --- choices -------------------------------------------------------------------------------------------
def test_a_value_stands_by_choice_and_for_want_of_another_one(clinic):
    number = "123-45-6789"
    survivor = clinic.patient(email="own@example.test", city="Delft", chart_number="C-1", account_name="own")
    other = clinic.patient(
        email="other@example.test",
        mobile_phone="+31612345678",
        city="Gouda",
        postal_code="2801",
        chart_number="C-2",
        account_name="theirs",
        social_security_number=number,
        user_id=clinic.users[Role.PATIENT].pk,
    )

    report = merge(survivor, other, chart_number="other", account_name="other")
    after = now(survivor)

    assert (after.email, after.mobile_phone) == ("own@example.test", "+31612345678")
    # An address is not mixed of two.
    assert (after.city, after.postal_code) == ("Delft", None)
    assert (after.chart_number, after.account_name) == ("C-2", "theirs")
    assert value_of(after, "social_security_number") == number
    assert after.user == clinic.users[Role.PATIENT]
    assert {"address", "chart_number", "email", "mobile_phone"} <= set(report.differences)
    assert now(other).chart_number == "C-2"


def test_unmerging_gives_back_the_values_that_nobody_has_changed_since(clinic):
    survivor = clinic.patient(email="own@example.test", chart_number="C-1", social_security_number="987-65-4321")
    other = clinic.patient(email="other@example.test", chart_number="C-2", account_name="theirs", city="Gouda")
    chosen = dict.fromkeys(("email", "chart_number", "account_name", "social_security_number"), "other")

    merge(survivor, other, **chosen)
    assert value_of(now(survivor), "social_security_number") is None
    update_patient(actor=SYSTEM, patient_id=survivor.pk, base_version=None, changes={"email": "new@example.test"})
    unmerge(other)
    after = now(survivor)

    assert (after.email, after.chart_number, after.account_name, after.city) == ("new@example.test", "C-1", None, None)
    assert value_of(after, "social_security_number") == "987-65-4321"
    assert (now(other).account_name, now(other).chart_number) == ("theirs", "C-2")


def test_custom_fields_that_both_have_are_chosen_together(clinic, pair):
    survivor, other = pair
    fields = [clinic.catalog(FieldDefinition, name, field_type="text") for name in ("one", "two")]
    values = [(survivor, fields[0], "a"), (survivor, fields[1], None), (other, fields[0], "b"), (other, fields[1], "b")]
    rows = [clinic.entry(FieldValue, patient, field_definition_id=field.pk, value=value) for patient, field, value in values]
    own = rows[:2]

    merge(survivor, other)
    assert [now(row).value for row in own] == ["a", "b"]
    unmerge(other)
    assert [now(row).value for row in own] == ["a", None]
    merge(survivor, other, field_values="other")
    assert [now(row).value for row in own] == ["b", "b"]


def test_a_choice_that_there_is_not_is_refused(pair):
    with pytest.raises(Invalid, match="no such choice"):
        merge(*pair, shoe_size="other")


# --- the two records -----------------------------------------------------------------------------------
def test_the_merged_record_is_archived_and_points_to_the_survivor(clinic, pair):
    survivor, other = pair
    versions = [patient.version for patient in pair]

    merge(survivor, other)

    assert (now(other).status, now(other).merged_into) == (Status.ARCHIVED, survivor)
    assert not NameKey.objects.filter(patient=other).exists()
    assert all(now(patient).version > version for patient, version in zip(pair, versions, strict=True))
    unmerge(other)
    assert (now(other).status, now(other).merged_into, now(other).deleted_at) == (Status.ACTIVE, None, None)
    assert NameKey.objects.filter(patient=other).exists()


def test_both_charts_are_audited_and_published(clinic, pair):
    survivor, other = pair
    entry = clinic.entry(Allergy, other)
    started = OutboxEvent.objects.order_by("-pk").values_list("pk", flat=True).first() or 0

    merge(survivor, other)
    unmerge(other)

    told = OutboxEvent.objects.filter(pk__gt=started)
    for verb in ("merged", "unmerged"):
        assert set(told.filter(type=f"patient.{verb}").values_list("subject_uuid", flat=True)) == {survivor.uuid, other.uuid}
    moved = told.filter(type="allergy.updated").order_by("pk").values_list("subject_uuid", "patient_id", "version")
    assert list(moved) == [(entry.uuid, survivor.pk, 2), (entry.uuid, other.pk, 3)]
    assert told.filter(type__in=["patient.archived", "patient.restored"], subject_uuid=other.uuid).count() == 2
    for action in ("patient.merge", "patient.unmerge"):
        event = AuditEvent.objects.filter(action=action).latest("pk")
        assert set(AuditedPatient.objects.filter(event=event).values_list("patient_id", flat=True)) == {survivor.pk, other.pk}


def test_a_preview_tells_the_same_and_changes_nothing(clinic, pair):
    survivor, other = pair
    for patient in pair:
        fill(clinic, patient)
    before, events = stored(clinic), OutboxEvent.objects.count()
    for patient in pair:
        patient.refresh_from_db()
    versions = {"base_version": survivor.version, "other_base_version": other.version}

    told = preview_merge(actor=SYSTEM, survivor_id=survivor.pk, other_id=other.pk, **versions)

    assert (stored(clinic), OutboxEvent.objects.count()) == (before, events)
    assert not PatientMerge.objects.exists()
    read = AuditEvent.objects.filter(action="patient.preview_merge").latest("pk")
    assert set(AuditedPatient.objects.filter(event=read).values_list("patient_id", flat=True)) == {survivor.pk, other.pk}
    assert merge(survivor, other) == told
    assert told.rows["measurement"].moved == 3


def test_no_known_allergies_ends_with_an_allergy_that_comes_and_begins_again_when_it_goes(clinic, pair):
    survivor, other = pair
    update_patient(actor=SYSTEM, patient_id=survivor.pk, base_version=None, changes={"allergy_review_status": "nkda"})
    clinic.entry(Allergy, other)

    merge(survivor, other)
    assert now(survivor).allergy_review_status == "reviewed"
    unmerge(other)
    assert now(survivor).allergy_review_status == "nkda"


def test_nobody_expects_a_survivor_after_their_death(clinic, pair):
    survivor, other = pair
    visit = clinic.appointment(other, starts_at=timezone.now() - 2 * DAY)
    for patient, days in ((survivor, 3), (other, 1)):
        record_death(actor=SYSTEM, patient_id=patient.pk, at=timezone.now() - days * DAY)

    merge(survivor, other)

    assert (now(visit).patient_id, now(visit).status) == (survivor.pk, "cancelled")


# --- through the API -----------------------------------------------------------------------------------
def test_an_administrator_merges_and_unmerges_through_the_api(clinic, api):
    survivor, other = clinic.patient(), clinic.patient(city="Gouda")
    clinic.entry(Allergy, other)
    path = f"{clinic.base}/patients/{survivor.uuid}/merge"
    body = {"other_patient_uuid": str(other.uuid), "base_version": 1, "other_base_version": 1, "choices": {"last_name": "other"}}

    told = api().post(path, {**body, "dry_run": True}).json()
    assert now(other).merged_into is None
    done = api().post(path, body).json()

    assert done == {**told, "dry_run": False}
    assert {"kind": "allergy", "moved": 1, "settled": 0, "stayed": 0} in done["rows"]
    assert now(survivor).last_name == other.last_name
    found = api().get(f"{clinic.base}/patients/{other.uuid}").json()
    assert found["merged_into"]["uuid"] == str(survivor.uuid)
    assert api().post(f"{clinic.base}/patients/{other.uuid}/restore").status_code == 422
    back = api().post(f"{clinic.base}/patients/{other.uuid}/unmerge")
    assert (back.status_code, back.json()["status"], back.json()["merged_into"]) == (200, "active", None)
    assert api().post(path, body).status_code == 409


def test_the_api_names_what_is_wrong(clinic, neighbour, api):
    survivor, other, dead = clinic.patient(), clinic.patient(), clinic.patient()
    record_death(actor=SYSTEM, patient_id=dead.pk, at=timezone.now() - DAY)
    path = f"{clinic.base}/patients/{survivor.uuid}/merge"

    def answer(patient: Patient, **more):
        versions = {"base_version": now(survivor).version, "other_base_version": now(patient).version}
        return api().post(path, {"other_patient_uuid": str(patient.uuid), **versions, **more})

    assert answer(neighbour.patient()).status_code == 404
    for refused in (answer(dead), answer(survivor)):
        assert (refused.status_code, refused.json()["detail"][0]["loc"]) == (422, ["body", "other_patient_uuid"])
    assert answer(other, choices={"email": "mine"}).json()["detail"][0]["loc"] == ["body", "choices", "email"]
    assert answer(other, other_base_version=9).status_code == 409
    assert answer(other, choices=None, dry_run=None).status_code == 200
