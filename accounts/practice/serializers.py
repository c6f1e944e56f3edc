"""Who a key is, in the practice dialect."""

from rest_framework import serializers

from accounts.scope import Role


class PracticeKeyOut(serializers.Serializer):
    """The key itself; never its secret."""

    id = serializers.CharField()
    description = serializers.CharField()
    expires_at = serializers.DateTimeField(allow_null=True)


class PracticeMyOrganizationOut(serializers.Serializer):
    """The organization that the key works in."""

    uuid = serializers.UUIDField()
    name = serializers.CharField()


class PracticeMeOut(serializers.Serializer):
    """The caller."""

    id = serializers.UUIDField()
    role = serializers.ChoiceField(choices=Role.choices)
    organization = PracticeMyOrganizationOut(allow_null=True)
    key = PracticeKeyOut()
