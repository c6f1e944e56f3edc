"""The history of a patient's status, group, program and settings. Reports read it."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from patients.models.charts import ChartEntry


class History(ChartEntry):
    """Base of rows that record a change: who made it, read in order of creation."""

    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", editable=False)

    class Meta(ChartEntry.Meta):
        abstract = True
        indexes = [models.Index(fields=["organization", "created_at", "id"], name="%(class)s_by_creation")]


class MutationType(models.TextChoices):
    """What changed."""

    PROGRAM = "program", _("Program")
    PROTOCOL = "protocol", _("Protocol")
    GROUP = "group", _("Group")
    STATUS = "status", _("Status")


class PatientMutation(History):
    """A change of a patient's program, protocol, group or status; `name` is the new value, null for none."""

    type = models.CharField(max_length=16, choices=MutationType.choices)
    name = models.CharField(max_length=255, null=True)


class SettingKey(models.TextChoices):
    """A setting whose changes are kept."""

    TIMEZONE = "timezone", _("Timezone")
    LANGUAGE = "language", _("Language")
    SMS_LOGIN = "sms_login_enabled", _("Sms Login")
    RECEIVES_EMAIL = "receives_email", _("Receives Email")
    RECEIVES_SMS = "receives_sms", _("Receives Sms")
    PREFERRED_CONTACT_METHOD = "preferred_contact_method", _("Preferred Contact Method")


class SettingChange(History):
    """A new value of one of a patient's settings, as text; null where it was cleared."""

    key = models.CharField(max_length=32, choices=SettingKey.choices)
    value = models.CharField(max_length=255, null=True)
