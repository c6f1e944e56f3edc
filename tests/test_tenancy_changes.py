"""What a caller may see and name follows from how things stand at the request, and from nothing earlier."""

import uuid
from collections.abc import Callable, Iterator

import pytest
from django.utils import timezone

from accounts.models import CareGroup, Role, UserStatus
from accounts.services.keys import revoke_key
from accounts.services.users import change_user_status
from patients.models import Patient
from tests.cast import Cast, traces
from tests.factories import SYSTEM, key_row
from tests.policy import Caller, Place
from tests.shared import made_once


@pytest.fixture(scope="module")
def copied_cast(django_db_setup, django_db_blocker) -> Iterator[Callable[[], Cast]]:
    with made_once(django_db_blocker, Cast) as copied:
        yield copied


@pytest.fixture
def cast(db, copied_cast) -> Cast:
    return copied_cast()


HIDDEN_FROM_CAREGIVERS = (Place.OTHER_GROUP, Place.NO_GROUP, Place.CHILD, Place.PARENT)


@pytest.mark.parametrize("place", [*HIDDEN_FROM_CAREGIVERS, Place.ARCHIVED])
def test_a_guarantor_out_of_sight_or_archived_is_an_unknown_one(cast, place):
    client = cast.client("api/", Caller.HC_PRIMARY)
    bodies = [
        {"first_name": "Ada", "last_name": "L", "responsible_party_uuid": str(value)}
        for value in (cast.patients[place].uuid, uuid.uuid4())
    ]
    hidden, unknown = (traces(client, "POST", f"{cast.clinic.base}/patients", body) for body in bodies)
    assert hidden == unknown
    assert hidden[0] == 404


def test_a_caregiver_cannot_put_a_patient_into_a_group_of_others(cast):
    body = {"first_name": "Ada", "last_name": "L", "care_group_uuid": str(cast.clinic.other_group.uuid)}
    assert cast.client("api/", Caller.HC_PRIMARY).post(f"{cast.clinic.base}/patients", body).status_code == 404


def test_the_name_of_a_guarantor_out_of_sight_is_null(cast):
    child = cast.clinic.patient(care_group_id=cast.clinic.group.pk, responsible_party_id=cast.patients[Place.OTHER_GROUP].pk)
    path = f"{cast.clinic.base}/patients/{child.uuid}"
    hidden = cast.client("api/", Caller.HC_PRIMARY).get(path).json()["responsible_party"]
    assert hidden == {"uuid": str(cast.patients[Place.OTHER_GROUP].uuid), "name": None}
    seen = cast.client("api/", Caller.HC_ADMIN).get(path).json()["responsible_party"]
    assert seen["name"] == cast.patients[Place.OTHER_GROUP].full_name


# --- changes hold from the next request -------------------------------------------------------------


def leave_group(cast: Cast) -> None:
    cast.clinic.users[Role.HC_PRIMARY].memberships.all().delete()


def lose_role(cast: Cast) -> None:
    user = cast.clinic.users[Role.HC_PRIMARY]
    type(user).objects.filter(pk=user.pk).update(role=Role.PATIENT)


def lose_key(cast: Cast) -> None:
    revoke_key(actor=SYSTEM, key=key_row(cast.keys[Caller.HC_PRIMARY]))


def be_stopped(cast: Cast) -> None:
    change_user_status(actor=SYSTEM, user=cast.clinic.users[Role.HC_PRIMARY], status=UserStatus.STOPPED, reason="left")


LOSSES = [(leave_group, 200, 404), (lose_role, 200, 403), (lose_key, 401, 401), (be_stopped, 401, 401)]
"""What a caregiver loses; the status of their list afterwards, and of their create sent again."""


@pytest.mark.parametrize(("lose", "status", "_"), LOSSES)
def test_a_loss_holds_from_the_next_request(cast, lose, status, _):
    client, path = cast.client("api/", Caller.HC_PRIMARY), f"{cast.clinic.base}/patients"
    assert client.get(path).json()["total"] == 1
    lose(cast)
    response = client.get(path)
    assert response.status_code == status
    assert response.json().get("total", 0) == 0
    assert client.get(f"{path}/{cast.patients[Place.OWN].uuid}").status_code in (404, 401)


@pytest.mark.parametrize(("lose", "status", "_"), LOSSES)
def test_a_loss_holds_in_the_middle_of_a_cursor(cast, lose, status, _):
    cast.clinic.patient(care_group_id=cast.clinic.group.pk)
    client, path = cast.client("api/", Caller.HC_PRIMARY), f"{cast.clinic.base}/patients/cursor"
    first = client.get(path, {"first": "1"}).json()
    assert first["page_info"]["has_next_page"]
    lose(cast)
    response = client.get(path, {"first": "1", "after": first["page_info"]["end_cursor"]})
    assert response.status_code == status
    assert response.json().get("data", []) == []


@pytest.mark.parametrize(("lose", "_", "status"), LOSSES)
def test_a_loss_holds_when_a_request_is_sent_again(cast, lose, _, status):
    client, path = cast.client("api/", Caller.HC_PRIMARY), f"{cast.clinic.base}/patients"
    body = {"first_name": "Ada", "last_name": "Lovelace"}
    assert client.post(path, body, Idempotency_Key="once").status_code == 201
    lose(cast)
    response = client.post(path, body, Idempotency_Key="once")
    assert response.status_code == status
    assert b"Lovelace" not in response.content


def test_a_patient_moved_to_another_group_leaves_the_list_at_once(cast):
    client, path = cast.client("api/", Caller.HC_PRIMARY), f"{cast.clinic.base}/patients"
    Patient.objects.filter(pk=cast.patients[Place.OWN].pk).update(care_group=cast.clinic.other_group)
    assert client.get(path).json()["total"] == 0


def test_an_archived_group_gives_no_sight(cast):
    CareGroup.objects.filter(pk=cast.clinic.group.pk).update(deleted_at=timezone.now())
    client = cast.client("api/", Caller.HC_PRIMARY)
    assert client.get(f"{cast.clinic.base}/patients").json()["total"] == 0
    assert client.post(f"{cast.clinic.base}/patients", {"first_name": "A", "last_name": "B"}).status_code == 403
