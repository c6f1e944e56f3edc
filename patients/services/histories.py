"""Writing the history of patients: changes of status, group, program and settings."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from accounts.models import CareGroup
from accounts.scope import Actor
from config.core.bulk_writes import insert_many
from patients.models import Enrolment, MutationType, Patient, PatientMutation, SettingChange, SettingKey

# Columns whose changes are recorded as mutations.
MUTATIONS = {"status": MutationType.STATUS, "care_group_id": MutationType.GROUP}


def note_changes(actor: Actor, changes: Iterable[tuple[Patient, Mapping[str, Any]]]) -> None:
    """Record the history of `changes`, in the open transaction.

    Each pairs a patient as they were before with the columns that are written. A new patient has no history yet: their
    first group and settings are no changes.
    """
    altered = [
        (patient, name, value)
        for patient, columns in changes
        for name, value in columns.items()
        if name in _TRACKED and getattr(patient, name) != value
    ]
    if altered:
        groups = _group_names(value for _, name, value in altered if name == "care_group_id")
        insert_many(PatientMutation, list(_mutations(actor, altered, groups)))
        insert_many(SettingChange, list(_settings(actor, altered)))


def note_enrolment(actor: Actor, patient: Patient, enrolment: Enrolment) -> None:
    """Record that a patient was enrolled in a program under a protocol."""
    names = {MutationType.PROGRAM: enrolment.program.name, MutationType.PROTOCOL: enrolment.protocol.name}
    insert_many(PatientMutation, [_mutation(actor, patient, kind, name) for kind, name in names.items()])


def note_end_of_enrolment(actor: Actor, patient: Patient) -> None:
    """Record that a patient is in no program any more."""
    kinds = (MutationType.PROGRAM, MutationType.PROTOCOL)
    insert_many(PatientMutation, [_mutation(actor, patient, kind, None) for kind in kinds])


_TRACKED = {*MUTATIONS, *SettingKey.values}


def _group_names(ids: Iterable[int | None]) -> dict[int | None, str]:
    wanted = sorted({pk for pk in ids if pk is not None})
    return dict(CareGroup.objects.filter(pk__anyof=wanted).values_list("pk", "name")) if wanted else {}


def _mutations(actor: Actor, altered: list[tuple], groups: Mapping[int | None, str]) -> Iterator[PatientMutation]:
    for patient, name, value in altered:
        if name in MUTATIONS:
            yield _mutation(actor, patient, MUTATIONS[name], groups.get(value) if name == "care_group_id" else str(value))


def _mutation(actor: Actor, patient: Patient, kind: str, name: str | None) -> PatientMutation:
    return PatientMutation(
        organization_id=patient.organization_id, patient=patient, type=kind, name=name, created_by_id=actor.user_id
    )


def _settings(actor: Actor, altered: list[tuple]) -> Iterator[SettingChange]:
    for patient, name, value in altered:
        if name in SettingKey.values:
            yield SettingChange(
                organization_id=patient.organization_id,
                patient=patient,
                key=name,
                value=_text(value),
                created_by_id=actor.user_id,
            )


def _text(value: Any) -> str | None:
    """Return a setting as text: booleans as JSON writes them."""
    return str(value).lower() if isinstance(value, bool) else value
