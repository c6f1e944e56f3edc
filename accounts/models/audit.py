"""The audit trail: who did what, when, how, and to which patients. Append-only."""

from django.db import models

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
    subject = models.CharField(max_length=64, blank=True, help_text="Kind of the object changed.")
    subject_id = models.BigIntegerField(null=True)
    changed_fields = models.TextField(blank=True, help_text="Names of the fields that changed, separated by commas.")

    scope = ScopePath(organization="organization_id")

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["organization_id", "id"], name="audit_organization"),
            models.Index(fields=["organization_id", "user_id", "id"], name="audit_user"),
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
