"""How patients live, in the practice dialect."""

from clinical.models import SocialHistory
from clinical.services.social_history import archive_social_history, create_social_history, update_social_history
from config.rest.fields import ChangeSerializer, ContractSerializer
from patients.practice.charts import ChartEntryOut, ChartRecordViewSet


class PracticeSocialHistoryOut(ChartEntryOut):
    """What is known of one side of a patient's life."""

    class Meta:
        model = SocialHistory
        fields = [
            "id",
            "patient",
            "category",
            "value",
            "snomed_code",
            "date_start",
            "date_stop",
            "note",
            "version",
            "created_at",
            "updated_at",
            "deleted_at",
        ]


class PracticeSocialHistoryIn(ContractSerializer):
    """The body that records one side of a patient's life."""

    class Meta:
        model = SocialHistory
        fields = ["category", "value", "snomed_code", "date_start", "date_stop", "note"]
        # Without a code it is null: there is no empty one.
        extra_kwargs = {"snomed_code": {"allow_blank": False}}


class PracticeSocialHistoryPatchIn(ChangeSerializer, PracticeSocialHistoryIn):
    """The body that corrects an entry."""

    class Meta(PracticeSocialHistoryIn.Meta):
        fields = ["base_version", *PracticeSocialHistoryIn.Meta.fields]


class SocialHistoryViewSet(ChartRecordViewSet):
    """How a patient lives: one entry a category."""

    model = SocialHistory
    lookup_url_kwarg = "entry_uuid"
    default_sort_dir = "desc"
    serializer_class = PracticeSocialHistoryOut
    request_serializer_classes = {"create": PracticeSocialHistoryIn, "partial_update": PracticeSocialHistoryPatchIn}
    constraint_errors = {
        "social_history_one_a_category": (409, "This category has an entry already.", "category"),
        "social_history_dates_in_order": (422, "An entry ends on or after the day it began.", "date_stop"),
    }
    create_service = staticmethod(create_social_history)
    update_service = staticmethod(update_social_history)
    archive_service = staticmethod(archive_social_history)
