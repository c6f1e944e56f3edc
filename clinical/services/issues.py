"""What speaks against an entry before it is written: the same rules as after it, over an entry that is not stored.

Every caller that can ask a person first (the admin) asks here, shows the issues, the gravest first, and saves against them
with a reason (`overridden`). The APIs write and tell afterwards, as their contracts have it. An issue never forbids: what
is impossible is refused by the services.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from clinical.interactions import InteractionWarning, Severity
from clinical.models import (
    Allergy,
    Disease,
    Medication,
    MedicationDefinition,
    MedicationStatus,
    ProblemStatus,
    VitalSigns,
)
from clinical.services.interactions import check_interactions
from clinical.services.medications import with_code
from clinical.services.vital_signs import flags_before
from clinical.vitals import CRITICAL
from config.core.orm import drop_nulls_for_not_null_columns
from config.core.text import fold
from patients.models import ChartRecord, Patient, Status

# A medication in words is compared as at most so many rows of the catalog; names of fewer letters mean too many.
MEANT, SHORTEST_NAME = 3, 4


class DetectedIssue(NamedTuple):
    """Something that speaks against a write, as FHIR's resource of this name. `message` is for people, and may name an entry.

    `code` is the kind of issue, one word without a patient's data.
    """

    code: str
    severity: Severity
    message: str

    @property
    def kind(self) -> str:
        """The words that the audit trail keeps, such as "drug_allergy.high"."""
        return f"{self.code}.{self.severity}"


def issues_of_medication(patient: Patient, values: Mapping[str, Any], entry: Medication | None = None) -> list[DetectedIssue]:
    """Return what speaks against a medication with these columns, or against writing them into `entry`."""
    coded = with_code(values, entry.medication_definition_id if entry else None)
    draft = _draft(Medication, patient, coded, entry)
    if draft.status != MedicationStatus.ACTIVE:
        return []
    check = check_interactions(draft)
    found = [_as_issue(one) for one in check.warnings]
    if not draft.medication_definition_id and not check.is_comparable:
        found += _of_words(draft)
    told = {issue.code for issue in found}
    doubles = [] if "duplicate_ingredient" in told else _same_medication(draft)
    return _ordered([*_of_patient(patient), *found, *doubles])


def issues_of_allergy(patient: Patient, values: Mapping[str, Any], entry: Allergy | None = None) -> list[DetectedIssue]:
    """Return what speaks against an allergy with these columns, or against writing them into `entry`."""
    draft = _draft(Allergy, patient, values, entry)
    if not draft.status_is_active:
        return []
    found = [_as_issue(one) for one in check_interactions(draft).warnings]
    same = _others(draft).filter(status_is_active=True, allergy_definition_id=draft.allergy_definition_id)
    return _ordered(
        [*found, *_already(same.exists(), _("%(name)s is an active allergy already."), draft.allergy_definition.name)]
    )


def issues_of_problem(patient: Patient, values: Mapping[str, Any], entry: Disease | None = None) -> list[DetectedIssue]:
    """Return what speaks against a problem with these columns, or against writing them into `entry`."""
    draft = _draft(Disease, patient, values, entry)
    if draft.problem_status != ProblemStatus.ACTIVE:
        return []
    same = _others(draft).filter(problem_status=ProblemStatus.ACTIVE, disease_definition_id=draft.disease_definition_id)
    return _ordered(_already(same.exists(), _("%(name)s is an active problem already."), draft.disease_definition.name))


def issues_of_vital_signs(patient: Patient, values: Mapping[str, Any], entry: VitalSigns | None = None) -> list[DetectedIssue]:
    """Return the values that block procedures until a provider has looked. Raises Invalid for impossible values.

    Values that are merely out of range are no issue: they are what was measured (`flags_before` has them).
    """
    stored = {flag["message"] for flag in entry.abnormal_flags} if entry else set()
    critical = [flag for flag in flags_before(patient, values, entry) if flag["severity"] == CRITICAL]
    block = [
        DetectedIssue(
            "blocks_procedures",
            Severity.HIGH,
            _("%(flag)s. A provider should look before any procedure.") % {"flag": flag["message"]},
        )
        for flag in critical
        if flag["message"] not in stored
    ]
    return _ordered([*_of_patient(patient), *block])


def issues_of_enrolment(patient: Patient) -> list[DetectedIssue]:
    """Return what speaks against enrolling a patient in a program."""
    if not patient.has_died and patient.status in (Status.PROSPECTIVE, Status.INACTIVE):
        message = _("The patient is %(status)s: no measurements are planned until they are active.")
        told = message % {"status": patient.get_status_display().lower()}
        return [DetectedIssue("not_active", Severity.MODERATE, told)]
    return _of_patient(patient)


def issues_of_patient(patient: Patient) -> list[DetectedIssue]:
    """Return what speaks against any treatment of a patient."""
    return _of_patient(patient)


def _of_patient(patient: Patient) -> list[DetectedIssue]:
    if not patient.has_died:
        return []
    return [DetectedIssue("deceased", Severity.HIGH, _("The patient is deceased."))]


def _as_issue(warning: InteractionWarning) -> DetectedIssue:
    return DetectedIssue(str(warning.kind), warning.severity, warning.message)


def _draft(model: type[Any], patient: Patient, values: Mapping[str, Any], entry: ChartRecord | None) -> Any:
    """Return an entry that is not stored: `entry` with these values, or a new one."""
    columns = [field.attname for field in model._meta.concrete_fields if not field.primary_key]
    kept = {name: getattr(entry, name) for name in columns} if entry else {}
    given = drop_nulls_for_not_null_columns(model, values)
    return model(**{**kept, "organization_id": patient.organization_id, "patient_id": patient.pk, **given})


def _others(draft: Any) -> Any:
    """Return the unarchived entries of the same chart and kind, but for the one that is corrected."""
    return type(draft)._base_manager.filter(patient_id=draft.patient_id, deleted_at=None).exclude(uuid=draft.uuid)


def _same_medication(draft: Medication) -> list[DetectedIssue]:
    """Return an issue if the patient takes this medication already, by its definition or its words."""
    taken = _others(draft).filter(status=MedicationStatus.ACTIVE).select_related("medication_definition")
    named = {fold(other.name) for other in taken}
    return _already(fold(draft.name) in named, _("%(name)s is a current medication already."), draft.name)


def _of_words(draft: Medication) -> list[DetectedIssue]:
    """Return what speaks against a medication in which the catalog recognizes nothing: what speaks against the rows that its
    first word may be a part of, or else that it was compared with no allergy.
    """
    word = next(iter(fold(draft.med_descript).split()), "")
    rows = MedicationDefinition.objects.filter(organization_id=draft.organization_id, deleted_at=None, name_key__contains=word)
    meant = rows.order_by("name_key", "id")[:MEANT] if len(word) >= SHORTEST_NAME else ()
    found: dict[str, DetectedIssue] = {}
    for definition in meant:
        given = _draft(Medication, draft.patient, {"medication_definition_id": definition.pk}, draft)
        for one in check_interactions(given).warnings:
            message = _("If this is %(medication)s: %(warning)s") % {"medication": definition.name, "warning": one.message}
            found.setdefault(one.message, DetectedIssue(str(one.kind), one.severity, message))
    if found:
        return list(found.values())
    allergies = Allergy.objects.filter(patient_id=draft.patient_id, status_is_active=True, deleted_at=None).order_by("id")
    names = ", ".join(allergies.values_list("allergy_definition__name", flat=True))
    message = _("This is not in the catalog, so it was not compared with the allergies: %(names)s.") % {"names": names}
    return [DetectedIssue("not_checked", Severity.MODERATE, message)] if names else []


def _already(there: bool, message: str, name: str) -> list[DetectedIssue]:
    return [DetectedIssue("recorded_already", Severity.MODERATE, message % {"name": name})] if there else []


def _ordered(issues: Iterable[DetectedIssue]) -> list[DetectedIssue]:
    ranks = {severity: rank for rank, severity in enumerate(Severity)}
    return sorted(issues, key=lambda issue: ranks[issue.severity])
