"""The practice API by its generated client, on a running demo."""

from datetime import date
from http import HTTPStatus

from anamnesis_practice_api_client.api.patients import create_patient, list_patients, update_patient
from anamnesis_practice_api_client.models import (
    Patient,
    PatientPage,
    PatientRequest,
    PatientUpdateRequest,
    Problem,
    ValidationProblem,
)
from anamnesis_practice_api_client.types import Response
from clients import ORG, PATIENT, parsed, practice
from every_get import called
from pages import every_patient


def create(last_name: str, key: str) -> Response[object]:
    """Send the create of a patient."""
    body = PatientRequest(first_name="Ada", last_name=last_name, date_of_birth=date(1990, 2, 3))
    answer = create_patient.sync_detailed(ORG, client=practice, body=body, idempotency_key=key)
    return Response(answer.status_code, answer.content, answer.headers, answer.parsed)


def test_a_list_is_a_page_with_the_total() -> None:
    page = parsed(PatientPage, list_patients.sync(ORG, client=practice, page_size=2))

    assert len(page.items) == 2
    assert page.total > 2


def test_a_create_is_processed_once_for_each_idempotency_key() -> None:
    first = parsed(Patient, create("Quist", "python-once").parsed)
    again = create("Quist", "python-once")
    other = create("Other", "python-once")

    assert parsed(Patient, again.parsed) == first
    assert again.headers["Idempotent-Replayed"] == "true"
    assert first.date_of_birth == date(1990, 2, 3)
    assert other.status_code == HTTPStatus.CONFLICT
    assert parsed(Problem, other.parsed).detail == "Idempotency conflict"


def test_values_that_do_not_validate_are_named() -> None:
    answer = create("", "python-invalid")

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert [problem.loc for problem in parsed(ValidationProblem, answer.parsed).detail] == [["body", "last_name"]]


def test_a_change_made_on_an_older_version_is_refused() -> None:
    patient = parsed(Patient, create("Version", "python-version").parsed)
    changed, stale = (
        update_patient.sync(
            ORG,
            patient.id,
            client=practice,
            body=PatientUpdateRequest(base_version=patient.version, last_name=last_name),
        )
        for last_name in ("Changed", "Stale")
    )

    assert parsed(Patient, changed).last_name == "Changed"
    expected = f"Version conflict: expected {patient.version + 1}, got {patient.version}"
    assert parsed(Problem, stale).detail == expected


def test_a_walk_by_cursors_meets_every_patient_once() -> None:
    total = parsed(PatientPage, list_patients.sync(ORG, client=practice)).total
    met = [patient.id for patient in every_patient(practice, ORG, first=3)]

    assert total > 6
    assert (len(met), len(set(met))) == (total, total)


def test_every_get_answers_as_its_model_says() -> None:
    assert called(practice, org_id=ORG, patient_uuid=PATIENT) > 60
