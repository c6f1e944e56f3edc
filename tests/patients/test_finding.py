"""Finding people in the admin while somebody types: whom it shows, in which order, to whom, and what of it is kept."""

import datetime
from html import unescape

import pytest
from django import forms
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.authentication import actor_of_user
from accounts.models import AuditedPatient, AuditEvent, Organization, Role
from accounts.scope import Actor
from patients.admin.pickers import PatientField
from patients.finding import MAX_FOUND, find_patients
from patients.models import Patient
from patients.templatetags.finding import marked
from tests.factories import Clinic, archive
from tests.pages import sign_in


def actor(clinic: Clinic, role: str = Role.HC_ADMIN) -> Actor:
    return actor_of_user(clinic.users[role], route="tests")


def names(clinic: Clinic, text: str, role: str = Role.HC_ADMIN) -> list[str]:
    return [patient.first_name for patient in find_patients(actor(clinic, role), text).patients]


@pytest.fixture
def ann(clinic) -> Patient:
    return clinic.patient(first_name="Ann", last_name="Lee", chart_number="RV-1", care_group_id=clinic.group.pk)


@pytest.fixture
def client(clinic) -> Client:
    return sign_in(clinic.users[Role.HC_ADMIN])


def asked(client: Client, page: str, **query: str) -> str:
    response = client.get(reverse(f"admin:{page}"), query)
    assert response.status_code == 200
    return unescape(response.content.decode())


# --- whom it shows ----------------------------------------------------------------------------------
def test_names_that_begin_with_what_was_typed_come_first(clinic, ann):
    clinic.patient(first_name="Hannah", last_name="Abel")
    clinic.patient(first_name="Zed", last_name="Annand")
    clinic.patient(first_name="Joan", last_name="Annand")
    assert names(clinic, "ann") == ["Joan", "Zed", "Ann", "Hannah"]


@pytest.mark.parametrize(("country", "first"), [("US", "August"), ("NL", "June")])
def test_of_an_ambiguous_date_the_day_that_the_country_means_comes_first(clinic, country, first):
    Organization.objects.filter(pk=clinic.organization.pk).update(country=country)
    clinic.patient(first_name="June", last_name="Both", date_of_birth=datetime.date(1959, 6, 8))
    clinic.patient(first_name="August", last_name="Both", date_of_birth=datetime.date(1959, 8, 6))
    found = names(clinic, "8/6/1959")
    assert (found[0], len(found)) == (first, 2)


def test_at_most_twenty_are_shown_and_more_are_told(clinic):
    for _ in range(MAX_FOUND):
        clinic.patient(last_name="Same")
    found = find_patients(actor(clinic), "same")
    assert (len(found.patients), found.more) == (MAX_FOUND, False)
    clinic.patient(last_name="Same")
    found = find_patients(actor(clinic), "same")
    assert (len(found.patients), found.more) == (MAX_FOUND, True)


def test_only_unarchived_patients_in_scope_are_found(clinic, neighbour, ann):
    clinic.patient(first_name="Other", last_name="Lee", care_group_id=clinic.other_group.pk)
    archive(clinic.patient(first_name="Gone", last_name="Lee"))
    neighbour.patient(first_name="Foreign", last_name="Lee")
    assert names(clinic, "lee") == ["Ann", "Other"]
    assert names(clinic, "lee", Role.HC_PRIMARY) == ["Ann"]
    assert names(clinic, "lee", Role.PATIENT) == []


def test_whom_it_shows_is_audited_each_time(client, ann):
    other = asked(client, "find", q="lee") and asked(client, "find", q="lee")
    assert "Lee" in other
    found = AuditedPatient.objects.filter(patient_id=ann.pk, event__route="admin/find/")
    assert list(found.values_list("event__action", flat=True)) == ["patient.search"] * 2
    asked(client, "find", q="nobody")
    assert AuditEvent.objects.filter(action="patient.search", route="admin/find/").count() == 3


def test_it_costs_the_same_statements_for_one_and_for_twenty(clinic, client, ann):
    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            asked(client, "find", q="lee")
        return len(captured)

    statements()
    few = statements()
    for _ in range(10):
        clinic.patient(last_name="Lee")
    assert statements() == few


# --- what the answers say -----------------------------------------------------------------------------
def test_a_row_tells_people_apart(clinic, client):
    born = datetime.date(1957, 1, 4)
    clinic.patient(
        first_name="Hugo", last_name="Abernathy", date_of_birth=born, chart_number="RV-17", home_phone="555", status="prospective"
    )
    answer = asked(client, "find", q="abern")
    for text in ("<mark>Abern</mark>athy, Hugo", "born 4 Jan 1957", "RV-17", "555", "Prospective", "1 patient"):
        assert text in answer


def test_nobody_is_found_in_words(client):
    assert "No patient matches “zzz <b>”." in asked(client, "find", q="zzz <b>")
    assert "<b>" not in client.get(reverse("admin:find"), {"q": "zzz <b>"}).content.decode()


@pytest.mark.parametrize(
    ("text", "words", "shown"),
    [("Lee, Ann", ["an", "l"], "<mark>L</mark>ee, <mark>An</mark>n"), ("A<b", ["<"], "A<mark>&lt;</mark>b"), ("Æ", ["a"], "Æ")],
)
def test_what_was_typed_is_marked(text, words, shown):
    assert marked(text, words) == shown


# --- the palette --------------------------------------------------------------------------------------
def test_the_palette_finds_pages_commands_and_patients(clinic, client, ann):
    assert "Lee" in asked(client, "search", q="lee")
    assert f'data-href="{reverse("admin:patients_patient_changelist")}"' in asked(client, "search", q="pati")
    assert 'data-click="#logout-form button"' in asked(client, "search", q="sign out")
    assert 'data-click="[data-theme=dark]"' in asked(client, "search", q="theme")
    everything = asked(client, "search")
    assert "Alerts" in everything
    assert "Sign out" in everything
    assert "Lee" not in everything


def test_the_palette_offers_only_what_the_caller_may_open(clinic):
    shown = asked(sign_in(clinic.users[Role.HC_PRIMARY]), "search", q="a")
    assert "Audit events" not in shown
    assert "API keys" not in shown
    assert "Appointments" in shown


def test_the_palette_keeps_nothing_and_reads_scope_anew(clinic, ann):
    caregiver = clinic.users[Role.HC_PRIMARY]
    client = sign_in(caregiver)
    assert "RV-1" in asked(client, "search", q="lee")
    kept = [key for key in getattr(cache, "_cache", {}) if "search" in key]
    assert kept == []
    Patient.objects.filter(pk=ann.pk).update(care_group_id=clinic.other_group.pk)
    assert "RV-1" not in asked(client, "search", q="lee")


# --- Django's own pickers and the list ----------------------------------------------------------------
@pytest.mark.parametrize("text", ["Lee, Ann", "lee,ann", "4 feb 1990", "2/4/1990", "rv1", "Lee, Ann, RV-1"])
def test_suggestions_and_the_list_find_the_same(clinic, client, ann, text):
    clinic.patient(first_name="Ann", last_name="Other")
    Patient.objects.filter(pk=ann.pk).update(search_text=f"{ann.search_text} 1990-02-04")
    named = {"app_label": "patients", "model_name": "patient", "field_name": "responsible_party", "term": text}
    assert [found["id"] for found in client.get("/admin/autocomplete/", named).json()["results"]] == [str(ann.pk)]
    listed = client.get(reverse("admin:patients_patient_changelist"), {"q": text})
    assert [patient.pk for patient in listed.context["cl"].result_list] == [ann.pk]
    assert f'href="{reverse("admin:chart", args=[ann.pk])}"' in listed.content.decode()


def test_a_list_without_a_match_leads_to_registering(client):
    page = unescape(client.get(reverse("admin:patients_patient_changelist"), {"q": "Zephyr"}).content.decode())
    assert "No patient matches “Zephyr”." in page
    assert 'data-registering="Zephyr"' in page


# --- the field of forms -------------------------------------------------------------------------------
class Booking(forms.Form):
    patient = PatientField()

    def __init__(self, *args, actor: Actor, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["patient"].actor = actor


def test_the_field_takes_a_patient_in_scope(clinic, ann):
    form = Booking({"patient": str(ann.pk)}, actor=actor(clinic, Role.HC_PRIMARY))
    assert form.is_valid()
    assert form.cleaned_data["patient"] == ann
    assert AuditedPatient.objects.filter(patient_id=ann.pk, event__action="patient.search").exists()


@pytest.mark.parametrize("sent", ["other group", "foreign", "archived", "0", "-1", "x", "", str(2**70)])
def test_the_field_refuses_whom_the_caller_cannot_choose(clinic, neighbour, sent):
    people = {
        "other group": lambda: clinic.patient(care_group_id=clinic.other_group.pk),
        "foreign": neighbour.patient,
        "archived": lambda: archive(clinic.patient(care_group_id=clinic.group.pk)),
    }
    value = str(people[sent]().pk) if sent in people else sent
    form = Booking({"patient": value}, actor=actor(clinic, Role.HC_PRIMARY))
    assert not form.is_valid()
    assert "Choose" in form.errors["patient"][0]


def test_the_field_shows_whom_it_has_by_label_and_nobody_else(clinic, neighbour, ann):
    shown = str(Booking(initial={"patient": ann}, actor=actor(clinic))["patient"])
    assert 'value="Lee, Ann, RV-1"' in shown
    assert f'value="{ann.pk}"' in shown
    foreign = neighbour.patient(last_name="Foreign")
    hidden = str(Booking(initial={"patient": foreign.pk}, actor=actor(clinic))["patient"])
    assert "Foreign" not in hidden
    assert f'value="{foreign.pk}"' not in hidden
