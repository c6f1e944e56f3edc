"""Which key issued which, revoking a stolen one with all it issued, how long keys live, and where they are used from."""

import datetime

import pytest
from django.utils import timezone

from accounts.models import ApiKey, AuditEvent, Role, User
from accounts.scope import Actor
from accounts.services.keys import KNOWN_ADDRESSES, address_hash, issue_key, revoke_key, revoke_key_with_issued
from accounts.services.users import change_user_status, create_user
from config.core.databases import on_postgres
from config.core.exceptions import Invalid, NotAuthenticated, NotPermitted
from tests.conftest import ApiClient
from tests.factories import SYSTEM, key_row, new_key
from tests.pages import issue, sign_in, submit, url

YEAR = datetime.timedelta(days=365)


def acting_with(key: ApiKey) -> Actor:
    user = key.user
    return Actor(role=user.role, user_id=user.pk, organization_id=user.organization_id, key_id=key.key_id)


def issued_with(key: ApiKey, user=None) -> ApiKey:
    return issue_key(actor=acting_with(key), user=user or key.user, description="issued")[0]


def working(*keys: ApiKey) -> list[bool]:
    return [ApiKey.objects.get(pk=key.pk).revoked_at is None for key in keys]


@pytest.fixture
def stolen(clinic) -> ApiKey:
    return key_row(new_key(clinic.users[Role.HC_ADMIN]))


# --- issuer -----------------------------------------------------------------------------------------


def test_a_key_remembers_the_key_that_it_was_issued_with(clinic, api):
    path = f"/v1/users/{clinic.users[Role.HC_PRIMARY].uuid}/apikeys"
    made = api().post(path, {"description": "derived"}).json()["data"]
    assert ApiKey.objects.get(key_id=made["id"]).issued_by == key_row(clinic.keys[Role.HC_ADMIN])


def test_a_key_of_a_session_or_a_command_has_no_issuer(clinic):
    raw = issue(sign_in(clinic.users[Role.HC_ADMIN]), clinic.users[Role.HC_PRIMARY]).context["raw_key"]
    assert key_row(raw).issued_by is None
    assert key_row(new_key(clinic.users[Role.HC_ADMIN])).issued_by is None


def test_a_key_that_was_revoked_meanwhile_issues_nothing(clinic, stolen):
    before = ApiKey.objects.count()
    revoke_key(actor=SYSTEM, key=stolen)
    with pytest.raises(NotAuthenticated):
        issued_with(stolen)
    assert ApiKey.objects.count() == before


# --- revoking with all that was issued --------------------------------------------------------------


def test_a_key_is_revoked_with_all_it_issued_however_far(clinic, stolen):
    child = issued_with(stolen)
    grandchildren = [issued_with(child), issued_with(child, clinic.users[Role.HC_PRIMARY])]
    last = issued_with(grandchildren[0])
    other = key_row(new_key(clinic.users[Role.HC_ADMIN]))
    assert revoke_key_with_issued(actor=SYSTEM, key=stolen) == 5
    assert working(stolen, child, *grandchildren, last) == [False] * 5
    assert working(other, key_row(clinic.keys[Role.HC_ADMIN])) == [True, True]
    assert AuditEvent.objects.filter(action="api_key.revoke").count() == 5


def test_what_a_revoked_key_issued_is_revoked_as_well(stolen):
    child = issued_with(stolen)
    grandchild = issued_with(child)
    revoke_key(actor=SYSTEM, key=stolen)
    revoke_key(actor=SYSTEM, key=child)
    assert revoke_key_with_issued(actor=SYSTEM, key=stolen) == 1
    assert working(grandchild) == [False]


def test_all_are_revoked_or_none(clinic, stolen):
    child = issued_with(stolen)
    ApiKey.objects.filter(pk=child.pk).update(user=clinic.users[Role.FC_ADMIN])
    with pytest.raises(NotPermitted):
        revoke_key_with_issued(actor=acting_with(key_row(clinic.keys[Role.HC_ADMIN])), key=stolen)
    assert working(stolen, child) == [True, True]


def test_the_admin_revokes_a_stolen_key_with_all_it_issued(clinic, neighbour, stolen):
    child = issued_with(stolen)
    client = sign_in(clinic.users[Role.HC_ADMIN])
    page = client.get(url(ApiKey, "changelist")).content.decode()
    assert page.count(stolen.key_id) > 1, "the list names the issuer of the other key"
    revoke = {"action": "revoke_with_issued", "_selected_action": [stolen.pk, key_row(neighbour.keys[Role.HC_ADMIN]).pk]}
    assert "2 revoked" in client.post(url(ApiKey, "changelist"), revoke, follow=True).content.decode()
    assert working(stolen, child) == [False, False]
    assert working(key_row(neighbour.keys[Role.HC_ADMIN])) == [True]


def test_a_reader_revokes_nothing(clinic, stolen):
    revoke = {"action": "revoke_with_issued", "_selected_action": [stolen.pk]}
    sign_in(clinic.users[Role.HC_VIEW_ALL]).post(url(ApiKey, "changelist"), revoke)
    assert working(stolen) == [True]


# --- how long a key lives ---------------------------------------------------------------------------


def life(key: ApiKey) -> datetime.timedelta:
    return key.expires_at - key.created_at


def issued_without_a_wish(clinic) -> ApiKey:
    return issue_key(actor=SYSTEM, user=clinic.users[Role.HC_ADMIN], description="tests")[0]


def test_a_key_lives_for_a_year_unless_told(clinic, settings):
    assert abs(life(issued_without_a_wish(clinic)) - YEAR) < datetime.timedelta(minutes=1)
    settings.API_KEY_DAYS = 30
    assert abs(life(issued_without_a_wish(clinic)) - datetime.timedelta(days=30)) < datetime.timedelta(minutes=1)
    assert key_row(new_key(clinic.users[Role.HC_ADMIN], expires_at=None)).expires_at is None


def test_an_empty_expiry_in_the_admin_is_a_year(clinic):
    client = sign_in(clinic.users[Role.HC_ADMIN])
    raw = issue(client, clinic.users[Role.HC_PRIMARY]).context["raw_key"]
    assert abs(life(key_row(raw)) - YEAR) < datetime.timedelta(minutes=1)
    assert "Empty: after 365 days." in client.get(url(ApiKey, "add")).content.decode()


@pytest.mark.parametrize("body", [{}, {"expiresAt": None}])
def test_in_the_public_dialect_no_expiry_is_never_as_documented(clinic, api, body):
    made = api().post(f"/v1/users/{clinic.users[Role.HC_PRIMARY].uuid}/apikeys", {"description": "x", **body})
    assert made.json()["data"]["expiresAt"] is None


@pytest.mark.parametrize("days", [None, 91, 5000])
def test_a_longest_life_refuses_what_is_longer(clinic, api, settings, days):
    settings.API_KEY_LONGEST_DAYS = 90
    ends = days and timezone.now() + datetime.timedelta(days=days)
    with pytest.raises(Invalid, match="90 days at most"):
        new_key(clinic.users[Role.HC_ADMIN], expires_at=ends)
    body = {"description": "x", "expiresAt": ends and ends.isoformat()}
    refused = api().post(f"/v1/users/{clinic.users[Role.HC_PRIMARY].uuid}/apikeys", body)
    assert (refused.status_code, refused.json()["errors"][0]["attribute"]) == (422, "expiresAt")


def test_a_default_beyond_the_longest_life_is_cut_to_it(clinic, settings):
    settings.API_KEY_LONGEST_DAYS = 90
    assert abs(life(issued_without_a_wish(clinic)) - datetime.timedelta(days=90)) < datetime.timedelta(minutes=1)


# --- where it is used from --------------------------------------------------------------------------


class Caller:
    """Uses a key from addresses."""

    def __init__(self, raw: str):
        self.raw = raw

    def __call__(self, address: str) -> list[str]:
        """Ask once from `address`; return which addresses the trail called new."""
        client = ApiClient(self.raw)
        client.client.defaults["REMOTE_ADDR"] = address
        last = AuditEvent.objects.latest("id").pk
        assert client.get("/v1/me").status_code == 200
        events = AuditEvent.objects.filter(pk__gt=last, action="api_key.new_address")
        assert all(event.key_id == event_key(event) for event in events)
        return list(events.values_list("address", flat=True))


def event_key(event: AuditEvent) -> str:
    return ApiKey.objects.get(pk=event.subject_id).key_id


@pytest.fixture
def call(clinic) -> Caller:
    return Caller(new_key(clinic.users[Role.HC_ADMIN]))


def test_the_first_address_is_noted_and_each_further_one_is_told_once(call):
    assert call("192.0.2.1") == []
    assert call("192.0.2.1") == []
    assert call("192.0.2.2") == ["192.0.2.2"]
    assert call("192.0.2.2") == call("192.0.2.1") == []


def test_a_device_that_changes_its_address_inside_its_network_is_known(call):
    assert call("2001:db8:0:1::1") == []
    assert call("2001:db8:0:1:aaaa::2") == []
    assert call("2001:db8:0:2::1") == ["2001:db8:0:2::1"]


def test_the_known_addresses_are_bounded_and_not_readable(call, monkeypatch):
    monkeypatch.setattr("accounts.services.keys._LAST_USE_EVERY", datetime.timedelta(0))
    for number in range(KNOWN_ADDRESSES + 5):
        call(f"192.0.2.{number}")
    stored = key_row(call.raw).known_addresses
    assert len(stored.split(",")) == KNOWN_ADDRESSES
    assert "192.0.2" not in stored
    assert call("192.0.2.24") == []
    assert call("192.0.2.0") == ["192.0.2.0"], "the oldest has been forgotten"


def test_a_known_address_costs_no_statement(call, django_assert_num_queries):
    call("192.0.2.1")
    call("192.0.2.2")
    client = ApiClient(call.raw)
    client.client.defaults["REMOTE_ADDR"] = "192.0.2.1"
    client.get("/v1/me")
    # PostgreSQL counts the request in the statement that reads the key.
    with django_assert_num_queries(2 if on_postgres() else 3):
        client.get("/v1/me")


def test_a_key_that_is_refused_notes_nothing(clinic, call):
    call("192.0.2.1")
    revoke_key(actor=SYSTEM, key=key_row(call.raw))
    client = ApiClient(call.raw)
    client.client.defaults["REMOTE_ADDR"] = "192.0.2.2"
    assert client.get("/v1/me").status_code == 401
    assert not AuditEvent.objects.filter(action="api_key.new_address").exists()
    assert address_hash("192.0.2.2") not in key_row(call.raw).known_addresses


def test_an_address_that_is_used_is_not_forgotten_for_later_ones(call, monkeypatch):
    monkeypatch.setattr("accounts.services.keys._LAST_USE_EVERY", datetime.timedelta(0))
    for number in range(KNOWN_ADDRESSES):
        call(f"192.0.2.{number}")
        call("192.0.2.0")
    assert call("198.51.100.1") == ["198.51.100.1"]
    assert call("192.0.2.0") == []


def test_more_addresses_than_are_remembered_are_not_told_at_every_request(call):
    for number in range(KNOWN_ADDRESSES):
        call(f"192.0.2.{number}")
    assert [call(f"198.51.100.{number}") for number in range(5)] == [[]] * 5


def test_an_address_of_ipv4_is_one_of_its_own_in_the_form_of_ipv6():
    assert address_hash("::ffff:192.0.2.1") == address_hash("192.0.2.1") != address_hash("::ffff:192.0.2.2")


@pytest.mark.parametrize("address", ["", "unix:", "not an address"])
def test_a_peer_without_an_address_is_not_noted(address):
    assert address_hash(address) == ""


# --- a person who is stopped ------------------------------------------------------------------------


@pytest.fixture
def leaver(clinic) -> User:
    """An administrator who has issued a key for a nurse, with which another was issued."""
    return create_user(actor=SYSTEM, email="leaver@hill.test", role=Role.HC_ADMIN, organization=clinic.organization)


@pytest.fixture
def left(clinic, leaver) -> list[ApiKey]:
    """Return the keys that the leaver issued for others: one for a nurse, and one with it."""
    actor = Actor(role=leaver.role, user_id=leaver.pk, organization_id=leaver.organization_id)
    issue_key(actor=actor, user=leaver, description="their own")
    key, _ = issue_key(actor=actor, user=clinic.users[Role.HC_ADMIN], description="for a colleague")
    return [key, issued_with(key, clinic.users[Role.HC_PRIMARY])]


def stop(client, user: User, **values):
    return submit(client, User, user.pk, status="stopped", reason="Left", **values)


def test_who_stops_a_person_is_offered_to_revoke_what_they_issued_for_others(clinic, leaver, left):
    client = sign_in(clinic.users[Role.HC_ADMIN])
    assert "Revoke the working keys that they issued for others: 1" in client.get(url(User, "change", leaver.pk)).content.decode()
    assert stop(client, leaver, revoke_issued="on").status_code == 302
    assert working(*left) == [False, False]
    assert key_row(clinic.keys[Role.HC_PRIMARY]).revoked_at is None


def test_who_does_not_is_told_which_keys_still_work(clinic, leaver, left):
    client = sign_in(clinic.users[Role.HC_ADMIN])
    page = client.get(stop(client, leaver)["Location"]).content.decode()
    assert f"They issued keys for others that still work: {left[0]}." in page
    assert working(*left) == [True, True]
    assert submit(client, User, leaver.pk, revoke_issued="on").status_code == 302
    assert working(*left) == [False, False], "later, too"


def test_of_who_issued_no_key_that_works_nothing_is_said(clinic, leaver, left):
    ApiKey.objects.filter(created_by=leaver).update(expires_at=timezone.now())
    client = sign_in(clinic.users[Role.HC_ADMIN])
    assert "issued for others" not in client.get(url(User, "change", leaver.pk)).content.decode()
    assert "still work" not in client.get(stop(client, leaver)["Location"]).content.decode()


def test_a_key_out_of_reach_stops_nobody_half(clinic, leaver, left):
    ApiKey.objects.filter(pk=left[1].pk).update(user=clinic.users[Role.FC_ADMIN])
    actor = Actor(role=Role.HC_ADMIN, organization_id=clinic.organization.pk)
    with pytest.raises(NotPermitted):
        change_user_status(actor=actor, user=leaver, status="stopped", reason="Left", revoke_issued=True)
    assert (User.objects.get(pk=leaver.pk).status, working(*left)) == ("active", [True, True])
