"""The public API by its generated client, on a running demo."""

import json
from collections.abc import Iterator
from datetime import date
from http import HTTPStatus

from anamnesis_practice_api_client.api.catalogs import list_care_groups, list_protocols
from anamnesis_practice_api_client.models import CareGroupPage, ProtocolPage
from anamnesis_public_api_client.api.export import (
    get_measurements_report,
    get_measurements_report_csv,
    get_measurements_report_ndjson,
)
from anamnesis_public_api_client.api.patients import create_patient, get_patient, list_patients
from anamnesis_public_api_client.models import (
    MeasurementsReport,
    MeasurementsReportPage,
    PatientCreated,
    PatientPage,
    PatientRequest,
    PatientResponse,
    Problem,
    Sex,
)
from anamnesis_public_api_client.types import UNSET, Unset
from clients import ORG, PATIENT, parsed, practice, public
from every_get import called

FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2099, 12, 31)


def test_patients_are_listed_created_and_read() -> None:
    page = parsed(PatientPage, list_patients.sync(client=public, per_page=2))
    assert len(page.data) == 2
    assert isinstance(page.meta.next_cursor, str)

    group = parsed(CareGroupPage, list_care_groups.sync(ORG, client=practice)).items[0]
    protocol = parsed(ProtocolPage, list_protocols.sync(ORG, client=practice)).items[0]
    body = PatientRequest(
        account_name="python",
        email="python@clinic.example",
        first_name="Ada",
        last_name="Quist",
        sex=Sex.FEMALE,
        organization_id=ORG,
        group_id=group.id,
        program_id=protocol.program.uuid,
        protocol_id=protocol.id,
    )
    created = parsed(PatientCreated, create_patient.sync(client=public, body=body)).data
    assert parsed(PatientResponse, get_patient.sync(created.id, client=public)).data == created


def test_values_that_do_not_validate_are_named() -> None:
    answer = list_patients.sync_detailed(client=public, per_page=1000)

    assert answer.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert [error.attribute for error in parsed(Problem, answer.parsed).errors] == ["perPage"]


def test_a_report_has_the_same_rows_as_pages_csv_and_ndjson() -> None:
    rows = list(report_rows())
    csv = parsed(str, get_measurements_report_csv.sync(client=public, start_date=FIRST_DAY, end_date=LAST_DAY))
    ndjson = parsed(str, get_measurements_report_ndjson.sync(client=public, start_date=FIRST_DAY, end_date=LAST_DAY))

    assert len(rows) > 50
    assert [MeasurementsReport.from_dict(json.loads(line)) for line in ndjson.splitlines()] == rows
    header, *lines = csv.splitlines()
    assert header.split(",") == list(json.loads(ndjson.splitlines()[0]))
    assert len(lines) == len(rows)


def report_rows() -> Iterator[MeasurementsReport]:
    """Yield the rows of the report from its pages."""
    cursor: str | Unset = UNSET
    while True:
        answer = get_measurements_report.sync(client=public, start_date=FIRST_DAY, end_date=LAST_DAY, cursor=cursor)
        page = parsed(MeasurementsReportPage, answer)
        yield from page.data
        if page.meta.next_cursor is None:
            return
        cursor = page.meta.next_cursor


def test_every_get_answers_as_its_model_says() -> None:
    assert called(public, patient_id=PATIENT, start_date=FIRST_DAY, end_date=LAST_DAY) > 35
