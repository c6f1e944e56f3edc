"""Input serializers of patients, for API bodies and the rows of import files."""

from rest_framework import serializers

from accounts.models import CareGroup
from config.rest.fields import Choice, ContractSerializer, Email, Integer, ScopedRelation, Text, UUIDText
from patients.models import BALANCES, STAFF_FIELDS, BillingType, Employer, FeeSchedule, Location, Patient, Provider


class BillingAccountIn(serializers.Serializer):
    """How billing is set up at registration."""

    mode = Choice(choices=["new", "existing"])
    account_uuid = UUIDText(required=False, allow_null=True)


class PatientBody(ContractSerializer):
    """A patient in a request body: references by UUID, sealed numbers in clear."""

    email = Email(max_length=254, required=False, allow_null=True, allow_blank=True)
    billing_account: BillingAccountIn | None = BillingAccountIn(required=False, allow_null=True)
    billing_type_uuid = ScopedRelation(BillingType, source="billing_type_id", required=False, allow_null=True)
    care_group_uuid = ScopedRelation(CareGroup, source="care_group_id", required=False, allow_null=True)
    employer_uuid = ScopedRelation(Employer, source="employer_id", required=False, allow_null=True)
    fee_schedule_uuid = ScopedRelation(FeeSchedule, source="fee_schedule_id", required=False, allow_null=True)
    location_uuid = ScopedRelation(Location, source="location_id", required=False, allow_null=True)
    medicaid_id = Text(max_length=64, required=False, allow_null=True, allow_blank=True)
    primary_provider_uuid = ScopedRelation(Provider, source="primary_provider_id", required=False, allow_null=True)
    responsible_party_uuid = ScopedRelation(Patient, source="responsible_party_id", required=False, allow_null=True)
    secondary_provider_uuid = ScopedRelation(Provider, source="secondary_provider_id", required=False, allow_null=True)
    social_security_number = Text(max_length=64, required=False, allow_null=True, allow_blank=True)

    class Meta:
        model = Patient
        fields = sorted(
            [
                *STAFF_FIELDS,
                "billing_account",
                "billing_type_uuid",
                "care_group_uuid",
                "employer_uuid",
                "fee_schedule_uuid",
                "location_uuid",
                "medicaid_id",
                "primary_provider_uuid",
                "responsible_party_uuid",
                "secondary_provider_uuid",
                "social_security_number",
            ]
        )


class PatientRow(PatientBody):
    """A row of a bulk request: also has the patient to update and the version that the caller saw."""

    uuid = UUIDText(required=False, allow_null=True)
    base_version = Integer(min_value=1, required=False, allow_null=True)

    class Meta(PatientBody.Meta):
        fields = sorted({*PatientBody.Meta.fields, "uuid", "base_version"})


class ImportedPatient(PatientRow):
    """A row of an import file."""

    billing_account = None

    class Meta(PatientRow.Meta):
        fields = sorted({*PatientRow.Meta.fields, *BALANCES} - {"billing_account"})
