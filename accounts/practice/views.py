"""Who a key is, and care groups, in the practice dialect."""

from drf_spectacular.utils import extend_schema

from accounts.models import CareGroup, Organization
from accounts.practice.catalogs import CatalogViewSet
from accounts.practice.serializers import PracticeMeOut
from config.rest import practice
from config.rest.responses import ApiResponse


class MeViewSet(practice.ViewSet):
    """The caller's own key, user, role and organization."""

    model = Organization
    serializer_class = PracticeMeOut

    @extend_schema(operation_id="get_me")
    def retrieve(self, request, *args, **kwargs) -> ApiResponse:
        """Tell who holds the key."""
        actor = self.actor
        name = Organization.objects.filter(pk=actor.organization_id).values_list("name", flat=True).first()
        organization = practice.reference(str(actor.organization_uuid), name) if name is not None else None
        key = {
            "id": request.auth.key["key_id"],
            "description": request.auth.key["description"],
            "expires_at": request.auth.key["expires_at"],
        }
        return self.respond({"id": actor.user_uuid, "role": actor.role, "organization": organization, "key": key})


class CareGroupViewSet(CatalogViewSet):
    """Teams of caregivers, each with the patients in its care. Caregivers see their own."""

    model = CareGroup
    constraint_errors = {"care_group_name_unique": (409, "duplicate care group name", "name")}
