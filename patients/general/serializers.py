"""Patients in the general dialect."""

from rest_framework import serializers

from accounts.scope import Actor
from config.rest.compiled.plans import Computed
from config.rest.fields import Choice, ContractSerializer, Email, Text
from config.rest.general import Date, UTCMilliseconds
from patients.models import Gender, Patient, Status
from patients.serializer_fields import Age


def is_active(actor: Actor, status: str) -> bool:
    """Tell whether the patient is active."""
    return status == Status.ACTIVE


class GeneralAddressOut(serializers.Serializer):
    """An address."""

    street = serializers.CharField(source="address_line1", allow_null=True)
    city = serializers.CharField(allow_null=True)
    state = serializers.CharField(allow_null=True)
    zip_code = serializers.CharField(source="postal_code", allow_null=True)


class GeneralPatientOut(ContractSerializer):
    """A patient."""

    age = Age()
    phone = serializers.CharField(source="mobile_phone", allow_null=True)
    address = GeneralAddressOut(source="*")
    active = Computed(is_active, ("status",), schema={"type": "boolean"})
    created_at = UTCMilliseconds()
    updated_at = UTCMilliseconds()

    class Meta:
        model = Patient
        fields = [
            "id",
            "first_name",
            "last_name",
            "date_of_birth",
            "age",
            "gender",
            "phone",
            "email",
            "address",
            "active",
            "created_at",
            "updated_at",
        ]


class GeneralAddressIn(serializers.Serializer):
    """An address; what is not named stays as it is."""

    street = Text(max_length=255, source="address_line1", required=False, allow_null=True, allow_blank=True)
    city = Text(max_length=255, required=False, allow_null=True, allow_blank=True)
    state = Text(max_length=255, required=False, allow_null=True, allow_blank=True)
    zip_code = Text(max_length=32, source="postal_code", required=False, allow_null=True, allow_blank=True)

    def run_validation(self, data=serializers.empty):
        """Take null for an address of which nothing is known: it clears every part."""
        return super().run_validation(dict.fromkeys(self.fields) if data is None else data)


class GeneralPatientIn(ContractSerializer):
    """The values that create or change a patient, inside their wrapper."""

    date_of_birth = Date()
    gender = Choice(choices=Gender.choices, required=False, allow_null=True)
    phone = Text(max_length=64, source="mobile_phone", required=False, allow_null=True, allow_blank=True)
    email = Email(max_length=254, required=False, allow_null=True, allow_blank=True)
    address = GeneralAddressIn(source="*", required=False, allow_null=True)

    class Meta:
        model = Patient
        fields = ["first_name", "last_name", "date_of_birth", "gender", "phone", "email", "address"]
