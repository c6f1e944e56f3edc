"""Appointments in the practice dialect."""

from rest_framework import serializers

from clinical.models import Appointment
from clinical.models.appointments import MOMENTS
from clinical.services.booking_warnings import CODES
from config.rest.compiled.plans import Constant
from config.rest.fields import ChangeSerializer, ContractSerializer, ScopedRelation
from config.rest.openapi import TEXT, array, enum, object_schema
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


WARNING = object_schema({"code": enum([*CODES]), "severity": enum(["high", "moderate"]), "message": TEXT})


class PracticeAppointmentOut(PracticeAppointmentReducedOut):
    """An appointment as staff see it. The answers of create and change tell what speaks against its time in `warnings`."""

    warnings = Constant([], schema=array(WARNING))

    class Meta(PracticeAppointmentReducedOut.Meta):
        fields = [*PracticeAppointmentReducedOut.Meta.fields, "note", *MOMENTS.values(), "cancellation_reason", "warnings"]


class WithResources(ContractSerializer):
    """Base of the bodies that say with whom and where an appointment is."""

    provider_uuid = ScopedRelation(Provider, source="provider_id", required=False, allow_null=True)
    location_uuid = ScopedRelation(Location, source="location_id", required=False, allow_null=True)


class PracticeAppointmentIn(WithResources):
    """The body that makes an appointment."""

    patient_uuid = ScopedRelation(Patient, source="patient_id")

    class Meta:
        model = Appointment
        fields = ["patient_uuid", "provider_uuid", "location_uuid", "starts_at", "ends_at", "status", "note"]


class PracticeAppointmentPatchIn(WithResources, ChangeSerializer):
    """The body that moves an appointment, gives it another status, or corrects it."""

    class Meta:
        model = Appointment
        fields = [
            "base_version",
            "provider_uuid",
            "location_uuid",
            "starts_at",
            "ends_at",
            "status",
            "note",
            "cancellation_reason",
        ]
