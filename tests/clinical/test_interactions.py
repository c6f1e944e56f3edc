"""What warns and how much: pure rules on values, one case a line."""

import pytest
from django.utils.translation import override

from clinical.interactions import (
    LONGEST_QUOTE,
    AllergyFacts,
    Basis,
    Coding,
    Kind,
    MedicationFacts,
    Severity,
    Substance,
    grade,
    warnings_of_allergy,
    warnings_of_medication,
)

AMOXICILLIN, CLAVULANATE = Coding("local", "amoxicillin", "Amoxicillin"), Coding("local", "clavulanate", "Clavulanate")
PENICILLIN_V = Coding("rxnorm", "7984", "Penicillin V")
IBUPROFEN, NAPROXEN = Coding("rxnorm", "5640", "Ibuprofen"), Coding("local", "naproxen", "Naproxen")
PENICILLINS, NSAIDS = Coding("local", "penicillins", "Penicillins"), Coding("local", "nsaids", "NSAIDs")


def substance(*ingredients: Coding, classes: tuple = (), own: tuple = ()) -> Substance:
    return Substance(ingredients, classes, own)


OF_AMOXICILLIN = substance(AMOXICILLIN, classes=(PENICILLINS,))
OF_CO_AMOXICLAV = substance(AMOXICILLIN, CLAVULANATE, classes=(PENICILLINS,))
OF_PENICILLIN_V = substance(PENICILLIN_V, classes=(PENICILLINS,))
OF_IBUPROFEN, OF_NAPROXEN = substance(IBUPROFEN, classes=(NSAIDS,)), substance(NAPROXEN, classes=(NSAIDS,))
THE_PENICILLINS, THE_NSAIDS = substance(classes=(PENICILLINS,)), substance(classes=(NSAIDS,))
NOTHING = substance()


def allergy(to: Substance, name: str = "The allergen", **told) -> AllergyFacts:
    return AllergyFacts("a-1", name, to, **told)


def medication(of: Substance, name: str = "The medication", uuid: str = "m-1") -> MedicationFacts:
    return MedicationFacts(uuid, name, of)


CASES = [
    ("a class allergy and a medication of the class", THE_PENICILLINS, OF_AMOXICILLIN, Basis.DRUG_CLASS, (PENICILLINS,)),
    ("an NSAID allergy and ibuprofen", THE_NSAIDS, OF_IBUPROFEN, Basis.DRUG_CLASS, (NSAIDS,)),
    ("the very ingredient", OF_AMOXICILLIN, OF_AMOXICILLIN, Basis.INGREDIENT, (AMOXICILLIN,)),
    ("one ingredient of two", OF_AMOXICILLIN, OF_CO_AMOXICLAV, Basis.INGREDIENT, (AMOXICILLIN,)),
    ("two ingredients of two", OF_CO_AMOXICLAV, OF_CO_AMOXICLAV, Basis.INGREDIENT, (AMOXICILLIN, CLAVULANATE)),
    ("another member of the class", OF_PENICILLIN_V, OF_AMOXICILLIN, Basis.DRUG_CLASS, (PENICILLINS,)),
    ("the allergen's own code is an ingredient", substance(own=(IBUPROFEN,)), OF_IBUPROFEN, Basis.INGREDIENT, (IBUPROFEN,)),
    ("the medication's own code is an ingredient", OF_IBUPROFEN, substance(own=(IBUPROFEN,)), Basis.INGREDIENT, (IBUPROFEN,)),
    ("the allergen's own code is a class", substance(own=(PENICILLINS,)), OF_AMOXICILLIN, Basis.DRUG_CLASS, (PENICILLINS,)),
    ("both are the same code", substance(own=(NSAIDS,)), substance(own=(NSAIDS,)), Basis.INGREDIENT, (NSAIDS,)),
    ("another class", THE_PENICILLINS, OF_IBUPROFEN, None, ()),
    ("another ingredient without a class", substance(AMOXICILLIN), substance(CLAVULANATE), None, ()),
    ("a class is no ingredient", substance(PENICILLINS), substance(classes=(PENICILLINS,)), None, ()),
    ("the same code of another system", substance(Coding("snomed_ct", "5640", "x")), substance(IBUPROFEN), None, ()),
    ("an allergen of which nothing is known", NOTHING, OF_AMOXICILLIN, None, ()),
    ("a medication of which nothing is known", OF_AMOXICILLIN, NOTHING, None, ()),
    ("neither is known", NOTHING, NOTHING, None, ()),
]
by_case = pytest.mark.parametrize(("to", "of", "basis", "codings"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])


@by_case
def test_a_new_medication_is_held_against_the_allergies(to, of, basis, codings):
    found = warnings_of_medication(medication(of), [allergy(to)], [])
    assert [(one.kind, one.basis, one.codings) for one in found] == [(Kind.DRUG_ALLERGY, basis, codings)] * bool(basis)
    assert [(one.allergy, one.medication) for one in found] == [({"uuid": "a-1", "name": "The allergen"}, None)] * bool(basis)


@by_case
def test_a_new_allergy_is_held_against_the_medications(to, of, basis, codings):
    found = warnings_of_allergy(allergy(to), [medication(of)])
    assert [(one.kind, one.basis, one.codings) for one in found] == [(Kind.DRUG_ALLERGY, basis, codings)] * bool(basis)
    assert [(one.allergy, one.medication) for one in found] == [(None, {"uuid": "m-1", "name": "The medication"})] * bool(basis)


DUPLICATES = [
    ("the same ingredient", OF_IBUPROFEN, OF_IBUPROFEN, (IBUPROFEN,)),
    ("an ingredient of a combination", OF_AMOXICILLIN, OF_CO_AMOXICLAV, (AMOXICILLIN,)),
    ("a code in words and the ingredient", substance(own=(IBUPROFEN,)), OF_IBUPROFEN, (IBUPROFEN,)),
    ("another member of the class", OF_IBUPROFEN, OF_NAPROXEN, ()),
    ("nothing known", NOTHING, NOTHING, ()),
]


@pytest.mark.parametrize(("one", "other", "codings"), [case[1:] for case in DUPLICATES], ids=[case[0] for case in DUPLICATES])
@pytest.mark.parametrize("turned", [False, True])
def test_a_second_medication_with_an_ingredient_is_a_duplicate_and_one_of_a_class_is_not(one, other, codings, turned):
    new, current = (other, one) if turned else (one, other)
    found = warnings_of_medication(medication(new), [], [medication(current, "The other", "m-2")])
    expected = (Kind.DUPLICATE_INGREDIENT, Basis.INGREDIENT, Severity.MODERATE, codings, {"uuid": "m-2", "name": "The other"})
    assert [(w.kind, w.basis, w.severity, w.codings, w.medication) for w in found] == [expected] * bool(codings)


def test_a_medication_is_no_duplicate_of_itself():
    new = medication(OF_IBUPROFEN)
    assert warnings_of_medication(new, [], [new]) == []


GRADES = [
    (None, None, "moderate"),
    ("", "", "moderate"),
    ("moderate", None, "moderate"),
    ("unknown", "Rash", "moderate"),
    ("severe", None, "severe"),
    ("SEVERE", None, "severe"),
    ("Sévère", None, "severe"),
    ("Severe (ICU)", None, "severe"),
    ("life-threatening", None, "severe"),
    ("high", None, "severe"),
    ("fatal", None, "severe"),
    ("moderate to severe", None, "severe"),
    ("mild", None, "mild"),
    ("Mild", "Rash", "mild"),
    ("low", None, "mild"),
    ("mild to moderate", None, "moderate"),
    ("mild", "Anaphylaxis in 2019", "severe"),
    (None, "anaphylactic shock", "severe"),
    (None, "high fever", "moderate"),
    ("mildew", "severe itching", "moderate"),
]


@pytest.mark.parametrize(("severity", "reaction", "expected"), GRADES)
def test_recorded_words_are_read_as_three_grades(severity, reaction, expected):
    assert grade(severity, reaction) == expected


TABLE = [
    ("severe", OF_AMOXICILLIN, Severity.HIGH),
    ("severe", THE_PENICILLINS, Severity.HIGH),
    ("moderate", OF_AMOXICILLIN, Severity.HIGH),
    ("moderate", THE_PENICILLINS, Severity.MODERATE),
    (None, OF_AMOXICILLIN, Severity.HIGH),
    (None, THE_PENICILLINS, Severity.MODERATE),
    ("mild", OF_AMOXICILLIN, Severity.MODERATE),
    ("mild", THE_PENICILLINS, Severity.LOW),
]


@pytest.mark.parametrize(("severity", "to", "expected"), TABLE)
def test_the_recorded_severity_and_the_basis_give_the_severity_of_the_warning(severity, to, expected):
    (warning,) = warnings_of_medication(medication(OF_AMOXICILLIN), [allergy(to, severity=severity)], [])
    assert warning.severity == expected


def test_the_gravest_warning_comes_first_and_an_ingredient_before_a_class():
    told = [("Mild class", THE_PENICILLINS, "mild"), ("Severe class", THE_PENICILLINS, "severe"), ("Plain", OF_AMOXICILLIN, None)]
    allergies = [allergy(to, name, severity=severity) for name, to, severity in told]
    found = warnings_of_medication(medication(OF_AMOXICILLIN), allergies, [medication(OF_AMOXICILLIN, "Other", "m-2")])
    names = [(one.allergy or one.medication)["name"] for one in found]
    assert names == ["Plain", "Severe class", "Other", "Mild class"]


def test_a_message_names_the_allergen_the_medication_what_they_share_and_the_reaction():
    hives = allergy(THE_PENICILLINS, "Penicillins", severity="severe", reaction="Hives,\n swollen lips")
    (warning,) = warnings_of_medication(medication(OF_AMOXICILLIN, "Amoxicillin 500 mg"), [hives], [])
    assert warning.message == (
        "Recorded allergy to Penicillins (severity: severe; reaction: Hives, swollen lips). "
        "Amoxicillin 500 mg belongs to the drug class Penicillins."
    )
    with override("nl"):
        (dutch,) = warnings_of_medication(medication(OF_AMOXICILLIN, "Amoxicillin 500 mg"), [hives], [])
    assert "(ernst: ernstig; reactie: Hives, swollen lips)" in dutch.message
    (warning,) = warnings_of_allergy(allergy(OF_CO_AMOXICLAV, "Co-amoxiclav"), [medication(OF_CO_AMOXICLAV, "Augmentin")])
    assert warning.message == (
        "Recorded allergy to Co-amoxiclav (severity: not recorded; reaction: not recorded). "
        "Augmentin contains Amoxicillin and Clavulanate."
    )
    current = [medication(OF_IBUPROFEN, "Advil", "m-2")]
    (warning,) = warnings_of_medication(medication(OF_IBUPROFEN, "Nurofen"), [], current)
    assert warning.message == "The current medication Advil has an active ingredient of Nurofen: Ibuprofen."


def test_a_long_reaction_is_cut_in_the_message():
    told = allergy(THE_PENICILLINS, reaction="very " * 1000)
    (warning,) = warnings_of_medication(medication(OF_AMOXICILLIN), [told], [])
    assert "…" in warning.message
    assert len(warning.message) < LONGEST_QUOTE + 200


def test_a_warning_is_plain_json():
    (warning,) = warnings_of_medication(medication(OF_AMOXICILLIN), [allergy(THE_PENICILLINS)], [])
    shown = warning.as_json()
    assert shown == {
        "kind": "drug_allergy",
        "basis": "class",
        "severity": "moderate",
        "message": warning.message,
        "codings": ({"system": "local", "code": "penicillins", "display": "Penicillins"},),
        "allergy": {"uuid": "a-1", "name": "The allergen"},
        "medication": None,
    }
