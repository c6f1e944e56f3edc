"""Every example of the public and general APIs' documents is sent, and answered as the document shows.

The rows are made of the answers: what an answer shows of a patient or in a report is stored beforehand.
"""

import datetime

import pytest

from accounts.models import Role, User, UserStatus
from clinical.models import Instrument, Measurement
from tests.clock import Clock, moment
from tests.conftest import ApiClient
from tests.contracts.documented_examples import Example, differences, examples
from tests.contracts.example_rows import general_patient, name_catalogs, of_report, public_patient, stored
from tests.contracts.test_live_contract import fields_named
from tests.factories import Clinic

DOCUMENTS = {"public-introduction": 8, "public-patients": 6, "public-export": 13, "general-patients": 8}
"""How many examples each document has. Those of the practice API are in test_practice_examples.py."""
BY_NAME = {name: {example.name: example for example in examples(name)} for name in DOCUMENTS}


def each(document: str):
    """Return a mark that runs a test with each example of `document`."""
    return pytest.mark.parametrize("example", examples(document), ids=str)


def sent(client: ApiClient, example: Example, prefix: str = "", **ids):
    """Send an example and return its answer, which must be the one that is shown."""
    method, path, body = example.request(**ids)
    response = client(method, prefix + path, body)
    assert response.status_code == example.status, response.content
    return response.json()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_no_example_of_a_document_is_forgotten(document):
    assert len(examples(document)) == DOCUMENTS[document]


# --- public ---------------------------------------------------------------------------------------
def shown_by(example: Example) -> dict:
    data = example.answer["data"]
    return data[0] if isinstance(data, list) else data


@each("public-patients")
def test_an_example_of_patients_is_answered_as_shown(clinic, neighbour, api, example):
    shown = shown_by(example)
    if example.body is None:
        patient = public_patient(clinic, neighbour, shown)
        for _ in range(example.further):
            stored(clinic.patient(), created_at=moment(shown["updatedAt"]))
        ids = {"id": patient.uuid}
    else:
        name_catalogs(clinic, *(shown[part]["name"] for part in ("organization", "group", "program", "protocol")))
        rows = {"organization": clinic.organization, "group": clinic.group, **clinic.catalogs}
        ids = {name: str(row.uuid) for name, row in rows.items()}
    answer = sent(api(), example, **ids)
    assert list(differences(example.answer, answer)) == []


@each("public-introduction")
def test_an_example_of_the_introduction_is_answered_as_shown(clinic, api, example):
    for name in ("alice", "bob", "carol"):
        clinic.patient(email=f"{name}@example.com")
    cursor = api().get("/v1/patients?perPage=1").json()["meta"]["nextCursor"]
    if example.deactivated:
        User.objects.filter(pk=clinic.users[Role.HC_ADMIN].pk).update(status=UserStatus.STOPPED)
    answer = sent(api(), example, cursor=cursor)
    assert list(differences(example.answer, answer)) == []


@each("public-export")
def test_an_example_of_a_report_is_answered_as_shown(clinic, api, example):
    shown = shown_by(example)
    if shown:
        of_report(clinic, example.report, shown)
    else:
        for _ in range(3):
            clinic.patient()
    first = api().get("/v1/export/patients?perPage=1").json()["meta"]["nextCursor"]
    answer = sent(api(), example, cursor=first)
    # Everybody who works for the clinic is in the report of people.
    answer["data"] = [row for row in answer["data"] if example.report != "hcps" or row["Email"] == shown["Email"]]
    assert list(differences(example.answer, answer)) == []


def test_the_days_in_the_documents_request_are_those_that_its_table_forbids(api):
    answer = api().get("/v1/export/starRatings?startDate=2024-05-01&endDate=2024-01-05")
    assert (answer.status_code, fields_named(answer)) == (422, {"startDate", "endDate"})


# --- general --------------------------------------------------------------------------------------
def add_gauge(clinic: Clinic, patient, shown: dict) -> None:
    """Record the value of a gauge that an example shows."""
    gauge = clinic.catalog(
        Instrument, "Mood", code=shown["gauge_type"], scale_min=shown["scale_min"], scale_max=shown["scale_max"]
    )
    at = moment(shown["recorded_at"])
    entry = clinic.entry(
        Measurement, patient, instrument_id=gauge.pk, value_number=shown["value"], measured_at=at, comment=shown["notes"]
    )
    stored(entry, created_at=moment(shown["created_at"]))


@each("general-patients")
def test_an_example_of_the_general_api_is_answered_as_shown(clinic, general, monkeypatch, example):
    Clock(monkeypatch, datetime.datetime(2023, 10, 28, 12, tzinfo=datetime.UTC))
    patient = general_patient(clinic, BY_NAME["general-patients"]["a patient"].answer, care_group_id=clinic.other_group.pk)
    add_gauge(clinic, patient, BY_NAME["general-patients"]["the gauges of a patient"].answer[0])
    answer = sent(general(example.by), example, "/general", patient=patient.pk)
    assert list(differences(example.answer, answer)) == []
