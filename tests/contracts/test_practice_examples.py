"""Every command that the documented practice API shows is sent, and answered with the promised status and shape.

Its bodies hold `string`, and a UUID of zeros, where any value of the type may stand. Here the rows of a clinic, and words and
days of the field take their place; what is plain text is sent as it is.
"""

from typing import Any

import pytest
import yaml

from accounts.models.catalogs import Catalog
from patients.models import ChartEntry, Patient, Status
from patients.models.referrals import SOURCES
from tests.cast import VIEWS
from tests.charts import address
from tests.contracts.documented_examples import EXAMPLES
from tests.contracts.facts import table
from tests.contracts.test_live_charts import documented, lost, sent
from tests.contracts.test_live_contract import fields_named
from tests.factories import Clinic, archive

PRACTICE = table("practice")
BASE = "/api/v1/{org_id}"
STRING, ZEROS = "string", "00000000-0000-0000-0000-000000000000"
VALUES = {"string (date)": "2025-01-15", "string (date-time)": "2025-01-15T09:00:00Z"}
"""What stands for `string` in fields of these types."""
WORDS = {
    "alert_scope": "patient",
    "default_scope": "patient",
    "direction": "sent",
    "email": "string@example.test",
    "field_type": "text",
    "function_status": "problem",
    "mode": "phone",
}
"""What stands for `string` in fields that the document types as text, and of which its text says more."""
COMMANDS: dict[str, dict[str, Any] | None] = yaml.safe_load((EXAMPLES / "practice-patients.yaml").read_text())
BESIDES = {"POST /patients/{patient_uuid}/medications": {"med_descript": STRING}}
"""What a body lacks that the text beside it asks for: a medication is one of the catalog, or described."""
SAYS_WHAT_TO_DO = ("base_version", "new_status")
"""What a body holds that is no value of the row."""
BEFORE: dict[str, dict[str, Any]] = {
    "POST /patients/{patient_uuid}/transition-status": {"status": Status.PROSPECTIVE},
}
"""How the patient must be for the command to be possible."""


class Command:
    """One command of the document, and the rows that it is about."""

    def __init__(self, clinic: Clinic, name: str):
        self.clinic, self.name, self.body = clinic, name, COMMANDS[name]
        self.method, _, path = name.partition(" ")
        self.operation = PRACTICE.operation(f"{self.method} {BASE}{path}")
        self.route = f"{BASE}{path}".lstrip("/").replace("{", "<").replace("}", ">")
        self.view = VIEWS[self.route]
        self.patient = clinic.patient(**BEFORE.get(name, {}))
        if path.endswith("/restore"):
            archive(self.patient)

    @property
    def address(self) -> str:
        """The address of the command. The document leaves out the version that it requires in a query."""
        query = "?base_version=1" if "base_version" in self.operation.query else ""
        return address(self.clinic, self.patient, self.route, self._row()) + query

    def _row(self) -> Any:
        """Return the row that the last part of the path names, None for a patient and for lists."""
        model = self.view.cls.model
        if not self.route.partition("patient_uuid>")[2].count("<") and not issubclass(model, Catalog):
            return None
        return self.clinic.row(model) if issubclass(model, Catalog) else self.clinic.entry(model, self.patient)

    @property
    def types(self) -> dict[str, str]:
        """The types of the body's fields, as the document has them."""
        return {name: fact["type"] for name, fact in PRACTICE.schemas[self.operation.body].items()}

    @property
    def typed(self) -> set[str]:
        """The fields for which `string` is no value."""
        held = {name for name, value in (self.body or {}).items() if value == STRING}
        return {name for name in held if name in WORDS or self.types[name] != "string"}

    def filled(self) -> dict[str, Any] | None:
        """Return the body with values where it only has a type. Of the sources of a referral one is possible."""
        if self.body is None:
            return None
        others = {f"{source}_uuid" for source in SOURCES[1:]} if "attribution_role" in self.body else set()
        body = {**self.body, **BESIDES.get(self.name, {})}
        return {name: self._value(name, value) for name, value in body.items() if name not in others}

    def references(self) -> dict[str, Any]:
        """Return the ids of rows for the fields that hold zeros."""
        return {name: self._value(name, value) for name, value in (self.body or {}).items() if value == ZEROS}

    def _value(self, name: str, value: Any) -> Any:
        kind = self.types[name]
        if value == ZEROS or (value == STRING and kind == "string (uuid)"):
            column = self.view.cls.model._meta.get_field(name.removesuffix("_uuid"))
            return str(self._referred(column.related_model).uuid)
        if value == STRING and kind == "enum":
            return PRACTICE.schemas[self.operation.body][name]["enum"][-1]
        return VALUES.get(kind, WORDS.get(name, value)) if value == STRING else value

    def _referred(self, model) -> Any:
        if model is Patient:
            return self.clinic.patient()
        return self.clinic.entry(model, self.patient) if issubclass(model, ChartEntry) else self.clinic.row(model)


def test_every_command_of_the_document_is_here():
    assert {name.replace(" ", f" {BASE}", 1) for name in COMMANDS} == documented()[0]
    assert len(COMMANDS) == 67


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_answered_as_promised(clinic, api, name):
    command = Command(clinic, name)
    body = command.filled()
    shown = sent(api, command.operation, command.address, body)
    if body and "id" in shown:
        told = {field: value for field, value in body.items() if value is not None and field not in SAYS_WHAT_TO_DO}
        assert list(lost(told, shown)) == []


@pytest.mark.parametrize("name", [name for name, body in COMMANDS.items() if body and STRING in body.values()])
def test_a_body_as_it_stands_is_refused_only_for_what_is_no_value_of_its_field(clinic, api, name):
    command = Command(clinic, name)
    body = {field: value for field, value in command.body.items() if value != ZEROS} | command.references()
    response = api()(command.method, command.address, {**body, **BESIDES.get(name, {})})
    if command.typed:
        assert (response.status_code, fields_named(response)) == (422, command.typed)
    else:
        assert response.status_code == command.operation.status
