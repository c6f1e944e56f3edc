"""Recording allergies, and keeping "no known drug allergies" from contradicting them."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.dispatch import receiver
from django.utils.translation import gettext as _

from accounts.audit import Overridden
from accounts.scope import Actor
from clinical.models import Allergy, AllergyDefinition
from clinical.models.catalogs import NO_DRUGS
from config.core.exceptions import Invalid
from patients.models import AllergyReviewStatus, Patient
from patients.services.charts import create_entry, update_entry
from patients.services.patients import changing, restored, update_patient

NONE_KNOWN = AllergyReviewStatus.NKDA


@transaction.atomic
def create_allergy(*, actor: Actor, patient_id: int, overridden: Overridden | None = None, **values: Any) -> Allergy:
    """Record an allergy; see `create_entry`. An active one to a drug ends the statement that none is known."""
    entry = create_entry(actor=actor, model=Allergy, patient_id=patient_id, overridden=overridden, **values)
    end_none_known(actor, entry.patient)
    return entry


@transaction.atomic
def update_allergy(
    *,
    actor: Actor,
    patient_id: int,
    entry_id: int,
    base_version: int,
    changes: Mapping[str, Any],
    overridden: Overridden | None = None,
) -> Allergy:
    """Correct an allergy; see `update_entry`. One that becomes active, or one to a drug, ends the statement that none is."""
    entry = update_entry(
        actor=actor,
        model=Allergy,
        patient_id=patient_id,
        entry_id=entry_id,
        base_version=base_version,
        changes=changes,
        overridden=overridden,
    )
    end_none_known(actor, entry.patient)
    return entry


def review_allergies(*, actor: Actor, patient_id: int, status: str) -> None:
    """State that a patient's allergies were reviewed, or that none to a drug is known.

    Raises NotFound, or Invalid for the latter if one is active.
    """
    update_patient(actor=actor, patient_id=patient_id, base_version=None, changes={"allergy_review_status": status})


@receiver(changing)
def _refuse_none_known(sender: Any, patient: Patient, accepted: Mapping[str, Any], **kwargs: Any) -> None:
    """Refuse "no known drug allergies" on every way to change a patient while one is active."""
    stated = accepted.get("allergy_review_status") == NONE_KNOWN != patient.allergy_review_status
    if stated and _drug_allergies().filter(patient=patient).exists():
        message = _("An active drug allergy is recorded. Archive it, or correct it, before stating that none is known.")
        raise Invalid(message, "allergy_review_status", "contradiction")


def end_none_known(actor: Actor, patient: Patient) -> None:
    """Change "no known drug allergies" of the locked patient to reviewed if one is active.

    This is a change of the patient: a form that was opened before must not state again that none is known.
    """
    if patient.allergy_review_status == NONE_KNOWN and _drug_allergies().filter(patient=patient).exists():
        review_allergies(actor=actor, patient_id=patient.pk, status=AllergyReviewStatus.REVIEWED)


@receiver(restored)
def _settle_none_known(sender: Any, *, actor: Actor, patient: Patient, **kwargs: Any) -> None:
    """End the statement where a substance has become a drug while the patient was archived and could not be changed."""
    end_none_known(actor, patient)


def patients_with_none_known(definition: AllergyDefinition) -> list[int]:
    """Return the ids, in order, of the patients of whom no drug allergy is known and who have an active one to `definition`."""
    rows = _drug_allergies().filter(allergy_definition=definition, patient__allergy_review_status=NONE_KNOWN)
    unarchived = rows.filter(patient__deleted_at=None).order_by("patient_id")
    return list(unarchived.values_list("patient_id", flat=True).distinct())


def _drug_allergies() -> QuerySet[Allergy]:
    """Return the active allergies to drugs, and to what may be one."""
    active = Allergy.objects.filter(status_is_active=True, deleted_at=None)
    return active.exclude(allergy_definition__category__in=sorted(NO_DRUGS))
