"""The running charts keep what the contract tables promise: every field is taken and comes back, every answer is in shape."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from rest_framework import serializers

from clinical.models import Appointment, Instrument, Medication
from config.rest.fields import Choice, ScopedRelation
from patients.models import Patient, Relationship
from patients.models.referrals import SOURCES
from tests import policy
from tests.cast import VIEWS
from tests.charts import LISTS, address
from tests.contracts.facts import FOLDER, Operation, table
from tests.contracts.test_live_contract import fields_named, required_of
from tests.declared import body_serializers
from tests.factories import Clinic
from tests.shared import once_a_module

PRACTICE = table("practice")
INSIDE = "/api/v1/{org_id}/patients/{patient_uuid}/"


def route_of(operation: Operation) -> str:
    """Return the route of `operation`, as the URL conf writes it."""
    return operation.path.lstrip("/").replace("{", "<").replace("}", ">")


def inside(operation: Operation) -> str:
    """Return the path of `operation` inside a patient's, "" for any other."""
    return operation.path.partition(INSIDE)[2]


OPERATIONS = [operation for operation in map(PRACTICE.operation, PRACTICE.operations) if inside(operation)]
OF_CHARTS = [operation for operation in OPERATIONS if policy.chart_of(route_of(operation))]
READS = [operation for operation in OPERATIONS if operation.method == "GET"]
WITH_BODY = [operation for operation in OF_CHARTS if operation.body]
ADDED = {inside(operation): operation for operation in OF_CHARTS if operation.method == "POST" and inside(operation) in LISTS}
OTHERS = [
    operation
    for operation in WITH_BODY
    if operation not in ADDED.values() and operation.method != "PATCH" and not operation.path.endswith("/archive")
]

TEXT = "  „Größe“ 身長\t😀 and\nmore \\ %s "
"""Text with outer blanks, several scripts and a line break: kept to the byte."""
VALUES = {
    "string": TEXT,
    "boolean": True,
    "integer": 7,
    "string (date)": "2021-02-28",
    "string (time)": "23:05:09",
    "string (date-time)": "2021-02-28T23:05:09.123456Z",
}
PLAUSIBLE = {
    "base_version": 1,
    "date_stop": "2022-03-01",
    "disable_on": "2999-12-31",
    "snomed_code": "8517006",
    "snomed_problem_type": "55607006",
    "snomed_reaction": "271807003",
    "rx_cui": "308136",
    "value": "Some value",
    "bp_systolic": 121,
    "bp_diastolic": 79,
    "pulse": 64,
    "respiration_rate": 14,
    "oxygen_saturation": 98,
    "temperature_f": 98.6,
    "height_inches": 70.25,
    "weight_lbs": 165.4,
    "bmi": 23.56,
    "bmi_percentile": 50,
}
"""What takes no text or number of any kind."""
WORDS = {"status": {"alerts": "disabled", "medications": "discontinued"}}
"""Words that go with the other values; elsewhere it is the last one that a field takes."""
AVERAGE = {"kind": "average", "window_days": 7, "min_count": 3, "op": ">", "value": 5, "flag": "red"}
"""A rule of the kind that is the last of its words."""
EXCLUSIVE = {"referral-attributions": [f"{source}_uuid" for source in SOURCES]}
"""Fields of which a body has exactly one."""


class Filled:
    """A chart, and bodies for it that hold a value for every field that the table promises."""

    def __init__(self, clinic, name: str):
        self.clinic, self.name, self.patient = clinic, name, clinic.patient()

    def entry(self, **values) -> Any:
        """Add an entry with what is needed and no more."""
        return self.clinic.entry(VIEWS[LISTS[self.name]].cls.model, self.patient, **values)

    def path(self, operation: Operation, uuid: str = "") -> str:
        """Return the address of `operation`, with the version in the query where the table has it there."""
        path = address(self.clinic, self.patient, route_of(operation).split("<org_id>")[0] + "<org_id>")
        filled = path + operation.path.partition("{org_id}")[2].replace("{patient_uuid}", str(self.patient.uuid))
        head, mark, tail = filled.partition("{")
        query = "?base_version=2" if "base_version" in operation.query else ""
        return (f"{head}{uuid}{tail.partition('}')[2]}" if mark else filled) + query

    def body(self, operation: Operation) -> dict[str, Any]:
        """Return a body with every field."""
        view = VIEWS[route_of(operation)]
        serializer = body_serializers(view.cls)[view.actions[operation.method.lower()]]()
        return self._values(serializer, PRACTICE.schemas[operation.body])

    def bodies(self, operation: Operation) -> list[dict[str, Any]]:
        """Return bodies that have every field between them."""
        body = self.body(operation)
        apart = [name for name in EXCLUSIVE.get(self.name, ()) if name in body]
        return [{name: body[name] for name in body if name not in apart or name == one} for one in apart] or [body]

    def _values(self, serializer: serializers.BaseSerializer, facts: Mapping[str, dict]) -> dict[str, Any]:
        return {name: self._value(name, field, facts[name]["type"]) for name, field in serializer.fields.items()}

    def _value(self, name: str, field: serializers.Field, kind: str) -> Any:
        if self.name == "monitoring-rules" and name in ("instrument", "rules"):
            code = self.clinic.row(Instrument).code
            return code if name == "instrument" else [{**AVERAGE, "instrument": code}]
        if isinstance(field, ScopedRelation):
            return str(self._row(field.model).uuid)
        if isinstance(field, serializers.ListSerializer):
            return [self._values(field.child, PRACTICE.schemas[kind.removesuffix("[]")])]
        if isinstance(field, serializers.ListField):
            return [str(self.entry().uuid)]
        if isinstance(field, Choice):
            return WORDS.get(name, {}).get(self.name) or list(field.choices)[-1]
        value = PLAUSIBLE.get(name, VALUES.get(kind))
        return value[: getattr(field, "max_length", None)] if value is TEXT else value

    def _row(self, model) -> Any:
        if model is Patient:
            return self.clinic.patient()
        return self.clinic.appointment(self.patient) if model is Appointment else self.clinic.row(model)


def lost(sent: dict[str, Any], shown: dict[str, Any]) -> Iterator[str]:
    """Yield what was sent and does not come back as it was. Decimals are numbers in bodies and text in answers."""
    for name, value in sent.items():
        if name == "base_version":
            continue
        name, back = (name[:-5], shown[name[:-5]]["uuid"]) if name.endswith("_uuid") else (name, shown[name])
        same = float(back) == value if isinstance(value, float) and isinstance(back, str) else back == value
        if not same:
            yield f"{name}: {value!r} became {back!r}"


def sent(api, operation: Operation, path: str, body: dict | None = None) -> dict:
    """Return the answer to `operation`, which must have the promised status and shape."""
    response = api()(operation.method, path, body)
    assert response.status_code == operation.status, response.content
    assert list(PRACTICE.faults(operation.answer, response.json())) == []
    return response.json()


def of_entry(name: str, method: str, tail: str = "") -> list[Operation]:
    """Return the operation on one entry of a chart, in a list; an empty one where there is none."""
    ways = [operation for operation in OF_CHARTS if operation.method == method and inside(operation).startswith(f"{name}/{{")]
    return [operation for operation in ways if operation.path.rpartition("}")[2] == tail]


# --- shapes and values ----------------------------------------------------------------------------


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_a_body_can_hold_every_promised_field(clinic, operation):
    body = Filled(clinic, inside(operation).split("/")[0]).body(operation)
    assert body.keys() == PRACTICE.schemas[operation.body].keys()
    assert None not in body.values()


@pytest.mark.parametrize("name", ADDED)
def test_entries_keep_what_was_sent_from_making_to_archiving(clinic, api, name):
    chart = Filled(clinic, name)
    for body in chart.bodies(ADDED[name]):
        made = sent(api, ADDED[name], chart.path(ADDED[name]), body)
        assert list(lost(body, made)) == []
        uuid = made["id"]
        for change in of_entry(name, "PATCH"):
            changes = chart.body(change)
            changed = sent(api, change, chart.path(change, uuid), changes)
            assert list(lost(changes, changed)) == []
            body |= changes
        for read in of_entry(name, "GET"):
            assert list(lost(body, sent(api, read, chart.path(read, uuid)))) == []
        listed = PRACTICE.operation(f"GET {INSIDE}{name}")
        (item,) = sent(api, listed, chart.path(listed))["items"]
        assert list(lost(body, item)) == []
        for archive in of_entry(name, "POST", "/archive"):
            sent(api, archive, chart.path(archive, uuid))


@pytest.mark.parametrize("operation", OTHERS, ids=str)
def test_further_writes_answer_as_promised(clinic, api, operation):
    chart = Filled(clinic, inside(operation).split("/")[0])
    path = chart.path(operation, str(chart.entry().uuid) if operation.path.count("_uuid}") == 2 else "")
    sent(api, operation, path, chart.body(operation))


def make_bare(clinic: Clinic) -> Filled:
    """Make a chart with one entry of every kind, with what is needed and no more, and a family."""
    chart = Filled(clinic, "")
    parent = clinic.patient()
    chart.patient = clinic.patient(responsible_party_id=parent.pk)
    for route in LISTS.values():
        clinic.entry(VIEWS[route].cls.model, chart.patient)
    clinic.entry(Medication, chart.patient, status="completed")
    clinic.entry(Relationship, chart.patient, to_patient_id=parent.pk, relationship_type="child", is_guardian=True)
    clinic.entry(Relationship, parent, to_patient_id=chart.patient.pk, relationship_type="parent", is_guardian=True)
    return chart


copied_bare = once_a_module(make_bare)


@pytest.fixture
def bare(clinic, copied_bare) -> Filled:
    return copied_bare()


@pytest.mark.parametrize("operation", READS, ids=str)
def test_bare_rows_are_read_in_the_promised_shape(clinic, api, bare, operation):
    name = policy.chart_of(route_of(operation))
    entry = VIEWS[LISTS[name]].cls.model._base_manager.filter(patient=bare.patient).first() if name else None
    answer = sent(api, operation, bare.path(operation, str(entry.uuid) if entry else ""))
    lists = [answer] if isinstance(answer, list) else [answer[key] for key in answer if isinstance(answer[key], list)]
    single = operation.path.count("_uuid}") == 2
    assert single or (lists and all(lists)), "each list shows something"


@pytest.mark.parametrize("operation", READS, ids=str)
def test_empty_charts_are_read_in_the_promised_shape(clinic, api, operation):
    if operation.path.count("_uuid}") == 1:
        chart = Filled(clinic, "")
        sent(api, operation, chart.path(operation))


# --- what must be there ---------------------------------------------------------------------------


@pytest.mark.parametrize("operation", WITH_BODY, ids=str)
def test_a_missing_field_is_named(clinic, api, operation):
    chart = Filled(clinic, inside(operation).split("/")[0])
    path = chart.path(operation, str(chart.entry().uuid) if operation.path.count("_uuid}") == 2 else "")
    body = chart.bodies(operation)[0]
    required = required_of(PRACTICE, operation.body)
    for name in required:
        response = api()(operation.method, path, {field: value for field, value in body.items() if field != name})
        assert (response.status_code, fields_named(response)) == (422, {name})
    if required:
        assert fields_named(api()(operation.method, path, {})) >= set(required)


def documented() -> tuple[set[str], set[str]]:
    """Return the operations that the documents show, and those that they tell of without showing them."""
    shown, _, told = (FOLDER / "documented-practice.txt").read_text().partition("# What the document tells of")
    found = [[line for line in part.splitlines() if "/patient" in line] for part in (shown, told)]
    first, second = ({line.replace(" ", " /api/v1/{org_id}", 1) for line in lines} for lines in found)
    return first, second


def test_the_tables_hold_every_documented_operation():
    shown, told = documented()
    assert (len(shown), len(told)) == (67, 7)
    assert (shown | told) - PRACTICE.operations.keys() == set()


def test_what_no_document_shows_is_marked_as_ours():
    ours = {route for route, fact in PRACTICE.operations.items() if fact.get("ours")}
    assert ours == PRACTICE.operations.keys() - documented()[0]
