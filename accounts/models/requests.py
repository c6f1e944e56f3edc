"""Bookkeeping of requests: idempotency records and rate limit windows."""

from django.db import models

from accounts.scope import ScopePath


class IdempotencyRecord(models.Model):
    """The response to a request with an Idempotency-Key, kept encrypted for 24 hours."""

    organization_id = models.BigIntegerField()
    user_id = models.BigIntegerField()
    key = models.CharField(max_length=255)
    fingerprint = models.BinaryField(max_length=32)
    status = models.PositiveSmallIntegerField()
    answer = models.BinaryField()
    created_at = models.DateTimeField()

    scope = ScopePath(organization="organization_id")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization_id", "user_id", "key"], name="idempotency_key_unique")]
        indexes = [models.Index(fields=["created_at"], name="idempotency_created")]

    def __str__(self) -> str:
        return f"Idempotency record {self.pk}"


class RateWindow(models.Model):
    """How many requests a subject (a user, or an address) has made since its window opened.

    The table is UNLOGGED on PostgreSQL: losing the counts in a crash is harmless, and counting need not wait for the disk.
    """

    subject = models.CharField(max_length=80, primary_key=True)
    opened_at = models.BigIntegerField(help_text="Milliseconds since 1970.")
    count = models.PositiveIntegerField()

    scope = ScopePath(organization=None)

    def __str__(self) -> str:
        return "Rate window"
