"""The admin's pages of allergens and medications: codings as rows."""

import pytest
from django.utils.html import escape

from accounts.models import Role
from clinical.models import AllergyDefinition, CodingListField, MedicationDefinition
from clinical.services.starter_catalog import FILES, starter_rows
from tests.clinical.substances import AMOXICILLIN, CLAVULANATE, PENICILLINS, coding
from tests.pages import opened, row_inputs, sign_in, submit

MODELS = pytest.mark.parametrize("model", [AllergyDefinition, MedicationDefinition])


@pytest.fixture
def client(clinic):
    return sign_in(clinic.users[Role.HC_ADMIN])


@MODELS
def test_codings_are_written_as_rows(client, model):
    rows = row_inputs("ingredients", [AMOXICILLIN, coding(" 5640 ", " Ibuprofen, as said ", "rxnorm")])
    assert submit(client, model, name="New", **rows).status_code == 302
    row = model.objects.get(name="New")
    assert row.ingredients == [AMOXICILLIN, coding("5640", "Ibuprofen, as said", "rxnorm")]
    assert row.drug_classes == []


@MODELS
def test_an_open_form_that_is_sent_as_it_is_changes_no_list(client, clinic, model):
    row = clinic.catalog(model, "Old", ingredients=[AMOXICILLIN, CLAVULANATE], drug_classes=[PENICILLINS])
    _, shown = opened(client, model, row.pk)
    assert (shown["ingredients"], shown["ingredients-1-code"]) == (["0", "1"], ["clavulanate"])
    assert submit(client, model, row.pk, name="Renamed").status_code == 302
    row = model.objects.get(pk=row.pk)
    assert (row.name, row.ingredients, row.drug_classes) == ("Renamed", [AMOXICILLIN, CLAVULANATE], [PENICILLINS])
    assert submit(client, model, row.pk, ingredients=["1"]).status_code == 302
    assert model.objects.get(pk=row.pk).ingredients == [CLAVULANATE]
    assert submit(client, model, row.pk, ingredients=[]).status_code == 302
    assert model.objects.get(pk=row.pk).ingredients == []


WRONG_ROW = ["Something is missing or wrong in ingredient 1."]
BAD_ROWS = [
    ([coding("amoxicillin", "")], WRONG_ROW, "Enter the name, of 255 characters at most."),
    ([coding("", "A")], WRONG_ROW, "Enter the code, of 64 characters at most."),
    ([coding("a", "A", "atc")], WRONG_ROW, "Select a valid choice."),
    ([coding("x" * 65, "A")], WRONG_ROW, "Enter the code, of 64 characters at most."),
    ([coding("a", "x" * 256)], WRONG_ROW, "Enter the name, of 255 characters at most."),
    ([coding("a b", "A")], WRONG_ROW, "A code holds no blanks."),
    ([coding("a", "A  B")], WRONG_ROW, "This must be one line of words with a single blank between."),
    ([coding("a", "A"), coding("a", "B")], ["No code may stand in the list twice."], ""),
    ([coding(str(number), "A") for number in range(51)], ["There may be 50 rows at most."], ""),
]


@MODELS
@pytest.mark.parametrize(("rows", "above", "beside"), BAD_ROWS)
def test_a_row_that_is_no_coding_is_told_beside_it(client, model, rows, above, beside):
    page = submit(client, model, name="New", **row_inputs("ingredients", rows))
    assert page.context["adminform"].form.errors == {"ingredients": above}
    assert escape(beside) in page.content.decode()
    assert not model.objects.filter(name="New").exists()


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
