"""Rules of patients' own in the practice dialect."""

from rest_framework import serializers

from accounts.permissions import Permission
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
    lookup_url_kwarg = "rules_uuid"
    serializer_class = PracticeMonitoringRulesOut
    request_serializer_classes = {"create": PracticeMonitoringRulesIn, "partial_update": PracticeMonitoringRulesPatchIn}
    permissions = {**ChartViewSet.permissions, "list": Permission.READ_STAFF_ONLY, "retrieve": Permission.READ_STAFF_ONLY}
    constraint_errors = {
        "rule_override_one_an_instrument": (409, TAKEN, "instrument"),
        "rule_override_one_a_kind": (409, TAKEN, "kind"),
    }
    create_service = staticmethod(create_override)
    update_service = staticmethod(update_override)
