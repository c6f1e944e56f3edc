"""Rules of patients' own in the practice dialect."""

from typing import Any

from rest_framework import serializers

from accounts.permissions import Task
from clinical.models import RuleOverride
from clinical.services.overrides import create_override, update_override
from config.rest.fields import ChangeSerializer, ContractSerializer, JSONList, Text
from patients.practice.charts import ChartEntryOut, ChartRecordViewSet, ChartViewSet

TAKEN = "The patient has rules of this kind and instrument already."


class PracticeMonitoringRulesOut(ChartEntryOut):
    """A patient's own rules of one kind, and of one instrument where the kind looks at one."""

    instrument = serializers.CharField(source="instrument.code", allow_null=True)

    class Meta:
        model = RuleOverride
        fields = ["id", "patient", "kind", "instrument", "rules", "version", "created_at", "updated_at", "deleted_at"]


class PracticeMonitoringRulesIn(ContractSerializer):
    """The body that gives a patient rules of their own. `instrument` is a code; an empty list switches the protocol's off."""

    instrument = Text(max_length=64, required=False, allow_null=True)
    rules = JSONList()

    class Meta:
        model = RuleOverride
        fields = ["kind", "instrument", "rules"]


class PracticeMonitoringRulesPatchIn(ChangeSerializer):
    """The body that gives other rules of the same kind and instrument."""

    class Meta:
        model = RuleOverride
        fields = ["base_version", "rules"]


class MonitoringRulesViewSet(ChartRecordViewSet):
    """A patient's own monitoring rules, which replace their protocol's of the same kind and instrument."""

    model = RuleOverride
    pk_kwarg = "rules_uuid"
    answer_class = PracticeMonitoringRulesOut
    serializer_classes = {"create": PracticeMonitoringRulesIn, "partial_update": PracticeMonitoringRulesPatchIn}
    tasks = {**ChartViewSet.tasks, "list": Task.READ_AS_STAFF, "retrieve": Task.READ_AS_STAFF}
    constraint_wording = {
        "rule_override_one_an_instrument": (409, TAKEN, "instrument"),
        "rule_override_one_a_kind": (409, TAKEN, "kind"),
    }

    def _create(self, values: dict[str, Any]) -> int:
        return create_override(actor=self.actor, patient_id=self.patient_id, **values).pk

    def _change(self, changes: dict[str, Any]) -> int:
        base_version = changes.pop("base_version")
        update_override(
            actor=self.actor, patient_id=self.patient_id, entry_id=self.object_id, base_version=base_version, changes=changes
        )
        return self.object_id
