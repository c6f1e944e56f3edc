"""allergies.csv, conditions.csv and medications.csv: chart entries that refer to a catalog.

The catalog row of a concept is found by its code, and created if missing. A code of which the file does not know the system
is left out: its concept is found by its name. An entry is identified by patient, concept, START and STOP. An open entry of the
chart with a STOP in the file is ended; an entry that staff have ended or archived stays so.
"""

import datetime
import re
from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, NamedTuple

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from accounts.models.catalogs import key_of
from accounts.services.catalogs import create_catalog_row
from clinical.fields import validate_snomed
from clinical.models import (
    Allergy,
    AllergyCategory,
    AllergyDefinition,
    CodeSystem,
    Disease,
    DiseaseDefinition,
    Medication,
    MedicationDefinition,
    MedicationStatus,
    ProblemStatus,
)
from clinical.models.catalogs import CodedCatalog
from clinical.services.allergies import create_allergy, update_allergy
from clinical.services.allergy_definitions import create_allergy_definition
from clinical.services.medications import create_medication, update_medication
from clinical.synthea.tables import Cells, ChartTableImport, Row, RowRefused, check_lengths, day
from patients.models import ChartRecord, Patient
from patients.services.charts import create_entry, update_entry

# What SYSTEM says, in small letters: the words of Synthea's versions without punctuation, and the URIs of FHIR. None is for a
# code of which the file does not know the system.
_SYSTEMS = {
    "snomed": CodeSystem.SNOMED_CT,
    "snomedct": CodeSystem.SNOMED_CT,
    "http://snomed.info/sct": CodeSystem.SNOMED_CT,
    "rxnorm": CodeSystem.RXNORM,
    "http://www.nlm.nih.gov/research/umls/rxnorm": CodeSystem.RXNORM,
    "icd10": CodeSystem.ICD_10,
    "icd10cm": CodeSystem.ICD_10,
    "http://hl7.org/fhir/sid/icd-10": CodeSystem.ICD_10,
    "http://hl7.org/fhir/sid/icd-10-cm": CodeSystem.ICD_10,
    "loinc": CodeSystem.LOINC,
    "http://loinc.org": CodeSystem.LOINC,
    "unknown": None,
    "": None,
}


class Concept(NamedTuple):
    """A code of a terminology; with the system None the folded name of a concept without a code."""

    system: str | None
    code: str


class EntryImport(ChartTableImport):
    """Imports one table of coded entries into charts."""

    model: ClassVar[type[ChartRecord]]
    # The foreign key to the catalog row of the entry's concept.
    definition: ClassVar[str]
    catalog: ClassVar[type[CodedCatalog]]
    # The services of the entries and of their concepts, as everybody else calls them.
    create_service: ClassVar[Callable[..., Any]]
    update_service: ClassVar[Callable[..., Any]]
    catalog_service: ClassVar[Callable[..., Any]] = staticmethod(create_catalog_row)
    # The column that holds START.
    start: ClassVar[str] = "date_start"
    # The column that holds STOP, if there is one.
    stop: ClassVar[str | None] = "date_stop"
    # The system of the codes where the table has no column SYSTEM.
    system: ClassVar[CodeSystem] = CodeSystem.SNOMED_CT
    columns = frozenset({"START", "STOP", "PATIENT", "CODE", "SYSTEM", "DESCRIPTION"})
    required = ("PATIENT", "CODE", "DESCRIPTION", "START")

    definitions: dict[Concept, int]
    entries: dict[tuple, list[Any]]

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        rows = self.model._base_manager.filter(organization=self.organization)
        self.newest = rows.aggregate(newest=models.Max("pk"))["newest"] or 0

    def concept(self, cells: Cells) -> Concept:
        """Return the concept of a row. Raises RowRefused for a system that no catalog has, or a code that its system has not."""
        system = self._system(cells["SYSTEM"]) if "SYSTEM" in self.header else self.system
        code = snomed_code(cells, "CODE") if system == CodeSystem.SNOMED_CT else cells["CODE"]
        return concept_of(system, code, key_of(cells["DESCRIPTION"]))

    def _system(self, text: str) -> CodeSystem | None:
        word = text.casefold().rstrip("/")
        key = word if "://" in word else re.sub(r"[\W_]+", "", word)
        if key not in _SYSTEMS:
            raise RowRefused("SYSTEM: is not one of SNOMED-CT, RxNorm, ICD-10, LOINC, Unknown")
        return _SYSTEMS[key]

    def values(self, cells: Cells) -> dict[str, Any]:
        """Return the values of a row besides its concept and START; empty cells are left out."""
        raise NotImplementedError

    def prepare(self, cells: list[Cells]) -> None:
        super().prepare(cells)
        codes, names = {one["CODE"] for one in cells}, {key_of(one["DESCRIPTION"]) for one in cells}
        rows = self.catalog._base_manager.filter(organization=self.organization, deleted_at=None)
        found = rows.filter(_named(codes, names)).order_by("-pk").values_list("concept_system", "concept_code", "name_key", "pk")
        self.definitions = {concept_of(system, code, name): pk for system, code, name, pk in found}
        self.entries = {}
        for entry in self._stored(codes, names):
            row = getattr(entry, self.definition)
            concept = concept_of(row.concept_system, row.concept_code, row.name_key)
            self.entries.setdefault((entry.patient_id, concept, getattr(entry, self.start)), []).append(entry)

    def _stored(self, codes: set[str], names: set[str]) -> models.QuerySet:
        """Return the entries that rows of the chunk may match, including archived ones."""
        rows = self.model._base_manager.filter(patient_id__anyof=sorted(patient.pk for patient in self.patients.values()))
        return rows.filter(_named(codes, names, f"{self.definition}__")).select_related(self.definition).order_by("pk")

    def import_unit(self, unit: list[Row]) -> str:
        ((_, cells),) = unit
        patient, concept = self.patient_of(cells), self.concept(cells)
        start = day(cells, "START")
        values = {self.start: start, **self.values(cells)}
        check_lengths(self.model, values)
        entry = self._match(patient, concept, start, values)
        if entry is None:
            self._create(patient, concept, cells, values)
        self.counts.uncoded += concept.system is None
        return "created" if entry is None else self._update(patient, entry, values)

    def _update(self, patient: Patient, entry: Any, values: dict[str, Any]) -> str:
        changes = {name: value for name, value in values.items() if getattr(entry, name) != value}
        if not changes or entry.deleted_at is not None:
            return "unchanged"
        self.update_service(
            actor=self.actor, patient_id=patient.pk, entry_id=entry.pk, base_version=entry.version, changes=changes
        )
        vars(entry).update(changes, version=entry.version + 1)
        return "updated"

    def _match(self, patient: Patient, concept: Concept, start: datetime.date | None, values: dict[str, Any]) -> Any | None:
        """Return the entry that a row matches, or None for a new one."""
        same = self.entries.get((patient.pk, concept, start), [])
        if self.stop is None:
            return same[0] if same else None
        ended = values.get(self.stop)
        # An entry added in this run is another row of the file: two of one medication may have the same START.
        before = [entry for entry in same if entry.pk <= self.newest]
        exact = (entry for entry in same if getattr(entry, str(self.stop)) == ended)
        still_open = (entry for entry in before if ended and getattr(entry, str(self.stop)) is None)
        ended_here = (entry for entry in before if not ended and entry.version > 1)
        return next((found for group in (exact, still_open, ended_here) for found in group), None)

    def _create(self, patient: Patient, concept: Concept, cells: Cells, values: dict[str, Any]) -> None:
        definition = self.definitions.get(concept) or self._define(concept, cells)
        values = {f"{self.definition}_id": definition, **values}
        entry = self.create_service(actor=self.actor, patient_id=patient.pk, **values)
        self.definitions[concept] = definition
        self.entries.setdefault((patient.pk, concept, values[self.start]), []).append(entry)

    def _define(self, concept: Concept, cells: Cells) -> int:
        code = {} if concept.system is None else {"concept_code": concept.code, "concept_system": concept.system}
        told = {"name": cells["DESCRIPTION"], **code, **self.told_of_concept(cells)}
        check_lengths(self.catalog, told)
        row = self.catalog_service(actor=self.actor, model=self.catalog, organization=self.organization, **told)
        return row.pk

    def told_of_concept(self, cells: Cells) -> dict[str, Any]:
        """Return what a row tells of its concept besides its code and name."""
        return {}


def snomed_code(cells: Cells, column: str) -> str:
    """Return the SNOMED CT code in a cell, or "" if it is empty. Raises RowRefused for what cannot be one."""
    try:
        if cells[column]:
            validate_snomed(cells[column])
    except ValidationError as error:
        raise RowRefused(f"{column}: is not a code of SNOMED CT, which has 6 to 18 digits") from error
    return cells[column]


def concept_of(system: str | None, code: str | None, name_key: str) -> Concept:
    """Return what two rows of a catalog, or of a file, have in common that are the same concept."""
    return Concept(system, code) if system and code else Concept(None, name_key)


def _named(codes: set[str], names: set[str], prefix: str = "") -> Q:
    """Return the condition for rows of a catalog with one of `codes`, or without a code and with one of the folded `names`."""
    uncoded = Q(**{f"{prefix}concept_code": None, f"{prefix}name_key__in": names})
    return Q(**{f"{prefix}concept_code__in": codes}) | uncoded


class AllergyImport(EntryImport):
    """Imports allergies.csv: START is the day of the reaction, STOP means no longer active.

    With two reactions, both texts are kept, and the code and severity of the first.
    """

    table = "allergies"
    columns = EntryImport.columns | {"CATEGORY", "REACTION1", "DESCRIPTION1", "SEVERITY1", "DESCRIPTION2"}
    codes = EntryImport.codes | {"REACTION1"}
    model, definition, catalog = Allergy, "allergy_definition", AllergyDefinition
    create_service, update_service = staticmethod(create_allergy), staticmethod(update_allergy)
    catalog_service = staticmethod(create_allergy_definition)
    start, stop = "date_adverse_reaction", None

    def values(self, cells: Cells) -> dict[str, Any]:
        texts = {
            "reaction": "; ".join(filter(None, (cells["DESCRIPTION1"], cells["DESCRIPTION2"]))),
            "snomed_reaction": snomed_code(cells, "REACTION1"),
            "severity": cells["SEVERITY1"].lower(),
        }
        ended = {"status_is_active": False} if day(cells, "STOP") else {}
        return {name: text for name, text in texts.items() if text} | ended

    def told_of_concept(self, cells: Cells) -> dict[str, Any]:
        category = cells["CATEGORY"].lower()
        return {"category": category} if category in AllergyCategory.values else {}


class ConditionImport(EntryImport):
    """Imports conditions.csv as problems, resolved if they have a STOP."""

    table = "conditions"
    model, definition, catalog = Disease, "disease_definition", DiseaseDefinition
    create_service = staticmethod(partial(create_entry, model=Disease))
    update_service = staticmethod(partial(update_entry, model=Disease))

    def values(self, cells: Cells) -> dict[str, Any]:
        ended = day(cells, "STOP")
        return {"date_stop": ended, "problem_status": ProblemStatus.RESOLVED} if ended else {}


class MedicationImport(EntryImport):
    """Imports medications.csv, completed if they have a STOP."""

    table, system = "medications", CodeSystem.RXNORM
    model, definition, catalog = Medication, "medication_definition", MedicationDefinition
    create_service, update_service = staticmethod(create_medication), staticmethod(update_medication)

    def values(self, cells: Cells) -> dict[str, Any]:
        ended = day(cells, "STOP")
        stopped = {"date_stop": ended, "status": MedicationStatus.COMPLETED} if ended else {}
        coded = self.concept(cells).system == CodeSystem.RXNORM
        return ({"rx_cui": cells["CODE"]} if coded else {}) | stopped
