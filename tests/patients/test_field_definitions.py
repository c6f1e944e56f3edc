"""Custom fields: which options go with which type."""

import pytest

from accounts.models import Role
from patients.models import FieldDefinition
from tests.pages import sign_in, submit

CHOSEN, PLAIN = ("dropdown", "multi_select"), ("text", "number", "date", "boolean")


@pytest.fixture
def fields(clinic) -> str:
    return f"{clinic.base}/patient-field-definitions"


def places(answer) -> list:
    return [problem["loc"] for problem in answer.json()["detail"]]


@pytest.mark.parametrize("field_type", CHOSEN)
def test_a_field_of_choices_keeps_its_options_in_order(api, fields, field_type):
    answer = api().post(fields, {"name": "Side", "field_type": field_type, "dropdown_options": ["Right", "Left", "Øst"]})
    assert (answer.status_code, answer.json()["dropdown_options"]) == (201, ["Right", "Left", "Øst"])


@pytest.mark.parametrize("field_type", CHOSEN)
@pytest.mark.parametrize(
    "options", [None, [], "Left", ["Left", ""], ["Left", "Left"], ["Left", 1], ["Left", None], [["Left"]], {}]
)
def test_a_field_of_choices_needs_different_texts_to_choose_from(api, fields, field_type, options):
    answer = api().post(fields, {"name": "Side", "field_type": field_type, "dropdown_options": options})
    assert answer.status_code == 422
    assert {tuple(place[:2]) for place in places(answer)} == {("body", "dropdown_options")}
    assert not FieldDefinition.objects.exists()


@pytest.mark.parametrize("field_type", PLAIN)
def test_other_fields_have_no_options(api, fields, field_type):
    answer = api().post(fields, {"name": "Side", "field_type": field_type, "dropdown_options": ["Left"]})
    assert (answer.status_code, places(answer)) == (422, [["body", "dropdown_options"]])
    assert api().post(fields, {"name": "Side", "field_type": field_type, "dropdown_options": None}).status_code == 201


@pytest.mark.parametrize("field_type", [None, "colour", 1])
def test_a_type_is_one_of_the_words(api, fields, field_type):
    answer = api().post(fields, {"name": "Side", "field_type": field_type})
    assert (answer.status_code, places(answer)) == (422, [["body", "field_type"]])


def test_type_and_options_change_together(api, clinic, fields):
    one = f"{fields}/{clinic.catalog(FieldDefinition, 'Side', field_type='dropdown', dropdown_options=['Left']).uuid}"
    assert places(api().patch(one, {"field_type": "text", "base_version": 1})) == [["body", "dropdown_options"]]
    assert places(api().patch(one, {"dropdown_options": None, "base_version": 1})) == [["body", "dropdown_options"]]
    kept = api().patch(one, {"field_type": None, "base_version": 1}).json()
    assert (kept["field_type"], kept["dropdown_options"], kept["version"]) == ("dropdown", ["Left"], 1)
    shown = api().patch(one, {"field_type": "text", "dropdown_options": None, "base_version": 1}).json()
    assert (shown["field_type"], shown["dropdown_options"], shown["version"]) == ("text", None, 2)


def test_the_admin_takes_options_one_a_line(clinic):
    client = sign_in(clinic.users[Role.HC_ADMIN])
    given = {"name": "Side", "field_type": "dropdown", "dropdown_options": " Left \r\n\r\nRight"}
    assert submit(client, FieldDefinition, **given).status_code == 302
    row = FieldDefinition.objects.get()
    assert row.dropdown_options == ["Left", "Right"]
    assert submit(client, FieldDefinition, row.pk, name="Hand").status_code == 302
    row.refresh_from_db()
    assert (row.name, row.dropdown_options, row.version) == ("Hand", ["Left", "Right"], 2)


@pytest.mark.parametrize(
    ("field_type", "options", "words"),
    [("dropdown", "", "needs options"), ("text", "Left", "needs options"), ("dropdown", "Left\nLeft", "twice")],
)
def test_the_admin_refuses_options_that_do_not_fit(clinic, field_type, options, words):
    client = sign_in(clinic.users[Role.HC_ADMIN])
    answer = submit(client, FieldDefinition, name="Side", field_type=field_type, dropdown_options=options)
    assert (answer.status_code, words in answer.content.decode()) == (200, True)
    assert not FieldDefinition.objects.exists()
