"""The database itself enforces every named constraint and every unique column of every model.

Serializers and services refuse first, so that no other test would notice a missing constraint. The rows made here go
past both.
"""

import datetime
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from django.db import IntegrityError, models, transaction

from accounts.models import (
    ApiKey,
    AuditSeal,
    CareGroup,
    GroupMembership,
    IdempotencyRecord,
    Organization,
    OutboxEvent,
    Role,
    SecondFactor,
    User,
)
from accounts.models.catalogs import Catalog
from clinical.models import Instrument
from config.core.databases import broken_constraint
from exports.models import WebhookDelivery, WebhookEndpoint
from patients.models import (
    ChartEntry,
    DuplicatePair,
    Enrolment,
    ImportCreation,
    Patient,
    PatientIdentifier,
    PatientImport,
    PatientMerge,
    ReferralSource,
)
from tests.append_only import lifted
from tests.factories import NOON, Clinic
from tests.test_scope_declarations import MODELS

Values = dict[str, Any]
# Columns to set in a new row, or what returns them where they depend on that row or on others.
Setting = Values | Callable[[Clinic, Any], Values]

LEAP_DAY = datetime.date(2024, 2, 29)
STOPPED_BEFORE_START = {"date_start": LEAP_DAY + datetime.timedelta(days=1), "date_stop": LEAP_DAY}
HALF_A_CODE = ({"concept_code": "1"}, {"concept_system": "snomed"})

# Check constraint -> what it forbids: each of these, set in a row that is fine without.
FORBIDDEN: dict[str, tuple[Setting, ...]] = {
    "allergydefinition_code_in_a_system": HALF_A_CODE,
    "appointment_ends_after_start": ({"ends_at": NOON},),
    "appointment_reason_if_cancelled": ({"cancellation_reason": "Flu"}, {"cancellation_reason": "", "status": "no_show"}),
    "disease_dates_in_order": (STOPPED_BEFORE_START,),
    "diseasedefinition_code_in_a_system": HALF_A_CODE,
    "enrolment_dates_in_order": ({"end_date": LEAP_DAY - datetime.timedelta(days=1)},),
    "field_definition_options": ({"dropdown_options": ["a"]}, {"field_type": "dropdown"}),
    "instrument_choices": ({"choices": ["a"]}, {"kind": "choice"}),
    "instrument_code_in_a_system": HALF_A_CODE,
    "instrument_scale_in_order": ({"scale_min": 2, "scale_max": 1}, {"scale_min": 1, "scale_max": 1}),
    "measurement_one_value": ({"value_number": None}, {"value_choice": "a"}),
    "medication_dates_in_order": (STOPPED_BEFORE_START,),
    "medication_is_named": ({"med_descript": None}, {"med_descript": ""}),
    "medicationdefinition_code_in_a_system": HALF_A_CODE,
    "patient_archived_is_deleted": ({"status": "archived"}, {"deleted_at": NOON}),
    "duplicate_pair_in_order": (lambda clinic, row: {"other_id": row.patient_id},),
    "patient_merge_not_with_self": (lambda clinic, row: {"other_id": row.patient_id},),
    "patient_merged_is_archived": (lambda clinic, row: {"merged_into_id": clinic.relative.pk},),
    "patient_not_own_guarantor": ({"pk": 2**40, "responsible_party_id": 2**40},),
    "monitoring_alert_review_by_someone": ({"review_at": NOON},),
    "planned_action_in_order": ({"expires_at": NOON},),
    "referral_attribution_not_self": (lambda clinic, row: {"provider_id": None, "referring_patient_id": row.patient_id},),
    "referral_attribution_one_source": (
        {"provider_id": None},
        lambda clinic, row: {"referral_source_id": clinic.row(ReferralSource).pk},
    ),
    "relationship_not_to_self": (lambda clinic, row: {"to_patient_id": row.patient_id},),
    "social_history_dates_in_order": (STOPPED_BEFORE_START,),
    "star_rating_in_range": ({"score": 0}, {"score": 501}),
    "user_organization_required": ({"organization": None},),
    "vital_signs_not_empty": ({"pulse": None},),
    "vital_signs_pressures_in_order": ({"bp_systolic": 80, "bp_diastolic": 120},),
}

# Unique constraint -> what two rows hold, besides the same values in the columns of the constraint.
SHARED: dict[str, Setting] = {
    "audit_seal_position_unique": {},
    "care_group_name_unique": {"name": "Night shift"},
    "enrolment_one_open": {},
    "field_value_unique": {},
    "idempotency_key_unique": {},
    "instrument_code_unique": {},
    "measurement_external_id_unique": {"external_id": "sensor 1"},
    "membership_unique": {},
    "monitoring_alert_one_open": {},
    "patient_chart_number_unique": {"chart_number_key": "q1"},
    "patient_identifier_unique": {},
    "duplicate_pair_once": {},
    "patient_merge_one_standing": {},
    "patient_tag_unique": {},
    "planned_action_once": {},
    "referral_attribution_one_primary": {},
    "rule_override_one_a_kind": {},
    "rule_override_one_an_instrument": lambda clinic, row: {"instrument_id": clinic.row(Instrument).pk},
    "social_history_one_a_category": {},
    "webhook_delivery_once": {},
    "workflow_firing_once": {},
}

_numbers = count(1)


def new_user(clinic: Clinic) -> User:
    email = f"user{next(_numbers)}@example.test"
    return User(organization=clinic.organization, email=email, email_key=email, role=Role.PATIENT)


def new_patient(clinic: Clinic) -> Patient:
    user = inserted(new_user(clinic))
    names: dict[str, Any] = {"first_name": "Ada", "last_name": "Quist", "account_name_key": f"account {next(_numbers)}"}
    return Patient(organization=clinic.organization, user=user, **names)


def new_membership(clinic: Clinic) -> GroupMembership:
    return GroupMembership(organization=clinic.organization, user=inserted(new_user(clinic)), care_group=clinic.group)


def new_record(clinic: Clinic) -> IdempotencyRecord:
    ids = {"organization_id": clinic.organization.pk, "user_id": clinic.users[Role.HC_ADMIN].pk}
    return IdempotencyRecord(**ids, key=f"key {next(_numbers)}", fingerprint=b"1", status=201, answer=b"2", created_at=NOON)


def new_enrolment(clinic: Clinic) -> Enrolment:
    plan = {"program": clinic.catalogs["program"], "protocol": clinic.catalogs["protocol"]}
    return Enrolment(organization=clinic.organization, patient=inserted(new_patient(clinic)), start_date=LEAP_DAY, **plan)


def new_identifier(clinic: Clinic) -> PatientIdentifier:
    names = {"system": "urn:test", "value": f"{next(_numbers)}"}
    return PatientIdentifier(organization=clinic.organization, patient=inserted(new_patient(clinic)), **names)


def new_merge(clinic: Clinic) -> PatientMerge:
    patient, other = (inserted(new_patient(clinic)) for _ in range(2))
    return PatientMerge(organization=clinic.organization, patient=patient, other=other)


def new_pair(clinic: Clinic) -> DuplicatePair:
    patient, other = (inserted(new_patient(clinic)) for _ in range(2))
    return DuplicatePair(organization=clinic.organization, patient=patient, other=other, weight=1)


def new_import(clinic: Clinic) -> PatientImport:
    made = {"created_by": clinic.users[Role.HC_ADMIN], "header_index": b"1", "state": "checking", "total": 1}
    return PatientImport(organization=clinic.organization, file_name="people.csv", **made)


def new_creation(clinic: Clinic) -> ImportCreation:
    owners = {"patient_import": inserted(new_import(clinic)), "patient": inserted(new_patient(clinic))}
    return ImportCreation(organization=clinic.organization, **owners)


def new_second_factor(clinic: Clinic) -> SecondFactor:
    factor = SecondFactor(organization=clinic.organization, user=inserted(new_user(clinic)), last_step=0)
    factor.secret, factor.recovery_hashes = "A" * 32, []
    return factor


def new_endpoint(clinic: Clinic) -> WebhookEndpoint:
    return WebhookEndpoint(organization=clinic.organization, url="https://example.com/", description="Test", secret_sealed=b"1")


def new_delivery(clinic: Clinic) -> WebhookDelivery:
    event = inserted(OutboxEvent(organization_id=clinic.organization.pk, type="test", subject_uuid=clinic.organization.uuid))
    ids = {"organization_id": clinic.organization.pk, "endpoint": inserted(new_endpoint(clinic)), "event": event}
    return WebhookDelivery(**ids, created_at=NOON)


OTHERS: dict[type[models.Model], Callable[[Clinic], models.Model]] = {
    AuditSeal: lambda clinic: AuditSeal(event_id=2**40 + next(_numbers), organization_id=2**40, position=1, digest=b"1"),
    ApiKey: lambda clinic: ApiKey(user=clinic.users[Role.HC_ADMIN], key_id=f"key {next(_numbers)}", secret_hash=b"1"),
    DuplicatePair: new_pair,
    Enrolment: new_enrolment,
    GroupMembership: new_membership,
    IdempotencyRecord: new_record,
    ImportCreation: new_creation,
    Organization: lambda clinic: Organization(name="Elsewhere", slug=f"elsewhere-{next(_numbers)}"),
    OutboxEvent: lambda clinic: OutboxEvent(organization_id=1, type="test", subject_uuid=clinic.organization.uuid),
    Patient: new_patient,
    PatientIdentifier: new_identifier,
    PatientMerge: new_merge,
    PatientImport: new_import,
    SecondFactor: new_second_factor,
    User: new_user,
    WebhookDelivery: new_delivery,
    WebhookEndpoint: new_endpoint,
}


def new_row(clinic: Clinic, model: type[models.Model]) -> Any:
    """Return a new row of `model` that no constraint refuses, not yet inserted."""
    if issubclass(model, ChartEntry):
        patient = inserted(new_patient(clinic))
        return model(organization=clinic.organization, patient=patient, **clinic.least_entry(model))
    if issubclass(model, Catalog):
        return model(organization=clinic.organization, name=f"Name {next(_numbers)}", **clinic.least(model))
    return OTHERS[model](clinic)


def inserted(row: Any) -> Any:
    """Insert `row` past the services and past its own save()."""
    type(row)._base_manager.bulk_create([row])
    return row


def refusal(row: Any) -> str:
    """Return the name of the constraint that keeps `row` out."""
    with pytest.raises(IntegrityError) as refused, transaction.atomic():
        inserted(row)
    return broken_constraint(refused.value)


def set_values(clinic: Clinic, row: Any, setting: Setting) -> Any:
    for name, value in (setting(clinic, row) if callable(setting) else setting).items():
        setattr(row, name, value)
    return row


def constraints(kind: type[models.BaseConstraint]) -> list[Any]:
    """Return every constraint of a kind with its model, for a parametrized test."""
    named = [(model, constraint) for model in MODELS for constraint in model._meta.constraints if isinstance(constraint, kind)]
    return [pytest.param(model, constraint, id=constraint.name) for model, constraint in named]


def unique_columns() -> list[Any]:
    """Return every column that is unique by itself, but for primary keys, for a parametrized test."""
    columns = [(model, field) for model in MODELS for field in model._meta.concrete_fields]
    return [
        pytest.param(model, field, id=f"{model.__name__}.{field.name}")
        for model, field in columns
        if field.unique and not field.primary_key
    ]


def test_each_constraint_has_its_entry_and_each_entry_its_constraint():
    assert {constraint.name for model in MODELS for constraint in model._meta.constraints} == {*FORBIDDEN, *SHARED}


@pytest.mark.parametrize(("model", "constraint"), constraints(models.CheckConstraint))
def test_a_row_that_a_check_forbids_is_refused(clinic, model, constraint):
    inserted(new_row(clinic, model))
    for setting in FORBIDDEN[constraint.name]:
        assert refusal(set_values(clinic, new_row(clinic, model), setting)) == constraint.name


@pytest.mark.parametrize(("model", "constraint"), constraints(models.UniqueConstraint))
def test_a_second_row_with_the_same_values_is_refused(clinic, model, constraint):
    first, second = (set_values(clinic, new_row(clinic, model), SHARED[constraint.name]) for _ in range(2))
    inserted(first)
    for name in constraint.fields:
        setattr(second, name, getattr(first, name))
    # On SQLite, the trigger of an append-only table would refuse the second row first.
    with lifted():
        assert refusal(second) == constraint.name


@pytest.mark.parametrize(("model", "field"), unique_columns())
def test_a_second_row_with_the_same_value_in_a_unique_column_is_refused(clinic, model, field):
    first, second = inserted(new_row(clinic, model)), new_row(clinic, model)
    assert getattr(first, field.attname) is not None
    setattr(second, field.attname, getattr(first, field.attname))
    # On SQLite, the trigger of an append-only table would refuse a known UUID first.
    with lifted():
        # SQLite names the column, PostgreSQL a constraint that is called after it.
        assert field.column in refusal(second)


def test_the_names_of_care_groups_are_the_same_whatever_their_case(clinic):
    inserted(CareGroup(organization=clinic.organization, name="Night shift"))
    assert refusal(CareGroup(organization=clinic.organization, name="NIGHT SHIFT")) == "care_group_name_unique"
