"""Webhook endpoints in the practice dialect, and the log of what they were sent: for administrators."""

from typing import ClassVar

from drf_spectacular.utils import extend_schema
from rest_framework import serializers

from accounts.models import Organization
from accounts.permissions import Permission
from config.core.exceptions import Invalid, UnknownReference
from config.rest import practice
from config.rest.compiled.cursors import Keyset
from config.rest.compiled.plans import Constant
from config.rest.compiled.queries import NOT_ARCHIVED, Query
from config.rest.fields import BaseVersion, ChangeSerializer, ContractSerializer, DateTime, UUIDText
from config.rest.filters import ChoiceFilter, StrictFilterSet
from config.rest.openapi import TEXT
from config.rest.responses import ApiResponse
from config.rest.views import Written, not_found_error
from exports import services
from exports.models import DeliveryStatus, WebhookDelivery, WebhookEndpoint


class PracticeWebhookEndpointOut(ContractSerializer):
    """An address that is told of events; never its secret."""

    id = serializers.UUIDField(source="uuid")

    class Meta:
        model = WebhookEndpoint
        fields = [
            "id",
            "url",
            "description",
            "event_types",
            "ordered_by_patient",
            "format",
            "status",
            "failing_since",
            "version",
            "created_at",
            "updated_at",
            "deleted_at",
        ]


class PracticeWebhookEndpointSecretOut(PracticeWebhookEndpointOut):
    """An endpoint whose secret is new, and is shown this once."""

    secret = Constant(None, schema=TEXT)

    class Meta(PracticeWebhookEndpointOut.Meta):
        fields = [*PracticeWebhookEndpointOut.Meta.fields, "secret"]


class PracticeWebhookEndpointIn(ContractSerializer):
    """The body that creates an endpoint."""

    class Meta:
        model = WebhookEndpoint
        fields = ["url", "description", "event_types", "ordered_by_patient", "format"]


class PracticeWebhookEndpointPatchIn(ChangeSerializer):
    """The body that changes an endpoint, or pauses, disables or activates it."""

    class Meta:
        model = WebhookEndpoint
        fields = ["base_version", *PracticeWebhookEndpointIn.Meta.fields, "status"]


class PracticeWebhookVersionIn(serializers.Serializer):
    """The body that archives an endpoint, or gives it a new secret."""

    base_version = BaseVersion()


class PracticeWebhookReplayIn(serializers.Serializer):
    """What to send again: one message, or everything since a moment."""

    delivery_uuid = UUIDText(required=False, allow_null=True)
    since = DateTime(required=False, allow_null=True)


class PracticeWebhookReplayOut(serializers.Serializer):
    """How much is sent again."""

    messages = serializers.IntegerField()
    more_since = serializers.DateTimeField(allow_null=True)


class PracticeWebhookDeliveryOut(ContractSerializer):
    """One event for one endpoint, and what has become of it."""

    id = serializers.UUIDField(source="uuid")
    event_id = serializers.UUIDField(source="event.uuid")
    event_type = serializers.CharField(source="event.type")
    attempts = serializers.IntegerField()
    next_attempt_at = serializers.DateTimeField(source="due_at", allow_null=True)
    last_attempt_at = serializers.DateTimeField(source="attempted_at", allow_null=True)
    response_status = serializers.IntegerField(allow_null=True)
    duration_ms = serializers.IntegerField(source="duration", allow_null=True)

    class Meta:
        model = WebhookDelivery
        fields = [
            "id",
            "event_id",
            "event_type",
            "status",
            "attempts",
            "next_attempt_at",
            "last_attempt_at",
            "response_status",
            "duration_ms",
            "error",
            "created_at",
        ]


class WebhookDeliveryFilterSet(StrictFilterSet):
    """Filters of the log."""

    status = ChoiceFilter(DeliveryStatus, field_name="status")


class OfEndpoint(practice.ViewSet):
    """Base of view sets about the endpoint that the path names, or about all of an organization.

    The endpoint is looked for before the role is. Nothing here is about a patient, so that reading leaves no audit event.
    """

    endpoint_id: int

    def resolve_path_scope(self) -> None:
        """Find the endpoint of the path in the caller's scope; one that is archived is read, and not written."""
        super().resolve_path_scope()
        if "endpoint_uuid" not in self.kwargs:
            return
        writable = [NOT_ARCHIVED] if self.required_permission.writes else []
        named = self.lookup_criterion(WebhookEndpoint, "endpoint_uuid")
        rows = self.scoped_query(WebhookEndpoint).filter(named, *writable).rows(("pk",))
        if not rows:
            raise not_found_error(WebhookEndpoint)
        self.endpoint_id = rows[0][0]

    def read_event(self, action: str | None = None) -> None:
        """Leave no event: no patient's data has been read."""

    @property
    def endpoint(self) -> WebhookEndpoint:
        """The endpoint of the path."""
        return WebhookEndpoint.objects.get(pk=self.endpoint_id)


class WebhookEndpointViewSet(OfEndpoint):
    """Addresses that are told of the events of an organization, for its administrators."""

    model = WebhookEndpoint
    lookup_url_kwarg = "endpoint_uuid"
    permissions: ClassVar[dict[str, Permission]] = {
        **dict.fromkeys(("list", "retrieve"), Permission.READ_ADMINISTRATORS_ONLY),
        **dict.fromkeys(("create", "partial_update", "archive", "rotate_secret", "send_test", "replay"), Permission.ADMINISTER),
    }
    request_serializer_classes = {
        "create": PracticeWebhookEndpointIn,
        "partial_update": PracticeWebhookEndpointPatchIn,
        "archive": PracticeWebhookVersionIn,
        "rotate_secret": PracticeWebhookVersionIn,
        "replay": PracticeWebhookReplayIn,
    }

    def get_serializer_class(self):
        if self.action == "replay":
            return PracticeWebhookReplayOut
        shows_secret = self.action in ("create", "rotate_secret")
        return PracticeWebhookEndpointSecretOut if shows_secret else PracticeWebhookEndpointOut

    def get_queryset(self) -> Query:
        query = super().get_queryset()
        return query.filter(NOT_ARCHIVED) if self.action == "list" else query

    def create(self, request, *args, **kwargs) -> ApiResponse:
        """Create an endpoint; the response shows its secret this once."""
        return super().create(request, *args, **kwargs)

    def perform_create(self, serializer: serializers.Serializer) -> Written:
        organization = Organization.objects.get(pk=self.organization_id)
        row, secret = services.create_endpoint(actor=self.actor, organization=organization, **serializer.validated_data)
        return Written(row.pk, {"secret": secret})

    def perform_update(self, serializer: serializers.Serializer) -> int:
        changes = serializer.validated_data
        base_version = changes.pop("base_version")
        services.update_endpoint(actor=self.actor, endpoint=self.endpoint, base_version=base_version, changes=changes)
        return self.endpoint_id

    def archive(self, request, *args, **kwargs) -> ApiResponse:
        return self.write(self.perform_archive)

    def perform_archive(self, serializer: serializers.Serializer) -> int:
        """Archive the endpoint."""
        services.archive_endpoint(actor=self.actor, endpoint=self.endpoint, **serializer.validated_data)
        return self.endpoint_id

    @extend_schema(operation_id="rotate_webhook_secret")
    def rotate_secret(self, request, *args, **kwargs) -> ApiResponse:
        """Give an endpoint a new secret; the response shows it this once. For a day messages are signed with the old one, too."""
        return self.write(self.perform_rotate_secret)

    def perform_rotate_secret(self, serializer: serializers.Serializer) -> Written:
        """Give the endpoint a new secret."""
        secret = services.rotate_secret(actor=self.actor, endpoint=self.endpoint, **serializer.validated_data)
        return Written(self.endpoint_id, {"secret": secret})

    @extend_schema(operation_id="test_webhook_endpoint")
    def send_test(self, request, *args, **kwargs) -> ApiResponse:
        """Send an active endpoint a message of type webhook_endpoint.tested; what becomes of it is in its deliveries."""
        return self.write(self.perform_send_test)

    def perform_send_test(self, serializer: serializers.Serializer) -> int:
        """Have a test sent."""
        services.send_test(actor=self.actor, endpoint=self.endpoint)
        return self.endpoint_id

    @extend_schema(operation_id="replay_webhook_deliveries")
    def replay(self, request, *args, **kwargs) -> ApiResponse:
        """Send again one message, or everything since a moment, the oldest first and at most 10,000 events at a time."""
        return self.write(self.perform_replay)

    def perform_replay(self, serializer: serializers.Serializer) -> ApiResponse:
        """Have one message sent again, or all since a moment."""
        uuid, since = (serializer.validated_data.get(name) for name in ("delivery_uuid", "since"))
        if (uuid is None) == (since is None):
            raise Invalid("Name either one delivery or a moment.", "since")
        if since is not None:
            replayed = services.replay_since(actor=self.actor, endpoint=self.endpoint, since=since)
            return self.respond(replayed._asdict())
        delivery = WebhookDelivery.objects.select_related("endpoint").filter(endpoint=self.endpoint_id, uuid=uuid).first()
        if delivery is None:
            raise UnknownReference("delivery_uuid", "Webhook delivery")
        services.replay_delivery(actor=self.actor, delivery=delivery)
        return self.respond({"messages": 1, "more_since": None})


class WebhookDeliveryViewSet(OfEndpoint):
    """The log of an endpoint, the newest first: what it was sent, and what is still to be."""

    model = WebhookDelivery
    serializer_class = PracticeWebhookDeliveryOut
    pagination_class = practice.CursorPagination
    filterset_class = WebhookDeliveryFilterSet
    ordering = Keyset("created_at", WebhookDelivery._meta.get_field("created_at"), descending=True)
    permissions: ClassVar[dict[str, Permission]] = {"list": Permission.READ_ADMINISTRATORS_ONLY}

    def get_queryset(self) -> Query:
        return super().get_queryset().filter(endpoint_id=self.endpoint_id)
