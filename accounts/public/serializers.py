"""Who a key is, in the public dialect."""

from rest_framework import serializers

from accounts.scope import Role
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
