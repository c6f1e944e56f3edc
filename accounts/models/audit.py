"""The audit trail: who did what, when, how, and to which patients. Append-only, and sealed by a chain of hashes.

Migrations 0003 and 0009 make the database refuse to change or remove a row. accounts/services/audit_chains.py says what the chain
proves, and removes what is past its retention.
"""

from django.db import models
from django.db.models import Q

from accounts.scope import ScopePath


class AuditEvent(models.Model):
    """One access or change. Ids are no foreign keys, so that the trail outlives the rows that it refers to."""

    class Outcome(models.TextChoices):
        """The outcome of an access."""

        OK = "ok"
        DENIED = "denied"

    at = models.DateTimeField(auto_now_add=True)
    organization_id = models.BigIntegerField(null=True)
    user_id = models.BigIntegerField(null=True)
    key_id = models.CharField(max_length=16, blank=True)
    role = models.CharField(max_length=16, blank=True)
    action = models.CharField(max_length=64)
    route = models.CharField(max_length=255)
    outcome = models.CharField(max_length=8, choices=Outcome.choices, default=Outcome.OK)
    request_id = models.CharField(max_length=32, blank=True)
    address = models.CharField(max_length=64, blank=True, help_text="Address of the client.")
    subject = models.CharField(max_length=64, blank=True, help_text="Kind of the object that was changed or refused.")
    subject_id = models.BigIntegerField(null=True)
    # What the path of a refused request named. Whether it exists is not looked up: the trail would tell it.
    subject_uuid = models.UUIDField(null=True)
    patient_uuid = models.UUIDField(null=True)
    patient_id = models.BigIntegerField(null=True)
    changed_fields = models.TextField(blank=True, help_text="Names of the fields that changed, separated by commas.")
    # Null and no default: a new column with one would make SQLite build the table anew, without its triggers.
    overridden = models.TextField(
        null=True, help_text="Kinds of the warnings that the change was saved against, separated by commas."
    )

    scope = ScopePath(organization="organization_id")

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["organization_id", "id"], name="audit_organization"),
            models.Index(fields=["organization_id", "user_id", "id"], name="audit_user"),
            models.Index(fields=["organization_id", "at", "id"], name="audit_organization_at"),
            models.Index(fields=["organization_id", "at", "id"], name="audit_refused", condition=Q(outcome="denied")),
            models.Index(fields=["subject", "subject_id", "id"], name="audit_subject", condition=Q(subject_id__isnull=False)),
            models.Index(fields=["patient_uuid"], name="audit_patient_uuid", condition=Q(patient_uuid__isnull=False)),
            models.Index(fields=["patient_id"], name="audit_patient_id", condition=Q(patient_id__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"Audit event {self.pk}"


class AuditedPatient(models.Model):
    """A patient affected by an audit event: "who read my record" is one index lookup."""

    event = models.ForeignKey(AuditEvent, models.PROTECT, related_name="patients", db_index=False)
    organization_id = models.BigIntegerField()
    patient_id = models.BigIntegerField()

    scope = ScopePath(organization="organization_id")

    class Meta:
        indexes = [
            models.Index(fields=["patient_id", "event"], name="audited_patient"),
            models.Index(fields=["event"], name="audited_event"),
        ]

    def __str__(self) -> str:
        return f"Audited patient {self.pk}"


class AuditSeal(models.Model):
    """The hash of one audit event in the chain of its organization."""

    event_id = models.BigIntegerField(primary_key=True)
    organization_id = models.BigIntegerField(help_text="0 for events without organization.")
    position = models.BigIntegerField(help_text="Counted from 1, without gaps.")
    digest = models.BinaryField(max_length=32)

    scope = ScopePath(organization="organization_id")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organization_id", "position"], name="audit_seal_position_unique")]

    def __str__(self) -> str:
        return f"Audit seal {self.pk}"


class AuditChain(models.Model):
    """Where the chain of one organization begins and ends, signed, so that neither end can be cut off unseen."""

    organization_id = models.BigIntegerField(primary_key=True, help_text="0 for events without organization.")
    count = models.BigIntegerField(default=0, help_text="Events sealed since the beginning.")
    last_event_id = models.BigIntegerField(default=0)
    last_digest = models.BinaryField(max_length=32, default=bytes(32))
    pruned_count = models.BigIntegerField(default=0, help_text="Events removed after their retention, of those sealed.")
    pruned_event_id = models.BigIntegerField(default=0, help_text="Up to this one the database lets events be removed.")
    pruned_digest = models.BinaryField(max_length=32, default=bytes(32))
    signature = models.BinaryField(max_length=32, default=bytes)

    scope = ScopePath(organization="organization_id")

    def __str__(self) -> str:
        return f"Audit chain {self.pk}"
