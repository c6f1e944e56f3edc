"""Values of the custom fields that an organization has defined."""

from django.db import models

from config.core.orm import Versioned
from patients.models.catalogs import FieldDefinition
from patients.models.charts import BY_CHANGE, ChartEntry


class FieldValue(ChartEntry, Versioned):
    """The value of one custom field of a patient, in the JSON form of the field's type; null once cleared."""

    field_definition = models.ForeignKey(FieldDefinition, models.PROTECT, related_name="+")
    value = models.JSONField(null=True)

    class Meta(ChartEntry.Meta):
        indexes = [*ChartEntry.Meta.indexes, BY_CHANGE]
        constraints = [models.UniqueConstraint(fields=["patient", "field_definition"], name="field_value_unique")]
