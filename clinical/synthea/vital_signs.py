"""The vital signs of observations.csv: all values of a patient at one time are one entry.

Values are converted from the units of the file and rounded to the places of their columns, halves
away from zero: 2.54 cm are an inch, 0.45359237 kg a pound (both exact, by the international
agreement of 1959), °F are °C · 9/5 + 32. Whole numbers stay whole. Day and time are in the organization's time zone.
Observations that the record has no column for are left out.
"""

import datetime
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from itertools import groupby
from typing import Any, NamedTuple, cast
from zoneinfo import ZoneInfo

from clinical.models import VitalSigns
from clinical.services.vital_signs import record_vital_signs, update_vital_signs
from clinical.synthea.tables import Cells, ChartTableImport, Row, RowRefused, day, moment
from config.core.decimals import round_half_up
from config.core.exceptions import Invalid
from config.core.table_cells import CellFault
from patients.models import Patient

Taken = tuple[datetime.date, datetime.time | None]


class Sign(NamedTuple):
    """A vital sign: its column, its unit in the file (UCUM), and how its value is converted."""

    column: str
    unit: str
    convert: Callable[[Decimal], Decimal] = lambda value: value


# LOINC code -> vital sign. Read from observations.csv; oxygen saturation from the vital signs profiles of FHIR R4.
SIGNS: dict[str, Sign] = {
    "8302-2": Sign("height_inches", "cm", lambda centimetres: centimetres / Decimal("2.54")),
    "29463-7": Sign("weight_lbs", "kg", lambda kilograms: kilograms / Decimal("0.45359237")),
    "39156-5": Sign("bmi", "kg/m2"),
    "59576-9": Sign("bmi_percentile", "%"),
    "8480-6": Sign("bp_systolic", "mm[Hg]"),
    "8462-4": Sign("bp_diastolic", "mm[Hg]"),
    "8867-4": Sign("pulse", "/min"),
    "9279-1": Sign("respiration_rate", "/min"),
    "2708-6": Sign("oxygen_saturation", "%"),
    "8310-5": Sign("temperature_f", "Cel", lambda celsius: celsius * 9 / 5 + 32),
}


# Units of versions of Synthea that are not written in UCUM.
_UNITS = {"mmHg": "mm[Hg]"}


def converted(cells: Cells) -> Any:
    """Return the value of a row as its column stores it. Raises RowRefused."""
    sign = SIGNS[cells["CODE"]]
    if _UNITS.get(cells["UNITS"], cells["UNITS"]) != sign.unit:
        raise RowRefused(f"{cells['CODE']}: UNITS: is not {sign.unit}")
    if not re.fullmatch(r"-?\d{1,6}(\.\d{1,20})?", cells["VALUE"], re.ASCII):
        raise RowRefused(f"{cells['CODE']}: VALUE: is not a number")
    value, places = sign.convert(Decimal(cells["VALUE"])), _places(sign.column)
    rounded = round_half_up(value, places)
    return rounded if places else int(rounded)


def _places(column: str) -> int:
    return getattr(VitalSigns._meta.get_field(column), "decimal_places", 0)


def _code_shown(code: str) -> str:
    """Return the code of an observation, unless it looks like no code: reports repeat no other cell."""
    return code if re.fullmatch(r"\d{1,7}-\d|[A-Z]{3,5}", code, re.ASCII) else "no code of LOINC"


class VitalSignsImport(ChartTableImport):
    """Imports the vital signs of observations.csv."""

    table = "observations"
    columns = frozenset({"DATE", "PATIENT", "CODE", "VALUE", "UNITS"})
    required = ("PATIENT", "DATE", "CODE")
    needed = ("VALUE", "UNITS")

    entries: dict[tuple, VitalSigns]

    def units(self, rows: Iterator[Row]) -> Iterator[list[Row]]:
        """Yield adjacent rows with the vital signs of one patient at one time."""
        for _, group in groupby(self._kept(rows), key=lambda row: (row.cells["PATIENT"], row.cells["DATE"])):
            yield list(group)

    def _kept(self, rows: Iterator[Row]) -> Iterator[Row]:
        for row in rows:
            if row.cells["CODE"] not in SIGNS:
                self.counts.left_out[_code_shown(row.cells["CODE"])] += 1
                continue
            try:
                self._taken(row.cells)
                row.cells["VALUE"] = self._number(row.cells)
                yield row
            except RowRefused as error:
                self.refuse_row(row.line, str(error))

    def _number(self, cells: Cells) -> str:
        try:
            return self.cells.number(cells["VALUE"])
        except CellFault as error:
            raise RowRefused(f"{cells['CODE']}: VALUE: {error}") from error

    def _taken(self, cells: Cells, born: datetime.date | None = None) -> Taken:
        """Return the local day and time of a measurement of a patient `born` on a day of the file; of a day alone no time."""
        if len(cells["DATE"]) == len("YYYY-MM-DD"):
            return cast("datetime.date", day(cells, "DATE")), None
        taken = moment(cells, "DATE", self.organization.zone)
        # Days in the file are in UTC: a newborn may be measured on the local day before their date of birth.
        written = moment(cells, "DATE", ZoneInfo("UTC")).date()
        return born if born and taken.date() < born <= written else taken.date(), taken.time()

    def prepare(self, cells: list[Cells]) -> None:
        super().prepare(cells)
        patients = sorted(patient.pk for patient in self.patients.values())
        born = {synthea_id: patient.date_of_birth for synthea_id, patient in self.patients.items()}
        days = {self._taken(one, born.get(one["PATIENT"]))[0] for one in cells}
        stored = VitalSigns.objects.filter(patient_id__anyof=patients, date_taken__in=days).order_by("-pk")
        self.entries = {(entry.patient_id, entry.date_taken, entry.time_taken): entry for entry in stored}

    def import_unit(self, unit: list[Row]) -> str | None:
        """Import the values of one time. A row that breaks a rule is refused and removed from `unit`; the others go on."""
        first = unit[0].cells
        patient = self.patient_of(first)
        taken = self._taken(first, patient.date_of_birth)
        rows = {SIGNS[row.cells["CODE"]].column: row for row in unit}
        values: dict[str, Any] = {}
        for column, row in rows.items():
            try:
                values[column] = converted(row.cells)
            except RowRefused as error:
                self._leave(unit, row, str(error))
        while values:
            try:
                return self._write(patient, taken, values)
            except Invalid as error:
                wrong = values.keys() & error.errors.keys()
                if not wrong:
                    raise
                for column in sorted(wrong):
                    del values[column]
                    self._leave(unit, rows[column], f"{rows[column].cells['CODE']}: {column}: {' '.join(error.errors[column])}")
        return None

    def _leave(self, unit: list[Row], row: Row, why: str) -> None:
        unit.remove(row)
        self.refuse_row(row.line, why)

    def _write(self, patient: Patient, taken: Taken, values: dict[str, Any]) -> str:
        """Add the entry of this time, or fill in what the existing one lacks. Raises Invalid."""
        key = patient.pk, *taken
        entry = self.entries.get(key)
        if entry is None:
            self.entries[key] = record_vital_signs(
                actor=self.actor, patient_id=patient.pk, date_taken=taken[0], time_taken=taken[1], **values
            )
            return "created"
        changes = {name: value for name, value in values.items() if getattr(entry, name) != value}
        if not changes or entry.deleted_at is not None:
            return "unchanged"
        update_vital_signs(
            actor=self.actor, patient_id=patient.pk, entry_id=entry.pk, base_version=entry.version, changes=changes
        )
        vars(entry).update(changes, version=entry.version + 1)
        return "updated"
