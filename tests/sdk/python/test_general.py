"""The general API by its generated client, on a running demo."""

from datetime import date

from anamnesis_general_api_client.api.patients import create_patient, get_patient, list_patients
from anamnesis_general_api_client.models import Patient, PatientRequest, PatientRequestBody, ValidationProblem
from clients import general, parsed
from every_get import called


def create(first_name: str) -> object:
    """Send the create of a patient."""
    patient = PatientRequest(first_name=first_name, last_name="General", date_of_birth=date(1990, 2, 3))
    return create_patient.sync(client=general, body=PatientRequestBody(patient))


def test_patients_are_listed_created_and_read() -> None:
    listed = list_patients.sync_detailed(client=general, page_size=2)
    assert len(parsed(list, listed.parsed)) == 2
    assert int(listed.headers["X-Total"]) > 2

    created = parsed(Patient, create("Ada"))
    assert isinstance(created.id, int)
    assert get_patient.sync(created.id, client=general) == created


def test_values_that_do_not_validate_are_named() -> None:
    assert list(parsed(ValidationProblem, create("")).errors.to_dict()) == ["first_name"]


def test_every_get_answers_as_its_model_says() -> None:
    patients = parsed(list, list_patients.sync(client=general))

    assert called(general, patient_id=patients[0].id) == 3
