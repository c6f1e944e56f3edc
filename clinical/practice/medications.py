"""Medications of patients in the practice dialect."""

from typing import Any

from clinical.models import Medication, MedicationDefinition, MedicationStatus
from clinical.practice.interactions import InteractingViewSet, InteractionWarnings
from clinical.services.medications import create_medication, update_medication
from config.rest.compiled.plans import Criterion
from config.rest.fields import ChangeSerializer, ContractSerializer, ScopedRelation
from config.rest.filters import BooleanParameter, Parameters
from config.rest.practice import ReferenceField
from patients.models import Provider
from patients.practice.charts import ChartEntryOut


class PracticeMedicationOut(ChartEntryOut):
    """What a patient takes or took."""

    medication_definition = ReferenceField(MedicationDefinition, source="medication_definition_id")
    provider = ReferenceField(Provider, source="provider_id")
    interaction_warnings = InteractionWarnings()

    class Meta:
        model = Medication
        fields = [
            "id", "patient", "medication_definition", "med_descript", "rx_cui", "status", "dosage", "frequency", "route",
            "provider", "date_start", "date_stop", "discontinuation_reason", "patient_note", "is_cpoe",
            "interaction_warnings", "version", "created_at", "updated_at", "deleted_at",
        ]  # fmt: skip


class PracticeMedicationIn(ContractSerializer):
    """The body that records a medication: one of the catalog, or one in words."""

    medication_definition_uuid = ScopedRelation(
        MedicationDefinition, source="medication_definition_id", required=False, allow_null=True
    )
    provider_uuid = ScopedRelation(Provider, source="provider_id", required=False, allow_null=True)

    class Meta:
        model = Medication
        fields = [
            "medication_definition_uuid", "med_descript", "rx_cui", "dosage", "frequency", "route", "provider_uuid",
            "date_start", "date_stop", "patient_note", "is_cpoe",
        ]  # fmt: skip


class PracticeMedicationPatchIn(ChangeSerializer, PracticeMedicationIn):
    """The body that corrects a medication, or says that it is no longer taken."""

    class Meta(PracticeMedicationIn.Meta):
        fields = ["base_version", *PracticeMedicationIn.Meta.fields, "status", "discontinuation_reason"]


class CurrentParameter(BooleanParameter):
    """Whether a medication is taken: true for the status active, false for any other."""

    def criterion(self, name: str, value: bool) -> Criterion:
        def apply(rows):
            return rows.filter(status=MedicationStatus.ACTIVE) if value else rows.exclude(status=MedicationStatus.ACTIVE)

        return Criterion((name, value), apply)


class MedicationFilters(Parameters):
    """Filters of the list of medications."""

    is_active = CurrentParameter()


class MedicationViewSet(InteractingViewSet):
    """Medications that a patient takes or took."""

    model = Medication
    pk_kwarg = "medication_uuid"
    filterset_class = MedicationFilters
    answer_class = PracticeMedicationOut
    serializer_classes = {"create": PracticeMedicationIn, "partial_update": PracticeMedicationPatchIn}
    idempotent = frozenset({"create"})
    constraint_wording = {
        "medication_is_named": (422, "A medication is one of the catalog, or described in words.", "med_descript"),
        "medication_dates_in_order": (422, "A medication ends on or after the day it began.", "date_stop"),
    }

    def add(self, values: dict[str, Any]) -> Medication:
        return create_medication(actor=self.actor, patient_id=self.patient_id, **values)

    def _change(self, changes: dict[str, Any]) -> int:
        base_version = changes.pop("base_version")
        update_medication(
            actor=self.actor, patient_id=self.patient_id, entry_id=self.object_id, base_version=base_version, changes=changes
        )
        return self.object_id
