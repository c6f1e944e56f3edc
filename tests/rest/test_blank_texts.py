"""A required text of which nothing can be seen is blank: every door refuses it as it refuses an empty one."""

import csv
import io

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse
from rest_framework import serializers

from accounts.models import Role
from accounts.scope import Actor
from accounts.services.catalogs import create_catalog_row, update_catalog_row
from accounts.services.keys import issue_key
from accounts.services.organizations import create_organization, update_organization
from clinical.models import SocialHistory
from config.core.exceptions import Invalid
from config.core.orm import validate_options
from patients.models import Patient, Provider
from patients.services.charts import create_entry
from patients.services.patients import create_patient, update_patient
from tests.pages import sign_in
from tests.rest.test_text_limits import FIELDS
from tests.rest.wire import CHANGES, DIALECTS, Wire

ACTOR = Actor.system("tests")
BLANKS = [" ", "\t\n", "\xa0\u3000", "\u200b", "\u200d\ufeff", "\u0301", "\u202e\u2066", "\u2800", "\u3164\u115f", "\ufe0f"]
NAMES = {"practice": ("first_name", "last_name"), "general": ("first_name", "last_name"), "public": ("firstName", "lastName")}


REQUIRED = [where for where, field in FIELDS.items() if isinstance(field, serializers.CharField) and not field.allow_blank]


@pytest.mark.parametrize("where", REQUIRED)
def test_a_text_that_may_not_be_empty_may_not_be_blank(where):
    for text in ("", *BLANKS):
        with pytest.raises(serializers.ValidationError) as refusal:
            FIELDS[where].run_validation(text)
        assert refusal.value.get_codes() == ["blank"], text


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_blank_name_is_refused_in_the_words_of_an_empty_one(clinic, dialect):
    wire, patient = Wire(dialect, clinic), clinic.patient(last_name="Kept")
    for name in NAMES[dialect]:
        empty = wire.create(wire.values(**{name: ""}))
        assert wire.named(empty) == [name]
        for text in BLANKS:
            assert wire.create(wire.values(**{name: text})).content == empty.content, text
        if dialect in CHANGES:
            assert wire.named(wire.change(patient, {name: "\u200b"})) == [name]
    assert list(Patient.objects.values_list("last_name", flat=True)) == ["Kept"]


def test_the_general_dialect_says_that_a_name_cannot_be_blank(clinic):
    wire = Wire("general", clinic)
    assert wire.create(wire.values(first_name="\u3164")).json()["errors"] == {"first_name": ["can't be blank"]}


def test_joiners_within_a_name_stay(clinic):
    wire = Wire("practice", clinic)
    assert wire.create(wire.values(first_name="علی\u200cرضا")).json()["first_name"] == "علی\u200cرضا"


def test_blank_names_fail_their_rows_of_bulk_requests_and_files(clinic, api, tmp_path):
    rows = [{"first_name": text, "last_name": "B"} for text in ("A", *BLANKS)]
    results = api().post(f"{clinic.base}/patients/bulk", {"rows": rows}).json()["results"]
    assert [result["status"] for result in results] == ["created", *["failed"] * len(BLANKS)]
    path = tmp_path / "people.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["first_name", "last_name"], ["A", "\u2800"], ["\u200b", "B"]])
    with pytest.raises(CommandError):
        call_command("import_patients", path, organization=clinic.organization.slug, stdout=io.StringIO(), stderr=io.StringIO())
    with path.with_suffix(".errors.csv").open(newline="") as file:
        assert [row["field"] for row in csv.DictReader(file)] == ["last_name", "first_name"]
    assert Patient.objects.count() == 1


# --- services -----------------------------------------------------------------------------------------
SERVICES = {
    "a new patient": lambda clinic, text: create_patient(
        actor=ACTOR, organization=clinic.organization, values={"first_name": text, "last_name": "B"}
    ),
    "a patient": lambda clinic, text: update_patient(
        actor=ACTOR, patient_id=clinic.patient().pk, base_version=1, changes={"last_name": text}
    ),
    "an identifier": lambda clinic, text: create_patient(
        actor=ACTOR,
        organization=clinic.organization,
        values={"first_name": "A", "last_name": "B"},
        identifiers=[{"system": text, "value": "1"}],
    ),
    "a new row of a catalog": lambda clinic, text: create_catalog_row(
        actor=ACTOR, model=Provider, organization=clinic.organization, name=text
    ),
    "a row of a catalog": lambda clinic, text: update_catalog_row(
        actor=ACTOR, row=clinic.catalog(Provider, "A"), base_version=1, changes={"name": text}
    ),
    "a new organization": lambda clinic, text: create_organization(actor=ACTOR, name=text, slug="blank"),
    "an organization": lambda clinic, text: update_organization(
        actor=ACTOR, organization=clinic.organization, changes={"name": text}
    ),
    "a key": lambda clinic, text: issue_key(actor=ACTOR, user=clinic.users[Role.HC_ADMIN], description=text),
    "an entry of a chart": lambda clinic, text: create_entry(
        actor=ACTOR, model=SocialHistory, patient_id=clinic.patient().pk, kind="occupation", value=text
    ),
}


@pytest.mark.parametrize("what", SERVICES)
def test_services_refuse_blank_texts(clinic, what):
    with pytest.raises(Invalid) as refusal:
        SERVICES[what](clinic, "\u200b ")
    assert refusal.value.code == "blank"


def test_an_option_is_not_blank():
    with pytest.raises(Exception, match="none of them empty"):
        validate_options(["\u3000"])


# --- the admin ----------------------------------------------------------------------------------------
def test_forms_of_the_admin_refuse_blank_texts(clinic):
    client = sign_in(clinic.users[Role.HC_ADMIN])
    for text in ("", "\u200b", "\u2800"):
        registered = client.post(reverse("admin:register"), {"first_name": text, "last_name": "B"})
        assert registered.context["form"].errors == {"first_name": ["This field is required."]}
        added = client.post(reverse("admin:patients_provider_add"), {"name": text})
        assert added.context["adminform"].form.errors["name"] == ["This field is required."]
    assert not Patient.objects.exists()
