"""Merging one record of a person into another."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.dispatch import Signal
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.audit import record_change, record_read
from accounts.scope import Actor
from config.core.dates import today_at
from config.core.exceptions import Conflict, Invalid, NotFound, UnknownReference, VersionConflict
from config.core.orm import word_for
from patients.models import Enrolment, Patient, PatientMerge, Status
from patients.services.histories import note_changes
from patients.services.locking import lock_patients
from patients.services.merging import own_rules  # noqa: F401 - adds the rules of this app
from patients.services.merging.choices import CHOICES, check_choices, chosen_values, differences
from patients.services.merging.remembering import remember, remember_patient, write_changes
from patients.services.merging.rules import Change, Pair, Reference, is_reported, merge_rules
from patients.services.patient_values import changed_columns
from patients.services.patients import index_names, update_patient
from patients.services.rules import SEALED

# Sent in the transaction that merges two records or undoes it, after that, with `actor` and the locked `patient` as they are
# now, once for each of the two, for receivers in later apps that keep something in step with a chart.
chart_moved = Signal()

# What a merge may change in the record that stands; what is derived from it follows.
SURVIVOR_COLUMNS = tuple(
    sorted(
        {column for columns in CHOICES.values() for column in columns if column not in SEALED}
        | {f"{name}_{part}" for name in SEALED for part in ("sealed", "index")}
        | {"user_id", "allergy_review_status"}
    )
)
_STAMPS = ("version", "updated_at")


@dataclass
class RowCount:
    """How many rows of one kind a merge moves, how many it changes beside that, and how many stay where they are."""

    kind: str
    moved: int = 0
    settled: int = 0
    stayed: int = 0


@dataclass
class MergeReport:
    """What a merge has done: the choices of which the records had different values, and the rows of each kind."""

    differences: list[str]
    rows: dict[str, RowCount] = field(default_factory=dict)

    def count(self, reference: Reference, pair: Pair, changes: Collection[Change]) -> None:
        """Count the `changes` that were made to the rows of `reference`, and the rows that it still has."""
        if not is_reported(reference):
            return
        moved = [change for change in changes if change.values.get(reference.column) == pair.survivor.pk]
        settled = [change for change in changes if change.values.keys() - {reference.column}]
        stayed = reference.rows(pair.other).count()
        if changes or stayed:
            kind = word_for(reference.model)
            row = self.rows.setdefault(kind, RowCount(kind))
            row.moved += len(moved)
            row.settled += len(settled)
            row.stayed += stayed


def preview_merge(*, actor: Actor, **values: Any) -> MergeReport:
    """Return what `merge_patients` would do, and do nothing: it is done, and taken back. Raises what that raises."""
    with transaction.atomic():
        report = merge_patients(actor=actor, **values)
        transaction.set_rollback(True)
    patients = Patient.objects.filter(pk__in=[values["survivor_id"], values["other_id"]]).order_by("pk")
    record_read(actor, "patient.preview_merge", patients=list(patients.values_list("organization_id", "pk")))
    return report


@transaction.atomic
def merge_patients(
    *,
    actor: Actor,
    survivor_id: int,
    other_id: int,
    base_version: int,
    other_base_version: int,
    choices: Mapping[str, str] | None = None,
) -> MergeReport:
    """Merge the record `other_id` into `survivor_id`, two records of one person, in the actor's scope.

    What refers to the other record refers to the survivor from now on, each table by its rule (`rules`). `choices` say whose
    value stands (`choices.CHOICES`); without one the survivor's does, or the other's where the survivor has none. The other
    record is archived and points to the survivor. `unmerge_patients` undoes all of it.

    Raises NotFound or UnknownReference if one is missing or archived, or of another organization; VersionConflict; Invalid for
    a choice or a value that cannot be, or if only one of them has died; Conflict if somebody writes about them meanwhile.
    """
    chosen = dict(choices or {})
    check_choices(chosen)
    pair = _locked_pair(survivor_id, other_id, chosen)
    _check_versions(pair, base_version, other_base_version)
    if pair.survivor.has_died != pair.other.has_died:
        raise Invalid(
            _("Only one of the records says that the patient has died. Correct that before you merge them."), "other", "died"
        )
    merge = PatientMerge.objects.create(
        organization_id=pair.survivor.organization_id, patient=pair.survivor, other=pair.other, created_by_id=actor.user_id
    )
    report = MergeReport(differences(pair.survivor, pair.other))
    values = chosen_values(pair.survivor, pair.other, chosen)
    _archive(actor, pair, values)
    _write_survivor(actor, pair, values)
    for reference, rule in merge_rules().items():
        changes = list(rule(reference, pair))
        if changes:
            remember(merge, reference, changes)
            write_changes(actor, pair.other, reference.model, changes)
        report.count(reference, pair, changes)
    after = tell_chart_moved(actor, pair.survivor.pk, pair.other.pk)
    remember_patient(merge, pair.survivor, after[pair.survivor.pk], SURVIVOR_COLUMNS)
    kept = [column.attname for column in Patient._meta.concrete_fields if column.attname not in _STAMPS]
    remember_patient(merge, pair.other, after[pair.other.pk], kept)
    record_change(actor, "patient.archive", pair.other, event="patient.archived", changed=["status", "deleted_at"])
    record_change(actor, "patient.merge", [pair.survivor, pair.other], event="patient.merged", changed=values)
    return report


def tell_chart_moved(actor: Actor, *ids: int) -> dict[int, Patient]:
    """Let later apps keep what they derive in step with the charts of two locked patients, and return these as they are then."""
    for patient in lock_patients(ids).values():
        chart_moved.send(Patient, actor=actor, patient=patient)
    return lock_patients(ids)


def _locked_pair(survivor_id: int, other_id: int, choices: Mapping[str, str]) -> Pair:
    """Lock both records and all who refer to the other one, in the order of ids, and return the two."""
    if survivor_id == other_id:
        raise Invalid(_("A record cannot be merged into itself."), "other", "same")
    referring = _referring_to(other_id)
    guarantors = Patient.objects.filter(pk__in=[survivor_id, other_id]).values_list("responsible_party_id", flat=True)
    found = lock_patients({survivor_id, other_id, *referring, *guarantors})
    survivor, other = found.get(survivor_id), found.get(other_id)
    if survivor is None or survivor.deleted_at is not None:
        raise NotFound(_("Patient"))
    if other is None or other.deleted_at is not None or other.organization_id != survivor.organization_id:
        raise UnknownReference("other", _("Patient"))
    # Whoever refers to a patient locks them, so that nobody has joined since.
    if not {*_referring_to(other_id), other.responsible_party_id} - {None} <= found.keys():
        raise Conflict(_("Somebody is changing one of the records at this moment. Try again."), "other")
    return Pair(
        survivor=survivor,
        other=other,
        at=timezone.now(),
        today=today_at(survivor.organization.timezone),
        is_enrolled=Enrolment.objects.filter(patient=survivor, end_date=None).exists(),
        choices=choices,
    )


def _referring_to(patient_id: int) -> set[int]:
    """Return the ids of the patients with rows, or values of their own, that refer to a patient."""
    found: set[int] = set()
    for reference in merge_rules():
        if is_reported(reference) and reference.column != "patient_id":
            owner = "pk" if reference.model is Patient else "patient_id"
            rows = reference.model._base_manager.filter(**{reference.column: patient_id}).order_by()
            found |= set(rows.values_list(owner, flat=True))
    return found


def _check_versions(pair: Pair, base_version: int, other_base_version: int) -> None:
    for patient, base in ((pair.survivor, base_version), (pair.other, other_base_version)):
        if base != patient.version:
            raise VersionConflict(expected=patient.version, got=base)


def _archive(actor: Actor, pair: Pair, values: Mapping[str, Any]) -> None:
    """Archive the merged record. It gives up its account name and its login if the survivor takes them: both are unique."""
    columns: dict[str, Any] = {"status": Status.ARCHIVED, "deleted_at": pair.at, "merged_into_id": pair.survivor.pk}
    if values.get("account_name"):
        columns |= changed_columns(pair.other, {"account_name": None})
    if values.get("user_id"):
        columns["user_id"] = None
    note_changes(actor, [(pair.other, columns)])
    Patient.objects.change(pair.other.pk, pair.other.version, _("Patient"), **columns)
    index_names(pair.other.pk, pair.other.organization_id, {})


def _write_survivor(actor: Actor, pair: Pair, values: Mapping[str, Any]) -> None:
    """Give the survivor the chosen `values`. Their version rises in any case: an open form shows what is no longer so."""
    if values:
        update_patient(actor=actor, patient_id=pair.survivor.pk, base_version=pair.survivor.version, changes=values)
    else:
        Patient.objects.change(pair.survivor.pk, pair.survivor.version, _("Patient"))
