"""What searches read of patients."""

from django.db import models

from accounts.models import CareGroup, Organization, User
from accounts.scope import ScopePath
from config.core.databases import ByteOrderField
from patients.models.catalogs import Location, Provider
from patients.models.patients import Status


def _copied(model: type[models.Model], **kwargs) -> models.ForeignKey:
    """Return a copy of a patient's reference: the patient's own has the constraint and the index."""
    return models.ForeignKey(model, models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False, **kwargs)


class SearchEntry(models.Model):
    """The columns of a patient that lists search, filter and order by, under the same names.

    A patient's row is three times as wide or more. A search with many hits reads rows of this table, and of patients only
    those that it shows. The database writes it whenever patients are written (patients/triggers.py),
    and nobody else does.
    """

    id = models.BigIntegerField(primary_key=True)
    organization = _copied(Organization)
    care_group = _copied(CareGroup, null=True)
    user = _copied(User, null=True)
    location = _copied(Location, null=True)
    primary_provider = _copied(Provider, null=True)
    created_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True)
    date_of_birth = models.DateField(null=True)
    status = models.CharField(max_length=16, choices=Status.choices)
    first_name_key = ByteOrderField(max_length=255)
    last_name_key = ByteOrderField(max_length=255)
    last_name_match_key = ByteOrderField(max_length=255)
    chart_number_key = ByteOrderField(max_length=64)
    date_of_birth_key = ByteOrderField(max_length=10)
    search_text = models.TextField()

    scope = ScopePath("organization_id", care_group="care_group_id", patient_user="user_id")

    class Meta:
        ordering = ["last_name_key", "id"]
        # For fragments without a trigram, and of few patients beside many. With the names behind it PostgreSQL would go through
        # all patients in their order until enough are found, and those of one name stand together.
        indexes = [models.Index(fields=["organization"], name="search_entry_organization")]

    def __str__(self) -> str:
        return f"Search entry {self.pk}"
