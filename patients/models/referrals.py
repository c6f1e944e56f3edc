"""How patients came to the clinic."""

from functools import reduce
from operator import or_

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from config.core.databases import DatabaseNow
from config.core.orm import NOTE_LENGTH
from patients.models.catalogs import Provider, ReferralPartner, ReferralSource
from patients.models.charts import ChartRecord
from patients.models.patients import Patient

# The columns of which exactly one is set.
SOURCES = ("referral_source", "referral_partner", "provider", "referring_patient")


class AttributionRole(models.TextChoices):
    """The role of the source."""

    ASSIST = "assist", _("Assist")
    PRIMARY = "primary", _("Primary")
    SECONDARY = "secondary", _("Secondary")


def _only(source: str) -> Q:
    return Q(**{f"{name}__isnull": name != source for name in SOURCES})


def _source(model: type[models.Model]) -> models.ForeignKey:
    return models.ForeignKey(model, models.PROTECT, null=True, blank=True, related_name="+")


class ReferralAttribution(ChartRecord):
    """A source that referred a patient. A patient has at most one primary attribution."""

    referral_source = _source(ReferralSource)
    referral_partner = _source(ReferralPartner)
    provider = _source(Provider)
    referring_patient = _source(Patient)
    attribution_role = models.CharField(max_length=16, choices=AttributionRole.choices, default=AttributionRole.PRIMARY)
    source_note = models.TextField(max_length=NOTE_LENGTH, null=True, blank=True)
    attributed_at = models.DateTimeField(db_default=DatabaseNow(), editable=False)

    others = ("referring_patient_id",)

    class Meta(ChartRecord.Meta):
        constraints = [
            models.UniqueConstraint(
                fields=["patient"],
                condition=Q(attribution_role=AttributionRole.PRIMARY, deleted_at=None),
                name="referral_attribution_one_primary",
            ),
            models.CheckConstraint(
                condition=reduce(or_, (_only(source) for source in SOURCES)), name="referral_attribution_one_source"
            ),
            models.CheckConstraint(condition=~Q(referring_patient=F("patient")), name="referral_attribution_not_self"),
        ]
