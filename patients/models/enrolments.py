"""Identifiers, enrolments and tags of patients."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, User
from config.core.orm import Identified, SoftDeleted, Timestamped
from patients.models.catalogs import Program, Protocol, TagDefinition
from patients.models.charts import BY_CHANGE, OF_A_PATIENT, ChartEntry
from patients.models.patients import Patient


class PatientIdentifier(Identified, Timestamped):
    """The patient's number in another system, in the shape of a FHIR Identifier.

    The chart number is not stored here: it is a column of the patient, which responses add to this list.
    """

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    patient = models.ForeignKey(Patient, models.CASCADE, related_name="identifiers")
    use = models.CharField(max_length=32, null=True, blank=True)
    system = models.CharField(max_length=255)
    value = models.CharField(max_length=255)
    type_system = models.CharField(max_length=255, null=True, blank=True)
    type_code = models.CharField(max_length=255, null=True, blank=True)
    type_display = models.CharField(max_length=255, null=True, blank=True)
    assigner = models.CharField(max_length=255, null=True, blank=True)

    scope = OF_A_PATIENT

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["organization", "system", "value"], name="patient_identifier_unique")]


class Enrolment(Identified, Timestamped):
    """A patient's time in a program under a protocol. A patient has at most one open enrolment."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    patient = models.ForeignKey(Patient, models.CASCADE, related_name="enrolments")
    program = models.ForeignKey(Program, models.PROTECT, related_name="+")
    protocol = models.ForeignKey(Protocol, models.PROTECT, related_name="+")
    start_date = models.DateField()
    end_date = models.DateField(null=True, blank=True)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    scope = OF_A_PATIENT

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["organization", "created_at", "id"], name="enrolment_by_creation")]
        constraints = [
            models.UniqueConstraint(fields=["patient"], condition=Q(end_date=None), name="enrolment_one_open"),
            models.CheckConstraint(
                condition=Q(end_date=None) | Q(end_date__gte=models.F("start_date")), name="enrolment_dates_in_order"
            ),
        ]


class PatientTag(ChartEntry, SoftDeleted):
    """A tag on a patient."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="tags")
    tag_definition = models.ForeignKey(TagDefinition, models.PROTECT, related_name="+")
    assigned_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")

    class Meta(ChartEntry.Meta):
        verbose_name = _("tag")
        indexes = [*ChartEntry.Meta.indexes, BY_CHANGE]
        constraints = [
            models.UniqueConstraint(fields=["patient", "tag_definition"], condition=Q(deleted_at=None), name="patient_tag_unique")
        ]
