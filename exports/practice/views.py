"""The event stream of the practice dialect: what has changed, in the order of commit."""

from typing import ClassVar

from accounts.models import OutboxEvent
from accounts.models.events import KEPT
from accounts.permissions import Permission
from accounts.scope import viewer_of
from config.rest import practice
from config.rest.compiled.cursors import Keyset
from config.rest.compiled.queries import Query
from exports.practice.filters import EventFilterSet, OfVisiblePatients
from exports.practice.serializers import PracticeEventOut

IN_ORDER_OF_COMMIT = Keyset("created_at", OutboxEvent._meta.get_field("created_at"), by_creation=True, kept=KEPT)


class EventViewSet(practice.ViewSet):
    """What has changed in an organization in the last 30 days, the oldest first; for caregivers of their own patients only."""

    model = OutboxEvent
    serializer_class = PracticeEventOut
    pagination_class = practice.CursorPagination
    filterset_class = EventFilterSet
    ordering = IN_ORDER_OF_COMMIT
    permissions: ClassVar[dict[str, Permission]] = {"list": Permission.READ_STAFF_ONLY}

    def get_queryset(self) -> Query:
        return super().get_queryset().filter(OfVisiblePatients(viewer_of(self.actor)))

    def patient_columns(self) -> tuple[int, ...]:
        """Return the column with the patient whom an event is about, if it is about one."""
        return (self.response_plan.columns.index("patient_id"),)
