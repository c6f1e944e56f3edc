"""Events in the practice dialect."""

from typing import ClassVar

from rest_framework import serializers

from accounts.models import OutboxEvent
from config.rest import practice
from config.rest.fields import ContractSerializer
from config.rest.openapi import UUID, Schema, nullable
from exports.event_types import event_types
from patients.models import Patient


class PatientUuidField(practice.ReferenceField):
    """The UUID of a patient, alone: null where there is none."""

    schema: ClassVar[Schema] = nullable(UUID)

    def __init__(self, **kwargs):
        super().__init__(Patient, name=(), render=lambda found: found and found["uuid"], **kwargs)


class PracticeEventOut(ContractSerializer):
    """A change: what it was and of what, without any of the values."""

    id = serializers.UUIDField(source="uuid")
    type = serializers.ChoiceField(choices=event_types())
    patient_uuid = PatientUuidField(source="patient_id")
    version = serializers.IntegerField(allow_null=True)
    key_id = serializers.CharField()

    class Meta:
        model = OutboxEvent
        fields = ["id", "type", "subject_uuid", "patient_uuid", "version", "key_id", "created_at"]
