"""API keys."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models.organizations import Organization
from accounts.models.users import User
from accounts.scope import ScopePath


class ApiKey(models.Model):
    """A key that acts with its user's role. Only the SHA-256 of its secret is kept."""

    organization = models.ForeignKey(Organization, models.PROTECT, null=True, related_name="+")
    user = models.ForeignKey(User, models.PROTECT, related_name="api_keys")
    key_id = models.CharField(max_length=16, unique=True, editable=False)
    secret_hash = models.BinaryField(max_length=32, editable=False)
    description = models.CharField(max_length=255)
    expires_at = models.DateTimeField(null=True, blank=True, help_text=_("Empty: never."))
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_with_user = models.BooleanField(
        default=False, editable=False, help_text="Revoked because its user was not active any more."
    )
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    issued_by = models.ForeignKey(
        "self", models.PROTECT, null=True, related_name="issued", editable=False, help_text="The key that it was issued with."
    )
    known_addresses = models.TextField(
        blank=True, editable=False, help_text="Hashes of the addresses that used it last, separated by commas."
    )
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    scope = ScopePath(organization="organization_id")

    class Meta:
        ordering = ["-id"]
        verbose_name = _("API key")

    def __str__(self) -> str:
        return f"API key {self.key_id}"
