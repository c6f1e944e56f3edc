"""Undoing a merge: what is refused, what was written since, and for how long; and which merges are refused."""

import datetime
from io import StringIO

import pytest
from django.core.management import call_command
from django.utils import timezone

from clinical.models import (
    Allergy,
    Medication,
    SocialHistory,
)
from config.core.exceptions import Conflict, Invalid, NotFound, UnknownReference, VersionConflict
from patients.models import (
    MergedRow,
    PatientMerge,
    ReferralAttribution,
    ReferralSource,
    Relationship,
)
from patients.services.charts import archive_entry, create_entry, update_entry
from patients.services.lifecycle import archive_patient, record_death, restore_patient
from patients.services.merging import merge as merging
from patients.services.merging import merge_patients
from patients.services.patients import update_patient
from tests.clinical.merging import merge, now, stored, unmerge
from tests.factories import SYSTEM

DAY = datetime.timedelta(days=1)


# --- what is refused -----------------------------------------------------------------------------------
def test_what_cannot_be_merged_is_refused_in_words(clinic, neighbour, pair):
    survivor, other = pair
    foreign, archived = neighbour.patient(), clinic.patient()
    archive_patient(actor=SYSTEM, patient_id=archived.pk)
    dead = clinic.patient()
    record_death(actor=SYSTEM, patient_id=dead.pk, at=timezone.now() - DAY)

    for unknown in (foreign, archived):
        with pytest.raises(UnknownReference, match="Patient not found"):
            merge(survivor, unknown)
    with pytest.raises(NotFound, match="Patient not found"):
        merge(archived, survivor)
    with pytest.raises(Invalid, match="cannot be merged into itself"):
        merge(survivor, survivor)
    for one, two in ((survivor, dead), (dead, survivor)):
        with pytest.raises(Invalid, match="Only one of the records says that the patient has died"):
            merge(one, two)
    merge(survivor, other)
    with pytest.raises(UnknownReference):
        merge(clinic.patient(), other)


@pytest.mark.parametrize("stale", [0, 1])
def test_both_versions_count(pair, stale):
    pair[stale].refresh_from_db()
    update_patient(actor=SYSTEM, patient_id=pair[stale].pk, base_version=None, changes={"city": "Delft"})
    with pytest.raises(VersionConflict):
        merge_patients(actor=SYSTEM, survivor_id=pair[0].pk, other_id=pair[1].pk, base_version=1, other_base_version=1)


def test_whoever_refers_to_a_record_between_the_look_and_the_lock_stops_the_merge(clinic, pair, monkeypatch):
    clinic.entry(Relationship, clinic.relative, to_patient_id=pair[1].pk)
    looks = iter([set(), {clinic.relative.pk}])
    monkeypatch.setattr(merging, "_referring_to", lambda patient_id: next(looks))

    with pytest.raises(Conflict, match="Somebody is changing"):
        merge(*pair)


def test_a_merged_record_is_not_restored_and_an_unmerged_one_is_not_unmerged(pair):
    survivor, other = pair
    with pytest.raises(Invalid, match="not merged"):
        unmerge(other)
    merge(survivor, other)
    with pytest.raises(Invalid, match="Undo the merge"):
        restore_patient(actor=SYSTEM, patient_id=other.pk)
    unmerge(other)
    with pytest.raises(Invalid, match="not merged"):
        unmerge(other)


def test_merges_are_undone_in_reverse_order(clinic):
    first, second, third, fourth = (clinic.patient() for _ in range(4))
    entries = [clinic.entry(Medication, patient) for patient in (first, second, third, fourth)]
    before = stored(clinic)

    merge(second, first)
    merge(third, second)
    merge(third, fourth)
    assert {now(entry).patient_id for entry in entries} == {third.pk}
    with pytest.raises(Invalid, match="merged itself"):
        unmerge(first)
    with pytest.raises(Invalid, match="Another record has been merged"):
        unmerge(second)
    for patient in (fourth, second, first):
        unmerge(patient)

    assert stored(clinic) == before


def test_a_survivor_who_is_archived_is_restored_first(pair):
    survivor, other = pair
    merge(survivor, other)
    archive_patient(actor=SYSTEM, patient_id=survivor.pk)
    with pytest.raises(Invalid, match="Restore that first"):
        unmerge(other)


def test_a_guarantor_who_is_archived_is_restored_first(clinic):
    guarantor = clinic.patient()
    survivor, other = clinic.patient(responsible_party_id=clinic.relative.pk), clinic.patient(responsible_party_id=guarantor.pk)
    merge(survivor, other)
    archive_patient(actor=SYSTEM, patient_id=guarantor.pk)
    with pytest.raises(Invalid, match="guarantor of the patient is archived"):
        unmerge(other)


def test_a_chart_number_that_another_patient_has_by_now_is_told(clinic):
    survivor, other = clinic.patient(), clinic.patient(chart_number="C-2")
    merge(survivor, other, chart_number="survivor")
    clinic.patient(chart_number="C-2")
    before = stored(clinic)

    with pytest.raises(Conflict, match="chart number"):
        unmerge(other)
    assert stored(clinic) == before


# --- what was written since ----------------------------------------------------------------------------
def test_what_was_changed_since_goes_back_with_its_change_and_what_was_added_stays(clinic, pair):
    survivor, other = pair
    changed, archived = clinic.entry(Medication, other), clinic.entry(Allergy, other)

    merge(survivor, other)
    update_entry(
        actor=SYSTEM, model=Medication, patient_id=survivor.pk, entry_id=changed.pk, base_version=2, changes={"dosage": "2"}
    )
    archive_entry(actor=SYSTEM, model=Allergy, patient_id=survivor.pk, entry_id=archived.pk)
    added = create_entry(actor=SYSTEM, model=Medication, patient_id=survivor.pk, med_descript="New")
    unmerge(other)

    assert (now(changed).patient_id, now(changed).dosage) == (other.pk, "2")
    assert now(archived).patient_id == other.pk
    assert now(archived).deleted_at is not None
    assert now(added).patient_id == survivor.pk


def test_what_was_settled_and_is_changed_since_keeps_the_change(clinic, pair):
    survivor, other = pair
    for patient in pair:
        clinic.entry(ReferralAttribution, patient, provider_id=None, referral_source_id=clinic.catalog(ReferralSource, "A").pk)
    moved = ReferralAttribution.objects.get(patient=other)

    merge(survivor, other)
    assert now(moved).attribution_role == "secondary"
    changes = {"attribution_role": "assist"}
    update_entry(
        actor=SYSTEM, model=ReferralAttribution, patient_id=survivor.pk, entry_id=moved.pk, base_version=2, changes=changes
    )
    unmerge(other)

    assert (now(moved).patient_id, now(moved).attribution_role) == (other.pk, "assist")


def test_what_has_lost_its_place_meanwhile_stays_settled(clinic, pair):
    survivor, other = pair
    own = clinic.entry(ReferralAttribution, survivor, provider_id=None, referring_patient_id=other.pk)

    merge(survivor, other)
    create_entry(actor=SYSTEM, model=ReferralAttribution, patient_id=survivor.pk, **clinic.least_entry(ReferralAttribution))
    unmerge(other)

    # The survivor has another primary attribution by now.
    assert (now(own).referring_patient_id, now(own).deleted_at is None) == (other.pk, False)


def test_a_row_that_cannot_go_back_stops_the_undoing(clinic, pair):
    survivor, other = pair
    for patient in pair:
        clinic.entry(SocialHistory, patient, category="tobacco")
    moved = clinic.entry(SocialHistory, other, category="diet")

    merge(survivor, other)
    own = SocialHistory.objects.get(patient=survivor, category="tobacco")
    archive_entry(actor=SYSTEM, model=SocialHistory, patient_id=survivor.pk, entry_id=own.pk)
    changes = {"category": "tobacco"}
    update_entry(actor=SYSTEM, model=SocialHistory, patient_id=survivor.pk, entry_id=moved.pk, base_version=2, changes=changes)
    before = stored(clinic)

    with pytest.raises(Conflict, match="another social history entry"):
        unmerge(other)
    assert stored(clinic) == before


# --- for how long --------------------------------------------------------------------------------------
def test_a_merge_can_be_undone_for_some_days_and_is_forgotten_then(clinic, settings):
    settings.MERGE_RETENTION_DAYS = 30
    old, recent = [(clinic.patient(), clinic.patient()) for _ in range(2)]
    for survivor, other in (old, recent):
        clinic.entry(Medication, other)
        merge(survivor, other)
    PatientMerge.objects.filter(other=old[1]).update(created_at=timezone.now() - 31 * DAY)

    with pytest.raises(Invalid, match="for 30 days"):
        unmerge(old[1])
    out = StringIO()
    call_command("prune", stdout=out)

    assert set(MergedRow.objects.values_list("merge__other", flat=True)) == {recent[1].pk}
    assert "rows of old merges deleted" in out.getvalue()
    assert now(old[1]).merged_into == old[0]
    settings.MERGE_RETENTION_DAYS = 365
    with pytest.raises(Invalid, match="for 365 days"):
        unmerge(old[1])
    unmerge(recent[1])
