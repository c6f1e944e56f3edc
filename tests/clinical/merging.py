"""Random charts of two records of one person, what all tables hold of them, and what must be so after a merge and its undoing."""

import datetime
import itertools
from collections.abc import Iterator, Mapping
from decimal import Decimal
from random import Random
from typing import Any

from django.apps import apps
from django.db.models import Model, UniqueConstraint

from clinical.models import (
    Alert,
    AlertDefinition,
    Allergy,
    AllergyDefinition,
    Appointment,
    CommunicationLog,
    Disease,
    DiseaseDefinition,
    Instrument,
    Measurement,
    Medication,
    MonitoringAlert,
    PlannedAction,
    RuleOverride,
    SocialHistory,
    StarRating,
    VitalSigns,
    Workflow,
    WorkflowFiring,
)
from patients.models import (
    Enrolment,
    FieldDefinition,
    FieldValue,
    NameKey,
    OverriddenWarning,
    Patient,
    PatientIdentifier,
    PatientMerge,
    PatientTag,
    ReferralAttribution,
    ReferralSource,
    Relationship,
    TagDefinition,
)
from patients.models.histories import History
from patients.search import derived_columns
from patients.services.merging import MergeReport, merge_patients, unmerge_patients
from patients.services.merging.merge import tell_chart_moved
from tests.factories import NOON, SYSTEM, Clinic

DAY = datetime.timedelta(days=1)
# What every change of a row changes, and what is random each time it is sealed.
UNCOMPARED = {"version", "updated_at"} | {f"{name}_sealed" for name in ("social_security_number", "medicaid_id", "bsn")}
_numbers = itertools.count(1)

Row = dict[str, Any]
Rows = dict[tuple[str, int], Row]
"""Table and id -> the row."""


def merge(survivor: Patient, other: Patient, **choices: str) -> MergeReport:
    """Merge two records as they are now."""
    for patient in (survivor, other):
        patient.refresh_from_db()
    return merge_patients(
        actor=SYSTEM,
        survivor_id=survivor.pk,
        other_id=other.pk,
        base_version=survivor.version,
        other_base_version=other.version,
        choices=choices,
    )


def unmerge(other: Patient) -> None:
    """Undo the merge of a record."""
    unmerge_patients(actor=SYSTEM, patient_id=other.pk)


def now(row: Any) -> Any:
    """Return a row as it is now."""
    return type(row)._base_manager.get(pk=row.pk)


# --- random records --------------------------------------------------------------------------------------


class Pools:
    """Few rows of each catalog, so that two charts often have the same."""

    def __init__(self, clinic: Clinic):
        self.clinic = clinic
        self.tags = [clinic.catalog(TagDefinition, f"Tag {number}") for number in range(3)]
        self.fields = [clinic.catalog(FieldDefinition, f"Field {number}", field_type="text") for number in range(3)]
        self.sources = [clinic.catalog(ReferralSource, f"Source {number}") for number in range(2)]
        self.instrument, self.workflow = clinic.row(Instrument), clinic.row(Workflow)
        self.alert, self.allergy, self.disease = map(clinic.row, (AlertDefinition, AllergyDefinition, DiseaseDefinition))


def random_patient(pools: Pools, rng: Random) -> Patient:
    """Make a record with some values of few, and some of its own."""
    clinic, number = pools.clinic, next(_numbers)

    def maybe(*values: Any) -> Any:
        return rng.choice([None, *values])

    return clinic.patient(
        first_name=rng.choice(["Ada", "Grace"]),
        email=maybe("ada@example.test", "grace@example.test"),
        mobile_phone=maybe("+31612345678", "555 0100"),
        chart_number=maybe(f"C-{number}"),
        account_name=maybe(f"account-{number}"),
        city=maybe("Delft"),
        address_line1=maybe("Elm Street 1"),
        social_security_number=maybe("123-45-6789", "987-65-4321"),
        care_group_id=maybe(clinic.group.pk, clinic.other_group.pk),
        balance_total=Decimal(rng.randrange(3)),
        receives_sms=rng.random() < 0.5,
    )


def fill_at_random(pools: Pools, rng: Random, patient: Patient, related: list[Patient]) -> None:
    """Give a record some rows of every kind, past the services; `related` are others to refer to and to be referred by."""
    rows = [
        *_entries(pools, rng),
        *_unique_entries(pools, rng),
        *_links(pools, rng, patient, related),
    ]
    for row in rows:
        row.organization_id = patient.organization_id
        row.patient_id = row.patient_id or patient.pk
    by_model: dict[type[Model], list[Model]] = {}
    for row in rows:
        by_model.setdefault(type(row), []).append(row)
    for model, made in by_model.items():
        model._base_manager.bulk_create(made)
    appointment = Appointment.objects.create(organization_id=patient.organization_id, patient=patient, starts_at=NOON)
    CommunicationLog.objects.create(
        organization_id=patient.organization_id, patient=patient, communication_datetime=NOON, appointment=appointment
    )
    if not Allergy.objects.filter(patient=patient).exists() and rng.random() < 0.5:
        Patient._base_manager.filter(pk=patient.pk).update(allergy_review_status="nkda")
    # What the services would have derived.
    tell_chart_moved(SYSTEM, patient.pk)


def _some(rng: Random, values: list[Any]) -> list[Any]:
    return [value for value in values if rng.random() < 0.6]


def _entries(pools: Pools, rng: Random) -> Iterator[Any]:
    """Yield entries of which a chart may have any number."""
    plain = [
        lambda: Alert(alert_definition=pools.alert),
        lambda: Allergy(allergy_definition=pools.allergy),
        lambda: Disease(disease_definition=pools.disease),
        lambda: Medication(med_descript="Herbal tea"),
        lambda: StarRating(score=rng.randrange(1, 500)),
        lambda: VitalSigns(date_taken=datetime.date(2024, 2, rng.randrange(1, 29)), pulse=70),
        lambda: CommunicationLog(communication_datetime=NOON, note="Called"),
        lambda: OverriddenWarning(subject="medication", subject_id=1, warnings=[], reason="Tolerated before"),
        lambda: PatientIdentifier(system="urn:test", value=str(next(_numbers))),
        lambda: Measurement(instrument=pools.instrument, value_number=Decimal(7), measured_at=NOON),
    ]
    for make in plain:
        yield from (make() for _ in range(rng.randrange(3)))


def _unique_entries(pools: Pools, rng: Random) -> Iterator[Any]:
    """Yield entries of which a constraint allows a chart one of each, and archived ones beside them."""
    for tag in _some(rng, pools.tags):
        yield PatientTag(tag_definition=tag)
        yield PatientTag(tag_definition=tag, deleted_at=NOON)
    for field in _some(rng, pools.fields):
        yield FieldValue(field_definition=field, value=rng.choice([None, "blue", "green"]))
    for category in _some(rng, ["tobacco", "alcohol", "diet"]):
        yield SocialHistory(category=category, value="Sometimes", snomed_code=rng.choice(["77176002", "8517006"]))
    for kind, instrument in _some(rng, [("remark", None), ("measurement", pools.instrument), ("average", pools.instrument)]):
        yield RuleOverride(kind=kind, instrument=instrument, rules=[])
    for name in _some(rng, ["sensor 1", "sensor 2"]):
        yield Measurement(instrument=pools.instrument, value_number=Decimal(8), measured_at=NOON, external_id=name)
    for key, status in itertools.product(_some(rng, ["a", "b"]), ["open", "processed"]):
        yield MonitoringAlert(type="remark", flag="grey", rule_key=key, window="2030-01-01", cause={}, status=status)
    for day, done in itertools.product(_some(rng, [0, 1, 2]), [rng.random() < 0.5]):
        yield PlannedAction(
            program_action=pools.clinic.organization.uuid,
            instrument=pools.instrument,
            not_before=NOON + day * DAY,
            expires_at=NOON + (day + 1) * DAY,
            timezone="Europe/Amsterdam",
            completed_at=NOON if done else None,
        )
    for day in _some(rng, [0, 1]):
        yield WorkflowFiring(workflow=pools.workflow, trigger_day=(NOON + day * DAY).date(), trigger_count=1)
    plan = {"program": pools.clinic.catalogs["program"], "protocol": pools.clinic.catalogs["protocol"]}
    for ended in _some(rng, [datetime.date(2024, 3, 1), None]):
        yield Enrolment(**plan, start_date=datetime.date(2024, 2, 29), end_date=ended)


def _links(pools: Pools, rng: Random, patient: Patient, related: list[Patient]) -> Iterator[Any]:
    """Yield what leads to other patients, and from them."""
    roles = ["primary", "secondary", "assist"]
    for source, role in zip(_some(rng, [*pools.sources, *related]), roles, strict=False):
        named = {"referring_patient": source} if isinstance(source, Patient) else {"referral_source": source}
        yield ReferralAttribution(**named, attribution_role=role)
    for person, kind in itertools.product(_some(rng, related), _some(rng, ["sibling", "parent"])):
        yield Relationship(to_patient=person, relationship_type=kind)
    for person in _some(rng, related[:1]):
        yield Relationship(patient=person, to_patient=patient, relationship_type="child")
        yield ReferralAttribution(patient=person, referring_patient=patient, attribution_role="assist")


# --- what is stored --------------------------------------------------------------------------------------


def tables() -> list[type[Model]]:
    """Return every table that refers to a patient and holds what merges are about, found by a walk of all models."""
    left_out = (NameKey, PatientMerge)
    found = [
        model
        for model in apps.get_models()
        if any(column.related_model is Patient for column in model._meta.concrete_fields)
        and model not in left_out
        and not issubclass(model, History)
    ]
    assert Patient in found
    assert len(found) > 20
    return found


def stored(clinic: Clinic) -> Rows:
    """Return all rows of a clinic in those tables, without what every change changes."""
    return {
        (model._meta.label, row["id"]): {name: value for name, value in row.items() if name not in UNCOMPARED}
        for model in tables()
        for row in model._base_manager.filter(organization=clinic.organization).values()
    }


def references(row: Row) -> Row:
    """Return the columns by which a row refers to patients."""
    names = ("patient_id", "to_patient_id", "referring_patient_id", "responsible_party_id")
    return {name: row[name] for name in names if name in row}


def left_behind(rows: Rows, survivor: Patient, other: Patient) -> list[str]:
    """Return the rows that refer to a merged record although no rule lets them, in words.

    One may where a constraint, or what makes two links the same, lets the survivor have only one, and has it; where the two
    records would be linked to themselves; and where somebody monitored would be asked for a measurement twice.
    """
    return [
        f"{label} {pk}: {row}"
        for (label, pk), row in rows.items()
        if other.pk in references(row).values()
        and not (label == "patients.Patient" and pk in (survivor.pk, other.pk))
        and {survivor.pk, other.pk} - set(references(row).values())
        and not _has_twin(rows, label, row, survivor, other)
        and not (label == "clinical.PlannedAction" and row["completed_at"] is None and _is_enrolled(rows, survivor))
    ]


def _is_enrolled(rows: Rows, patient: Patient) -> bool:
    enrolments = [row for (label, _), row in rows.items() if label == "patients.Enrolment"]
    return any(row["patient_id"] == patient.pk and row["end_date"] is None for row in enrolments)


SAME_LINK: Mapping[str, list[tuple[str, ...]]] = {
    "patients.Relationship": [("patient_id", "to_patient_id", "relationship_type")],
    "patients.ReferralAttribution": [("patient_id", "referral_source_id", "provider_id", "referring_patient_id")],
}


def _has_twin(rows: Rows, label: str, row: Row, survivor: Patient, other: Patient) -> bool:
    """Tell whether the survivor has what this row is to the merged record."""
    constraints = [one for one in apps.get_model(label)._meta.constraints if isinstance(one, UniqueConstraint)]
    keys = [tuple(_attname(label, name) for name in one.fields) for one in constraints if "patient" in one.fields]
    moved = row | {name: survivor.pk for name, patient in references(row).items() if patient == other.pk}
    same_table = [twin for (kind, _), twin in rows.items() if kind == label and twin is not row]
    return any(
        all(twin[name] == moved[name] for name in key) for key in (*keys, *SAME_LINK.get(label, [])) for twin in same_table
    )


def _attname(label: str, name: str) -> str:
    return apps.get_model(label)._meta.get_field(name).attname


def derived(rows: Rows, key: tuple[str, int]) -> Row:
    """Return what a patient's row must hold of its other values and of the chart in `rows`; nothing of other rows."""
    label, patient = key
    if label != "patients.Patient":
        return {}

    def entries(table: str) -> Iterator[Row]:
        standing = (row for (label, _), row in rows.items() if label == table and row["deleted_at"] is None)
        return (row for row in standing if row["patient_id"] == patient)

    smoking = [row["snomed_code"] for row in entries("clinical.SocialHistory") if row["category"] == "tobacco"]
    taken = [row["date_taken"] for row in entries("clinical.VitalSigns")]
    of_chart = {"smoking_snomed": next(iter(smoking), None), "latest_vitals_date": max(taken, default=None)}
    return of_chart | derived_columns(rows[key], "US")


def differing(before: Rows, after: Rows) -> dict[tuple[str, int], Row]:
    """Return, of rows in both, the columns that differ, with their value in `after`."""
    return {
        key: changed
        for key, row in before.items()
        if key in after and (changed := {name: after[key][name] for name in row if row[name] != after[key][name]})
    }
