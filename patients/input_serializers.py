"""Input serializers of patients, for API bodies and the rows of import files."""

from rest_framework import serializers

from accounts.models import CareGroup
from config.rest.fields import Choice, ContractSerializer, Email, Integer, ScopedRelation, Text, UUIDText
from patients.models import BillingType, Employer, FeeSchedule, Location, Patient, Provider

# Balances, set by administrators and by import files, but by no API body.
BALANCES = (
    "balance_0_30",
    "balance_31_60",
    "balance_61_90",
    "balance_over_90",
    "balance_total",
    "estimated_balance",
    "insurance_estimate",
    "payment_plan_due",
)


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
        fields = [
            "address_line1",
            "address_line2",
            "address_note",
            "allergy_review_status",
            "appointment_module_note",
            "ask_to_arrive_early_mins",
            "billing_account",
            "billing_cycle_day",
            "billing_type_uuid",
            "care_group_uuid",
            "chart_number",
            "city",
            "consent_flags",
            "country",
            "date_first_visit",
            "date_of_birth",
            "date_time_deceased",
            "email",
            "emergency_contact_name",
            "emergency_contact_phone",
            "employer_uuid",
            "fee_schedule_uuid",
            "first_name",
            "gender",
            "home_phone",
            "last_name",
            "location_uuid",
            "marital_status",
            "medicaid_id",
            "medical_summary",
            "medical_urgent_note",
            "middle_name",
            "mobile_phone",
            "postal_code",
            "preferred_confirmation_method",
            "preferred_contact_method",
            "preferred_language",
            "preferred_name",
            "premedication_required",
            "primary_provider_uuid",
            "pronoun",
            "receives_email",
            "receives_sms",
            "responsible_party_uuid",
            "salutation",
            "secondary_provider_uuid",
            "social_security_number",
            "state",
            "status",
            "title",
            "treatment_notes",
            "work_phone",
        ]


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
