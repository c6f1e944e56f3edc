"""Keys and who holds them, in the public dialect."""

from django.db.models import DateTimeField, Model, Q
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.serializers import Serializer

from accounts.models import ApiKey, Organization, User
from accounts.permissions import Permission
from accounts.public.serializers import PublicApiKeyIn, PublicApiKeyIssuedOut, PublicApiKeyOut, PublicMeOut
from accounts.scope import scope
from accounts.services.keys import issue_key, revoke_key
from config.core.exceptions import NotFound
from config.rest import public
from config.rest.compiled.cursors import Keyset
from config.rest.compiled.queries import Criterion, Query, Where, comparison
from config.rest.formats import parse_uuid
from config.rest.responses import ApiResponse
from config.rest.views import Written


class MeViewSet(public.ViewSet):
    """The caller's own key, user, role and organization."""

    model = Organization
    serializer_class = PublicMeOut

    @extend_schema(operation_id="get_me")
    def retrieve(self, request, *args, **kwargs) -> ApiResponse:
        """Tell who holds the key."""
        actor = self.actor
        name = Organization.objects.filter(pk=actor.organization_id).values_list("name", flat=True).first()
        organization = {"id": actor.organization_uuid, "name": name} if name is not None else None
        key = {
            "id": request.auth.key["key_id"],
            "description": request.auth.key["description"],
            "expiresAt": request.auth.key["expires_at"],
        }
        me = {"id": actor.user_uuid, "role": actor.role, "organization": organization, "key": key}
        return self.respond(me)


NOT_REVOKED = Where(Q(revoked_at=None))


class ApiKeyViewSet(public.ViewSet):
    """The API keys of a user, for administrators. A revoked key is not there any more."""

    model = ApiKey
    lookup_url_kwarg = "key_id"
    lookup_schema = {"type": "string"}
    permissions = dict.fromkeys(("list", "create", "destroy"), Permission.ADMINISTER)
    request_serializer_classes = {"create": PublicApiKeyIn}
    ordering = Keyset("created_at", DateTimeField())

    def get_serializer_class(self):
        return PublicApiKeyIssuedOut if self.action == "create" else PublicApiKeyOut

    def resolve_path_scope(self) -> None:
        """Find the user of the path in the caller's scope."""
        uuid = parse_uuid(self.kwargs["user_id"])
        user = scope(self.actor, User.objects.filter(uuid=uuid)).first() if uuid else None
        if user is None:
            raise NotFound("User")
        self.user = user

    def get_queryset(self) -> Query:
        return super().get_queryset().filter(NOT_REVOKED, user_id=self.user.pk)

    def lookup_criterion(self, model: type[Model], url_kwarg: str) -> Criterion:
        return comparison(model, "key_id", self.kwargs[url_kwarg])

    def perform_create(self, serializer: Serializer) -> Written:
        # Documented: a key without an expiry holds until it is revoked.
        values = {"expires_at": None, **serializer.validated_data}
        row, secret = issue_key(actor=self.actor, user=self.user, **values)
        return Written(row.pk, {"apiKey": secret})

    @extend_schema(operation_id="revoke_api_key")
    def destroy(self, request, *args, **kwargs) -> HttpResponse:
        """Revoke a key."""
        revoke_key(actor=self.actor, key=ApiKey.objects.get(pk=self.object_id))
        return HttpResponse(status=204, content_type="application/json")

    def list(self, request, *args, **kwargs) -> ApiResponse:
        """List the keys of a user."""
        return super().list(request, *args, **kwargs)

    @extend_schema(operation_id="issue_api_key")
    def create(self, request, *args, **kwargs) -> ApiResponse:
        """Issue a key; the answer shows it this once."""
        return super().create(request, *args, **kwargs)
