"""allergies.csv, conditions.csv and medications.csv: chart entries that refer to a catalog.

The catalog row of a concept is found by its code, and created if missing. An entry is identified by patient, code, START
and STOP. An open entry of the chart with a STOP in the file is ended; an entry that staff have ended or archived stays so.
"""

import datetime
from typing import Any, ClassVar, NamedTuple

from django.db import models

from accounts.services.catalogs import create_catalog_row
from clinical.models import (
    Allergy,
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
from clinical.synthea.tables import Cells, ChartTableImport, Row, check_lengths, coded, day
from patients.models import ChartRecord, Patient
from patients.services.charts import add_entry, update_entry

_SYSTEMS = {"SNOMED-CT": CodeSystem.SNOMED_CT, "RxNorm": CodeSystem.RXNORM}


class Coding(NamedTuple):
    """A code of a terminology."""

    system: str
    code: str


class EntryImport(ChartTableImport):
    """Imports one table of coded entries into charts."""

    model: ClassVar[type[ChartRecord]]
    # The foreign key to the catalog row of the entry's concept.
    definition: ClassVar[str]
    catalog: ClassVar[type[CodedCatalog]]
    # The column that holds START.
    start: ClassVar[str] = "date_start"
    # The column that holds STOP, if there is one.
    stop: ClassVar[str | None] = "date_stop"
    required = ("PATIENT", "CODE", "DESCRIPTION", "START")

    definitions: dict[Coding, int]
    entries: dict[tuple, list[Any]]

    def __init__(self, **kwargs: Any):
        super().__init__(**kwargs)
        rows = self.model._base_manager.filter(organization=self.organization)
        self.newest = rows.aggregate(newest=models.Max("pk"))["newest"] or 0

    def coding(self, cells: Cells) -> Coding:
        """Return the code of a row's concept."""
        raise NotImplementedError

    def values(self, cells: Cells) -> dict[str, Any]:
        """Return the values of a row besides its concept and START; empty cells are left out."""
        raise NotImplementedError

    def prepare(self, cells: list[Cells]) -> None:
        super().prepare(cells)
        codes = {one["CODE"].strip() for one in cells}
        rows = self.catalog._base_manager.filter(organization=self.organization, deleted_at=None, concept_code__in=codes)
        found = rows.order_by("-pk").values_list("concept_system", "concept_code", "pk")
        self.definitions = {Coding(str(system), str(code)): pk for system, code, pk in found}
        self.entries = {}
        for entry in self._stored(codes):
            definition = getattr(entry, self.definition)
            coding = Coding(str(definition.concept_system), str(definition.concept_code))
            self.entries.setdefault((entry.patient_id, coding, getattr(entry, self.start)), []).append(entry)

    def _stored(self, codes: set[str]) -> models.QuerySet:
        """Return the entries that rows of the chunk may match, including archived ones."""
        rows = self.model._base_manager.filter(patient_id__anyof=sorted(patient.pk for patient in self.patients.values()))
        return rows.filter(**{f"{self.definition}__concept_code__in": codes}).select_related(self.definition).order_by("pk")

    def import_unit(self, unit: list[Row]) -> str:
        ((_, cells),) = unit
        patient, coding = self.patient_of(cells), self.coding(cells)
        start = day(cells, "START")
        values = {self.start: start, **self.values(cells)}
        check_lengths(self.model, values)
        entry = self._match(patient, coding, start, values)
        if entry is None:
            self._create(patient, coding, cells["DESCRIPTION"].strip(), values)
            return "created"
        changes = {name: value for name, value in values.items() if getattr(entry, name) != value}
        if not changes or entry.deleted_at is not None:
            return "unchanged"
        update_entry(
            actor=self.actor,
            model=self.model,
            patient_id=patient.pk,
            entry_id=entry.pk,
            base_version=entry.version,
            changes=changes,
        )
        vars(entry).update(changes, version=entry.version + 1)
        return "updated"

    def _match(self, patient: Patient, coding: Coding, start: datetime.date | None, values: dict[str, Any]) -> Any | None:
        """Return the entry that a row matches, or None for a new one."""
        same = self.entries.get((patient.pk, coding, start), [])
        if self.stop is None:
            return same[0] if same else None
        ended = values.get(self.stop)
        # An entry added in this run is another row of the file: two of one medication may have the same START.
        before = [entry for entry in same if entry.pk <= self.newest]
        exact = (entry for entry in same if getattr(entry, str(self.stop)) == ended)
        still_open = (entry for entry in before if ended and getattr(entry, str(self.stop)) is None)
        ended_here = (entry for entry in before if not ended and entry.version > 1)
        return next((found for group in (exact, still_open, ended_here) for found in group), None)

    def _create(self, patient: Patient, coding: Coding, name: str, values: dict[str, Any]) -> None:
        definition = self.definitions.get(coding) or self._define(coding, name)
        values = {f"{self.definition}_id": definition, **values}
        entry = add_entry(self.actor, patient, self.model, values)
        self.definitions[coding] = definition
        self.entries.setdefault((patient.pk, coding, values[self.start]), []).append(entry)

    def _define(self, coding: Coding, name: str) -> int:
        check_lengths(self.catalog, {"name": name, "concept_code": coding.code})
        row = create_catalog_row(
            actor=self.actor,
            model=self.catalog,
            organization=self.organization,
            name=name,
            concept_code=coding.code,
            concept_system=coding.system,
        )
        return row.pk


class AllergyImport(EntryImport):
    """Imports allergies.csv: START is the day of the reaction, STOP means no longer active.

    With two reactions, both texts are kept, and the code and severity of the first.
    """

    table = "allergies"
    columns = frozenset(
        {"START", "STOP", "PATIENT", "CODE", "SYSTEM", "DESCRIPTION", "REACTION1", "DESCRIPTION1", "SEVERITY1", "DESCRIPTION2"}
    )
    model, definition, catalog = Allergy, "allergy_definition", AllergyDefinition
    start, stop = "date_adverse_reaction", None

    def coding(self, cells: Cells) -> Coding:
        return Coding(coded(cells, "SYSTEM", _SYSTEMS) or CodeSystem.SNOMED_CT, cells["CODE"].strip())

    def values(self, cells: Cells) -> dict[str, Any]:
        texts = {
            "reaction": "; ".join(filter(None, (cells["DESCRIPTION1"].strip(), cells["DESCRIPTION2"].strip()))),
            "snomed_reaction": cells["REACTION1"].strip(),
            "severity": cells["SEVERITY1"].strip().lower(),
        }
        ended = {"status_is_active": False} if day(cells, "STOP") else {}
        return {name: text for name, text in texts.items() if text} | ended


class ConditionImport(EntryImport):
    """Imports conditions.csv as problems, resolved if they have a STOP."""

    table = "conditions"
    columns = frozenset({"START", "STOP", "PATIENT", "CODE", "DESCRIPTION"})
    model, definition, catalog = Disease, "disease_definition", DiseaseDefinition

    def coding(self, cells: Cells) -> Coding:
        return Coding(CodeSystem.SNOMED_CT, cells["CODE"].strip())

    def values(self, cells: Cells) -> dict[str, Any]:
        ended = day(cells, "STOP")
        return {"date_stop": ended, "problem_status": ProblemStatus.RESOLVED} if ended else {}


class MedicationImport(EntryImport):
    """Imports medications.csv, completed if they have a STOP."""

    table = "medications"
    columns = frozenset({"START", "STOP", "PATIENT", "CODE", "DESCRIPTION"})
    model, definition, catalog = Medication, "medication_definition", MedicationDefinition

    def coding(self, cells: Cells) -> Coding:
        return Coding(CodeSystem.RXNORM, cells["CODE"].strip())

    def values(self, cells: Cells) -> dict[str, Any]:
        ended = day(cells, "STOP")
        stopped = {"date_stop": ended, "status": MedicationStatus.COMPLETED} if ended else {}
        return {"rx_cui": cells["CODE"].strip(), **stopped}
