"""What a patient owes, in the admin: administrators set it, caregivers read it."""

from decimal import Decimal

import pytest

from accounts.models import AuditEvent, Role
from patients.models import BALANCES, Patient
from tests.pages import form_values, sign_in, submit, url


@pytest.mark.parametrize("role", [Role.HC_ADMIN, Role.FC_ADMIN])
def test_an_administrator_corrects_a_balance(clinic, role):
    patient = clinic.patient()
    assert submit(sign_in(clinic.users[role]), Patient, patient.pk, balance_total="512.30").status_code == 302
    patient.refresh_from_db()
    assert (patient.balance_total, patient.version) == (Decimal("512.30"), 2)
    assert AuditEvent.objects.get(action="patient.update").changed_fields == "balance_total"


def test_a_caregiver_reads_balances_and_sets_none(clinic):
    patient = clinic.patient(care_group_id=clinic.group.pk, balance_total=Decimal("77.25"))
    caregiver = sign_in(clinic.users[Role.HC_PRIMARY])
    page = caregiver.get(url(Patient, "change", patient.pk)).content.decode()
    assert "77.25" in page
    assert not set(BALANCES) & form_values(page, "patient_form").keys()
    submit(caregiver, Patient, patient.pk, balance_total="0.00", city="Hill Valley")
    patient.refresh_from_db()
    assert (patient.balance_total, patient.city) == (Decimal("77.25"), "Hill Valley")


def test_no_body_of_the_api_takes_a_balance(clinic, api):
    body = {"first_name": "Ada", "last_name": "Lovelace", **dict.fromkeys(BALANCES, "9.99")}
    made = api().post(f"{clinic.base}/patients", body).json()
    bulk = api().post(f"{clinic.base}/patients/bulk", {"rows": [body]})
    changed = api().patch(f"{clinic.base}/patients/{made['id']}", {"base_version": 1, **dict.fromkeys(BALANCES, "9.99")})
    assert (bulk.json()["created"], changed.status_code) == (1, 200)
    stored = Patient.objects.filter(organization=clinic.organization).values_list(*BALANCES)
    assert {amount for row in stored for amount in row} == {Decimal(0)}
