"""Test keys reach a sandbox and nothing else, and no other key reaches one."""

import re

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import ApiKey, CareGroup, Organization, RateWindow, Role, User, UserStatus
from accounts.scope import scope
from accounts.services.keys import authenticate_key
from accounts.services.users import update_user
from config.core.exceptions import NotAuthenticated
from tests.accounts.test_authenticate import rechecked
from tests.conftest import ApiClient
from tests.factories import SYSTEM, Clinic, new_key
from tests.pages import issue, sign_in, url
from tests.shared import made_once, note_use_of_keys

IN_SANDBOX = [role for role in Role.values if role != Role.FC_ADMIN]


@pytest.fixture(scope="module")
def made(django_db_setup, django_db_blocker):
    def make() -> Clinic:
        sandbox = Clinic("Try Out", is_sandbox=True)
        note_use_of_keys()
        return sandbox

    with made_once(django_db_blocker, make) as copied:
        yield copied


@pytest.fixture
def sandbox(made, clinic) -> Clinic:
    return made()


def as_live_key(key: str) -> str:
    """Return a test key as if it were none, well-formed."""
    return rechecked(key.replace("anm_test_", "anm_", 1))


def as_test_key(key: str) -> str:
    """Return a live key as if it were a test key, well-formed."""
    return rechecked(key.replace("anm_", "anm_test_", 1))


@pytest.mark.parametrize("role", IN_SANDBOX)
def test_a_key_of_a_sandbox_says_so_and_acts_as_its_user(sandbox, role):
    key = sandbox.keys[role]
    assert re.fullmatch(r"anm_test_[0-9A-Za-z]{8}_[0-9A-Za-z]{49}", key)
    me = ApiClient(key).get("/v1/me").json()["data"]
    assert (me["role"], me["organization"]["id"]) == (role, str(sandbox.organization.uuid))
    assert key.split("_")[2] == me["key"]["id"]


def test_a_superadmin_has_live_keys(sandbox):
    assert re.fullmatch(r"anm_[0-9A-Za-z]{8}_[0-9A-Za-z]{49}", sandbox.keys[Role.FC_ADMIN])


def test_a_key_with_the_prefix_of_the_other_kind_is_no_key_and_counts_for_nobody(clinic, sandbox):
    for key in (
        as_live_key(sandbox.keys[Role.HC_ADMIN]),
        as_test_key(clinic.keys[Role.HC_ADMIN]),
        as_test_key(clinic.keys[Role.FC_ADMIN]),
    ):
        assert ApiClient(key).get("/v1/me").status_code == 401
    users = [sandbox.users[Role.HC_ADMIN], clinic.users[Role.HC_ADMIN], clinic.users[Role.FC_ADMIN]]
    assert not RateWindow.objects.filter(subject__in=[f"user:{user.pk}" for user in users]).exists()


def test_the_wrong_prefix_does_not_tell_that_the_user_is_not_active(clinic, sandbox):
    for one, altered in ((sandbox, as_live_key), (clinic, as_test_key)):
        User.objects.filter(pk=one.users[Role.HC_ADMIN].pk).update(status=UserStatus.STOPPED)
        assert ApiClient(one.keys[Role.HC_ADMIN]).get("/v1/me").json()["errors"][0]["code"] == "account_inactive"
        assert ApiClient(altered(one.keys[Role.HC_ADMIN])).get("/v1/me").json()["errors"][0]["code"] != "account_inactive"


def test_it_still_is_one_statement(clinic, sandbox):
    for key in (clinic.keys[Role.FC_ADMIN], sandbox.keys[Role.HC_PRIMARY]):
        authenticate_key(key, route="GET /x", request_id="r1")
        with CaptureQueriesContext(connection) as queries:
            authenticate_key(key, route="GET /x", request_id="r1")
        assert len(queries) == 1


def test_neither_kind_reaches_an_organization_of_the_other(clinic, sandbox):
    for one, other in ((clinic, sandbox), (sandbox, clinic)):
        client = ApiClient(one.keys[Role.HC_ADMIN])
        assert client.get(f"{one.base}/patients").status_code == 200
        unknown = client.get(f"/api/v1/{one.patient().uuid}/patients")
        answer = client.get(f"{other.base}/patients")
        assert (answer.status_code, answer.content) == (404, unknown.content)


def test_a_key_of_a_superadmin_finds_sandboxes_nowhere(clinic, sandbox):
    mine, invented = clinic.patient(), sandbox.patient()
    client, headed = (ApiClient(clinic.keys[Role.FC_ADMIN], header) for header in ("Authorization", "X-User-Token"))
    assert client.get(f"{sandbox.base}/patients").status_code == 404
    assert client.get(f"{clinic.base}/patients/{mine.uuid}").status_code == 200
    assert client.get(f"/v1/patients/{invented.uuid}").status_code == 404
    assert headed.get(f"/general/v1/patients/{invented.pk}").status_code == 404
    assert headed.get(f"/general/v1/patients/{mine.pk}").status_code == 200
    listed = {row["id"] for row in client.get("/v1/patients", {"perPage": "200"}).json()["data"]}
    assert str(mine.uuid) in listed
    assert str(invented.uuid) not in listed
    assert client.get(f"/v1/users/{sandbox.users[Role.HC_ADMIN].uuid}/api-keys").status_code == 404


def test_a_superadmin_sees_what_belongs_to_no_organization(clinic, sandbox):
    actor = authenticate_key(clinic.keys[Role.FC_ADMIN], route="GET /x", request_id="r1")
    assert sandbox.organization.pk in actor.out_of_reach
    found = set(scope(actor, ApiKey.objects.all()).values_list("user__email", flat=True))
    assert clinic.users[Role.FC_ADMIN].email in found
    assert sandbox.users[Role.HC_ADMIN].email not in found
    assert scope(actor, CareGroup.objects.filter(organization=sandbox.organization)).count() == 0


def test_a_key_is_good_no_longer_where_its_user_moved_to_the_other_kind(clinic, sandbox):
    user = clinic.users[Role.HC_ADMIN]
    update_user(actor=SYSTEM, user=user, changes={"organization": sandbox.organization})
    with pytest.raises(NotAuthenticated):
        authenticate_key(clinic.keys[Role.HC_ADMIN], route="GET /x", request_id="r1")
    user.refresh_from_db()
    assert new_key(user).startswith("anm_test_")


@pytest.mark.parametrize("is_sandbox", [True, False])
def test_the_database_lets_no_organization_become_a_sandbox_or_cease_to_be_one(clinic, sandbox, is_sandbox):
    rows = Organization.objects.filter(pk=(clinic if is_sandbox else sandbox).organization.pk)
    with pytest.raises(IntegrityError, match="sandbox"), transaction.atomic():
        rows.update(is_sandbox=is_sandbox)
    rows.update(is_sandbox=not is_sandbox, name="As before")


def test_people_see_in_the_admin_that_they_are_in_a_sandbox(clinic, sandbox):
    line = 'class="clinic sandbox"'
    for role in (Role.HC_ADMIN, Role.HC_PRIMARY):
        assert line in sign_in(sandbox.users[role]).get("/admin/").content.decode()
        assert line not in sign_in(clinic.users[role]).get("/admin/").content.decode()
    listed = sign_in(clinic.users[Role.FC_ADMIN]).get(url(Organization, "changelist")).content.decode()
    assert line not in listed
    assert listed.count("Sandbox") == 1


def test_a_key_that_is_issued_in_a_sandbox_is_a_test_key_and_the_page_says_so(clinic, sandbox):
    for one, is_test in ((sandbox, True), (clinic, False)):
        answer = issue(sign_in(one.users[Role.HC_ADMIN]), one.users[Role.HC_PRIMARY])
        assert answer.context["raw_key"].startswith("anm_test_") == is_test
        assert ("It is a test key" in answer.content.decode()) == is_test
