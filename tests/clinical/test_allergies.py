"""Allergies of a patient over the practice dialect. What all charts have in common is in tests/patients/test_charts.py."""

import pytest

from accounts.models import AuditEvent, Role
from clinical.models import Allergy
from tests.clinical.substances import coding

FULL = {
    "reaction": " Itching,\nthen fever ",
    "severity": "moderate",
    "snomed_reaction": "418290006",
    "date_adverse_reaction": "2019-03-14",
    "status_is_active": False,
}


def named(answer) -> list[list]:
    assert answer.status_code == 422, answer.content
    return [problem["loc"] for problem in answer.json()["detail"]]


def test_an_allergy_is_kept_as_it_was_told(charts):
    made = charts.allergy("Penicillins", **FULL)
    assert {name: made[name] for name in FULL} == FULL
    assert made["allergy_definition"] == {"uuid": str(charts.allergen("Penicillins").uuid), "name": "Penicillins"}
    assert (made["version"], made["deleted_at"], made["interaction_warnings"]) == (1, None, [])
    assert charts.client.get(f"{charts.address}/allergies/{made['id']}").json() == {**made, "interaction_check": None}


def test_an_allergy_is_active_unless_the_body_says_otherwise(charts):
    bare = charts.allergy("Penicillins")
    assert bare["status_is_active"] is True
    assert charts.allergy("Latex", status_is_active=None)["status_is_active"] is True
    assert [bare[name] for name in ("reaction", "severity", "snomed_reaction", "date_adverse_reaction")] == [None] * 4


def test_the_list_is_filtered_by_what_is_active(charts):
    active, past, gone = charts.allergy("Penicillins"), charts.allergy("NSAIDs", status_is_active=False), charts.allergy("Latex")
    charts.archived("allergies", gone)

    def listed(**query) -> list[str]:
        answer = charts.client.get(f"{charts.address}/allergies", query).json()
        assert answer["total"] == len(answer["items"])
        return [item["id"] for item in answer["items"]]

    assert listed() == [past["id"], active["id"]]
    assert listed(sort_dir="asc") == [active["id"], past["id"]]
    assert listed(is_active="true") == listed(is_active="TRUE") == [active["id"]]
    assert listed(is_active="false") == [past["id"]]


@pytest.mark.parametrize("raw", [" ", "2", "ja", "null", "true\n"])
def test_only_true_and_false_filter(charts, raw):
    assert named(charts.client.get(f"{charts.address}/allergies", {"is_active": raw})) == [["query", "is_active"]]


def test_a_correction_writes_what_is_sent(charts):
    made = charts.allergy("Penicillins", **FULL)
    definition = str(charts.allergen("Amoxicillin").uuid)
    changed = charts.changed("allergies", made, allergy_definition_uuid=definition, reaction=None, status_is_active=True)
    assert changed["allergy_definition"] == {"uuid": definition, "name": "Amoxicillin"}
    assert (changed["reaction"], changed["status_is_active"], changed["version"]) == (None, True, 2)
    assert (changed["severity"], changed["snomed_reaction"]) == (FULL["severity"], FULL["snomed_reaction"])
    event = AuditEvent.objects.get(action="allergy.update")
    assert event.changed_fields == "allergy_definition_id,reaction,status_is_active"


def test_null_leaves_the_definition_and_the_state_of_an_allergy(charts):
    made = charts.allergy("Penicillins", status_is_active=False)
    changed = charts.changed("allergies", made, allergy_definition_uuid=None, status_is_active=None)
    assert (changed["allergy_definition"]["name"], changed["status_is_active"]) == ("Penicillins", False)


def test_every_bad_value_is_named(charts):
    bad = {
        "allergy_definition_uuid": "nope",
        "reaction": 7,
        "severity": "x" * 65,
        "snomed_reaction": "1" * 19,
        "date_adverse_reaction": "2023-02-30",
        "status_is_active": "ja",
    }
    expected = sorted(["body", name] for name in bad)
    assert sorted(named(charts.client.post(f"{charts.address}/allergies", bad))) == expected
    one = f"{charts.address}/allergies/{charts.allergy('Latex')['id']}"
    assert sorted(named(charts.client.patch(one, {"base_version": 1, **bad}))) == expected
    assert Allergy.objects.count() == 1


def test_an_allergy_is_to_something(charts):
    for body in ({}, {"reaction": "Hives"}, {"allergy_definition_uuid": None}):
        assert named(charts.client.post(f"{charts.address}/allergies", body)) == [["body", "allergy_definition_uuid"]]


def test_a_definition_of_somebody_else_or_of_another_kind_is_unknown(charts, neighbour):
    ours = type(charts.allergen("Latex"))
    foreign = neighbour.catalog(ours, "Latex")
    charts.client.post(f"{charts.clinic.base}/allergy-definitions/{charts.allergen('NSAIDs').uuid}/archive", {"base_version": 1})
    for row in (foreign, charts.allergen("NSAIDs"), charts.product("Advil")):
        answer = charts.client.post(f"{charts.address}/allergies", {"allergy_definition_uuid": str(row.uuid)})
        assert (answer.status_code, answer.json()) == (404, {"detail": "Allergy definition not found"})
    assert not Allergy.objects.exists()


def test_who_only_reads_does_not_record(charts, api):
    body = {"allergy_definition_uuid": str(charts.allergen("Latex").uuid)}
    assert api(Role.HC_VIEW_ALL).post(f"{charts.address}/allergies", body).status_code == 403
    assert api(Role.HC_VIEW_ALL).get(f"{charts.address}/allergies").status_code == 200


def test_recording_an_allergy_leaves_the_review_status_of_the_patient(charts):
    before = charts.patient.allergy_review_status
    charts.allergy("Latex")
    charts.patient.refresh_from_db()
    assert (charts.patient.allergy_review_status, charts.patient.version) == (before, 1)


# --- what definitions are made of -------------------------------------------------------------------

SUBSTANCE = {
    "ingredients": [coding("7984", "Penicillin V", "rxnorm"), coding("other", "Ünïcode “ø” 100 %")],
    "drug_classes": [coding("penicillins", "Penicillins")],
}
CATALOGS = pytest.mark.parametrize("catalog", ["allergy-definitions", "medication-definitions"])
LISTS = pytest.mark.parametrize("column", ["ingredients", "drug_classes"])


@CATALOGS
def test_administrators_say_what_a_definition_is_made_of(clinic, api, catalog):
    rows = f"{clinic.base}/{catalog}"
    made = api().post(rows, {"name": "New", **SUBSTANCE})
    assert made.status_code == 201, made.content
    assert {name: made.json()[name] for name in SUBSTANCE} == SUBSTANCE
    one = f"{rows}/{made.json()['id']}"
    assert api(Role.HC_PRIMARY).get(one).json() == made.json()
    changed = api().patch(one, {"base_version": 1, "ingredients": [], "drug_classes": None}).json()
    assert (changed["ingredients"], changed["drug_classes"]) == ([], SUBSTANCE["drug_classes"])
    assert api().get(rows).json()["items"] == [changed]
    assert api(Role.HC_PRIMARY).patch(one, {"base_version": 2, **SUBSTANCE}).status_code == 403


@CATALOGS
@pytest.mark.parametrize("body", [{}, dict.fromkeys(SUBSTANCE), {name: [] for name in SUBSTANCE}])
def test_a_definition_of_which_nothing_is_told_has_empty_lists(clinic, api, catalog, body):
    made = api().post(f"{clinic.base}/{catalog}", {"name": "New", **body}).json()
    assert [made[name] for name in SUBSTANCE] == [[], []]


GOOD = coding("a", "A")
BAD_LISTS = [
    ("a text", "local a A", [()]),
    ("a number", 7, [()]),
    ("a boolean", True, [()]),
    ("an object", GOOD, [()]),
    ("too many", [coding(str(n), "A") for n in range(51)], [()]),
    ("a code twice", [GOOD, coding("b", "B"), coding("a", "Another")], [()]),
    ("no object inside", ["a", GOOD, None, []], [(0,), (2,), (3,)]),
    ("nothing inside", [{}], [(0, "code"), (0, "display"), (0, "system")]),
    ("nulls", [dict.fromkeys(GOOD)], [(0, "code"), (0, "display"), (0, "system")]),
    ("numbers", [GOOD, dict.fromkeys(GOOD, 7)], [(1, "code"), (1, "display"), (1, "system")]),
    ("empty texts", [dict.fromkeys(GOOD, "")], [(0, "code"), (0, "display"), (0, "system")]),
    ("blanks", [{"system": "local", "code": " ", "display": " "}], [(0, "code"), (0, "display")]),
    ("a blank in a code", [coding("a b", "A")], [(0, "code")]),
    ("a line end", [coding("a\n", "A\nB")], [(0, "code"), (0, "display")]),
    ("outer and double blanks", [coding("a", " A"), coding("b", "B "), coding("c", "C  D")], [(n, "display") for n in range(3)]),
    ("too long", [coding("x" * 65, "x" * 256)], [(0, "code"), (0, "display")]),
    ("an unknown system", [coding("a", "A", "atc"), coding("b", "B", "RxNorm")], [(0, "system"), (1, "system")]),
    ("what no database keeps", [coding("a\x00", "A"), coding("b", "\ud800")], [(0, "code"), (1, "display")]),
]


@CATALOGS
@LISTS
@pytest.mark.parametrize(("value", "places"), [case[1:] for case in BAD_LISTS], ids=[case[0] for case in BAD_LISTS])
def test_a_list_that_holds_no_codings_is_refused_with_every_fault(clinic, api, catalog, column, value, places):
    rows = f"{clinic.base}/{catalog}"
    kept = api().post(rows, {"name": "Kept", **SUBSTANCE}).json()
    expected = sorted([["body", column, *place] for place in places], key=str)
    for method, path, body in (
        ("POST", rows, {"name": "New", column: value}),
        ("PATCH", f"{rows}/{kept['id']}", {"base_version": 1, column: value}),
    ):
        assert sorted(named(api()(method, path, body)), key=str) == expected
    assert api().get(rows).json()["items"] == [kept]


@CATALOGS
def test_what_just_fits_passes(clinic, api, catalog):
    longest = [coding("x" * 62 + f"{number:02}", "y" * 255) for number in range(50)]
    answer = api().post(f"{clinic.base}/{catalog}", {"name": "New", "ingredients": longest, "drug_classes": longest})
    assert answer.status_code == 201
    assert answer.json()["ingredients"] == longest


@CATALOGS
def test_what_a_coding_says_beside_its_parts_is_not_kept(clinic, api, catalog):
    made = api().post(f"{clinic.base}/{catalog}", {"name": "New", "ingredients": [{**GOOD, "version": "2024", "id": 7}]})
    assert made.json()["ingredients"] == [GOOD]
