"""Instruments, and the codes that concepts carry."""

import pytest

from clinical.models import AllergyDefinition, Instrument
from tests.factories import Clinic


@pytest.fixture
def instruments(clinic: Clinic) -> str:
    return f"{clinic.base}/instruments"


def places(answer) -> list:
    return [problem["loc"] for problem in answer.json()["detail"]]


def test_a_number_is_measured_on_a_scale(api, instruments):
    body = {"name": "Mood", "code": "mood", "unit": "{score}", "scale_min": 1, "scale_max": "10.5"}
    answer = api().post(instruments, body)
    assert answer.status_code == 201, answer.content
    shown = answer.json()
    assert (shown["kind"], shown["scale_min"], shown["scale_max"], shown["choices"]) == ("numeric", "1.000", "10.500", None)


@pytest.mark.parametrize("number", [True, "1e3", " 1", "١", "NaN", 1e300, "1.23456", "1234567890", [1], ""])
def test_a_scale_ends_at_numbers(api, instruments, number):
    answer = api().post(instruments, {"name": "Mood", "code": "mood", "scale_max": number})
    assert (answer.status_code, places(answer)) == (422, [["body", "scale_max"]])


@pytest.mark.parametrize("most", [1, 0])
def test_a_scale_ends_above_its_beginning(api, instruments, most):
    answer = api().post(instruments, {"name": "Mood", "code": "mood", "scale_min": 1, "scale_max": most})
    assert (answer.status_code, places(answer)) == (422, [["body", "scale_max"]])


def test_a_code_is_taken_once_in_an_organization_until_it_is_archived(api, clinic, neighbour, instruments):
    row = clinic.catalog(Instrument, "Mood", code="mood")
    neighbour.catalog(Instrument, "Mood", code="mood")
    other = clinic.catalog(Instrument, "Energy", code="energy")
    body = {"name": "Mood again", "code": "mood"}
    for answer in (
        api().post(instruments, body),
        api().patch(f"{instruments}/{other.uuid}", {"code": "mood", "base_version": 1}),
    ):
        assert (answer.status_code, answer.json()) == (409, {"detail": "duplicate instrument code"})
    api().post(f"{instruments}/{row.uuid}/archive", {"base_version": 1})
    assert api().post(instruments, body).status_code == 201


@pytest.mark.parametrize(
    ("kind", "choices", "status"),
    [
        ("choice", ["No", "Yes"], 201),
        ("choice", None, 422),
        ("choice", [], 422),
        ("numeric", ["No"], 422),
        ("numeric", None, 201),
    ],
)
def test_choices_go_with_instruments_of_choices(api, instruments, kind, choices, status):
    answer = api().post(instruments, {"name": "Pain", "code": "pain", "kind": kind, "choices": choices})
    assert answer.status_code == status
    assert status == 201 or places(answer) == [["body", "choices"]]


@pytest.mark.parametrize("path", ["allergy-definitions", "medication-definitions", "disease-definitions", "instruments"])
def test_a_code_and_its_terminology_come_together(api, clinic, path):
    # 84489001: allergies.csv of the Synthea sample.
    least = {"name": "Mold", **({"code": "mold"} if path == "instruments" else {})}
    many = f"{clinic.base}/{path}"
    for half in ({"concept_code": "84489001"}, {"concept_system": "snomed_ct"}):
        answer = api().post(many, {**least, **half})
        assert (answer.status_code, places(answer)) == (422, [["body", "concept_code"]])
    whole = api().post(many, {**least, "concept_code": "84489001", "concept_system": "snomed_ct"})
    assert (whole.json()["concept_code"], whole.json()["concept_system"]) == ("84489001", "snomed_ct")
    one = f"{many}/{whole.json()['id']}"
    assert api().patch(one, {"concept_code": None, "base_version": 1}).status_code == 422
    cleared = api().patch(one, {"concept_code": None, "concept_system": None, "base_version": 1}).json()
    assert (cleared["concept_code"], cleared["concept_system"], cleared["version"]) == (None, None, 2)


def test_a_terminology_is_one_of_the_words(api, clinic):
    body = {"name": "Mold", "concept_code": "1", "concept_system": "SNOMED"}
    assert api().post(f"{clinic.base}/allergy-definitions", body).status_code == 422
    assert not AllergyDefinition.objects.exists()
