"""Who belongs to a family: the patients with the same guarantor (`responsible_party`), and the guarantor."""

from typing import Any

from django.db.models import Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from patients.models import Patient


def family_of(guarantor: Any) -> Q:
    """Return the condition that a patient is `guarantor` or has them; an id, or an expression that gives one."""
    return Q(responsible_party_id=guarantor) | Q(id=guarantor)


def household(patient: Any) -> QuerySet:
    """Return `patient`, an expression that gives an id, and the others of their family as far as they are not archived."""
    guarantor = Patient._base_manager.filter(id=patient).order_by().values(found=Coalesce("responsible_party_id", "id"))
    family = family_of(Subquery(guarantor[:1])) & Q(deleted_at=None)
    return Patient._base_manager.filter(Q(id=patient) | family).order_by()
