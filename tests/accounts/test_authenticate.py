"""From a key to its user: what is good, what is not, and that nothing about it is cached."""

import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.authentication import StaffBackend, actor_of_user
from accounts.models import ApiKey, Organization, Role, User, UserStatus
from accounts.services.keys import authenticate_key, revoke_key
from accounts.services.users import NewPassword, change_user_status, create_user, set_care_groups
from config.core.exceptions import AccountInactive, NotAuthenticated
from tests.conftest import ApiClient
from tests.factories import SYSTEM, key_row, new_key


def enter(key: str):
    return authenticate_key(key, route="GET /x", request_id="r1")


@pytest.mark.parametrize("role", Role.values)
def test_a_key_acts_as_its_user(clinic, role):
    user, found = clinic.users[role], enter(clinic.keys[role])
    assert (found.role, found.user_id, found.user_uuid) == (role, user.pk, user.uuid)
    assert found.organization_id == user.organization_id
    assert found.group_ids == ((clinic.group.pk,) if role in (Role.HC_PRIMARY, Role.HC_SECONDARY) else ())
    assert (found.route, found.request_id, found.key_id) == ("GET /x", "r1", key_row(clinic.keys[role]).key_id)


@pytest.mark.parametrize("role", Role.values)
def test_a_key_and_a_signed_in_person_are_the_same_actor(clinic, role):
    by_key = enter(clinic.keys[role])
    by_person = actor_of_user(User.objects.get(pk=clinic.users[role].pk), route="GET /x", request_id="r1")
    for name in ("role", "user_id", "user_uuid", "organization_id", "organization_uuid", "default_group_id", "timezone"):
        assert getattr(by_key, name) == getattr(by_person, name), name
    assert set(by_key.group_ids) == set(by_person.group_ids)
    assert by_key.catalog_version == by_person.catalog_version


def test_one_statement_tells_all_about_a_key(clinic):
    enter(clinic.keys[Role.HC_PRIMARY])
    with CaptureQueriesContext(connection) as queries:
        enter(clinic.keys[Role.HC_PRIMARY])
    assert len(queries) == 1


# --- what is refused --------------------------------------------------------------------------------


def altered(key: str, place: int) -> str:
    return key[:place] + ("A" if key[place] != "A" else "B") + key[place + 1 :]


def rechecked(key: str) -> str:
    """Return `key` with a checksum that fits it again."""
    from accounts.services.key_texts import CHECK_PLACES, checksum

    return key[:-CHECK_PLACES] + checksum(key[:-CHECK_PLACES])


def test_a_wrong_place_anywhere_makes_a_bad_key(clinic):
    key = clinic.keys[Role.HC_ADMIN]
    for place in range(len(key)):
        with pytest.raises(NotAuthenticated):
            enter(altered(key, place))


def test_a_wrong_secret_with_a_fitting_checksum_is_refused_too(clinic):
    key = clinic.keys[Role.HC_ADMIN]
    for place in (4, 20, 40):
        with pytest.raises(NotAuthenticated):
            enter(rechecked(altered(key, place)))


def test_a_bad_checksum_is_refused_without_a_query(clinic, django_assert_num_queries):
    key = clinic.keys[Role.HC_ADMIN]
    with django_assert_num_queries(0), pytest.raises(NotAuthenticated):
        enter(altered(key, 20))


@pytest.mark.parametrize("raw", ["", "x", "anm_", "anm__", "anm_aaaaaaaa_" + "a" * 49, "é" * 62, "anm_" + "a" * 65_536])
def test_what_is_no_key_is_refused(db, raw):
    with pytest.raises(NotAuthenticated) as caught:
        enter(raw)
    assert caught.value.failed_key


def test_an_expired_key_is_refused_from_its_last_moment_on(clinic):
    user = clinic.users[Role.HC_ADMIN]
    assert enter(new_key(user, expires_at=timezone.now() + datetime.timedelta(minutes=1)))
    with pytest.raises(NotAuthenticated):
        enter(new_key(user, expires_at=timezone.now()))


@pytest.mark.parametrize("status", [status for status in UserStatus.values if status != UserStatus.ACTIVE])
def test_the_good_key_of_a_user_who_is_not_active_is_told_apart(clinic, status):
    change_user_status(actor=SYSTEM, user=clinic.users[Role.HC_ADMIN], status=status, reason="test")
    with pytest.raises(AccountInactive):
        enter(clinic.keys[Role.HC_ADMIN])


def test_only_who_has_the_secret_learns_that_the_user_is_not_active(clinic):
    change_user_status(actor=SYSTEM, user=clinic.users[Role.HC_ADMIN], status=UserStatus.BLOCKED, reason="test")
    with pytest.raises(NotAuthenticated) as caught:
        enter(rechecked(altered(clinic.keys[Role.HC_ADMIN], 20)))
    assert not isinstance(caught.value, AccountInactive)


def test_a_revoked_key_of_an_inactive_user_is_just_a_bad_key(clinic):
    key = clinic.keys[Role.HC_ADMIN]
    revoke_key(actor=SYSTEM, key=key_row(key))
    change_user_status(actor=SYSTEM, user=clinic.users[Role.HC_ADMIN], status=UserStatus.BLOCKED, reason="test")
    with pytest.raises(NotAuthenticated) as caught:
        enter(key)
    assert not isinstance(caught.value, AccountInactive)


# --- on the wire ------------------------------------------------------------------------------------


def refusals(clinic) -> dict[str, ApiClient]:
    """Return clients whose keys are bad in different ways."""
    user = clinic.users[Role.HC_ADMIN]
    revoked, expired = new_key(user), new_key(user, expires_at=timezone.now())
    revoke_key(actor=SYSTEM, key=key_row(revoked))
    good = clinic.keys[Role.HC_ADMIN]
    keys = {"none": None, "revoked": revoked, "expired": expired, "wrong": rechecked(altered(good, 20)), "garbage": "garbage"}
    return {name: ApiClient(key) for name, key in keys.items()}


def test_every_bad_key_gets_the_same_bytes(clinic):
    answers = {name: client.get("/v1/me") for name, client in refusals(clinic).items()}
    assert {answer.status_code for answer in answers.values()} == {401}
    assert len({answer.content for answer in answers.values()}) == 1
    assert all(answer["WWW-Authenticate"].startswith("Bearer") for answer in answers.values())
    assert answers["none"].json()["errors"][0]["code"] == "unauthorized"


def test_the_public_dialect_tells_that_an_account_is_inactive(clinic, api, general):
    change_user_status(actor=SYSTEM, user=clinic.users[Role.HC_ADMIN], status=UserStatus.STOPPED, reason="left")
    answer = api().get("/v1/patients")
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (401, "account_inactive")


@pytest.mark.parametrize("path", ["/api/v1/me", "/general/v1/patients"])
def test_the_other_dialects_have_one_text_for_every_cause(clinic, path):
    header = "X-User-Token" if path.startswith("/general") else "Authorization"
    bad = ApiClient("garbage", header).get(path)
    change_user_status(actor=SYSTEM, user=clinic.users[Role.HC_ADMIN], status=UserStatus.STOPPED, reason="left")
    inactive = ApiClient(clinic.keys[Role.HC_ADMIN], header).get(path)
    assert (bad.status_code, inactive.status_code) == (401, 401)
    assert bad.content == inactive.content


# --- nothing is cached ------------------------------------------------------------------------------


def test_changes_of_the_user_hold_at_once(clinic):
    key, user = clinic.keys[Role.HC_PRIMARY], clinic.users[Role.HC_PRIMARY]
    assert enter(key).group_ids == (clinic.group.pk,)
    set_care_groups(actor=SYSTEM, user=user, care_groups=[clinic.group, clinic.other_group])
    assert set(enter(key).group_ids) == {clinic.group.pk, clinic.other_group.pk}
    set_care_groups(actor=SYSTEM, user=user, care_groups=[])
    assert enter(key).group_ids == ()
    User.objects.filter(pk=user.pk).update(role=Role.HC_VIEW_ALL)
    assert enter(key).role == Role.HC_VIEW_ALL
    Organization.objects.filter(pk=clinic.organization.pk).update(timezone="Asia/Tokyo", catalog_version=77)
    assert (enter(key).timezone, enter(key).catalog_version) == ("Asia/Tokyo", 77)
    ApiKey.objects.filter(pk=key_row(key).pk).update(revoked_at=timezone.now())
    with pytest.raises(NotAuthenticated):
        enter(key)


def test_an_archived_group_is_no_group(clinic):
    type(clinic.group).objects.filter(pk=clinic.group.pk).update(deleted_at=timezone.now())
    assert enter(clinic.keys[Role.HC_PRIMARY]).group_ids == ()
    assert actor_of_user(clinic.users[Role.HC_PRIMARY], route="GET /x").group_ids == ()


# --- people -----------------------------------------------------------------------------------------


PASSWORD = "correct horse battery"


@pytest.fixture
def person(clinic) -> User:
    password = NewPassword.hashed(PASSWORD)
    values = {"email": "Ada@Hill.test", "role": Role.HC_ADMIN, "organization": clinic.organization}
    return create_user(actor=SYSTEM, password=password, **values)


@pytest.mark.parametrize("name", ["Ada@Hill.test", "ada@hill.TEST", " ADA@hill.test "])
def test_staff_sign_in_with_their_address_in_any_case(person, name):
    assert StaffBackend().authenticate(None, username=name, password=PASSWORD) == person


REFUSED = [("ada@hill.test", "wrong"), ("eve@hill.test", PASSWORD), ("", PASSWORD), (None, None)]


@pytest.mark.parametrize(("name", "password"), REFUSED)
def test_a_wrong_address_or_password_is_refused(person, name, password):
    assert StaffBackend().authenticate(None, username=name, password=password) is None


@pytest.mark.parametrize("change", [{"role": Role.PATIENT}, {"status": UserStatus.BLOCKED}, {"status": UserStatus.CREATED}])
def test_patients_and_inactive_people_do_not_sign_in_and_lose_their_session(person, change):
    assert StaffBackend().get_user(person.pk) == person
    User.objects.filter(pk=person.pk).update(**change)
    assert StaffBackend().authenticate(None, username="ada@hill.test", password=PASSWORD) is None
    assert StaffBackend().get_user(person.pk) is None
