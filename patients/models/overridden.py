"""Entries and changes that people saved although a warning spoke against them."""

from django.db import models

from accounts.models import User
from config.core.orm import COMMENT_LENGTH
from patients.models.charts import ChartEntry


class OverriddenWarning(ChartEntry):
    """Why something was saved against warnings. Written with what was saved, and never changed.

    `subject` and `subject_id` name the row, as its audit event does; `warnings` are the kinds of warnings, such as
    "drug_allergy.high".
    """

    subject = models.CharField(max_length=64)
    subject_id = models.BigIntegerField()
    warnings = models.JSONField()
    reason = models.TextField(max_length=COMMENT_LENGTH)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", editable=False)
