"""Where HTTPS is on, what comes without TLS: pages are redirected, API requests refused, health is told."""

import pytest
from django.test import Client

from accounts.models import RateWindow
from tests.conftest import ApiClient
from tests.rest.wire import DIALECTS, Wire


@pytest.fixture(autouse=True)
def https(settings, db) -> None:
    settings.SECURE_SSL_REDIRECT = True
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")


@pytest.fixture(params=DIALECTS)
def wire(request, clinic) -> Wire:
    return Wire(request.param, clinic)


@pytest.mark.parametrize("method", ["GET", "POST", "PATCH", "DELETE", "HEAD", "OPTIONS", "FOO"])
def test_a_key_without_tls_is_refused_in_the_dialect_and_not_redirected(wire, method):
    answer = wire.client()(method, wire.patients)
    assert (answer.status_code, answer["Content-Type"]) == (403, "application/json")
    assert "Location" not in answer
    assert "no-store" in answer["Cache-Control"]
    assert answer["X-Request-Id"]
    if method != "HEAD":
        assert wire.message(wire.checked(answer, 403)) == "Use HTTPS: requests to the API are not answered without TLS"


@pytest.mark.parametrize("key", [None, "nonsense"])
def test_who_has_no_key_is_told_the_same_and_nothing_is_counted(wire, key):
    wire.checked(wire.with_key(key).get(wire.patients), 403)
    wire.checked(wire.with_key(key).get(wire.unknown), 403)
    assert not RateWindow.objects.exists()


def test_a_prefix_without_its_slash_belongs_to_the_api(wire):
    wire.checked(wire.client().get(wire.prefix.rstrip("/")), 403)


def test_a_key_over_tls_is_served(wire):
    assert wire.client().get(wire.patients, X_Forwarded_Proto="https").status_code == 200


def test_a_page_is_redirected():
    for path in ("/admin/", "/admin/login/", "/docs/", "/nothing", "/apiary"):
        answer = Client().get(path)
        assert (answer.status_code, answer["Location"]) == (301, f"https://testserver{path}")


def test_health_is_told_without_tls():
    assert {Client().get(path).status_code for path in ("/healthz", "/readyz")} == {200}


def test_without_the_setting_nothing_is_refused(settings, wire):
    settings.SECURE_SSL_REDIRECT = False
    assert wire.client().get(wire.patients).status_code == 200
    assert ApiClient(None).get("/v1/me").status_code == 401
