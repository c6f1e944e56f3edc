"""The admin's pages of allergens and medications: codings one a line."""

import pytest
from django.utils.html import escape

from accounts.models import Role
from clinical.models import AllergyDefinition, CodingListField, MedicationDefinition
from clinical.services.starter_catalog import FILES, starter_rows
from tests.clinical.substances import AMOXICILLIN, CLAVULANATE, PENICILLINS, coding
from tests.pages import form_values, sign_in, submit, url

MODELS = pytest.mark.parametrize("model", [AllergyDefinition, MedicationDefinition])


@pytest.fixture
def client(clinic):
    return sign_in(clinic.users[Role.HC_ADMIN])


@MODELS
def test_codings_are_written_one_a_line(client, clinic, model):
    lines = "local amoxicillin Amoxicillin\r\n\r\n  rxnorm   5640   Ibuprofen,  as said \r\n"
    assert submit(client, model, name="New", ingredients=lines, drug_classes="").status_code == 302
    row = model.objects.get(name="New")
    assert row.ingredients == [AMOXICILLIN, coding("5640", "Ibuprofen, as said", "rxnorm")]
    assert row.drug_classes == []


@MODELS
def test_an_open_form_that_is_sent_as_it_is_changes_no_list(client, clinic, model):
    row = clinic.catalog(model, "Old", ingredients=[AMOXICILLIN, CLAVULANATE], drug_classes=[PENICILLINS])
    page = client.get(url(model, "change", row.pk)).content.decode()
    shown = form_values(page, f"{model._meta.model_name}_form")
    assert shown["ingredients"] == ["local amoxicillin Amoxicillin\nlocal clavulanate Clavulanate"]
    assert submit(client, model, row.pk, name="Renamed").status_code == 302
    row = model.objects.get(pk=row.pk)
    assert (row.name, row.ingredients, row.drug_classes) == ("Renamed", [AMOXICILLIN, CLAVULANATE], [PENICILLINS])
    assert submit(client, model, row.pk, ingredients="").status_code == 302
    assert model.objects.get(pk=row.pk).ingredients == []


BAD_LINES = [
    ("local amoxicillin", "Line 1: This needs a system, a code and a display."),
    ("local a A\natc b B", "Line 2: The system of a coding is one of snomed_ct, rxnorm, icd_10, loinc, local."),
    (f"local {'x' * 65} A", "Line 1: A code has at most 64 characters, and its display 255."),
    (f"local a {'x' * 256}", "Line 1: A code has at most 64 characters, and its display 255."),
    ("local a A\nlocal a B", "No code may stand in the list twice."),
    ("\n".join(f"local {number} A" for number in range(51)), "This must be a list of at most 50 codings."),
]


@MODELS
@pytest.mark.parametrize(("lines", "words"), BAD_LINES)
def test_a_line_that_is_no_coding_is_told_by_its_number(client, model, lines, words):
    page = submit(client, model, name="New", ingredients=lines)
    assert page.status_code == 200
    assert escape(words) in page.content.decode()
    assert not model.objects.filter(name="New").exists()


def test_every_bad_line_is_told(client):
    page = submit(client, AllergyDefinition, name="New", ingredients="a\nlocal b B\nc").content.decode()
    assert ("Line 1:" in page, "Line 2:" in page, "Line 3:" in page) == (True, False, True)


@pytest.mark.parametrize("model", FILES)
def test_what_the_starter_catalog_holds_can_be_shown_and_sent_back(client, clinic, model):
    """Nothing that is stored may come back from the form as something else."""
    for values in starter_rows(model)[::7]:
        row = clinic.catalog(model, **values)
        assert submit(client, model, row.pk, name=f"{row.name} again").status_code == 302
        stored = model.objects.get(pk=row.pk)
        assert {name: getattr(stored, name) for name in ("ingredients", "drug_classes")} == {
            name: values[name] for name in ("ingredients", "drug_classes")
        }


def test_only_the_catalogs_of_substances_hold_codings():
    from django.apps import apps

    holders = {model for model in apps.get_models() for field in model._meta.fields if isinstance(field, CodingListField)}
    assert holders == set(FILES)
