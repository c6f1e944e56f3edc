"""That patients came into the care of a group, or left it."""

from django.db import models

from accounts.models import CareGroup, Organization
from accounts.scope import ScopePath
from config.core.databases import DatabaseNow


class GroupMove(models.Model):
    """That a patient joined a care group other than by being created in it, or left one; not which patient.

    Without a group it says that a row of some chart of the organization passed to another patient.

    The database writes it whenever patients are written (patients/triggers.py), and nobody else does. The number of rows tells
    whether a caregiver still sees the patients whom they saw before, and no others who were there before.
    """

    organization = models.ForeignKey(Organization, models.DO_NOTHING, related_name="+", db_index=False, db_constraint=False)
    care_group = models.ForeignKey(CareGroup, models.DO_NOTHING, null=True, related_name="+", db_index=False, db_constraint=False)
    moved_at = models.DateTimeField(db_default=DatabaseNow(), editable=False)

    scope = ScopePath("organization_id", care_group="care_group_id")

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["organization", "care_group"], name="group_move_of_group")]

    def __str__(self) -> str:
        return f"Group move {self.pk}"
