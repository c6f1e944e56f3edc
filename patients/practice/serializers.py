"""Patients in the practice dialect."""

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from accounts.models import CareGroup
from config.rest.bulk_reader import UnreadRows
from config.rest.compiled.plans import Computed, Constant
from config.rest.fields import BaseVersion, Boolean, Choice, ContractSerializer, Email, Text
from config.rest.openapi import array, component, nullable
from config.rest.practice import VALUE_PROBLEM, ReferenceField
from patients.import_options import MAX_ROWS, Match, Mode, OnError, Outcome
from patients.input_serializers import PatientBody, PatientRow
from patients.models import (
    BALANCES,
    STAFF_FIELDS,
    BillingType,
    Employer,
    FeeSchedule,
    Location,
    Patient,
    Provider,
    Status,
)
from patients.serializer_fields import IdentityNumber, scheduling_restricted


class PracticePatientOut(ContractSerializer):
    """A patient as staff see it."""

    id = serializers.UUIDField(source="uuid")
    billing_type = ReferenceField(BillingType, source="billing_type_id")
    care_group = ReferenceField(CareGroup, source="care_group_id")
    employer = ReferenceField(Employer, source="employer_id")
    fee_schedule = ReferenceField(FeeSchedule, source="fee_schedule_id")
    location = ReferenceField(Location, source="location_id")
    medicaid_id = IdentityNumber("medicaid_id")
    merged_into = ReferenceField(Patient, ("first_name", "last_name"), source="merged_into_id")
    potential_duplicates = Constant(None, schema=nullable(array(component("PatientItem"))))
    primary_provider = ReferenceField(Provider, source="primary_provider_id")
    responsible_party = ReferenceField(Patient, ("first_name", "last_name"), source="responsible_party_id")
    scheduling_restricted = Computed(scheduling_restricted, ("status", "balance_total"), schema={"type": "boolean"})
    secondary_provider = ReferenceField(Provider, source="secondary_provider_id")
    social_security_number = IdentityNumber("social_security_number")

    class Meta:
        model = Patient
        fields = sorted(
            [
                *STAFF_FIELDS,
                *BALANCES,
                "billing_type",
                "care_group",
                "created_at",
                "deleted_at",
                "employer",
                "fee_schedule",
                "id",
                "latest_vitals_date",
                "location",
                "medicaid_id",
                "merged_into",
                "potential_duplicates",
                "primary_provider",
                "responsible_party",
                "scheduling_restricted",
                "secondary_provider",
                "smoking_snomed",
                "social_security_number",
                "updated_at",
                "version",
            ]
        )


class PracticePatientReducedOut(ContractSerializer):
    """A patient as the patient sees it: no staff notes, no money, no identity numbers."""

    id = serializers.UUIDField(source="uuid")
    location = ReferenceField(Location, source="location_id")
    primary_provider = ReferenceField(Provider, source="primary_provider_id")

    class Meta:
        model = Patient
        fields = [
            "address_line1",
            "address_line2",
            "city",
            "country",
            "created_at",
            "date_of_birth",
            "email",
            "emergency_contact_name",
            "emergency_contact_phone",
            "first_name",
            "gender",
            "home_phone",
            "id",
            "last_name",
            "location",
            "middle_name",
            "mobile_phone",
            "postal_code",
            "preferred_confirmation_method",
            "preferred_contact_method",
            "preferred_language",
            "preferred_name",
            "primary_provider",
            "pronoun",
            "receives_email",
            "receives_sms",
            "salutation",
            "state",
            "status",
            "title",
            "updated_at",
            "version",
            "work_phone",
        ]


class PracticePatientItemOut(ContractSerializer):
    """A patient as the typeahead shows it."""

    id = serializers.UUIDField(source="uuid")

    class Meta:
        model = Patient
        fields = [
            "id",
            "first_name",
            "middle_name",
            "last_name",
            "preferred_name",
            "date_of_birth",
            "status",
            "mobile_phone",
            "home_phone",
            "email",
            "chart_number",
        ]


class PracticePatientIn(PatientBody):
    """The body that creates a patient."""


class PracticePatientPatchIn(PracticePatientIn):
    """The body that changes a patient: what is sent changes, and `base_version` says what was seen."""

    base_version = BaseVersion()
    billing_account = None

    class Meta(PracticePatientIn.Meta):
        fields = sorted({*PracticePatientIn.Meta.fields, "base_version"} - {"billing_account"})


class PracticePatientTransitionIn(serializers.Serializer):
    """The body that gives a patient another status."""

    base_version = BaseVersion()
    new_status = Choice(choices=Status.choices)


class PracticeDuplicatesIn(ContractSerializer):
    """What is known of a person who may be a patient already."""

    email = Email(max_length=254, required=False, allow_null=True, allow_blank=True)
    social_security_number = Text(max_length=64, required=False, allow_null=True, allow_blank=True)

    class Meta:
        model = Patient
        fields = ["date_of_birth", "email", "last_name", "mobile_phone", "social_security_number"]


class PracticePlaceOut(serializers.Serializer):
    """A location, as a reference."""

    uuid = serializers.UUIDField()
    name = serializers.CharField()


class PracticeLocationCountOut(serializers.Serializer):
    """How many patients belong to a location."""

    location = PracticePlaceOut()
    count = serializers.IntegerField()


class PracticeCountsOut(serializers.Serializer):
    """Patients counted by location; `excluded_count` are those without an active one."""

    date_from = serializers.DateField(allow_null=True)
    date_to = serializers.DateField(allow_null=True)
    excluded_count = serializers.IntegerField()
    group_by = serializers.CharField()
    items = PracticeLocationCountOut(many=True)
    status_set = serializers.ListField(child=serializers.CharField())
    total = serializers.IntegerField()


class PracticeBulkMetaIn(serializers.Serializer):
    """How an import is carried out. Null is the default."""

    mode = Choice(choices=list(Mode), default=Mode.CREATE, allow_null=True)
    match_on = Choice(choices=list(Match), default=Match.CHART_NUMBER, allow_null=True)
    validate_only = Boolean(default=False, allow_null=True)
    on_error = Choice(choices=list(OnError), default=OnError.CONTINUE, allow_null=True)


class PracticeBulkRowIn(PatientRow):
    """One patient of an import. A row that updates names by `uuid` or chart number whom it means."""


class PracticeBulkIn(serializers.Serializer):
    """An import of patients."""

    meta = PracticeBulkMetaIn(required=False, allow_null=True)
    rows = UnreadRows(child=PracticeBulkRowIn(), max_length=MAX_ROWS)


@extend_schema_field(array(VALUE_PROBLEM))
class ValueProblems(serializers.ListField):
    """What is wrong with a row."""

    child = serializers.DictField()


class PracticeBulkResultOut(serializers.Serializer):
    """What became of one row."""

    index = serializers.IntegerField()
    status = serializers.ChoiceField(choices=list(Outcome))
    uuid = serializers.UUIDField(allow_null=True)
    errors = ValueProblems()  # type: ignore[assignment]  # no property, but a field


class PracticeBulkOut(serializers.Serializer):
    """What became of an import: one result a row, and how many there are of each kind."""

    results = PracticeBulkResultOut(many=True)
    created = serializers.IntegerField()
    updated = serializers.IntegerField()
    skipped = serializers.IntegerField()
    failed = serializers.IntegerField()
    validated = serializers.IntegerField()
    total = serializers.IntegerField()
