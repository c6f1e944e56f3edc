"""Registering a patient: nobody is stored beside somebody who looks alike until a person has compared them."""

import datetime

import pytest

from accounts.models import AuditedPatient, AuditEvent, Role
from patients.models import OverriddenWarning, Patient
from patients.services.patients import update_patient
from tests.factories import SYSTEM
from tests.pages import sign_in, submit, url
from tests.shared import ELM_STREET

REGISTER, ALIKE = "/admin/patients/register/", "/admin/patients/register/alike/"
ADA = {"first_name": "Ada", "last_name": "Jansen", "date_of_birth": "6 Aug 1959", "mobile_phone": "(202) 555-0143"}


@pytest.fixture
def ada(clinic):
    return clinic.patient(
        first_name="Ada",
        last_name="Jansen",
        date_of_birth=datetime.date(1959, 8, 6),
        mobile_phone="202 555 0143",
        email="ada@mail.example",
        chart_number="HV-7",
        care_group_id=clinic.group.pk,
    )


@pytest.fixture
def client(clinic):
    return sign_in(clinic.users[Role.HC_ADMIN])


def registered() -> int:
    return Patient.objects.filter(last_name="Jansen").count()


def test_a_patient_is_registered_and_their_chart_opened(clinic, client):
    answer = client.post(REGISTER, {**ADA, "street": "Elm Street", "house_number": "7", "care_group": clinic.group.pk})
    patient = Patient.objects.get(last_name="Jansen")
    assert answer.headers["Location"] == f"/admin/patients/patient/{patient.pk}/"
    assert (patient.date_of_birth, patient.address_line1) == (datetime.date(1959, 8, 6), "Elm Street 7")
    assert patient.care_group == clinic.group
    assert not OverriddenWarning.objects.exists()


def test_nothing_is_stored_beside_somebody_who_looks_alike_before_they_are_compared(client, ada):
    answer = client.post(REGISTER, ADA)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert registered() == 1
    for words in ("Jansen, Ada", "HV-7", "Same date of birth", "Same mobile phone", "Very likely"):
        assert words in page
    assert client.post(REGISTER, {**ADA, "compared": "on"}).status_code == 302
    assert registered() == 2
    event = AuditEvent.objects.filter(action="patient.create").latest("pk")
    assert event.overridden == "possible_duplicate.high"
    assert OverriddenWarning.objects.get().subject_id == event.subject_id


def test_who_looks_alike_is_told_while_somebody_types_and_audited(client, ada):
    answer = client.post(ALIKE, {"last_name": "jansen", "date_of_birth": "1959-08-06", "email": "a@b.test"})
    page = answer.content.decode()
    assert "1 patient looks like this one" in page
    assert "E-mail differs: ada@mail.example" in page
    assert "Read as 6 Aug 1959" in page
    assert registered() == 1
    shown = AuditedPatient.objects.filter(event__action="patient.search").values_list("patient_id", flat=True)
    assert list(shown) == [ada.pk]


def test_a_typed_number_is_read_as_the_country_writes_it(client):
    assert "Read as (202) 555-0143" in client.post(ALIKE, {"mobile_phone": "2025550143"}).content.decode()


def test_who_is_out_of_sight_looks_like_nobody(clinic, foreign, ada):
    other = sign_in(foreign.users[Role.HC_ADMIN])
    assert "look" not in other.post(ALIKE, ADA).content.decode()
    update_patient(actor=SYSTEM, patient_id=ada.pk, base_version=None, changes={"care_group_id": clinic.other_group.pk})
    assert "look" not in sign_in(clinic.users[Role.HC_PRIMARY]).post(ALIKE, ADA).content.decode()


def test_an_identity_number_is_not_compared(clinic, client):
    clinic.patient(social_security_number="123-45-6789")
    answer = submit(client, Patient, first_name="Ann", last_name="Lee", social_security_number="123-45-6789")
    assert answer.status_code == 302


def test_the_long_form_asks_too(client, ada):
    values = {"first_name": "Ada", "last_name": "Jansen", "date_of_birth": "1959-08-06"}
    answer = submit(client, Patient, **values)
    assert "Jansen, Ada" in str(answer.context["adminform"].form.errors["someone_else"])
    assert registered() == 1
    assert submit(client, Patient, **values, someone_else="on").status_code == 302
    assert registered() == 2


@pytest.mark.parametrize("path", [REGISTER, ALIKE])
def test_who_may_only_read_registers_nobody(clinic, path):
    reader = sign_in(clinic.users[Role.HC_VIEW_ALL])
    assert reader.post(path, ADA).status_code == 403
    assert registered() == 0


def test_a_rule_of_the_domain_becomes_an_error_of_its_field(client):
    answer = client.post(REGISTER, {**ADA, "date_of_birth": "1 Jan 1860"})
    assert answer.status_code == 200
    assert "within a lifetime" in str(answer.context["form"].errors["date_of_birth"])


def test_a_superadmin_chooses_the_organization_first(clinic):
    superadmin = sign_in(clinic.users[Role.FC_ADMIN])
    assert clinic.organization.name in superadmin.get(REGISTER).content.decode()
    assert superadmin.post(REGISTER, ADA).status_code == 200
    assert registered() == 0
    assert superadmin.post(f"{REGISTER}?organization={clinic.organization.slug}", ADA).status_code == 302
    assert Patient.objects.get(last_name="Jansen").organization == clinic.organization


def test_the_add_button_of_the_list_leads_to_the_short_form(client):
    assert f'href="{REGISTER}"' in client.get(url(Patient, "changelist")).content.decode()
    assert ELM_STREET not in client.get(REGISTER).content.decode()
