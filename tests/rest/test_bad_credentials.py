"""Keys that are none, sent where they do not belong, or no longer good: one text for all causes."""

import datetime

import pytest
from django.utils import timezone

from accounts.models import User
from accounts.scope import Role
from accounts.services.keys import revoke_key
from tests.conftest import ApiClient
from tests.factories import SYSTEM, key_row, new_key

OTHER_HEADER = {"Authorization": "X-User-Token", "X-User-Token": "Authorization"}


@pytest.fixture
def refused(wire):
    """Return a function that asserts the one 401 and returns its bytes."""

    def check(response) -> bytes:
        wire.limited(wire.checked(response, 401))
        assert wire.message(response) == "Unauthorized"
        return response.content

    return check


def spoiled(key: str) -> dict[str, str]:
    """Return strings that resemble `key`."""
    prefix, name, tail = key.split("_")
    turned = "A" if tail[0] != "A" else "B"
    return {
        "empty": "",
        "blank": " ",
        "one letter": "x",
        "cut": key[:-1],
        "longer": key + "0",
        "another checksum": key[:-1] + ("0" if key[-1] != "0" else "1"),
        "another secret": f"{prefix}_{name}_{turned}{tail[1:]}",
        "another prefix": f"pdk_{name}_{tail}",
        "another case": key.swapcase(),
        "blank inside": f"{key[:9]} {key[9:]}",
        "blank after": f"{key} ",
        "newline after": f"{key}\n",
        "not ascii": key[:-1] + "é",
        "arabic digits": f"anm_{'٠' * 8}_{tail}",
        "NUL": key + "\x00",
        "twice": f"{key},{key}",
        "64 KB": "a" * 65_536,
        "64 KB in form": f"anm_{name}_{'0' * 65_536}",
        "sql": "' OR 1=1 --",
    }


def test_every_spoiled_key_gets_the_same_401(wire, refused):
    answers = {
        cause: refused(wire.with_key(key).get(wire.patients)) for cause, key in spoiled(wire.clinic.keys["HC_ADMIN"]).items()
    }
    assert len(set(answers.values())) == 1


def test_keys_that_were_good_once_get_the_same_401(wire, refused):
    user = wire.clinic.users[Role.HC_ADMIN]
    expired = new_key(user, expires_at=timezone.now() - datetime.timedelta(seconds=1))
    revoked = new_key(user)
    assert wire.with_key(revoked).get(wire.patients).status_code == 200
    revoke_key(actor=SYSTEM, key=key_row(revoked))
    unknown = spoiled(revoked)["another secret"]
    assert len({refused(wire.with_key(key).get(wire.patients)) for key in (expired, revoked, unknown)}) == 1


@pytest.mark.parametrize("status", ["created", "blocked", "stopped", "cancelled"])
def test_key_of_an_inactive_user_is_told_so_in_the_public_dialect_only(wire, refused, status):
    User.objects.filter(pk=wire.clinic.users[Role.HC_ADMIN].pk).update(status=status)
    response = wire.client().get(wire.patients)
    if wire.name == "public":
        wire.limited(wire.checked(response, 401))
        expected = {"code": "account_inactive", "message": "Your account is not active"}
        assert response.json() == {"meta": {}, "errors": [expected]}
    else:
        assert refused(response) == refused(wire.with_key("x").get(wire.patients))


def test_inactive_account_is_not_told_to_a_wrong_key(clinic, api):
    User.objects.filter(pk=clinic.users[Role.HC_ADMIN].pk).update(status="blocked")
    response = ApiClient(spoiled(clinic.keys["HC_ADMIN"])["another checksum"]).get("/v1/patients")
    assert response.json()["errors"] == [{"code": "unauthorized", "message": "Unauthorized"}]


def in_both_headers(wire, key: str):
    """Return the answer to a request with the key of an administrator in the dialect's own header, and `key` in the other."""
    client = wire.client()
    other = OTHER_HEADER[client.header]
    return client.get(wire.patients, **{other: f"Bearer {key}" if other == "Authorization" else key})


def test_the_same_key_in_both_headers_is_one(wire):
    assert in_both_headers(wire, wire.clinic.keys["HC_ADMIN"]).status_code == 200


def test_different_keys_in_both_headers_are_refused(wire, refused):
    for other in ("", "nonsense", wire.clinic.keys["HC_PRIMARY"]):
        refused(in_both_headers(wire, other))


@pytest.mark.parametrize("header", ["Basic Zm9v", "Negotiate YII=", "Digest", ""])
def test_beside_a_user_token_another_scheme_counts_for_nothing(clinic, header):
    client = ApiClient(clinic.keys["HC_ADMIN"], "X-User-Token")
    assert client.get("/general/v1/patients", Authorization=header).status_code == 200


@pytest.mark.parametrize("path", ["/api/v1/me", "/v1/patients"])
def test_where_the_key_is_in_authorization_another_scheme_is_refused_beside_a_user_token(clinic, path):
    assert ApiClient(clinic.keys["HC_ADMIN"], "X-User-Token").get(path, Authorization="Basic Zm9v").status_code == 401


def test_key_in_the_header_of_another_dialect_counts_for_nothing(wire, refused):
    key = wire.clinic.keys["HC_ADMIN"]
    refused(ApiClient(key, OTHER_HEADER[wire.client().header]).get(wire.patients))


def test_key_in_the_query_or_in_a_cookie_counts_for_nothing(wire, refused):
    key = wire.clinic.keys["HC_ADMIN"]
    client = wire.with_key(None)
    for name in ("api_key", "token", "access_token", "Authorization", "X-User-Token"):
        refused(client.get(wire.patients, {name: key}))
    refused(client.get(wire.patients, Cookie=f"sessionid={key}; token={key}"))


@pytest.mark.parametrize(
    "form",
    [
        "{key}",
        "Basic {key}",
        "Token {key}",
        "Bearer",
        "Bearer ",
        "Bearer\t{key}",
        "Bearer Bearer {key}",
        "Bearer {key}, Bearer {key}",
        "Bearer {key} {key}",
        "Bearer:{key}",
        "",
    ],
)
@pytest.mark.parametrize("path", ["/api/v1/me", "/v1/me", "/v1/patients"])
def test_authorization_that_is_no_bearer_key_is_refused(clinic, form, path):
    response = ApiClient(None).get(path, Authorization=form.format(key=clinic.keys["HC_ADMIN"]))
    assert response.status_code == 401
    assert b"Unauthorized" in response.content


def test_scheme_is_known_in_any_case(clinic):
    for scheme in ("bearer", "BEARER"):
        assert ApiClient(None).get("/v1/me", Authorization=f"{scheme} {clinic.keys['HC_ADMIN']}").status_code == 200


def test_change_of_a_user_holds_from_the_next_request(wire):
    client, user = wire.client(), wire.clinic.users[Role.HC_ADMIN]
    assert client.get(wire.patients).status_code == 200
    User.objects.filter(pk=user.pk).update(role=Role.HC_VIEW_ALL)
    wire.checked(wire.create(wire.values(), client), 403)
    User.objects.filter(pk=user.pk).update(status="stopped")
    wire.checked(client.get(wire.patients), 401)


def test_unknown_key_is_looked_up_no_longer_than_a_known_one(wire, django_assert_num_queries):
    """A malformed key asks the database for nothing but the count of failures."""
    with django_assert_num_queries(1):
        wire.with_key("nonsense").get(wire.patients)
    with django_assert_num_queries(2):
        wire.with_key(_well_formed()).get(wire.patients)


def _well_formed() -> str:
    from accounts.services.key_texts import checksum

    start = f"anm_{'0' * 8}_{'0' * 43}"
    return start + checksum(start)
