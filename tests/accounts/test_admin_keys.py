"""API keys in the admin: issued, shown once, revoked."""

import datetime

import pytest
from django.utils import timezone

from accounts.models import ApiKey, AuditEvent, Role
from tests.conftest import ApiClient
from tests.factories import key_row
from tests.pages import issue, sign_in, url


@pytest.fixture
def admin_client(clinic):
    return sign_in(clinic.users[Role.HC_ADMIN])


def test_a_key_is_shown_once_and_works(clinic, admin_client):
    answer = issue(admin_client, clinic.users[Role.HC_PRIMARY])
    raw = answer.context["raw_key"]
    assert raw in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    key = key_row(raw)
    assert (key.user, key.description) == (clinic.users[Role.HC_PRIMARY], "Lab interface")
    secret = raw.split("_")[2]
    for page in (url(ApiKey, "changelist"), url(ApiKey, "change", key.pk), url(ApiKey, "history", key.pk)):
        content = admin_client.get(page).content.decode()
        assert key.key_id in content
        assert secret not in content
    assert ApiClient(raw).get("/api/v1/me").status_code == 200


def test_a_revoked_key_opens_nothing_from_the_next_request_on(clinic, admin_client):
    raw = issue(admin_client, clinic.users[Role.HC_PRIMARY]).context["raw_key"]
    revoke = {"action": "revoke", "_selected_action": [key_row(raw).pk]}
    answer = admin_client.post(url(ApiKey, "changelist"), revoke, follow=True)
    assert "is revoked" in answer.content.decode()
    assert ApiClient(raw).get("/api/v1/me").status_code == 401
    assert AuditEvent.objects.filter(action="api_key.revoke", user_id=clinic.users[Role.HC_ADMIN].pk).count() == 1
    again = admin_client.post(url(ApiKey, "changelist"), revoke, follow=True)
    assert "could not be revoked" in again.content.decode()


def test_a_key_cannot_be_expired_from_the_start(clinic, admin_client):
    yesterday = timezone.now() - datetime.timedelta(days=1)
    answer = issue(admin_client, clinic.users[Role.HC_PRIMARY], expires_at_0=yesterday.date().isoformat(), expires_at_1="12:00")
    assert answer.context["adminform"].form.errors["expires_at"] == ["Must lie in the future."]


def test_a_key_is_never_changed(clinic, admin_client):
    key = key_row(clinic.keys[Role.HC_PRIMARY])
    assert admin_client.get(url(ApiKey, "change", key.pk)).status_code == 200
    assert admin_client.post(url(ApiKey, "change", key.pk), {"description": "x"}).status_code == 403


def test_an_administrator_neither_issues_nor_revokes_keys_of_a_neighbour(clinic, neighbour, admin_client):
    answer = issue(admin_client, neighbour.users[Role.HC_ADMIN])
    assert "user" in answer.context["adminform"].form.errors
    key = key_row(neighbour.keys[Role.HC_ADMIN])
    admin_client.post(url(ApiKey, "changelist"), {"action": "revoke", "_selected_action": [key.pk]})
    key.refresh_from_db()
    assert key.revoked_at is None


def test_a_reader_cannot_revoke(clinic):
    key = key_row(clinic.keys[Role.HC_PRIMARY])
    sign_in(clinic.users[Role.HC_VIEW_ALL]).post(url(ApiKey, "changelist"), {"action": "revoke", "_selected_action": [key.pk]})
    key.refresh_from_db()
    assert key.revoked_at is None


def test_the_list_tells_working_expired_and_revoked_keys_apart(clinic, admin_client):
    expired = key_row(clinic.keys[Role.HC_PRIMARY])
    ApiKey.objects.filter(pk=expired.pk).update(expires_at=timezone.now() - datetime.timedelta(days=1))
    revoked = key_row(clinic.keys[Role.HC_SECONDARY])
    ApiKey.objects.filter(pk=revoked.pk).update(revoked_at=timezone.now())
    content = admin_client.get(url(ApiKey, "changelist")).content.decode()
    assert all(state in content for state in ("Working", "Expired", "Revoked"))
    only = admin_client.get(url(ApiKey, "changelist"), {"state": "revoked"})
    assert [key.pk for key in only.context["cl"].result_list] == [revoked.pk]
