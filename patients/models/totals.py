"""How many patients there are."""

from django.db import models
from django.db.models import Q

from accounts.models import CareGroup, Organization
from accounts.scope import ScopePath
from config.core.totals import Totals, totals_of
from patients.models.catalogs import Location
from patients.models.patients import Patient, Status


def _key(model: type[models.Model], *, null: bool = True) -> models.ForeignKey:
    """Return a column that only a trigger writes: the patient's own has the constraint."""
    return models.ForeignKey(model, models.DO_NOTHING, null=null, related_name="+", db_index=False, db_constraint=False)


@totals_of(Patient)
class PatientTotal(Totals):
    """How many patients are of one organization, care group, location and status.

    The database writes it whenever patients are written (patients/triggers.py), and nobody else does.
    """

    organization = _key(Organization, null=False)
    care_group = _key(CareGroup)
    location = _key(Location)
    status = models.CharField(max_length=16, choices=Status.choices)

    null_where = {"deleted_at": ~Q(status=Status.ARCHIVED)}
    scope = ScopePath("organization_id", care_group="care_group_id")

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["organization", "care_group", "location", "status"], name="patient_total_key")]
