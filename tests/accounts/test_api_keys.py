"""Keys through the public API: issued once, listed, revoked, by administrators of the user's organization."""

import datetime

import pytest
from django.utils import timezone

from tests.conftest import ApiClient


def path(user) -> str:
    return f"/v1/users/{user.uuid}/apikeys"


def test_issued_key_is_shown_once_and_works(api, clinic):
    user = clinic.users["HC_VIEW_ALL"]
    answer = api().post(path(user), {"description": "BI export"})
    assert answer.status_code == 201
    issued = answer.json()["data"]
    assert (issued["description"], issued["expiresAt"], issued["lastUsedAt"]) == ("BI export", None, None)
    me = ApiClient(issued["apiKey"]).get("/v1/me").json()["data"]
    assert (me["id"], me["key"]["id"]) == (str(user.uuid), issued["id"])
    listed = api().get(path(user)).json()["data"]
    assert issued["id"] in [key["id"] for key in listed]
    assert all("apiKey" not in key for key in listed)


def test_revoked_key_is_gone_and_refused(api, clinic):
    user = clinic.users["HC_PRIMARY"]
    issued = api().post(path(user), {"description": "tablet"}).json()["data"]
    answer = api()("DELETE", f"{path(user)}/{issued['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert ApiClient(issued["apiKey"]).get("/v1/me").status_code == 401
    assert issued["id"] not in [key["id"] for key in api().get(path(user)).json()["data"]]
    assert api()("DELETE", f"{path(user)}/{issued['id']}").status_code == 404


def test_key_of_another_user_is_not_found_under_this_one(api, clinic):
    issued = api().post(path(clinic.users["HC_PRIMARY"]), {"description": "x"}).json()["data"]
    assert api()("DELETE", f"{path(clinic.users['HC_SECONDARY'])}/{issued['id']}").status_code == 404


def test_expiry_is_kept_and_must_lie_ahead(api, clinic):
    ahead = (timezone.now() + datetime.timedelta(days=30)).replace(microsecond=0)
    user = clinic.users["HC_ADMIN"]
    issued = api().post(path(user), {"description": "x", "expiresAt": ahead.isoformat()})
    assert issued.json()["data"]["expiresAt"] == ahead.isoformat().replace("+00:00", "Z")
    past = api().post(path(user), {"description": "x", "expiresAt": "2020-01-01T00:00:00Z"})
    assert (past.status_code, past.json()["errors"][0]["attribute"]) == (422, "expiresAt")


@pytest.mark.parametrize(("role", "status"), [("HC_VIEW_ALL", 403), ("HC_PRIMARY", 403), ("HC_SECONDARY", 403), ("PATIENT", 404)])
def test_only_administrators_have_to_do_with_keys(api, clinic, role, status):
    user = clinic.users["HC_ADMIN"]
    assert api(role).get(path(user)).status_code == status
    assert api(role).post(path(user), {"description": "x"}).status_code == status


def test_user_of_another_organization_is_not_found(api, clinic, neighbour):
    assert api().get(path(neighbour.users["HC_ADMIN"])).status_code == 404
    assert api().post(path(neighbour.users["HC_ADMIN"]), {"description": "x"}).status_code == 404


def test_description_is_required(api, clinic):
    answer = api().post(path(clinic.users["HC_ADMIN"]), {})
    assert (answer.status_code, answer.json()["errors"][0]["attribute"]) == (422, "description")
