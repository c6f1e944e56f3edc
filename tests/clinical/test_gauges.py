"""Gauges of the general dialect: the numeric measurements of a patient."""

from decimal import Decimal

import pytest

from accounts.models import Role
from clinical.models import Instrument, Measurement
from clinical.services.instruments import GAUGES
from tests.factories import archive


@pytest.fixture
def patient(clinic):
    return clinic.patient(care_group_id=clinic.group.pk)


@pytest.fixture
def path(patient) -> str:
    return f"/general/v1/patients/{patient.pk}/gauges"


def test_a_gauge_is_recorded_and_listed(general, path, patient):
    gauge = {"gauge_type": "mood", "value": 7, "recorded_at": "2023-10-27T14:30:00.000Z", "notes": "Feeling better"}
    answer = general(Role.HC_PRIMARY).post(path, {"gauge": gauge})
    assert answer.status_code == 201, answer.content
    shown = answer.json()
    stored = Measurement.objects.get()
    assert shown == {
        "id": stored.pk,
        "patient_id": patient.pk,
        "gauge_type": "mood",
        "value": 7,
        "scale_min": 1,
        "scale_max": 10,
        "recorded_at": "2023-10-27T14:30:00.000Z",
        "notes": "Feeling better",
        "created_at": shown["created_at"],
    }
    listed = general(Role.HC_PRIMARY).get(path)
    assert listed.json() == [shown]
    assert (listed["X-Total"], listed["X-Page"], listed["X-Page-Size"]) == ("1", "1", "25")


@pytest.mark.parametrize("code", GAUGES)
def test_the_gauge_types_that_ship_need_no_preparation(general, path, clinic, code):
    name, least, most = GAUGES[code]
    for value in (least, most):
        assert general().post(path, {"gauge": {"gauge_type": code, "value": value}}).status_code == 201
    for value in (least - 1, most + 1):
        answer = general().post(path, {"gauge": {"gauge_type": code, "value": value}})
        assert (answer.status_code, list(answer.json()["errors"])) == (422, ["value"])
    assert Instrument.objects.get(organization=clinic.organization, code=code).name == name


def test_more_types_can_be_added_and_shipped_ones_archived(general, api, path, clinic):
    clinic.catalog(Instrument, "Steps", code="steps", scale_min=Decimal(0))
    shown = general().post(path, {"gauge": {"gauge_type": "steps", "value": 4000}}).json()
    assert (shown["scale_min"], shown["scale_max"]) == (0, None)
    general().post(path, {"gauge": {"gauge_type": "mood", "value": 5}})
    mood = Instrument.objects.get(code="mood")
    api().post(f"{clinic.base}/instruments/{mood.uuid}/archive", {"base_version": 1})
    assert general().post(path, {"gauge": {"gauge_type": "mood", "value": 5}}).status_code == 422
    assert len(general().get(path, {"gauge_type": "mood"}).json()) == 1, "what was measured stays"


@pytest.mark.parametrize(
    ("gauge", "fields"),
    [
        ({}, ["gauge_type", "value"]),
        ({"gauge_type": "nope", "value": 5}, ["gauge_type"]),
        ({"gauge_type": "mood", "value": "five"}, ["value"]),
        ({"gauge_type": "mood", "value": None}, ["value"]),
        ({"gauge_type": "mood", "value": 5, "recorded_at": "yesterday"}, ["recorded_at"]),
        ({"gauge_type": "mood", "value": 5, "notes": 7}, ["notes"]),
    ],
)
def test_each_field_at_fault_is_named(general, path, gauge, fields):
    answer = general().post(path, {"gauge": gauge})
    assert (answer.status_code, list(answer.json()["errors"])) == (422, fields)
    assert not Measurement.objects.exists()


@pytest.mark.parametrize("body", [{}, {"gauge": None}, {"gauge_type": "mood", "value": 5}])
def test_a_body_without_its_wrapper_is_told_so(general, path, body):
    answer = general().post(path, body)
    assert (answer.status_code, answer.json()) == (422, {"errors": {"gauge": ["can't be blank"]}})


def test_gauges_are_the_measurements_of_the_public_api(general, api, path, patient, clinic):
    clinic.catalog(Instrument, "Posture", code="posture", kind="choice", choices=["sitting"])
    public = f"/v1/patients/{patient.uuid}/measurements"
    api().post(public, {"instrument": "pain", "value": 0, "comment": "None at all"})
    api().post(public, {"instrument": "posture", "value": "sitting"})
    (shown,) = general().get(path).json()
    assert (shown["gauge_type"], shown["value"], shown["notes"]) == ("pain", 0, "None at all")


def test_filters_are_by_type_and_by_day(general, path):
    for day, code in ((1, "mood"), (2, "mood"), (3, "pain")):
        gauge = {"gauge_type": code, "value": day, "recorded_at": f"2024-01-0{day}T12:00:00Z"}
        general().post(path, {"gauge": gauge})

    def values(**query) -> list:
        return [row["value"] for row in general().get(path, query).json()]

    assert values() == [1, 2, 3]
    assert values(gauge_type="mood") == [1, 2]
    assert values(start_date="2024-01-02", end_date="2024-01-02") == [2]
    answer = general().get(path, {"gauge_type": "nope"})
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["gauge_type"])


def test_staff_are_told_that_a_patient_is_not_theirs_and_others_that_there_is_none(clinic, general, neighbour):
    hidden, foreign = clinic.patient(care_group_id=clinic.other_group.pk), neighbour.patient()

    def statuses(role: str, patient) -> list[int]:
        path, body = f"/general/v1/patients/{patient.pk}/gauges", {"gauge": {"gauge_type": "mood", "value": 5}}
        return [general(role).get(path).status_code, general(role).post(path, body).status_code]

    assert statuses(Role.HC_PRIMARY, hidden) == [403, 403]
    assert statuses(Role.HC_PRIMARY, foreign) == statuses(Role.PATIENT, hidden) == [404, 404]
    assert statuses(Role.HC_VIEW_ALL, hidden) == [200, 403]
    assert statuses(Role.PATIENT, clinic.own_patient) == [200, 201]


def test_the_gauges_of_an_archived_patient_are_read_and_not_written(general, path, patient, clinic):
    clinic.entry(Measurement, patient)
    archive(patient)
    assert len(general().get(path).json()) == 1
    assert general().post(path, {"gauge": {"gauge_type": "mood", "value": 5}}).status_code == 404
