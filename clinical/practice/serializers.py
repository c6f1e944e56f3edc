"""Appointments in the practice dialect."""

from rest_framework import serializers

from clinical.models import Appointment
from config.rest.fields import ContractSerializer, ScopedRelation
from config.rest.practice import ReferenceField
from patients.models import Location, Patient, Provider


class PracticeAppointmentReducedOut(ContractSerializer):
    """An appointment as the patient sees it: without the clinic's note."""

    id = serializers.UUIDField(source="uuid")
    patient = ReferenceField(Patient, ("first_name", "last_name"), source="patient_id")
    provider = ReferenceField(Provider, source="provider_id")
    location = ReferenceField(Location, source="location_id")

    class Meta:
        model = Appointment
        fields = [
            "id",
            "patient",
            "provider",
            "location",
            "starts_at",
            "ends_at",
            "status",
            "version",
            "created_at",
            "updated_at",
            "deleted_at",
        ]


class PracticeAppointmentOut(PracticeAppointmentReducedOut):
    """An appointment as staff see it."""

    class Meta(PracticeAppointmentReducedOut.Meta):
        fields = [*PracticeAppointmentReducedOut.Meta.fields, "note"]


class PracticeAppointmentIn(ContractSerializer):
    """The body that makes an appointment."""

    patient_uuid = ScopedRelation(Patient, source="patient_id")
    provider_uuid = ScopedRelation(Provider, source="provider_id", required=False, allow_null=True)
    location_uuid = ScopedRelation(Location, source="location_id", required=False, allow_null=True)

    class Meta:
        model = Appointment
        fields = ["patient_uuid", "provider_uuid", "location_uuid", "starts_at", "ends_at", "status", "note"]
