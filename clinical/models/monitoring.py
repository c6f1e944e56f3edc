"""Remote monitoring: rule overrides, planned actions, alerts, workflows and ratings."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import CareGroup, User
from accounts.models.catalogs import Catalog
from clinical.fields import DayListField
from clinical.models.catalogs import Instrument
from clinical.models.measurements import Measurement
from config.core.databases import MomentField
from config.core.orm import COMMENT_LENGTH, NOTE_LENGTH, ObjectListField
from patients.models import BY_CHANGE, ChartEntry, ChartRecord, Program, Protocol

# The index for the order in which reports read rows.
BY_CREATION = ["organization", "created_at", "id"]


class RuleKind(models.TextChoices):
    """The kind of a rule, which is also the type of its alerts."""

    MEASUREMENT = "measurement", _("Measurement")
    COMBINATION = "combination", _("Combination")
    REMARK = "remark", _("Remark")
    OVERDUE = "overdue", _("Overdue")
    AVERAGE = "average", _("Average")


class Flag(models.TextChoices):
    """The urgency of an alert, least urgent first."""

    GREY = "grey", _("Grey")
    ORANGE = "orange", _("Orange")
    RED = "red", _("Red")


class RuleOverride(ChartRecord):
    """A patient's own rules of one kind, and of one instrument if the kind has one.

    They replace the protocol's rules of the same kind and instrument, even if those change later.
    """

    kind = models.CharField(max_length=16, choices=RuleKind.choices)
    instrument = models.ForeignKey(Instrument, models.PROTECT, null=True, blank=True, related_name="+")
    rules = ObjectListField(default=list, blank=True)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", editable=False)

    class Meta(ChartRecord.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["patient", "kind", "instrument"],
                condition=Q(deleted_at=None, instrument__isnull=False),
                name="rule_override_one_an_instrument",
            ),
            models.UniqueConstraint(
                fields=["patient", "kind"], condition=Q(deleted_at=None, instrument=None), name="rule_override_one_a_kind"
            ),
        ]


class MonitoringAlertStatus(models.TextChoices):
    """The status of an alert: open -> escalated -> processed, or open -> processed."""

    OPEN = "open", _("Open")
    ESCALATED = "escalated", _("Escalated")
    PROCESSED = "processed", _("Processed")


class ProcessedType(models.TextChoices):
    """How staff processed an alert."""

    REVIEWED = "reviewed", _("Reviewed")
    CONTACTED_PATIENT = "contacted_patient", _("Contacted Patient")
    ADJUSTED_TREATMENT = "adjusted_treatment", _("Adjusted Treatment")
    REFERRED = "referred", _("Referred")
    FALSE_ALARM = "false_alarm", _("False Alarm")


class MonitoringAlert(ChartEntry):
    """An alert raised by a rule. `cause` keeps the rule, threshold, window and values that explain it.

    `rule_key` identifies the rule and `window` the time span that it evaluated. At most one alert per rule and window is
    unprocessed, with the highest flag reached.

    A processed alert may be looked at again: `review_by` does so from `review_at` on, and has done so by `reviewed_at`.
    Whoever works on an unprocessed one has claimed it until `claimed_until`.
    """

    type = models.CharField(max_length=16, choices=RuleKind.choices)
    flag = models.CharField(max_length=8, choices=Flag.choices)
    status = models.CharField(max_length=16, choices=MonitoringAlertStatus.choices, default=MonitoringAlertStatus.OPEN)
    care_group = models.ForeignKey(CareGroup, models.PROTECT, null=True, related_name="+")
    program = models.ForeignKey(Program, models.PROTECT, null=True, related_name="+")
    protocol = models.ForeignKey(Protocol, models.PROTECT, null=True, related_name="+")
    instrument = models.ForeignKey(Instrument, models.PROTECT, null=True, related_name="+")
    measurement = models.ForeignKey(Measurement, models.PROTECT, null=True, related_name="alerts")
    rule_key = models.CharField(max_length=255)
    window = models.CharField(max_length=64)
    cause = models.JSONField()
    processed_at = models.DateTimeField(null=True)
    processed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    processed_type = models.CharField(max_length=24, choices=ProcessedType.choices, null=True)
    action = models.TextField(max_length=COMMENT_LENGTH, null=True)
    additional_info = models.TextField(max_length=COMMENT_LENGTH, null=True)
    escalated_at = models.DateTimeField(null=True)
    escalated_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    escalated_to = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    review_at = MomentField(null=True)
    review_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    reviewed_at = models.DateTimeField(null=True)
    claimed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", db_index=False)
    claimed_until = MomentField(null=True)

    class Meta(ChartEntry.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["patient", "rule_key", "window"],
                condition=~Q(status=MonitoringAlertStatus.PROCESSED),
                name="monitoring_alert_one_open",
            ),
            models.CheckConstraint(
                condition=Q(review_at=None, review_by=None) | Q(review_at__isnull=False, review_by__isnull=False),
                name="monitoring_alert_review_by_someone",
            ),
        ]
        indexes = [
            *ChartEntry.Meta.indexes,
            models.Index(fields=BY_CREATION, name="monitoring_alert_by_creation"),
            BY_CHANGE,
            models.Index(fields=["organization", "status", "flag", "id"], name="monitoring_alert_worklist"),
            models.Index(fields=["organization", "status", "processed_at", "id"], name="monitoring_alert_processed"),
            models.Index(
                fields=["review_by", "review_at"],
                condition=Q(review_at__isnull=False, reviewed_at=None),
                name="monitoring_alert_to_review",
            ),
        ]


class PlannedVia(models.TextChoices):
    """Whether a measurement was planned by the protocol's schedule or by the patient."""

    SCHEDULE = "rec", _("Schedule")
    SELF = "self", _("Self")


class PlannedAction(ChartEntry):
    """A measurement that is expected of a patient between two moments.

    `program_action` identifies the line of the protocol's schedule that it comes from.
    """

    program_action = models.UUIDField()
    instrument = models.ForeignKey(Instrument, models.PROTECT, related_name="+")
    planned_via = models.CharField(max_length=8, choices=PlannedVia.choices, default=PlannedVia.SCHEDULE)
    self_planned = models.BooleanField(default=False)
    not_before = MomentField()
    expires_at = MomentField()
    timezone = models.CharField(max_length=64)
    completed_at = models.DateTimeField(null=True)
    completed_by = models.ForeignKey(Measurement, models.PROTECT, null=True, related_name="+")

    class Meta(ChartEntry.Meta):
        ordering = ["not_before", "id"]
        constraints = [
            models.UniqueConstraint(fields=["patient", "program_action", "not_before"], name="planned_action_once"),
            models.CheckConstraint(condition=Q(expires_at__gt=models.F("not_before")), name="planned_action_in_order"),
        ]
        indexes = [
            *ChartEntry.Meta.indexes,
            models.Index(fields=BY_CREATION, name="planned_action_by_creation"),
            models.Index(
                fields=["organization", "expires_at", "id"], condition=Q(completed_at=None), name="planned_action_outstanding"
            ),
        ]


class Workflow(Catalog):
    """A rule of a program that fires on certain days after a patient's enrolment."""

    program = models.ForeignKey(Program, models.PROTECT, related_name="+")
    days = DayListField(default=list, blank=True)

    catalog_columns = ("program", "days")
    set_once = ("program",)


class WorkflowFiring(ChartEntry):
    """One firing of a workflow for a patient; `trigger_count` numbers its firings for the patient."""

    workflow = models.ForeignKey(Workflow, models.PROTECT, related_name="+")
    trigger_day = models.DateField()
    trigger_count = models.PositiveIntegerField()

    class Meta(ChartEntry.Meta):
        constraints = [models.UniqueConstraint(fields=["patient", "workflow", "trigger_day"], name="workflow_firing_once")]
        indexes = [*ChartEntry.Meta.indexes, models.Index(fields=BY_CREATION, name="workflow_firing_by_creation")]


class StarRating(ChartEntry):
    """A patient's rating of their care: stars times 100."""

    score = models.PositiveSmallIntegerField(validators=[MinValueValidator(1), MaxValueValidator(500)])
    remarks = models.TextField(max_length=NOTE_LENGTH, null=True, blank=True)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", editable=False)

    class Meta(ChartEntry.Meta):
        indexes = [*ChartEntry.Meta.indexes, models.Index(fields=BY_CREATION, name="star_rating_by_creation")]
        constraints = [models.CheckConstraint(condition=Q(score__gte=1, score__lte=500), name="star_rating_in_range")]
