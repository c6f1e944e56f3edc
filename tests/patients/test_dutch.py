"""What people who read Dutch see of patients and imports. APIs say the same in English."""

import pytest
from django.contrib import admin
from django.contrib.admin.utils import flatten_fieldsets
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils.translation import override

from accounts.models import Role, User
from accounts.practice.catalogs import CatalogViewSet
from config.rest.bulk_reader import BulkReader
from patients.input_serializers import ImportedPatient
from patients.model_names import CLASSES, COLUMNS, IMPORTED
from patients.models import FeeSchedule, FieldDefinition, FieldValue, Patient, PatientImport
from patients.practice.changes import PracticeChangesViewSet
from patients.practice.serializers import PracticePatientOut
from tests.pages import sign_in, submit

REGISTER, ALIKE = "/admin/patients/register/", "/admin/patients/register/alike/"


@pytest.fixture
def client(clinic) -> Client:
    """An administrator who reads Dutch."""
    user = clinic.users[Role.HC_ADMIN]
    User.objects.filter(pk=user.pk).update(language="nl")
    return sign_in(user)


def test_a_form_says_what_is_wrong(client):
    page = client.post(REGISTER, {"last_name": "Jansen", "date_of_birth": "1 jan 2999"}).content.decode()
    for words in ("Voornaam", "Dit veld is verplicht.", "Er is nog niets opgeslagen."):
        assert words in page, words
    page = client.post(REGISTER, {"first_name": "Ada", "last_name": "Jansen", "date_of_birth": "1 jan 2999"}).content.decode()
    assert "De geboortedatum moet in het verleden liggen, en binnen een mensenleven." in page


def test_a_plural_is_one_of_the_language(clinic, client):
    typed = {"last_name": "Jansen", "mobile_phone": "(202) 555-0143"}
    for told in ("1 patiënt lijkt op deze", "2 patiënten lijken op deze"):
        clinic.patient(first_name="Ada", last_name="Jansen", mobile_phone="202 555 0143")
        page = client.post(ALIKE, typed).content.decode()
        assert told in page
        assert "Gelijk: achternaam" in page


def test_a_service_refuses_in_the_language_of_the_page_and_an_api_in_english(clinic, client, api):
    patient = clinic.patient()
    clinic.patient(responsible_party_id=patient.pk)
    refused = client.post(f"/admin/patients/patient/{patient.pk}/life-cycle/archive/")
    assert refused.status_code == 422
    assert "De patiënt is de verantwoordelijke van andere patiënten." in refused.content.decode()
    answer = api().post(f"{clinic.base}/patients/{patient.uuid}/archive")
    assert "The patient is the guarantor of active dependents." in answer.content.decode()


def test_names_of_statuses_and_columns_follow_and_what_is_stored_does_not(clinic, client):
    patient = clinic.patient(status="prospective")
    page = client.get("/admin/patients/patient/").content.decode()
    assert "In voorbereiding" in page
    assert "Geboren" in page
    answer = client.post(f"/admin/patients/patient/{patient.pk}/life-cycle/status/", {"base_version": 1, "new_status": "active"})
    assert answer.status_code == 204
    patient.refresh_from_db()
    assert patient.status == "active"
    assert str(patient).startswith("Patient ")


def test_a_number_is_typed_with_a_comma_or_a_point(clinic, client):
    patient = clinic.patient()
    weight = clinic.catalog(FieldDefinition, "Birth weight", field_type="number")
    dialog = f"/admin/patients/patient/{patient.pk}/add/fields/"
    for typed, stored in (("5,6", 5.6), ("5.7", 5.7)):
        assert client.post(dialog, {str(weight.pk): typed}).status_code == 204
        assert FieldValue.objects.get(patient=patient).value == stored
    assert 'value="5,7"' in client.get(dialog).content.decode()
    assert submit(client, Patient, patient.pk, balance_total="512,30").status_code == 302
    patient.refresh_from_db()
    assert str(patient.balance_total) == "512.30"


def test_a_number_in_english_has_a_point(clinic):
    patient = clinic.patient()
    weight = clinic.catalog(FieldDefinition, "Birth weight", field_type="number")
    english = sign_in(clinic.users[Role.HC_ADMIN])
    dialog = f"/admin/patients/patient/{patient.pk}/add/fields/"
    assert english.post(dialog, {str(weight.pk): "5,6"}).status_code == 422
    assert english.post(dialog, {str(weight.pk): "5.6"}).status_code == 204
    assert 'value="5.6"' in english.get(dialog).content.decode()


def test_an_import_speaks_dutch_and_its_table_of_errors_is_read_again(clinic, client):
    file = SimpleUploadedFile("mensen.csv", b"first_name,last_name,mobile_phone\nAda,Jansen,\nBo,Ray,1.23E+10\nCy,,\n")
    sent = {"mode": "create", "match_on": "chart_number", "on_error": "continue", "file": file}
    page = client.post("/admin/patients/imports/", sent, follow=True).content.decode()
    assert "Rijen controleren" in page
    run = PatientImport.objects.filter(organization=clinic.organization).latest("pk")
    address = f"/admin/patients/imports/{run.pk}/"
    client.post(f"{address}step/", headers={"HX-Request": "true"})
    page = client.get(address).content.decode()
    for words in ("3 rijen, door", "1 rij importeren", "Dit veld is verplicht.", "is een getal in wetenschappelijke notatie"):
        assert words in page, words
    errors = client.get(f"{address}errors/").content.decode()
    assert errors.startswith("line,field,message,first_name")


def test_every_name_that_django_makes_is_there_for_translators():
    shown = {*BulkReader(ImportedPatient).fields} - {"base_version"}
    assert {name.replace("_", " ").replace("uuid", "UUID") for name in shown} <= {*COLUMNS, *IMPORTED}
    for model, page in admin.site._registry.items():
        if model._meta.app_label == "patients":
            assert model._meta.verbose_name_raw in CLASSES
            columns = [field for field in model._meta.fields if field.name in flatten_fieldsets(page.fieldsets)]
            with override(None):
                assert {str(field.verbose_name) for field in columns if field._verbose_name is None} <= {*CLASSES, *COLUMNS}


def test_what_an_api_says_is_english_even_if_it_is_loaded_for_a_dutch_page():
    with override("nl"):
        changes = PracticeChangesViewSet.of(PracticePatientOut)

        class Again(CatalogViewSet):
            model = FeeSchedule

    assert str(changes.__doc__).startswith("What has changed of patients, ")
    assert "one of the patients:" in str(changes.serializer_class.__doc__)
    assert Again.lookup_url_kwarg == "schedule_uuid"
