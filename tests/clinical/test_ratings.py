"""Patients rate their care."""

import pytest

from accounts.models import OutboxEvent, Role
from clinical.models import StarRating


@pytest.fixture
def path(clinic) -> str:
    return f"/v1/patients/{clinic.own_patient.uuid}/ratings"


def test_a_patient_rates_the_own_care(clinic, api, path):
    answer = api(Role.PATIENT).post(path, {"score": 450, "remarks": "Kind people"})
    assert answer.status_code == 201, answer.content
    shown = answer.json()["data"]
    assert (shown["patientId"], shown["score"], shown["remarks"]) == (str(clinic.own_patient.uuid), 450, "Kind people")
    assert StarRating.objects.get().created_by == clinic.users[Role.PATIENT]
    assert str(OutboxEvent.objects.get(type="star_rating.created").subject_uuid) == shown["id"]


@pytest.mark.parametrize("score", [0, 501, -1, 4.5, "4_50", None, True])
def test_a_score_lies_between_nothing_and_five_stars(api, path, score):
    answer = api(Role.PATIENT).post(path, {"score": score})
    assert (answer.status_code, [error["attribute"] for error in answer.json()["errors"]]) == (422, ["score"])
    assert not StarRating.objects.exists()


@pytest.mark.parametrize("score", [1, 500])
def test_the_ends_belong_to_it_and_remarks_may_be_missing(api, path, score):
    assert api(Role.PATIENT).post(path, {"score": score}).json()["data"]["remarks"] is None


def test_nobody_rates_the_care_of_others(clinic, api):
    other = f"/v1/patients/{clinic.patient().uuid}/ratings"
    assert api(Role.PATIENT).post(other, {"score": 450}).status_code == 404
    assert api(Role.HC_VIEW_ALL).post(other, {"score": 450}).status_code == 403
