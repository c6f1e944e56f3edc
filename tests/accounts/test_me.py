"""Who a key is: the same in both dialects that tell it."""

import datetime

import pytest
from django.utils import timezone

from accounts.models import AuditEvent, Role
from tests.conftest import ApiClient
from tests.factories import key_row, new_key


def me(client, dialect: str) -> dict:
    answer = client.get({"practice": "/api/v1/me", "public": "/v1/me"}[dialect])
    assert answer.status_code == 200
    if dialect == "practice":
        return answer.json()
    assert answer.json()["meta"] == {}
    return answer.json()["data"]


@pytest.mark.parametrize("role", Role.values)
@pytest.mark.parametrize("dialect", ["practice", "public"])
def test_a_key_is_told_its_user_role_and_organization(clinic, api, dialect, role):
    told = me(api(role), dialect)
    assert (told["id"], told["role"]) == (str(clinic.users[role].uuid), role)
    name = "uuid" if dialect == "practice" else "id"
    organization = {name: str(clinic.organization.uuid), "name": "Hill Valley"}
    assert told["organization"] == (None if role == Role.FC_ADMIN else organization)


@pytest.mark.parametrize(("dialect", "name"), [("practice", "expires_at"), ("public", "expiresAt")])
def test_a_key_is_told_its_id_description_and_end_and_not_its_secret(clinic, dialect, name):
    ends = timezone.now().replace(microsecond=0) + datetime.timedelta(days=1)
    key = new_key(clinic.users[Role.HC_ADMIN], expires_at=ends)
    told = me(ApiClient(key), dialect)["key"]
    assert told == {"id": key_row(key).key_id, "description": "tests", name: ends.isoformat().replace("+00:00", "Z")}
    assert me(ApiClient(new_key(clinic.users[Role.HC_ADMIN])), dialect)["key"][name] is None


def test_who_one_is_is_no_patient_data_and_leaves_no_event(clinic, api):
    before = AuditEvent.objects.count()
    me(api(), "practice")
    me(api(), "public")
    assert AuditEvent.objects.count() == before
