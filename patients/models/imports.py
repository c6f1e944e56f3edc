"""Imports of files that people upload, and the patients whom they created."""

import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import CareGroup, Organization, User
from accounts.scope import ScopePath
from config.core.databases import DatabaseNow
from config.core.encryption import seal, seal_bytes, unseal, unseal_bytes
from config.core.orm import Identified, Timestamped
from patients.models.charts import OF_A_PATIENT
from patients.models.patients import Patient

_CONTENT, _FINDINGS = "patients_patientimport.content", "patients_patientimport.findings"


class ImportState(models.TextChoices):
    """How far an import has come."""

    COLUMNS = "columns", _("Waits for its columns")
    CHECKING = "checking", _("Being checked")
    CHECKED = "checked", _("Checked, nothing written")
    IMPORTING = "importing", _("Being imported")
    DONE = "done", _("Imported")
    STOPPED = "stopped", _("Stopped before its end")
    DISCARDED = "discarded", _("Discarded, nothing written")
    UNDOING = "undoing", _("Being undone")
    UNDONE = "undone", _("Undone")


UNWRITTEN = (ImportState.COLUMNS, ImportState.CHECKING, ImportState.CHECKED)
"""The states of imports that have written no patient yet."""


class PatientImport(Identified, Timestamped):
    """The import of one file, checked first and then carried out, a chunk of rows for each request.

    `columns` are the fields of a patient in the order of the file's columns: null for one that is left out, "" for one without a
    name; they are null while nobody has chosen them. `header_index` finds the columns that were chosen for an equal header.
    `position` is how many rows are done in the present state, and the counts are of these rows.
    The file, and what was found in it, are encrypted. They are kept until the import has ended, or, where rows failed, for a day.
    """

    KEPT = datetime.timedelta(days=1)

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+", db_index=False)
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False, editable=False)
    file_name = models.CharField(max_length=255)
    mode = models.CharField(max_length=16)
    match_on = models.CharField(max_length=16)
    on_error = models.CharField(max_length=16)
    care_group = models.ForeignKey(CareGroup, models.PROTECT, null=True, related_name="+", db_index=False)
    date_order = models.CharField(max_length=3, default="")
    encoding = models.CharField(max_length=32, default="")
    header_index = models.BinaryField(max_length=32, editable=False)
    columns = models.JSONField(null=True)
    state = models.CharField(max_length=16, choices=ImportState.choices)
    total = models.PositiveIntegerField(help_text=_("Rows of the file."))
    position = models.PositiveIntegerField(default=0)
    created = models.PositiveIntegerField(default=0)
    updated = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    content_sealed = models.BinaryField(null=True, editable=False)
    findings_sealed = models.BinaryField(null=True, editable=False)

    scope = ScopePath("organization_id")

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["organization", "-id"], name="patient_import_latest"),
            models.Index(fields=["created_at"], condition=~models.Q(content_sealed=None), name="patient_import_kept"),
        ]

    @property
    def content(self) -> bytes | None:
        """The file, None where it is no longer kept."""
        return unseal_bytes(self.content_sealed, _CONTENT, self.uuid) if self.content_sealed else None

    @content.setter
    def content(self, content: bytes) -> None:
        self.content_sealed = seal_bytes(content, _CONTENT, self.uuid)

    @property
    def findings(self) -> str:
        """What was found in the rows, as JSON; "" where nothing is kept."""
        return unseal(self.findings_sealed, _FINDINGS, self.uuid) if self.findings_sealed else ""

    @findings.setter
    def findings(self, findings: str) -> None:
        self.findings_sealed = seal(findings, _FINDINGS, self.uuid)

    @classmethod
    def remove_expired(cls, now: datetime.datetime) -> int:
        """Remove the files that are past their time at `now`, and return how many there were."""
        old = cls._base_manager.filter(created_at__lt=now - cls.KEPT).exclude(content_sealed=None)
        gone = {"content_sealed": None, "findings_sealed": None}
        removed = old.filter(state__in=UNWRITTEN).update(**gone, state=ImportState.DISCARDED)
        removed += old.filter(state=ImportState.IMPORTING).update(**gone, state=ImportState.STOPPED)
        return removed + old.update(**gone)


class ImportCreation(models.Model):
    """A patient whom an import created. `archived` tells what an undo has done: null for nothing yet."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+", db_index=False)
    patient_import = models.ForeignKey(PatientImport, models.PROTECT, related_name="+", db_index=False)
    patient = models.OneToOneField(Patient, models.PROTECT, related_name="+")
    archived = models.BooleanField(null=True)
    created_at = models.DateTimeField(db_default=DatabaseNow(), editable=False)

    scope = OF_A_PATIENT

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["patient_import", "archived", "id"], name="import_creation_to_undo")]

    def __str__(self) -> str:
        return f"Import creation {self.pk}"
