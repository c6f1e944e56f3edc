"""Custom field values: set many at once, each as the type of its field has it, all or none."""

import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditedPatient, AuditEvent, OutboxEvent, Role
from accounts.services.catalogs import archive_catalog_row
from patients.models import FieldDefinition, FieldValue, Patient
from patients.practice.field_values import MAX_FIELDS
from tests.clock import moment
from tests.contracts.facts import table
from tests.factories import SYSTEM, archive
from tests.patients.field_value_cases import BAD, GOOD, OPTIONS

TABLE = table("practice")


@pytest.fixture
def patient(clinic) -> Patient:
    return clinic.patient(care_group_id=clinic.group.pk)


@pytest.fixture
def path(clinic, patient) -> str:
    return f"{clinic.base}/patients/{patient.uuid}/field-values"


@pytest.fixture
def field(clinic) -> Callable[..., FieldDefinition]:
    """Return a function that defines a field: `field("Shoe size", "number", is_required=True)`."""

    def define(name: str, field_type: str = "text", **values: Any) -> FieldDefinition:
        options = {"dropdown_options": OPTIONS} if field_type in ("dropdown", "multi_select") else {}
        return clinic.catalog(FieldDefinition, name, field_type=field_type, **{**options, **values})

    return define


@pytest.fixture
def put(api, path):
    """Return a function that sets fields: `put((definition, value), …, role=…)`."""

    def send(*pairs: tuple[FieldDefinition, Any], role: str = Role.HC_PRIMARY):
        body = {"fields": [{"field_definition_uuid": str(definition.uuid), "value": value} for definition, value in pairs]}
        return api(role).put(path, body)

    return send


def places(answer) -> list:
    assert answer.status_code == 422, answer.content
    return [problem["loc"] for problem in answer.json()["detail"]]


def held(answer) -> list[tuple[str, Any, int]]:
    """Return name, value and version of each value that an answer shows."""
    assert answer.status_code == 200, answer.content
    data = answer.json()
    items = data["items"] if isinstance(data, dict) else data
    return [(item["field_definition"]["name"], item["value"], item["version"]) for item in items]


def nothing_was_written() -> bool:
    audited = AuditEvent.objects.filter(action="field_value.upsert", outcome="ok")
    told = OutboxEvent.objects.filter(type="field_value.updated")
    return not any(rows.exists() for rows in (FieldValue.objects, audited, told))


# --- setting, changing, clearing --------------------------------------------------------------------


def test_fields_are_set_changed_and_cleared_by_one_request(api, path, put, field):
    colour, shoe, hand = field("Colour"), field("Shoe size", "number"), field("Hand", "dropdown")
    first = put((shoe, 42), (colour, "blue"), (hand, "Left"))
    assert held(first) == [("Shoe size", 42, 1), ("Colour", "blue", 1), ("Hand", "Left", 1)], "in the order of the body"
    assert list(TABLE.faults("FieldValue[]", first.json())) == []
    second = put((hand, None), (colour, "green"))
    assert held(second) == [("Hand", None, 2), ("Colour", "green", 2)]
    by_name = {item["field_definition"]["name"]: item for item in first.json()}
    for item in second.json():
        before = by_name[item["field_definition"]["name"]]
        assert item["id"] == before["id"]
        assert moment(item["updated_at"]) > moment(before["updated_at"])
    assert sorted(held(api().get(path))) == [("Colour", "green", 2), ("Shoe size", 42, 1)]
    assert held(put((hand, "Right"))) == [("Hand", "Right", 3)], "a cleared field goes on counting"


def test_a_value_that_stands_already_keeps_its_version(put, field):
    colour, shoe = field("Colour"), field("Shoe size", "number")
    first = put((colour, "blue"), (shoe, 42)).json()
    again = put((colour, "blue"), (shoe, 43)).json()
    assert again[0] == first[0]
    assert (again[1]["value"], again[1]["version"]) == (43, 2)
    assert put((colour, "blue"), (shoe, 43.0)).json() == again, "43.0 is 43"
    told = OutboxEvent.objects.filter(type="field_value.updated").order_by("id").values_list("subject_uuid", flat=True)
    assert [str(subject) for subject in told] == [first[0]["id"], first[1]["id"], first[1]["id"]]


def test_the_last_writer_wins_whatever_stood_before(put, field):
    colour = field("Colour")
    writers = [("blue", Role.HC_PRIMARY), ("green", Role.HC_ADMIN), ("blue", Role.HC_SECONDARY)]
    shown = [held(put((colour, value), role=role))[0][1:] for value, role in writers]
    assert shown == [("blue", 1), ("green", 2), ("blue", 3)]


def test_a_number_that_another_program_has_stored_is_shown_with_all_its_digits(api, path, put, field):
    put((field("Shoe size", "number"), 42))
    FieldValue.objects.update(value=2**64)
    assert held(api().get(path)) == [("Shoe size", 2**64, 1)]


def test_a_field_that_was_never_set_can_be_cleared(api, path, put, field):
    assert held(put((field("Colour"), None))) == [("Colour", None, 1)]
    assert api().get(path).json()["total"] == 0


def test_no_fields_are_no_change(put, clinic):
    answer = put()
    assert (answer.status_code, answer.json()) == (200, [])
    assert not FieldValue.objects.exists()


def test_values_of_two_patients_are_two(clinic, api, path, put, field):
    colour, other = field("Colour"), clinic.patient()
    put((colour, "blue"))
    theirs = f"{clinic.base}/patients/{other.uuid}/field-values"
    body = {"fields": [{"field_definition_uuid": str(colour.uuid), "value": "green"}]}
    assert held(api().put(theirs, body)) == [("Colour", "green", 1)]
    assert [held(api().get(where)) for where in (path, theirs)] == [[("Colour", "blue", 1)], [("Colour", "green", 1)]]
    assert [item["value"] for item in api().get(f"{theirs}/form").json()["items"]] == ["green"]


def test_a_write_is_told_once_by_names_and_never_by_values(clinic, put, field, patient):
    put((field("Shoe size", "number"), 42), (field("Colour"), "ultramarine"))
    event = AuditEvent.objects.get(action="field_value.upsert", outcome="ok")
    assert event.changed_fields == "Colour,Shoe size"
    assert "ultramarine" not in str(vars(event))
    assert list(AuditedPatient.objects.filter(event=event).values_list("patient_id", flat=True)) == [patient.pk]
    assert set(OutboxEvent.objects.filter(type="field_value.updated").values_list("subject_uuid", flat=True)) == set(
        FieldValue.objects.values_list("uuid", flat=True)
    )
    put((FieldDefinition.objects.get(name="Colour"), "cobalt"), (FieldDefinition.objects.get(name="Shoe size"), 42))
    assert AuditEvent.objects.filter(action="field_value.upsert", outcome="ok").latest("id").changed_fields == "Colour"


# --- reading ----------------------------------------------------------------------------------------


def test_the_list_is_in_the_order_of_the_fields(api, path, put, field):
    third, first, fourth, second = (
        field("zeta", item_order=2),
        field("Älpha", item_order=1),
        field("Zeta ", item_order=2),
        field("beta", item_order=1),
    )
    put((fourth, "4"), (third, "3"), (second, "2"), (first, "1"))
    page = api().get(path)
    assert list(TABLE.faults("FieldValuePage", page.json())) == []
    assert [value for _, value, _ in held(page)] == ["1", "2", "3", "4"]
    assert [value for _, value, _ in held(api().get(path, {"page_size": 3, "page": 2}))] == ["4"]
    assert [item["value"] for item in api().get(f"{path}/form").json()["items"]] == ["1", "2", "3", "4"]


def test_a_page_holds_a_hundred_values_unless_told_otherwise(api, path, put, field):
    definitions = [field(f"Field {number:03}") for number in range(101)]
    assert len(put(*[(definition, "x") for definition in definitions]).json()) == 101
    page = api().get(path).json()
    assert (len(page["items"]), page["page_size"], page["total"]) == (100, 100, 101)
    assert len(api().get(path, {"page_size": 200}).json()["items"]) == 101


def test_the_form_shows_every_active_field_with_what_it_holds(clinic, api, path, put, field):
    note = field("Note", item_order=1, is_required=True)
    hand = field("Hand", "multi_select", item_order=3)
    held_before, cleared = field("Gone", item_order=2), field("Cleared", "date", item_order=4)
    put((hand, ["Right"]), (held_before, "x"), (cleared, "2020-02-29"))
    put((cleared, None))
    archive_catalog_row(actor=SYSTEM, row=held_before, base_version=1)
    form = api().get(f"{path}/form").json()
    assert list(TABLE.faults("FieldValueForm", form)) == []
    columns = ("name", "field_type", "is_required", "dropdown_options", "item_order", "value", "version")
    assert [tuple(item[column] for column in columns) for item in form["items"]] == [
        ("Note", "text", True, None, 1, None, None),
        ("Hand", "multi_select", False, OPTIONS, 3, ["Right"], 1),
        ("Cleared", "date", False, None, 4, None, 2),
    ]
    assert form["items"][0]["field_definition"] == {"uuid": str(note.uuid), "name": "Note"}
    assert AuditEvent.objects.filter(action="field_value.form", outcome="ok").count() == 1


def test_a_value_outlives_its_field_and_its_options(api, path, put, field):
    gone, hand = field("Gone"), field("Hand", "dropdown", item_order=1)
    put((gone, "kept"), (hand, "Left"))
    archive_catalog_row(actor=SYSTEM, row=gone, base_version=1)
    FieldDefinition.objects.filter(pk=hand.pk).update(dropdown_options=["Right"])
    assert held(api().get(path)) == [("Gone", "kept", 1), ("Hand", "Left", 1)]
    assert api().get(f"{path}/form").json()["items"][0]["value"] == "Left"
    assert places(put((hand, "Left"))) == [["body", "fields", 0, "value"]], "what is sent must fit the field as it is now"
    assert held(put((hand, "Right"))) == [("Hand", "Right", 2)]


def test_one_value_answers_by_its_id_cleared_or_not(api, path, put, field):
    colour = field("Colour")
    made = put((colour, "blue")).json()[0]
    assert api().get(f"{path}/{made['id']}").json() == made
    put((colour, None))
    assert api().get(f"{path}/{made['id']}").json()["value"] is None
    assert api().get(f"{path}/{uuid.uuid4()}").json() == {"detail": "Field value not found"}
    assert api().get(f"{path}/forms").status_code == 404


def test_an_archived_patient_is_read_and_not_written(api, path, put, field, patient):
    colour = field("Colour")
    put((colour, "blue"))
    archive(patient)
    answer = put((colour, "green"))
    assert (answer.status_code, answer.json()) == (404, {"detail": "Patient not found"})
    assert held(api().get(path)) == [("Colour", "blue", 1)]
    assert api().get(f"{path}/form").json()["items"][0]["value"] == "blue"


@pytest.mark.parametrize("role", [Role.HC_VIEW_ALL, Role.PATIENT])
def test_who_does_not_write_patients_sets_nothing(clinic, api, field, role):
    body = {"fields": [{"field_definition_uuid": str(field("Colour").uuid), "value": "blue"}]}
    assert api(role).put(f"{clinic.base}/patients/{clinic.own_patient.uuid}/field-values", body).status_code == 403
    assert nothing_was_written()


@pytest.mark.parametrize("rest", ["", "/form"])
def test_reading_costs_the_same_for_any_number_of_fields(api, path, put, field, rest):
    costs = set()
    for size in (1, 10, 50):
        put(*[(field(f"Field {size} {number}"), "x") for number in range(size)])
        api().get(f"{path}{rest}")
        with CaptureQueriesContext(connection) as queries:
            api().get(f"{path}{rest}")
        costs.add(len([query for query in queries if "SAVEPOINT" not in query["sql"]]))
    assert len(costs) == 1


def test_setting_costs_the_same_for_any_number_of_fields(put, field):
    definitions = [field(f"Field {number}") for number in range(50)]
    put(*[(definition, "old") for definition in definitions[::2]])
    costs = {}
    for size in (2, 10, 50):
        with CaptureQueriesContext(connection) as queries:
            assert put(*[(definition, f"new {size}") for definition in definitions[:size]]).status_code == 200
        costs[size] = len([query for query in queries if "SAVEPOINT" not in query["sql"]])
    assert costs[2] == costs[10]
    # Many events of the outbox go another way on PostgreSQL, which asks for their ids first.
    assert costs[50] <= costs[10] + 1


# --- values -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("field_type", "value"), GOOD, ids=lambda value: f"{value!r:.24}")
def test_a_value_comes_back_as_it_was_sent(api, path, put, field, field_type, value):
    definition = field("Field", field_type)
    for answer in (put((definition, value)), api().get(path), api().get(f"{path}/form"), put((definition, value))):
        data = answer.json()
        (item,) = data["items"] if isinstance(data, dict) else data
        # In JSON, as Python takes true for 1 and 1.0.
        assert json.dumps(item["value"]) == json.dumps(value)
        assert item["version"] == 1


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ("1.0", "1"),
        ("-0.0", "0"),
        ("1e3", "1000"),
        ("9007199254740991.0", "9007199254740991"),
        ("0.10", "0.1"),
        ("1E-2", "0.01"),
        ("100e-1", "10"),
    ],
)
def test_a_number_has_one_form_on_every_database(api, path, field, sent, shown):
    raw = f'{{"fields": [{{"field_definition_uuid": "{field("Size", "number").uuid}", "value": {sent}}}]}}'.encode()
    answer = api()("PUT", path, raw=raw)
    assert f'"value":{shown},'.encode() in answer.content
    assert f'"value":{shown},'.encode() in api().get(path).content


@pytest.mark.parametrize("field_type", sorted(BAD))
def test_a_value_of_another_type_is_named_with_its_place(put, field, field_type):
    good, definition = field("Good"), field("Field", field_type)
    for value in BAD[field_type]:
        answer = put((good, "x"), (definition, value))
        assert places(answer) == [["body", "fields", 1, "value"]], value
        assert answer.json()["detail"][0]["type"] == "value_error"
    assert nothing_was_written()


def test_every_value_that_does_not_fit_is_named(put, field):
    wrong = [(field(f"Field {field_type}", field_type), BAD[field_type][-1]) for field_type in sorted(BAD)]
    assert places(put((field("Good"), "x"), *wrong)) == [["body", "fields", index + 1, "value"] for index in range(len(wrong))]
    assert nothing_was_written()


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (r'"a\u0000b"', 422),
        (r'"\ud800"', 422),
        (r'["\udfff"]', 422),
        ("[" * 40 + "]" * 40, 400),
        ("NaN", 400),
        ("Infinity", 400),
        ("1e999", 400),
        ("9" * 5000, 400),
        ('{"a": 1, "a": 2}', 400),
    ],
)
def test_what_no_database_keeps_is_refused_before(api, path, field, raw, status):
    body = f'{{"fields": [{{"field_definition_uuid": "{field("Colour").uuid}", "value": {raw}}}]}}'
    assert api()("PUT", path, raw=body.encode()).status_code == status
    assert nothing_was_written()


@pytest.mark.parametrize(("field_type", "value"), [("text", "x"), ("multi_select", ["Left"]), ("boolean", False), ("number", 0)])
def test_a_required_field_is_not_left_empty(api, path, put, field, field_type, value):
    definition, other = field("Needed", field_type, is_required=True), field("Other")
    empty = {"text": "", "multi_select": []}
    for nothing in [None, *([empty[field_type]] if field_type in empty else [])]:
        answer = put((other, "x"), (definition, nothing))
        assert places(answer) == [["body", "fields", 1, "value"]]
        assert answer.json()["detail"][0]["msg"] == "A required field cannot be left empty."
    assert held(put((other, "x"))) == [("Other", "x", 1)], "but it need not be named"
    assert held(put((definition, value))) == [("Needed", value, 1)]
    assert places(put((definition, None))) == [["body", "fields", 0, "value"]]


def test_a_value_that_changed_its_type_is_another_value(put, field):
    definition = field("Smokes", "boolean")
    put((definition, True))
    FieldDefinition.objects.filter(pk=definition.pk).update(field_type="number")
    answer = put((definition, 1))
    assert json.dumps(held(answer)) == json.dumps([("Smokes", 1, 2)])


# --- which fields -----------------------------------------------------------------------------------


def test_a_field_that_is_named_twice_is_refused(api, path, put, field):
    colour, other = field("Colour"), field("Other")
    assert places(put((colour, "blue"), (other, "x"), (colour, "blue"))) == [["body", "fields", 2, "field_definition_uuid"]]
    shouted = {"field_definition_uuid": str(colour.uuid).upper(), "value": "green"}
    quiet = {"field_definition_uuid": str(colour.uuid), "value": "blue"}
    answer = api().put(path, {"fields": [quiet, shouted, shouted]})
    assert places(answer) == [["body", "fields", index, "field_definition_uuid"] for index in (1, 2)]
    assert nothing_was_written()


def test_foreign_archived_and_unknown_fields_are_unknown_alike(neighbour, api, path, put, field):
    good, gone = field("Good"), field("Gone")
    archive_catalog_row(actor=SYSTEM, row=gone, base_version=1)
    foreign = neighbour.catalog(FieldDefinition, "Theirs", field_type="text")
    answers = [put((good, "x"), (FieldDefinition(uuid=strange), "x")) for strange in (foreign.uuid, gone.uuid, uuid.uuid4())]
    assert {(answer.status_code, answer.content) for answer in answers} == {(404, b'{"detail":"Field definition not found"}')}
    assert put((foreign, "x"), role=Role.FC_ADMIN).status_code == 404, "also to who sees both organizations"
    assert nothing_was_written()


def test_values_are_read_before_fields_are_looked_for(api, path, field):
    unknown = {"field_definition_uuid": str(uuid.uuid4()), "value": 1}
    assert places(api().put(path, {"fields": [unknown, {"value": 1}]})) == [["body", "fields", 1, "field_definition_uuid"]]


UUID = "9890ed24-5b3e-7c5a-9d51-0e3f2a9c4b10"


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({}, ["fields"]),
        ({"fields": None}, ["fields"]),
        ({"fields": {}}, ["fields"]),
        ({"fields": "x"}, ["fields"]),
        ({"fields": [1]}, ["fields", 0]),
        ({"fields": [None]}, ["fields", 0]),
        ({"fields": [{"value": 1}]}, ["fields", 0, "field_definition_uuid"]),
        ({"fields": [{"field_definition_uuid": UUID}]}, ["fields", 0, "value"]),
        ({"fields": [{"field_definition_uuid": None, "value": 1}]}, ["fields", 0, "field_definition_uuid"]),
        ({"fields": [{"field_definition_uuid": 7, "value": 1}]}, ["fields", 0, "field_definition_uuid"]),
        ({"fields": [{"field_definition_uuid": f"urn:uuid:{UUID}", "value": 1}]}, ["fields", 0, "field_definition_uuid"]),
        ({"fields": [{"field_definition_uuid": f"{{{UUID}}}", "value": 1}]}, ["fields", 0, "field_definition_uuid"]),
        ({"fields": [{"field_definition_uuid": f"{UUID}\n", "value": 1}]}, ["fields", 0, "field_definition_uuid"]),
    ],
)
def test_a_body_without_its_frame_is_named(api, path, body, place):
    assert places(api().put(path, body)) == [["body", *place]]


def test_a_request_sets_no_more_fields_than_the_limit(api, path):
    one = {"field_definition_uuid": UUID, "value": 1}
    assert places(api().put(path, {"fields": [one] * (MAX_FIELDS + 1)})) == [["body", "fields"]]


def test_the_limit_itself_is_taken(put, field):
    definitions = [field(f"Field {number:03}") for number in range(MAX_FIELDS)]
    answer = put(*[(definition, definition.name) for definition in reversed(definitions)])
    assert [name for name, _, _ in held(answer)] == [definition.name for definition in reversed(definitions)]
    assert all(name == value and version == 1 for name, value, version in held(answer))


def test_unknown_keys_change_nothing(api, path, field):
    colour = field("Colour")
    item = {"field_definition_uuid": str(colour.uuid), "value": "blue", "version": 9, "id": UUID, "organization_id": 1}
    (shown,) = api().put(path, {"fields": [item], "patient_uuid": UUID, "base_version": 3}).json()
    assert (shown["version"], shown["value"]) == (1, "blue")
    assert shown["id"] != UUID
