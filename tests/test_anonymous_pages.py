"""Pages that nobody has signed in for: how many an anonymous client may ask for, and how much they may send."""

import re

import pytest
from django.contrib.staticfiles import finders
from django.db import OperationalError
from django.test import Client

from accounts.models import AuditEvent, RateWindow, Role
from config import pages
from config.rest import throttling
from config.rest.dialects import DIALECTS
from tests.conftest import ApiClient
from tests.pages import sign_in
from tests.sweeps import swept

LIMIT = 3
PAGES = [
    *("/", "/admin/", "/admin", "/admin/login/", "/admin/logout/", "/admin/patients/patient/", "/admin/jsi18n/"),
    *("/admin/autocomplete/?term=a", "/admin/nothing/", "/docs/", "/docs/practice/", "/docs/nothing/", "/accounts/profile/"),
    *(f"/schema/{name}.yaml" for name in DIALECTS),
    *("/healthz/", "/readyz/x", "/static/nothing.js", "/apiary"),
]


BROWSER = {"Accept": "text/html,*/*;q=0.8"}


@pytest.fixture
def client() -> Client:
    return Client(headers=BROWSER)


@pytest.fixture
def limits(settings, db) -> None:
    settings.ANONYMOUS_PER_MINUTE = LIMIT


def used() -> None:
    for _ in range(LIMIT):
        assert ApiClient(None).get("/v1/me").status_code == 401


@swept("path", PAGES, ["/", "/admin/login/", "/docs/", "/schema/practice.yaml"])
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
def test_a_page_counts_like_a_request_without_a_key(limits, path, method):
    client = Client()
    seen = [client.generic(method, path).status_code for _ in range(LIMIT + 1)]
    assert 429 not in seen[:LIMIT]
    assert seen[LIMIT] == 429
    assert ApiClient(None).get("/v1/me").status_code == 429
    assert RateWindow.objects.values_list("subject", "count").get() == ("address:127.0.0.1", LIMIT + 2)


def test_a_refusal_is_a_page_that_says_when_to_come_back(limits, client):
    used()
    answer = client.get("/docs/")
    assert (answer.status_code, answer["Content-Type"]) == (429, "text/html; charset=utf-8")
    assert 1 <= int(answer["Retry-After"]) <= 60
    content = answer.content.decode()
    assert "Too many requests" in content
    assert "<title>" in content
    assert "no-store" in answer["Cache-Control"]
    (nonce,) = re.findall(r'<style nonce="([\w-]+)">', content)
    assert f"style-src 'self' 'nonce-{nonce}'" in answer["Content-Security-Policy"]


def test_a_refusal_loads_nothing(limits, client):
    used()
    content = client.get("/docs/").content.decode()
    assert "src=" not in content
    assert '<link rel="stylesheet' not in content


def test_who_has_signed_in_is_not_counted_for_the_address(limits, clinic):
    used()
    staff = sign_in(clinic.users[Role.HC_PRIMARY])
    of_address = RateWindow.objects.filter(subject__startswith="address:")
    before = of_address.get().count
    assert {staff.get(path).status_code for path in ("/admin/", "/docs/", "/schema/public.yaml", "/admin/patients/patient/")} == {
        200
    }
    assert of_address.get().count == before


def test_who_can_no_longer_sign_in_is_anonymous(limits, clinic):
    user = clinic.users[Role.HC_PRIMARY]
    staff = sign_in(user)
    used()
    type(user).objects.filter(pk=user.pk).update(status="blocked")
    assert staff.get("/admin/").status_code == 429


@pytest.mark.parametrize("cookie", ["nonsense", "a" * 32])
def test_a_cookie_that_is_no_session_makes_nobody_known(limits, settings, cookie):
    used()
    client = Client()
    client.cookies[settings.SESSION_COOKIE_NAME] = cookie
    assert client.get("/admin/").status_code == 429


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_is_told_without_counting(limits, client, path):
    used()
    assert {client.get(path).status_code for _ in range(LIMIT + 1)} == {200}
    assert RateWindow.objects.get().count == LIMIT


def test_health_is_told_where_counting_fails(db, client, monkeypatch):
    def away(*args):
        raise OperationalError

    monkeypatch.setattr(throttling, "count", away)
    assert client.get("/healthz").status_code == 200


def test_static_files_are_served_without_counting(limits, client):
    assert finders.find("unfold/css/styles.css")
    used()
    answer = client.get("/static/unfold/css/styles.css")
    assert (answer.status_code, b"".join(answer) != b"") == (200, True)
    answer.close()


def test_a_counter_that_is_away_is_a_page_with_503(db, client, monkeypatch):
    def away(*args):
        raise OperationalError("ZZcanary")

    monkeypatch.setattr(throttling, "count", away)
    answer = client.get("/docs/")
    assert (answer.status_code, answer["Retry-After"], answer["Content-Type"]) == (503, "5", "text/html; charset=utf-8")
    assert "ZZcanary" not in answer.content.decode()


# --- bodies -----------------------------------------------------------------------------------------

FORM = "application/x-www-form-urlencoded"


class Unread:
    """A body that must not be read."""

    def read(self, *args):
        raise AssertionError("read")

    readline = read


def send(client: Client, path: str, size: int, content_type: str = FORM, **environ):
    client.cookies["csrftoken"] = "a" * 32
    return client.generic("POST", path, b"", content_type=content_type, **{"CONTENT_LENGTH": str(size), **environ})


@pytest.mark.parametrize(
    "path", ["/admin/login/", "/admin/login/?next=/admin/", "/admin/logout/", "/admin/", "/nothing", "/docs/"]
)
@pytest.mark.parametrize("content_type", [FORM, "multipart/form-data; boundary=x", "application/json", ""])
def test_a_large_anonymous_body_is_refused_unread(db, path, content_type):
    client = Client(enforce_csrf_checks=True, headers=BROWSER)
    answer = send(client, path, pages.MAX_BODY + 1, content_type, **{"wsgi.input": Unread()})
    assert (answer.status_code, answer["Content-Type"]) == (413, "text/html; charset=utf-8")


def test_a_body_of_the_greatest_size_is_read(db):
    client = Client()
    body = b"username=nobody%40hill.test&password=" + b"x" * 20_000
    assert client.generic("POST", "/admin/login/", body[: pages.MAX_BODY], content_type=FORM).status_code == 200
    assert client.generic("POST", "/admin/login/", body[: pages.MAX_BODY + 1], content_type=FORM).status_code == 413


@pytest.mark.parametrize("length", ["+99999", "1_0_0_0_0_0", " 99999", "٩٩٩٩٩"])
def test_a_length_is_read_as_django_reads_it(db, length):
    assert send(Client(), "/admin/login/", 0, **{"CONTENT_LENGTH": length, "wsgi.input": Unread()}).status_code == 413


@pytest.mark.parametrize("length", ["", "-1", "many", "1e9"])
def test_a_length_that_is_no_number_is_nothing_to_read(db, length):
    client = Client(enforce_csrf_checks=True)
    client.cookies["csrftoken"] = "a" * 32
    answer = client.generic("POST", "/admin/login/", b"", content_type=FORM, CONTENT_LENGTH=length)
    assert answer.status_code == 403


def test_staff_may_send_long_forms(clinic):
    staff = sign_in(clinic.users[Role.HC_PRIMARY])
    answer = staff.post("/admin/patients/patient/add/", {"last_name": "x", "medical_summary": "y" * pages.MAX_BODY})
    assert answer.status_code in (200, 302)


def test_a_page_of_a_signed_in_person_counts_as_a_request_of_theirs(clinic, settings):
    settings.RATE_LIMIT_PER_MINUTE = LIMIT
    client = sign_in(clinic.users[Role.HC_ADMIN])
    assert [client.get("/admin/jsi18n/").status_code for _ in range(LIMIT + 1)] == [200] * LIMIT + [429]
    assert ApiClient(clinic.keys[Role.HC_ADMIN]).get("/v1/me").status_code == 429


def test_signing_in_again_and_again_counts_with_a_session_too(limits, clinic):
    client = sign_in(clinic.users[Role.HC_ADMIN])
    assert [client.post("/admin/login/", {}).status_code for _ in range(LIMIT + 1)][-1] == 429


def test_an_open_browser_is_no_place_to_guess_the_password(clinic):
    client = sign_in(clinic.users[Role.HC_ADMIN])
    guess = {"old_password": "guess", "new_password1": "correct horse battery", "new_password2": "correct horse battery"}
    statuses = [client.post("/admin/password_change/", guess).status_code for _ in range(11)]
    assert statuses == [200] * 10 + [429]
    denied = AuditEvent.objects.filter(action="user.update", outcome="denied", user_id=clinic.users[Role.HC_ADMIN].pk)
    assert denied.count() == 10
