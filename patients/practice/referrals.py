"""How patients came to the clinic, in the practice dialect."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError

from accounts.permissions import Permission
from config.rest.fields import ChangeSerializer, ContractSerializer, ScopedRelation
from config.rest.practice import ReferenceField
from config.rest.query_parameters import BaseVersionParameter
from patients.models import Patient, Provider, ReferralAttribution, ReferralPartner, ReferralSource
from patients.models.referrals import SOURCES
from patients.practice.charts import ChartEntryOut, ChartRecordViewSet
from patients.services.charts import archive_entry

BASE_VERSION = BaseVersionParameter()


class PracticeReferralAttributionOut(ChartEntryOut):
    """What brought a patient to the clinic: one source."""

    provider = ReferenceField(Provider, source="provider_id")
    referral_partner = ReferenceField(ReferralPartner, source="referral_partner_id")
    referral_source = ReferenceField(ReferralSource, source="referral_source_id")
    referring_patient = ReferenceField(Patient, ("first_name", "last_name"), source="referring_patient_id")

    class Meta:
        model = ReferralAttribution
        fields = [
            "id",
            "patient",
            "referral_source",
            "referral_partner",
            "provider",
            "referring_patient",
            "attribution_role",
            "source_note",
            "attributed_at",
            "version",
            "created_at",
            "updated_at",
        ]


def _source(model: type, source: str) -> ScopedRelation:
    return ScopedRelation(model, source=source, required=False, allow_null=True)


class PracticeReferralAttributionIn(ContractSerializer):
    """The body that records what brought a patient: exactly one of the four sources."""

    provider_uuid = _source(Provider, "provider_id")
    referral_partner_uuid = _source(ReferralPartner, "referral_partner_id")
    referral_source_uuid = _source(ReferralSource, "referral_source_id")
    referring_patient_uuid = _source(Patient, "referring_patient_id")

    class Meta:
        model = ReferralAttribution
        fields = ["attribution_role", *(f"{source}_uuid" for source in SOURCES), "source_note"]

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        # Here, as a body with two sources is refused before either of them is looked for.
        given = [source for source in SOURCES if attrs.get(f"{source}_id") is not None]
        if len(given) != 1:
            raise ValidationError(f"Exactly one of {', '.join(f'{source}_uuid' for source in SOURCES)} must be given.")
        return attrs


class PracticeReferralAttributionPatchIn(ChangeSerializer):
    """The body that corrects an attribution, whose source stays."""

    class Meta:
        model = ReferralAttribution
        fields = ["base_version", "attribution_role", "source_note"]

    def to_internal_value(self, data: Any) -> Any:
        named = [f"{source}_uuid" for source in SOURCES if isinstance(data, Mapping) and f"{source}_uuid" in data]
        frozen = {name: [ErrorDetail("The source of an attribution cannot be changed.", "frozen_field")] for name in named}
        try:
            values = super().to_internal_value(data)
        except ValidationError as error:
            raise ValidationError({**serializers.as_serializer_error(error), **frozen}) from error
        if frozen:
            raise ValidationError(frozen)
        return values


class ReferralAttributionViewSet(ChartRecordViewSet):
    """What brought a patient to the clinic, for staff."""

    model = ReferralAttribution
    lookup_url_kwarg = "attribution_uuid"
    default_sort_dir = "desc"
    serializer_class = PracticeReferralAttributionOut
    permissions = {**ChartRecordViewSet.permissions, "list": Permission.READ_STAFF_ONLY, "retrieve": Permission.READ_STAFF_ONLY}
    request_serializer_classes = {"create": PracticeReferralAttributionIn, "partial_update": PracticeReferralAttributionPatchIn}
    query_parameters = {"archive": (BASE_VERSION,)}
    constraint_errors = {
        "referral_attribution_one_primary": (409, "This patient has a primary attribution already.", "attribution_role"),
        "referral_attribution_not_self": (422, "A patient cannot refer themselves.", "referring_patient_uuid"),
    }

    def perform_archive(self, serializer: serializers.Serializer) -> int:
        archive_entry(
            actor=self.actor,
            model=self.model,
            patient_id=self.patient_id,
            entry_id=self.object_id,
            base_version=BASE_VERSION.read(self.request.GET, self.matched_version),
        )
        return self.object_id
