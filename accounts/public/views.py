"""Who a key is, in the public dialect."""

from accounts.models import Organization
from accounts.public.serializers import PublicMeOut
from config.rest import public
from config.rest.rendering import Answer


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
