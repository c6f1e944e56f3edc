"""Keys and who holds them, in the public dialect."""

from django.utils import timezone
from rest_framework import serializers

from accounts.models import ApiKey
from accounts.scope import Role
from config.rest.compiled.plans import Constant
from config.rest.fields import ContractSerializer, DateTime
from config.rest.openapi import TEXT
from config.rest.public import CamelCase


class PublicKeyOut(CamelCase, serializers.Serializer):
    """The key itself; never its secret."""

    id = serializers.CharField()
    description = serializers.CharField()
    expires_at = serializers.DateTimeField(allow_null=True)


class PublicMyOrganizationOut(serializers.Serializer):
    """The organization that the key works in."""

    id = serializers.UUIDField()
    name = serializers.CharField()


class PublicMeOut(serializers.Serializer):
    """The caller."""

    id = serializers.UUIDField()
    role = serializers.ChoiceField(choices=Role.choices)
    organization = PublicMyOrganizationOut(allow_null=True)
    key = PublicKeyOut()


class PublicApiKeyOut(CamelCase, ContractSerializer):
    """An API key of a user; never its secret."""

    id = serializers.CharField(source="key_id")
    last_used_at = DateTime(allow_null=True)
    created_at = DateTime()

    class Meta:
        model = ApiKey
        fields = ["id", "description", "expires_at", "last_used_at", "created_at"]


class PublicApiKeyIssuedOut(PublicApiKeyOut):
    """A key that has just been issued, with the secret that is shown this once."""

    api_key = Constant(None, schema=TEXT)

    class Meta(PublicApiKeyOut.Meta):
        fields = [*PublicApiKeyOut.Meta.fields, "api_key"]


class PublicApiKeyIn(CamelCase, ContractSerializer):
    """The body that issues a key; without an expiry it holds until it is revoked."""

    class Meta:
        model = ApiKey
        fields = ["description", "expires_at"]

    def validate_expiresAt(self, value):  # noqa: N802
        if value is not None and value <= timezone.now():
            raise serializers.ValidationError("Must lie in the future.")
        return value
