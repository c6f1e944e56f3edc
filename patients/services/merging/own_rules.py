"""The rules of merging for the tables of this app."""

from collections.abc import Iterator

from django.db.models import Q

from patients.models import (
    AttributionRole,
    DuplicatePair,
    Enrolment,
    FieldValue,
    ImportCreation,
    NameKey,
    OverriddenWarning,
    Patient,
    PatientIdentifier,
    PatientMerge,
    PatientMutation,
    PatientTag,
    ReferralAttribution,
    Relationship,
    SettingChange,
)
from patients.models.referrals import SOURCES
from patients.services.merging.choices import FIELD_VALUES, takes_other
from patients.services.merging.rules import (
    Change,
    Pair,
    Reference,
    merge_rule,
    moves,
    moves_without_twins,
    stays,
    twins_of,
)

STANDING = Q(deleted_at=None)
_SOURCES = tuple(f"{source}_id" for source in SOURCES)


def _enrolments(reference: Reference, pair: Pair) -> Iterator[Change]:
    """Move enrolments. The survivor's open one stands: that of the merged record ends today."""
    for row in reference.rows(pair.other):
        ends = pair.is_enrolled and row.end_date is None
        yield reference.move(row, pair, **({"end_date": max(pair.today, row.start_date)} if ends else {}))


def _field_values(reference: Reference, pair: Pair) -> Iterator[Change]:
    """Move the values of fields of which the survivor has none. Of two the choice decides, and the survivor's row takes it."""
    held = {row.field_definition_id: row for row in reference.rows(pair.survivor)}
    for row in reference.rows(pair.other):
        own = held.get(row.field_definition_id)
        if own is None:
            yield reference.move(row, pair)
        elif takes_other(pair.choices.get(FIELD_VALUES), [own.value]) and own.value != row.value:
            yield Change(own, {"value": row.value})


def _archived(row: Relationship | ReferralAttribution, pair: Pair) -> Iterator[Change]:
    if row.deleted_at is None:
        yield Change(row, {"deleted_at": pair.at})


def _relationships(reference: Reference, pair: Pair) -> Iterator[Change]:
    """Move relationships; those that the survivor has too stay, and one between the two records is archived."""
    twins = twins_of(reference, pair, "to_patient_id", "relationship_type", among=STANDING)
    for row in reference.rows(pair.other):
        if row.to_patient_id == pair.survivor.pk:
            yield from _archived(row, pair)
        elif row.pk not in twins:
            yield reference.move(row, pair)


def _relationships_of_others(reference: Reference, pair: Pair) -> Iterator[Change]:
    """Let the relationships of others lead to the survivor; archive those that do twice, and one between the two records."""
    twins = twins_of(reference, pair, "patient_id", "relationship_type", among=STANDING)
    for row in reference.rows(pair.other):
        if row.patient_id == pair.survivor.pk or row.pk in twins:
            yield from _archived(row, pair)
        else:
            yield reference.move(row, pair)


def _attributions(reference: Reference, pair: Pair) -> Iterator[Change]:
    """Move attributions, as secondary where the survivor has a primary one; the same source stays, and the survivor as one."""
    twins = twins_of(reference, pair, *_SOURCES, among=STANDING)
    primary = STANDING & Q(attribution_role=AttributionRole.PRIMARY)
    taken = reference.rows(pair.survivor).filter(primary).exists()
    for row in reference.rows(pair.other):
        if row.referring_patient_id == pair.survivor.pk or row.pk in twins:
            continue
        second = taken and row.deleted_at is None and row.attribution_role == AttributionRole.PRIMARY
        yield reference.move(row, pair, **({"attribution_role": AttributionRole.SECONDARY.value} if second else {}))


def _referrals_by(reference: Reference, pair: Pair) -> Iterator[Change]:
    """Let the survivor be who referred others; archive those that say so twice, and that the survivor was referred by them."""
    twins = twins_of(reference, pair, "patient_id", among=STANDING)
    for row in reference.rows(pair.other):
        if row.patient_id == pair.survivor.pk or row.pk in twins:
            yield from _archived(row, pair)
        else:
            yield reference.move(row, pair)


merge_rule(Enrolment, "patient_id", _enrolments)
merge_rule(PatientIdentifier, "patient_id", moves)
merge_rule(PatientTag, "patient_id", moves_without_twins("tag_definition_id", among=STANDING))
merge_rule(FieldValue, "patient_id", _field_values)
merge_rule(OverriddenWarning, "patient_id", moves)
# Before the survivor's own attributions are compared: one of them may say that the merged record referred the survivor.
merge_rule(ReferralAttribution, "referring_patient_id", _referrals_by)
merge_rule(ReferralAttribution, "patient_id", _attributions)
merge_rule(Relationship, "patient_id", _relationships)
merge_rule(Relationship, "to_patient_id", _relationships_of_others)
merge_rule(Patient, "responsible_party_id", moves)
# What has happened to a record is told under it.
merge_rule(PatientMutation, "patient_id", stays)
merge_rule(SettingChange, "patient_id", stays)
# An archived record is not found by its name.
merge_rule(NameKey, "patient_id", stays, reported=False)
# The merge of A into B still is one into B when B is merged into C.
merge_rule(Patient, "merged_into_id", stays, reported=False)
merge_rule(PatientMerge, "patient_id", stays, reported=False)
merge_rule(PatientMerge, "other_id", stays, reported=False)
# Which record an import created stays true.
merge_rule(ImportCreation, "patient_id", stays, reported=False)
# Only records that are not archived are a pair, and the merge may be undone.
merge_rule(DuplicatePair, "patient_id", stays, reported=False)
merge_rule(DuplicatePair, "other_id", stays, reported=False)
