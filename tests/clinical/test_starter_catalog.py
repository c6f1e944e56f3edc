"""The starter catalog: what it holds, where its codes come from, and how it reaches an organization."""

import csv
import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.models import AuditEvent
from accounts.services.catalogs import archive_catalog_row
from clinical.models import AllergyDefinition, CodeSystem, MedicationDefinition
from clinical.services import starter_catalog
from clinical.services.starter_catalog import FILES, LISTS, CatalogCounts, install_starter_catalog, read_table, starter_rows
from config.core.text import fold
from tests.clinical.substances import Charts, warnings_of
from tests.factories import SYSTEM

READ_FROM = Path(__file__).parent / "fixtures" / "terminology.csv"
OWN = "this catalog"
CODINGS = read_table("starter_codings.csv")
ROWS = [row for name in FILES.values() for row in read_table(name)]
SIZES = {model: len(read_table(name)) for model, name in FILES.items()}


def sources() -> dict[tuple[str, str, str], str]:
    """Return what the files say that codes were read from: (source, system, code) -> description."""
    with READ_FROM.open(encoding="utf-8", newline="") as file:
        return {(row["source"], row["system"], row["code"]): row["description"] for row in csv.DictReader(file)}


def plain(text: str) -> str:
    """Return a description without the kind of concept that SNOMED CT puts behind it."""
    return fold(text.partition(" (substance)")[0].partition(" (organism)")[0])


# --- codes ------------------------------------------------------------------------------------------


def test_every_public_code_stands_in_the_file_that_its_row_names_under_the_same_name():
    found, public = sources(), 0
    for row in CODINGS:
        if row["system"] != CodeSystem.LOCAL:
            public += 1
            assert plain(found[row["source"], row["system"], row["code"]]) == fold(row["display"]), row
    for row in ROWS:
        if row["concept_code"]:
            public += 1
            assert plain(found[row["source"], row["concept_system"], row["concept_code"]]) == fold(row["name"]), row
    assert public > 60


def test_no_row_is_without_a_source_and_none_that_is_our_own_has_a_public_code():
    for row in [*CODINGS, *ROWS]:
        assert row["source"]
        code = row["code"] if "code" in row else row["concept_code"]
        ours = row.get("system") == CodeSystem.LOCAL or not code
        assert (row["source"] == OWN) == ours, row


def test_every_concept_has_both_halves_of_its_code_or_neither():
    assert {bool(row["concept_code"]) for row in ROWS if row["concept_system"]} == {True}
    assert {bool(row["concept_system"]) for row in ROWS if row["concept_code"]} == {True}


def test_no_name_code_or_key_stands_twice():
    for rows in (starter_rows(model) for model in FILES):
        assert len({fold(row["name"]) for row in rows}) == len(rows)
        codes = [(row["concept_system"], row["concept_code"]) for row in rows if row["concept_code"]]
        assert len(set(codes)) == len(codes)
    assert len({row["key"] for row in CODINGS}) == len({(row["system"], row["code"]) for row in CODINGS}) == len(CODINGS)


def test_every_coding_is_used_and_each_one_as_an_ingredient_or_as_a_class_but_not_as_both():
    used = {column: {key for row in ROWS for key in row[column].split(";") if key} for column in LISTS}
    assert used["ingredients"] | used["drug_classes"] == {row["key"] for row in CODINGS}
    assert used["ingredients"] & used["drug_classes"] == set()


@pytest.mark.parametrize("model", FILES)
def test_every_row_passes_the_rules_of_its_catalog(clinic, model):
    for values in starter_rows(model):
        model(organization=clinic.organization, **values).full_clean()


@pytest.mark.parametrize("model", FILES)
def test_an_ingredient_of_a_drug_class_brings_the_class_along(model):
    """What contains amoxicillin is a penicillin in every row, or the class would warn of some of them only."""
    classes = {
        key: row["drug_classes"] for row in read_table("starter_allergies.csv") for key in row["ingredients"].split(";") if key
    }
    for row in read_table(FILES[model]):
        for key in row["ingredients"].split(";"):
            assert set(classes.get(key, "").split(";")) - {""} <= set(row["drug_classes"].split(";")), row["name"]


# --- into an organization ---------------------------------------------------------------------------


def install(clinic) -> dict:
    return install_starter_catalog(actor=SYSTEM, organization=clinic.organization)


def test_all_rows_are_made_once_audited_and_stamp_the_cache(clinic):
    stamp = clinic.organization.catalog_version
    assert install(clinic) == {model: CatalogCounts(created=size) for model, size in SIZES.items()}
    for model, size in SIZES.items():
        assert model.objects.filter(organization=clinic.organization, version=1).count() == size
    assert AuditEvent.objects.filter(action="medication_definition.create", outcome="ok").count() == SIZES[MedicationDefinition]
    clinic.organization.refresh_from_db()
    assert clinic.organization.catalog_version > stamp
    assert install(clinic) == {model: CatalogCounts(unchanged=size) for model, size in SIZES.items()}
    assert AllergyDefinition.objects.count() == SIZES[AllergyDefinition]


def test_what_is_there_by_name_or_by_code_is_left_as_it_is(clinic):
    named = clinic.catalog(AllergyDefinition, "LATEX")
    coded = clinic.catalog(AllergyDefinition, "Aspirin and the like", concept_system="rxnorm", concept_code="1191")
    gone = clinic.catalog(MedicationDefinition, "Warfarin 5 mg tablet")
    archive_catalog_row(actor=SYSTEM, row=gone, base_version=1)
    same_code_elsewhere = clinic.catalog(AllergyDefinition, "Something", concept_system="local", concept_code="111088007")
    counts = install(clinic)
    assert (counts[AllergyDefinition].unchanged, counts[MedicationDefinition].unchanged) == (2, 1)
    for row in (named, coded, gone, same_code_elsewhere):
        stored = type(row).objects.get(pk=row.pk)
        assert (stored.name, stored.ingredients, stored.version) == (row.name, [], 2 if row is gone else 1)
    assert not MedicationDefinition.objects.filter(name=gone.name, deleted_at=None).exists()


def test_a_row_that_was_renamed_since_is_known_by_its_code(clinic):
    install(clinic)
    clinic_name = AllergyDefinition.objects.filter(name="Ibuprofen")
    clinic_name.update(name="Brufen", name_key="brufen")
    assert install(clinic)[AllergyDefinition] == CatalogCounts(unchanged=SIZES[AllergyDefinition])


def test_another_organization_gets_nothing(clinic, neighbour):
    install(clinic)
    for model in FILES:
        assert not model.objects.filter(organization=neighbour.organization).exists()
    assert install(neighbour)[AllergyDefinition].unchanged == 0


def test_an_installation_that_fails_leaves_nothing(clinic, monkeypatch):
    def fail(done: int, total: int) -> None:
        if done == total:
            raise OSError

    with pytest.raises(OSError):  # noqa: PT011
        install_starter_catalog(actor=SYSTEM, organization=clinic.organization, progress=fail)
    assert not any(model.objects.exists() for model in FILES)


WARNS = [
    ("Penicillins", "Amoxicillin 500 MG Oral Tablet", "class"),
    ("Penicillins", "Amoxicillin 250 MG / Clavulanate 125 MG Oral Tablet", "class"),
    ("Amoxicillin", "Amoxicillin 250 MG Oral Capsule", "ingredient"),
    ("Penicillin V", "Amoxicillin 500 MG Oral Tablet", "class"),
    ("Non-steroidal anti-inflammatory drugs", "Ibuprofen 200 MG Oral Tablet", "class"),
    ("Aspirin", "Naproxen sodium 220 MG Oral Tablet", "class"),
    ("Ibuprofen", "Ibuprofen 200 MG Oral Tablet", "ingredient"),
    ("Codeine", "Acetaminophen 500 mg / codeine 30 mg tablet", "ingredient"),
    ("Local anaesthetics of the amide type", "Articaine 4 % with epinephrine 1:100,000, dental cartridge", "class"),
    ("Sulfites", "Lidocaine 2 % with epinephrine 1:100,000, dental cartridge", "class"),
    ("Chlorhexidine", "Chlorhexidine 0.12 % mouth rinse", "ingredient"),
    ("Sulfonamide antibiotics", "Sulfamethoxazole 800 mg / trimethoprim 160 mg tablet", "class"),
]
SILENT = [
    ("Penicillins", "Clindamycin 150 mg capsule"),
    ("Penicillins", "Ibuprofen 200 MG Oral Tablet"),
    ("Non-steroidal anti-inflammatory drugs", "Acetaminophen 500 MG Oral Tablet"),
    ("Sulfites", "Mepivacaine 3 %, dental cartridge"),
    ("Local anaesthetics of the ester type", "Lidocaine 5 % ointment"),
    ("Latex", "Amoxicillin 500 MG Oral Tablet"),
]


def test_the_rows_run_into_each_other_as_a_clinician_expects(clinic, api):
    install(clinic)
    allergens, products = ({row.name: row for row in model.objects.all()} for model in FILES)
    for allergen, product, basis in [*WARNS, *((*pair, None) for pair in SILENT)]:
        charts = Charts(clinic, clinic.patient(), api())
        charts.made("allergies", {"allergy_definition_uuid": str(allergens[allergen].uuid)})
        made = charts.made("medications", {"medication_definition_uuid": str(products[product].uuid)})
        assert warnings_of(made) == ([("drug_allergy", basis, allergen)] if basis else []), (allergen, product)


# --- the command ------------------------------------------------------------------------------------


def test_the_command_tells_what_it_did(clinic):
    out = io.StringIO()
    for _ in range(2):
        call_command("load_starter_catalog", organization=clinic.organization.slug, stdout=out, stderr=io.StringIO())
    allergies, medications = SIZES[AllergyDefinition], SIZES[MedicationDefinition]
    assert out.getvalue().splitlines() == [
        f"Allergy definitions: {allergies} created, 0 unchanged.",
        f"Medication definitions: {medications} created, 0 unchanged.",
        f"Allergy definitions: 0 created, {allergies} unchanged.",
        f"Medication definitions: 0 created, {medications} unchanged.",
    ]


def test_the_command_shows_its_progress_to_people_only(clinic):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    seen, silent = Terminal(), io.StringIO()
    call_command("load_starter_catalog", organization=clinic.organization.slug, stdout=io.StringIO(), stderr=seen)
    call_command("load_starter_catalog", organization=clinic.organization.slug, stdout=io.StringIO(), stderr=silent)
    total = sum(SIZES.values())
    assert seen.getvalue().endswith(f"{total} of {total} rows\n")
    assert silent.getvalue() == ""


def test_the_command_needs_an_organization_that_is_there(db):
    with pytest.raises(CommandError, match="no organization with the slug nowhere"):
        call_command("load_starter_catalog", organization="nowhere")


def test_the_data_lies_inside_the_package():
    assert {path.name for path in starter_catalog.DATA.iterdir()} >= {"starter_codings.csv", *FILES.values()}
