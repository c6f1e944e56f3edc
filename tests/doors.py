"""The doors by which the values of a patient come in: each takes bad ones, and tells which columns it names in its refusal.

What a door takes is read off its serializer or form, so that a new field is tried without a word here.
"""

import csv
import io
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.core.management import CommandError, call_command
from django.db import models
from django.test import Client

from accounts.models import Role
from patients.admin.registration import RegistrationForm
from patients.input_serializers import ImportedPatient, PatientRow
from patients.models import Patient
from patients.services.rules import SEALED
from tests.bad_values import as_inputs
from tests.factories import Clinic
from tests.pages import form_values, sign_in, url
from tests.rest.test_bad_values import nested, owners
from tests.rest.wire import Wire

Values = Mapping[str, Any]
"""Values by column of Patient; sealed ones by the names that services take."""

COLUMNS: dict[str, models.Field] = {
    **{column.name: column for column in Patient._meta.concrete_fields if column.editable and not column.primary_key},
    **{name: models.CharField(name=name, max_length=64, null=True, blank=True) for name in SEALED},
}
ELSEWHERE = frozenset({"organization", "user", "billing_account"})
"""Columns that are no value of a patient, or hold an object with rules of its own."""


def column_of(source: str) -> str | None:
    """Return the column that a field with this source writes, None where it writes none of the patient's values."""
    name = source.removesuffix("_id") if source not in COLUMNS else source
    return name if name in COLUMNS and name not in ELSEWHERE else None


def columns_of(sources: Mapping[str, str]) -> dict[str, str]:
    """Return column -> name of the fields that write values of the patient; `sources` maps names to sources."""
    written = {name: column_of(source) for name, source in sources.items()}
    return {column: name for name, column in written.items() if column}


class Door(ABC):
    """One way in, into one clinic. `columns` maps what it takes to its own names; `creates` tells whether it makes patients."""

    columns: Mapping[str, str]
    creates = True
    speaks_json = True
    many_faults = True
    """Whether one refusal names every fault."""
    further: Mapping[str, list[str]] = {}
    """Values that other doors take, by column."""

    def __init__(self, clinic: Clinic, folder: Path):
        self.clinic, self.folder = clinic, folder
        self.patient = None if self.creates else clinic.patient()

    @abstractmethod
    def refused(self, rows: list[Values]) -> list[set[str]]:
        """Offer each of `rows`, all of which must be refused; return the columns that each refusal names."""

    def renamed(self, values: Values) -> dict[str, Any]:
        """Return `values` by the names of the door."""
        return {self.columns[name]: value for name, value in values.items()}

    def named(self, fields: Iterable[str]) -> set[str]:
        """Return the columns that the door calls `fields`; what has no column stands for itself."""
        columns = {name: column for column, name in self.columns.items()}
        return {columns.get(field, field) for field in fields}


# --- APIs -------------------------------------------------------------------------------------------
class ApiDoor(Door):
    """The create or the change of one dialect."""

    dialect, action = "practice", "create"

    def __init__(self, clinic: Clinic, folder: Path):
        super().__init__(clinic, folder)
        self.wire = Wire(self.dialect, clinic)
        self.client = self.wire.client()
        fields = self.wire.fields(self.action)
        self.paths = {".".join(path): path for path in fields}
        self.columns = columns_of({".".join(path): field.source for path, field in fields.items()})

    def refused(self, rows: list[Values]) -> list[set[str]]:
        return [self._refused(nested({self.paths[name]: value for name, value in self.renamed(row).items()})) for row in rows]

    def _refused(self, body: dict[str, Any]) -> set[str]:
        if self.creates:
            response = self.wire.create(self.wire.values(**body), self.client)
        else:
            response = self.wire.change(self.patient, body, self.client)
        return self.named(owners(self.wire.named(response), self.paths.values()))


class PracticeChange(ApiDoor):
    """`PATCH` of the practice dialect."""

    action, creates = "partial_update", False


class PublicCreate(ApiDoor):
    """`POST` of the public dialect, which takes phone numbers in E.164 and countries by code only."""

    dialect = "public"
    further: ClassVar[dict[str, list[str]]] = {"mobile_phone": ["0612345678", "call me"], "country": ["NLD", "1"]}


class GeneralCreate(ApiDoor):
    """`POST` of the general dialect."""

    dialect = "general"


class GeneralChange(ApiDoor):
    """`PUT` of the general dialect."""

    dialect, action, creates = "general", "update", False


# --- many at once -----------------------------------------------------------------------------------
class Bulk(Door):
    """Rows of a bulk request that creates."""

    many_faults = False
    columns = columns_of({name: field.source for name, field in PatientRow().fields.items()})

    def refused(self, rows: list[Values]) -> list[set[str]]:
        wire = Wire("practice", self.clinic)
        body = {"meta": self._meta(), "rows": [{**self._least(), **self.renamed(row)} for row in rows]}
        answer = wire.client().post(f"{wire.patients}/bulk", body)
        if answer.status_code == 422:
            # Text that no database keeps is refused with the whole body.
            faults = [(error["loc"][2], error["loc"][3]) for error in answer.json()["detail"]]
            return [self.named(field for index, field in faults if index == number) for number in range(len(rows))]
        results = answer.json()["results"]
        assert {result["status"] for result in results} <= {"failed"}, results
        return [self.named(str(error["loc"][3]) for error in result["errors"]) for result in results]

    def _meta(self) -> dict[str, str]:
        return {"mode": "create"}

    def _least(self) -> dict[str, Any]:
        return {"first_name": "Ada", "last_name": "Lovelace"}


class BulkChange(Bulk):
    """Rows of a bulk request that changes one patient."""

    creates = False

    def refused(self, rows: list[Values]) -> list[set[str]]:
        # A second row about the same patient is refused for that: each has a request of its own, with one row.
        return [super(BulkChange, self).refused([row])[0] for row in rows]

    def _meta(self) -> dict[str, str]:
        return {"mode": "update", "match_on": "uuid"}

    def _least(self) -> dict[str, Any]:
        return {"uuid": str(self.patient.uuid)}


class ImportFile(Door):
    """A CSV file."""

    speaks_json = many_faults = False
    columns = columns_of({name: field.source for name, field in ImportedPatient().fields.items()})

    def refused(self, rows: list[Values]) -> list[set[str]]:
        path = self.folder / "people.csv"
        # A row of blanks alone is no row of a file.
        least = {"first_name": "Ada", "last_name": "Lovelace", "pronoun": "she_her"}
        with path.open("w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, list(self.columns.values()), restval="")
            table.writeheader()
            table.writerows({**least, **self.renamed(row)} for row in rows)
        try:
            call_command(
                "import_patients", path, organization=self.clinic.organization.slug, stdout=io.StringIO(), stderr=io.StringIO()
            )
        except CommandError:
            return list(self._complaints(path.with_suffix(".errors.csv"), len(rows)))
        raise AssertionError("the file was taken")

    def _complaints(self, path: Path, number: int) -> Iterator[set[str]]:
        """Yield the columns that the error file names for each row, whose lines begin after the header's."""
        with path.open(newline="", encoding="utf-8") as file:
            found = list(csv.DictReader(file))
        for line in range(2, number + 2):
            # Where a cell cannot be read at all, the reason begins with the name of its column.
            told = [row["field"] or row["message"].split()[0] for row in found if row["line"] == str(line)]
            yield self.named(told)


# --- admin ------------------------------------------------------------------------------------------
class FormDoor(Door):
    """Base of the forms of the admin."""

    speaks_json = False

    def __init__(self, clinic: Clinic, folder: Path):
        super().__init__(clinic, folder)
        self.client: Client = sign_in(clinic.users[Role.HC_ADMIN])

    def refused(self, rows: list[Values]) -> list[set[str]]:
        return [set(self.errors(self._inputs(row))) for row in rows]

    def _inputs(self, row: Values) -> dict[str, str]:
        return {name: text for column, value in row.items() for name, text in as_inputs(COLUMNS[column], value).items()}

    @abstractmethod
    def errors(self, inputs: dict[str, str]) -> Iterable[str]:
        """Send the form with these inputs over valid ones, and return the names of the fields that have errors."""


def post(client: Client, address: str, values: dict):
    """Send a form as a browser does, in one piece."""
    return client.post(address, urlencode(values, doseq=True), content_type="application/x-www-form-urlencoded")


class Registration(FormDoor):
    """The short form of the front desk."""

    columns = {name: name for name in RegistrationForm.base_fields if name in COLUMNS}

    def errors(self, inputs: dict[str, str]) -> Iterable[str]:
        answer = post(self.client, "/admin/patients/register/", {"first_name": "Ada", "last_name": "Lovelace", **inputs})
        assert answer.status_code == 200, inputs
        return answer.context["form"].errors


class LongForm(FormDoor):
    """The form of a patient with all columns."""

    def __init__(self, clinic: Clinic, folder: Path):
        super().__init__(clinic, folder)
        self.address = url(Patient, "change", self.patient.pk) if self.patient else url(Patient, "add")
        page = self.client.get(self.address)
        self.shown = form_values(page.content.decode(), "patient_form")
        self.form = page.context["adminform"].form
        ticks = (models.BooleanField,)
        self.columns = {name: name for name in self.form.fields if name in COLUMNS and not isinstance(COLUMNS[name], ticks)}

    def errors(self, inputs: dict[str, str]) -> Iterable[str]:
        least = {"first_name": "Ada", "last_name": "Lovelace"}
        answer = post(self.client, self.address, {**self.shown, **least, **inputs})
        assert answer.status_code == 200, inputs
        return answer.context["adminform"].form.errors


class LongFormChange(LongForm):
    """The form of a patient who is there."""

    creates = False


DOORS: list[type[Door]] = [
    ApiDoor,
    PracticeChange,
    PublicCreate,
    GeneralCreate,
    GeneralChange,
    Bulk,
    BulkChange,
    ImportFile,
    Registration,
    LongForm,
    LongFormChange,
]
