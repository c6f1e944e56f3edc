"""Keys and who holds them, in the public dialect."""

from typing import Any

from django.db.models import BigIntegerField, CharField, DateTimeField
from django.http import HttpResponse

from accounts.models import ApiKey, Organization, User
from accounts.permissions import Task
from accounts.public.serializers import PublicApiKeyIn, PublicApiKeyIssuedOut, PublicApiKeyOut, PublicMeOut
from accounts.scope import scope
from accounts.services.keys import issue_key, revoke_key
from config.core.exceptions import NotFound
from config.rest import public
from config.rest.compiled.cursors import Keyset
from config.rest.compiled.plans import Criterion, Query
from config.rest.formats import parse_uuid
from config.rest.responses import Answer
from config.rest.views import equal_to


class MeViewSet(public.ViewSet):
    """The caller's own key, user, role and organization."""

    model = Organization

    def get_serializer_class(self):
        return PublicMeOut

    def retrieve(self, request, *args, **kwargs) -> Answer:
        """Tell who holds the key."""
        actor = self.actor
        name = Organization.objects.filter(pk=actor.organization_id).values_list("name", flat=True).first()
        organization = {"id": actor.organization_uuid, "name": name} if name is not None else None
        key = {
            "id": actor.key["key_id"],
            "description": actor.key["description"],
            "expiresAt": actor.key["expires_at"],
        }
        me = {"id": actor.user_uuid, "role": actor.role, "organization": organization, "key": key}
        return Answer({"data": me, "meta": {}})


IN_USE = Criterion("in use", lambda rows: rows.filter(revoked_at=None))


class ApiKeyViewSet(public.ViewSet):
    """The API keys of a user, for administrators. A revoked key is not there any more."""

    model = ApiKey
    pk_kwarg, pk_schema = "key_id", {"type": "string"}
    tasks = dict.fromkeys(("list", "create", "destroy"), Task.ADMINISTER)
    serializer_classes = {"create": PublicApiKeyIn}

    def get_serializer_class(self):
        return PublicApiKeyIssuedOut if self.action == "create" else PublicApiKeyOut

    def enter(self) -> None:
        """Find the user of the path in the caller's scope."""
        uuid = parse_uuid(self.kwargs["user_id"])
        user = scope(self.actor, User.objects.filter(uuid=uuid)).first() if uuid else None
        if user is None:
            raise NotFound("User")
        self.user = user

    def of_user(self) -> list[Criterion]:
        """Return the conditions for the user's keys that are in use."""
        return [equal_to("user_id", self.user.pk, BigIntegerField()), IN_USE]

    def locate(self) -> int:
        named = equal_to("key_id", self.kwargs[self.pk_kwarg], CharField())
        rows = Query(ApiKey, [*self.in_scope(), *self.of_user(), named]).rows(("pk",))
        if not rows:
            raise self.missing()
        return rows[0][0]

    def list(self, request, *args, **kwargs) -> Answer:
        """List the keys of a user."""
        return self.cursor_page(Query(ApiKey, [*self.in_scope(), *self.of_user()]), Keyset("created_at", DateTimeField()))

    def create(self, request, *args, **kwargs) -> Answer:
        """Issue a key; the answer shows it this once."""
        return self.write(request, self._issue, status=201)

    def _issue(self, values: dict[str, Any]) -> int:
        row, self.secret = issue_key(actor=self.actor, user=self.user, **values)
        return row.pk

    def answer_of(self, pk: int, status: int) -> Answer:
        row = self.read_one(equal_to("id", pk, BigIntegerField()))[1]
        return Answer({"data": {**row, "apiKey": self.secret}, "meta": {}}, status)

    def destroy(self, request, *args, **kwargs) -> HttpResponse:
        """Revoke a key."""
        revoke_key(actor=self.actor, key=ApiKey.objects.get(pk=self.object_id))
        return HttpResponse(status=204, content_type="application/json")
