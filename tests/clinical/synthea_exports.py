"""Synthea's exports of made-up people: the columns of today, the cases that are odd, and what a spreadsheet makes of them.

Concepts and their codes are those of the fixtures in `fixtures/charts`.
"""

import csv
import datetime
import random
import uuid
from collections import Counter
from pathlib import Path

CHARTS = Path(__file__).parent / "fixtures" / "charts"
SNOMED, RXNORM = "http://snomed.info/sct", "http://www.nlm.nih.gov/research/umls/rxnorm"

PATIENTS = (
    "Id,BIRTHDATE,DEATHDATE,SSN,DRIVERS,PASSPORT,PREFIX,FIRST,MIDDLE,LAST,SUFFIX,MAIDEN,MARITAL,RACE,ETHNICITY,GENDER,BIRTHPLACE,"
    "ADDRESS,CITY,STATE,COUNTY,FIPS,ZIP,LAT,LON,HEALTHCARE_EXPENSES,HEALTHCARE_COVERAGE,INCOME"
)
ALLERGIES = (
    "START,STOP,PATIENT,ENCOUNTER,CODE,SYSTEM,DESCRIPTION,TYPE,CATEGORY,REACTION1,DESCRIPTION1,SEVERITY1,REACTION2,DESCRIPTION2,"
    "SEVERITY2"
)
CONDITIONS = "START,STOP,PATIENT,ENCOUNTER,SYSTEM,CODE,DESCRIPTION"
MEDICATIONS = (
    "START,STOP,PATIENT,PAYER,ENCOUNTER,CODE,DESCRIPTION,BASE_COST,PAYER_COVERAGE,DISPENSES,TOTALCOST,REASONCODE,"
    "REASONDESCRIPTION"
)
OBSERVATIONS = "DATE,PATIENT,ENCOUNTER,CATEGORY,CODE,DESCRIPTION,VALUE,UNITS,TYPE"
ENCOUNTERS = "Id,START,STOP,PATIENT"
HEADERS = {
    "patients": PATIENTS,
    "allergies": ALLERGIES,
    "conditions": CONDITIONS,
    "medications": MEDICATIONS,
    "observations": OBSERVATIONS,
    "encounters": ENCOUNTERS,
}
FIRST_NAMES = ["José María", "Aaron697", "Zoë5", "Søren", "Nguyễn", "Mary-Ann", "D'Arcy", "李"]
LAST_NAMES = ["O'Brien", "Ortega866", "de la Cruz", "Łukasik", "Müller-Weiß", "'t Hooft", "Lé"]
CONCEPTS = ("allergies", "conditions", "medications")
Row = dict[str, str]


def rows_of(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write_table(path: Path, header: list[str], rows: list[Row], *, separator: str = ",", encoding: str = "utf-8") -> None:
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, header, restval="", delimiter=separator)
        writer.writeheader()
        writer.writerows(rows)


def chart_rows(table: str) -> list[Row]:
    """Return the rows of one table of the fixture of charts."""
    return rows_of(CHARTS / f"{table}.csv")


def write_charts(directory: Path, **tables: list[Row] | None) -> Path:
    """Write the fixture of charts with other rows in some tables; a table of None is left out."""
    for table in ("patients", *CONCEPTS, "observations"):
        usual = chart_rows(table)
        rows = tables.get(table, usual)
        if rows is not None:
            write_table(directory / f"{table}.csv", list((rows or usual)[0]), rows)
    return directory


class Export:
    """An export of `count` people: its rows by table, and how many `entries` come of each table."""

    def __init__(self, count: int, seed: int = 1):
        self.chance = random.Random(seed)
        self.rows: dict[str, list[Row]] = {table: [] for table in HEADERS}
        self.entries: Counter[str] = Counter()
        self.concepts = {table: chart_rows(table) for table in CONCEPTS}
        for number in range(count):
            self._add_person(number)

    def write(self, directory: Path) -> Path:
        """Write the tables as Synthea does."""
        directory.mkdir(exist_ok=True)
        for table, header in HEADERS.items():
            write_table(directory / f"{table}.csv", header.split(","), self.rows[table])
        return directory

    def _add_person(self, number: int) -> None:
        born = datetime.date(1930, 1, 1) + datetime.timedelta(days=self.chance.randrange(30_000))
        key = str(uuid.UUID(int=self.chance.getrandbits(128), version=4))
        died = born + datetime.timedelta(days=self.chance.randrange(1, 3_000)) if number % 9 == 0 else None
        person = {
            "Id": key,
            "BIRTHDATE": str(born),
            "DEATHDATE": str(died or ""),
            "SSN": f"999-{number % 90 + 10}-{number % 9000 + 1000}",
            "PREFIX": self.chance.choice(["", "Mr.", "Mrs.", "Dr."]),
            "FIRST": self.chance.choice(FIRST_NAMES),
            "MIDDLE": self.chance.choice(["", "Lee7", "van"]),
            "LAST": self.chance.choice(LAST_NAMES),
            "SUFFIX": self.chance.choice(["", "PhD"]),
            "MARITAL": self.chance.choice(["", "M", "S", "D", "W"]),
            "GENDER": self.chance.choice("FM"),
            "ADDRESS": f"{number} Main St Unit {number % 7}",
            "CITY": "Salem",
            "STATE": "Massachusetts",
            "FIPS": self.chance.choice(["", "25009"]),
            "ZIP": self.chance.choice(["", "02155", "01970", "10001", "00501"]),
            "LAT": "42.36877442769006",
        }
        # A record that Synthea has split is written twice.
        self.rows["patients"] += [person] * (2 if number % 50 == 3 else 1)
        self.entries["patients"] += 1
        self._add_allergies(key, born)
        self._add_conditions(key, born)
        self._add_medications(key, born)
        self._add_observations(key, born)
        self.rows["encounters"].append({"Id": str(number), "PATIENT": key})

    def _add(self, table: str, *rows: Row, entries: int | None = None) -> None:
        self.rows[table] += rows
        self.entries[table] += len(rows) if entries is None else entries

    def _add_allergies(self, key: str, born: datetime.date) -> None:
        for concept in self.chance.sample(self.concepts["allergies"], self.chance.randrange(3)):
            system = self.chance.choice([concept["SYSTEM"], "Unknown"])
            self._add("allergies", concept | {"PATIENT": key, "START": str(born), "STOP": "", "SYSTEM": system})

    def _add_conditions(self, key: str, born: datetime.date) -> None:
        concepts = {row["CODE"]: row for row in self.concepts["conditions"]}
        for concept in self.chance.sample(list(concepts.values()), 2):
            days = [str(born + datetime.timedelta(days=days)) for days in (30, 44, 400)]
            about = concept | {"PATIENT": key, "SYSTEM": SNOMED}
            # It comes back: ended once, open the second time.
            self._add("conditions", about | {"START": days[0], "STOP": days[1]}, about | {"START": days[2], "STOP": ""})

    def _add_medications(self, key: str, born: datetime.date) -> None:
        concept = self.chance.choice(self.concepts["medications"])
        start, stop = (f"{born + datetime.timedelta(days=days)}T15:20:10Z" for days in (60, 70))
        about = concept | {"PATIENT": key, "START": start}
        # Two of one medication begin at one time, and one of them is never ended.
        self._add("medications", about | {"STOP": stop}, about | {"STOP": ""})

    def _add_observations(self, key: str, born: datetime.date) -> None:
        # In New York this is the evening before the day of birth.
        at_birth = {"DATE": f"{born}T01:00:00Z", "PATIENT": key, "CATEGORY": "vital-signs", "TYPE": "numeric"}
        later = at_birth | {"DATE": f"{born + datetime.timedelta(days=900)}T13:30:05Z"}
        self._add(
            "observations",
            at_birth | {"CODE": "29463-7", "VALUE": f"{self.chance.randrange(25, 45) / 10}", "UNITS": "kg"},
            later | {"CODE": "8302-2", "VALUE": f"{self.chance.randrange(700, 900) / 10}", "UNITS": "cm"},
            later | {"CODE": "8310-5", "VALUE": "37.04", "UNITS": "Cel"},
            later | {"CODE": "72514-3", "VALUE": "2.0", "UNITS": "{score}"},
            later | {"CODE": "72166-2", "VALUE": "Never smoked tobacco (finding)", "UNITS": "", "TYPE": "text"},
            at_birth | {"CODE": "QALY", "VALUE": "0.0", "UNITS": "a", "CATEGORY": ""},
            entries=2,
        )


DATES = ("BIRTHDATE", "DEATHDATE", "START", "STOP", "DATE")


def save_again(directory: Path, target: Path) -> Path:
    """Write the tables of an export as a European spreadsheet does: days, decimals and ZIP codes in its own way."""
    target.mkdir()
    for path in directory.glob("*.csv"):
        rows = [{column: _resaved(column, text) for column, text in row.items()} for row in rows_of(path)]
        header = HEADERS[path.stem].split(",")
        write_table(target / path.name, [*header, ""], [*rows, {}, {}], separator=";", encoding="utf-8-sig")
    return target


def _resaved(column: str, text: str) -> str:
    if column in DATES and text:
        day, _, clock = text.removesuffix("Z").partition("T")
        year, month, day = day.split("-")
        return f"{int(day)}-{int(month)}-{year} {clock}".strip()
    if column in ("VALUE", "LAT"):
        return text.replace(".", ",")
    return text.lstrip("0") if column == "ZIP" else text
