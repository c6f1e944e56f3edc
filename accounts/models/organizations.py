"""Organizations."""

from zoneinfo import ZoneInfo, available_timezones

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.scope import ScopePath
from config.core.caching import cached
from config.core.orm import Identified, Timestamped


def validate_timezone(name: str) -> None:
    """Raise ValidationError unless `name` is an IANA time zone."""
    if name not in _time_zones():
        raise ValidationError(_("This is not an IANA time zone."), code="invalid")


@cached
def _time_zones() -> frozenset[str]:
    """Return the names of all time zones, for which a directory of 600 files is walked."""
    return frozenset(available_timezones())


class Language(models.TextChoices):
    """Languages of the monitoring platform."""

    NL = "nl", _("Dutch")
    EN = "en", _("English")
    EN_US = "en_US", _("English (US)")
    DE = "de", _("German")
    FR = "fr", _("French")


class ChartNeed(models.TextChoices):
    """What a chart can lack, as an organization asks for it."""

    DATE_OF_BIRTH = "date_of_birth", _("Date of birth")
    PHONE = "phone", _("Phone number")
    EMAIL = "email", _("E-mail")
    ADDRESS = "address", _("Address")
    CARE_GROUP = "care_group", _("Care group")
    PROVIDER = "provider", _("Provider")
    ALLERGIES = "allergies", _("Allergies reviewed")


DEFAULT_NEEDS = (ChartNeed.DATE_OF_BIRTH, ChartNeed.PHONE, ChartNeed.ALLERGIES)


class Organization(Identified, Timestamped):
    """A clinic or hospital: the tenant. A parent organization does not see its children's rows."""

    name = models.CharField(max_length=255)
    slug = models.SlugField(max_length=64, unique=True)
    parent = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="children")
    timezone = models.CharField(max_length=64, default="Europe/Amsterdam", validators=[validate_timezone])
    country = models.CharField(
        max_length=2, default="NL", help_text=_("ISO 3166-1: where a phone number without a country code is from.")
    )
    language = models.CharField(
        max_length=8,
        choices=Language.choices,
        default=Language.NL,
        help_text=_("That of patients of the monitoring platform who have not chosen one."),
    )
    care_networks_enabled = models.BooleanField(
        default=False, help_text=_("With care networks a patient made through the public API must not name a group.")
    )
    is_sandbox = models.BooleanField(
        _("sandbox"),
        default=False,
        editable=False,
        help_text="Invented data for integrators, reached by test keys alone. It stays one: manage.py reset_sandbox empties it.",
    )
    second_factor_required = models.BooleanField(
        default=False, help_text=_("Everybody who signs in to the admin must then have a second factor, and is led to set it up.")
    )
    # What every chart needs, a list of ChartNeed; null for DEFAULT_NEEDS.
    chart_needs = models.JSONField(null=True, blank=True)
    # Vital signs of a chart are to be at most so many days old; null for any.
    vital_signs_days = models.PositiveSmallIntegerField(null=True, blank=True)
    catalog_version = models.PositiveBigIntegerField(
        default=1, editable=False, help_text="Raised by every catalog write; stamps the reference cache."
    )

    scope = ScopePath(organization="id")

    class Meta:
        ordering = ["name", "id"]

    def __str__(self) -> str:
        return self.name

    @property
    def needs(self) -> list[str]:
        """What every chart needs, apart from vital signs, in the order of ChartNeed."""
        chosen = DEFAULT_NEEDS if self.chart_needs is None else self.chart_needs
        return [need.value for need in ChartNeed if need in chosen]

    @property
    def zone(self) -> ZoneInfo:
        """The time zone of the organization's days."""
        return ZoneInfo(self.timezone)
