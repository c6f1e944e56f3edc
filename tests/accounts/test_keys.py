"""API keys: issued once, readable never again, revocable, and their last use noted sparingly."""

import datetime
import re

import pytest
from django.utils import timezone

from accounts.models import ApiKey, AuditEvent, OutboxEvent, Role
from accounts.scope import Actor
from accounts.services.key_texts import split_key
from accounts.services.keys import issue_key, note_use, revoke_key
from config.core.exceptions import NotAuthenticated, NotFound, NotPermitted
from tests.conftest import ApiClient
from tests.factories import SYSTEM, key_row, new_key


@pytest.fixture
def user(clinic):
    return clinic.users[Role.HC_ADMIN]


def test_a_key_says_what_it_is_and_fits_one_pattern(user):
    assert re.fullmatch(r"anm_[0-9A-Za-z]{8}_[0-9A-Za-z]{49}", new_key(user))


def test_no_two_keys_are_alike(user):
    keys = [new_key(user) for _ in range(20)]
    assert len({split_key(key)[0] for key in keys}) == len({split_key(key)[1] for key in keys}) == 20


def test_the_secret_is_not_in_the_database(user):
    key = new_key(user)
    key_id, secret, _ = split_key(key)
    stored = ApiKey.objects.filter(key_id=key_id).values().get()
    flat = b" ".join(bytes(value) if isinstance(value, (bytes, memoryview)) else str(value).encode() for value in stored.values())
    assert secret.encode() not in flat
    assert key not in str(key_row(key))


def test_a_key_belongs_to_its_users_organization(clinic, user):
    row = key_row(new_key(user))
    assert (row.organization_id, row.user_id) == (clinic.organization.pk, user.pk)
    assert key_row(new_key(clinic.users[Role.FC_ADMIN])).organization_id is None


def test_a_key_remembers_who_issued_it_for_what_and_until_when(clinic, user):
    ends = timezone.now() + datetime.timedelta(days=30)
    admin = Actor(role=Role.HC_ADMIN, user_id=user.pk, organization_id=clinic.organization.pk)
    row, _ = issue_key(actor=admin, user=user, description="laboratory", expires_at=ends)
    assert (row.created_by_id, row.description, row.expires_at, row.revoked_at) == (user.pk, "laboratory", ends, None)


@pytest.mark.parametrize("cut", [0, 1, 10, -1, -6, -7])
def test_a_part_of_a_key_is_no_key(user, cut):
    key = new_key(user)
    with pytest.raises(NotAuthenticated):
        split_key(key[:cut] if cut else "")


MANGLED = [str.upper, str.lower, str.swapcase, lambda key: f" {key}", lambda key: f"{key}\n", lambda key: key[::-1]]


@pytest.mark.parametrize("change", MANGLED)
def test_a_key_is_taken_to_the_letter(user, change):
    with pytest.raises(NotAuthenticated):
        split_key(change(new_key(user)))


# --- revocation -------------------------------------------------------------------------------------


def test_a_revoked_key_is_revoked_once(user):
    row = key_row(new_key(user))
    revoke_key(actor=SYSTEM, key=row)
    row.refresh_from_db()
    assert row.revoked_at is not None
    with pytest.raises(NotFound):
        revoke_key(actor=SYSTEM, key=row)


def test_the_other_keys_of_a_user_live_on(user):
    one, other = new_key(user), new_key(user)
    revoke_key(actor=SYSTEM, key=key_row(one))
    assert key_row(other).revoked_at is None


def test_issuing_and_revoking_are_audited_and_told(clinic, user):
    row = key_row(new_key(user))
    revoke_key(actor=SYSTEM, key=row)
    events = AuditEvent.objects.filter(subject="api_key", subject_id=row.pk).order_by("id")
    assert list(events.values_list("action", "organization_id")) == [
        ("api_key.issue", clinic.organization.pk),
        ("api_key.revoke", clinic.organization.pk),
    ]
    told = OutboxEvent.objects.filter(organization_id=clinic.organization.pk).order_by("-id")[:2]
    assert [event.type for event in told] == ["api_key.revoked", "api_key.issued"]


def test_the_key_of_a_superadmin_is_a_superadmins_affair(clinic, user):
    admin, root = Actor(role=Role.HC_ADMIN, user_id=user.pk), clinic.users[Role.FC_ADMIN]
    with pytest.raises(NotPermitted):
        issue_key(actor=admin, user=root, description="x")
    with pytest.raises(NotPermitted):
        revoke_key(actor=admin, key=key_row(clinic.keys[Role.FC_ADMIN]))


# --- last use ---------------------------------------------------------------------------------------


NOW = datetime.datetime(2026, 11, 21, 12, 0, tzinfo=datetime.UTC)


@pytest.mark.parametrize(("since", "written"), [(None, True), (0, False), (59, False), (60, True), (3600, True)])
def test_the_last_use_is_written_at_most_once_a_minute(user, since, written, django_assert_num_queries):
    row = key_row(new_key(user))
    last = None if since is None else NOW - datetime.timedelta(seconds=since)
    ApiKey.objects.filter(pk=row.pk).update(last_used_at=last)
    key = {"id": row.pk, "last_used_at": last, "known_addresses": ""}
    with django_assert_num_queries(int(written)):
        note_use(key, SYSTEM, NOW)
    row.refresh_from_db()
    assert row.last_used_at == (NOW if written else last)


def test_requests_note_the_use_of_their_key(user):
    client = ApiClient(new_key(user))
    row = key_row(client.key)
    assert row.last_used_at is None
    client.get("/v1/me")
    row.refresh_from_db()
    first = row.last_used_at
    assert first is not None
    client.get("/v1/me")
    row.refresh_from_db()
    assert row.last_used_at == first


def test_a_refused_request_is_no_use(user):
    key = new_key(user, expires_at=timezone.now())
    assert ApiClient(key).get("/v1/me").status_code == 401
    assert key_row(key).last_used_at is None
