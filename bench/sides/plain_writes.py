"""Writes of the plain side: a ModelSerializer, validators, and the ORM, with the rules that the product keeps.

A write checks the key's organization, the columns, names, dates, references and the chart number; it derives the columns for
sorting and searching, renews the typeahead's keys, looks for duplicates, compares versions under a lock, and stores the audit
event and the outbox event in the same transaction. What the product's functions compute without the database is theirs
(`derived_columns`, `name_keys`); all statements are as the ORM makes them.
"""

import datetime
import uuid

from django.db import transaction
from django.db.models import Model, Q
from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import APIException, ValidationError

from accounts.models import AuditedPatient, AuditEvent, CareGroup, OutboxEvent
from patients.models import (
    STAFF_FIELDS,
    BillingType,
    Employer,
    FeeSchedule,
    Location,
    NameKey,
    Patient,
    Provider,
)
from patients.search import SEARCHED, TYPED, derived_columns, name_keys

OLDEST_YEARS = 130


class Conflict(APIException):
    status_code = 409


class OwnRow(serializers.SlugRelatedField):
    """A row of the key's organization, by its UUID."""

    def __init__(self, model: type, source: str):
        self.model = model
        super().__init__(slug_field="uuid", queryset=model.objects.all(), source=source, required=False, allow_null=True)

    def get_queryset(self):
        return self.model.objects.filter(organization=self.context["request"].user.organization, deleted_at=None)


class PlainPatientWrite(serializers.ModelSerializer):
    """The body that creates or changes a patient."""

    base_version = serializers.IntegerField(required=False, write_only=True)
    billing_type_uuid = OwnRow(BillingType, "billing_type")
    care_group_uuid = OwnRow(CareGroup, "care_group")
    employer_uuid = OwnRow(Employer, "employer")
    fee_schedule_uuid = OwnRow(FeeSchedule, "fee_schedule")
    location_uuid = OwnRow(Location, "location")
    primary_provider_uuid = OwnRow(Provider, "primary_provider")
    responsible_party_uuid = OwnRow(Patient, "responsible_party")
    secondary_provider_uuid = OwnRow(Provider, "secondary_provider")

    class Meta:
        model = Patient
        fields = [
            *STAFF_FIELDS,
            "base_version",
            "billing_type_uuid",
            "care_group_uuid",
            "employer_uuid",
            "fee_schedule_uuid",
            "location_uuid",
            "primary_provider_uuid",
            "responsible_party_uuid",
            "secondary_provider_uuid",
        ]

    def update(self, patient: Patient, values: dict) -> Patient:
        """As ModelSerializer does; the product's own `save` would refuse, as it has a service for that."""
        for name, value in values.items():
            setattr(patient, name, value)
        Model.save(patient)
        return patient

    def validate_date_of_birth(self, born: datetime.date | None) -> datetime.date | None:
        today = timezone.now().date()
        if born and not today.replace(year=today.year - OLDEST_YEARS) <= born <= today:
            raise ValidationError("The date of birth must lie in the past and within a lifetime.")
        return born

    def validate_chart_number(self, number: str | None) -> str | None:
        taken = Patient.objects.filter(
            organization=self.context["request"].user.organization, chart_number=number, deleted_at=None
        )
        if number and taken.exclude(pk=getattr(self.instance, "pk", None)).exists():
            raise Conflict("duplicate chart number")
        return number


@transaction.atomic
def create(request, serializer) -> tuple[Patient, list[Patient]]:
    """Create the patient of a valid `serializer`; return them, and who may be the same person."""
    organization, values = request.user.organization, serializer.validated_data
    patient = serializer.save(
        organization=organization, activated_at=timezone.now(), **derived_columns(values, organization.country)
    )
    _index(patient)
    _record(request, patient, "create", values)
    return patient, list(_duplicates(patient))


@transaction.atomic
def update(request, serializer) -> None:
    """Write the changes of a valid `serializer`. Raises Conflict for another version than the one that is stored."""
    changes = serializer.validated_data
    patient = Patient.objects.select_for_update().get(pk=serializer.instance.pk)
    if changes.pop("base_version", None) != patient.version:
        raise Conflict("version conflict")
    serializer.instance = patient
    derived = {}
    if SEARCHED & changes.keys():
        derived = derived_columns({**vars(patient), **changes}, request.user.organization.country)
    serializer.save(version=patient.version + 1, **derived)
    if set(TYPED) & changes.keys():
        _index(patient)
    _record(request, patient, "update", changes)


def _index(patient: Patient) -> None:
    NameKey.objects.filter(patient=patient).delete()
    NameKey.objects.bulk_create(
        NameKey(organization_id=patient.organization_id, patient=patient, key=key, shared=shared)
        for key, shared in name_keys(vars(patient))
    )


def _record(request, patient: Patient, action: str, changed) -> None:
    event = AuditEvent.objects.create(
        organization_id=patient.organization_id,
        user_id=request.user.pk,
        key_id=request.auth.key_id,
        role=request.user.role,
        action=f"patient.{action}",
        route="patients",
        outcome=AuditEvent.Outcome.OK,
        request_id=uuid.uuid4().hex,
        subject="patient",
        subject_id=patient.pk,
        changed_fields=",".join(sorted(changed)),
    )
    AuditedPatient.objects.create(event=event, organization_id=patient.organization_id, patient_id=patient.pk)
    OutboxEvent.objects.create(
        organization_id=patient.organization_id,
        type=f"patient.{action}d",
        subject_uuid=patient.uuid,
        patient_id=patient.pk,
        version=patient.version,
    )


def _duplicates(patient: Patient):
    signals = Q(last_name_match_key=patient.last_name_match_key, date_of_birth_key=patient.date_of_birth_key)
    if patient.email_key:
        signals |= Q(email_key=patient.email_key)
    if patient.mobile_e164:
        signals |= Q(mobile_e164=patient.mobile_e164)
    others = Patient.objects.filter(signals, organization_id=patient.organization_id, deleted_at=None).exclude(pk=patient.pk)
    return others.order_by("last_name_key", "id")[:50]
