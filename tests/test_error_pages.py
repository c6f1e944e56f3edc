"""The pages that people get in place of others: what happened, in words, and a way back."""

import pytest
from django.test import Client, RequestFactory

from accounts.models import Role
from config.core.refusals import TITLES
from config.rest import fallback
from patients.models import Patient
from tests.pages import sign_in, url

pytestmark = pytest.mark.django_db
# Longer than what a random nonce in the page may hold by chance.
NOWHERE = "no-such-page-of-ours"


def check(response, status: int) -> str:
    """Hold `response` to be the page of `status`; return it."""
    page = response.content.decode()
    assert response.status_code == status
    assert f"<h1>{TITLES[status]}</h1>" in page
    assert 'href="/admin/"' in page
    return page


@pytest.mark.parametrize(
    ("role", "path", "status"),
    [
        (Role.HC_ADMIN, f"{url(Patient, 'changelist')}?first_name__regex={NOWHERE}", 400),
        (Role.HC_VIEW_ALL, url(Patient, "add"), 403),
        (Role.HC_ADMIN, f"/admin/{NOWHERE}/", 404),
    ],
)
def test_a_page_says_why_there_is_no_other(clinic, role, path, status):
    assert NOWHERE not in check(sign_in(clinic.users[role]).get(path), status)


def test_a_form_that_is_out_of_date_is_told_so():
    page = check(Client(enforce_csrf_checks=True).post("/admin/login/", {"username": "a@b.test", "password": "x"}), 403)
    assert "out of date" in page


def test_a_failure_shows_nothing_of_itself(clinic, monkeypatch):
    monkeypatch.setattr("accounts.navigation.navigation", lambda request: 1 / 0)
    client = sign_in(clinic.users[Role.HC_ADMIN])
    client.raise_request_exception = False
    response = client.get("/admin/")
    page = check(response, 500)
    assert response["X-Request-Id"] in page
    assert "division" not in page


def test_a_failure_before_the_session_is_a_page_too():
    check(fallback.server_error(RequestFactory().get("/admin/")), 500)


OUTSIDE = [
    *("/fhir", "/fhir/metadata", "/.well-known/openid-configuration", "/.well-known/smart-configuration", "/openapi.json"),
    *("/swagger", "/swagger/v1/swagger.json", "/graphql", "/rest/v1/patients", "/docs/unknown/", "/schema/unknown.yaml"),
]
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize("accept", [None, "*/*", "application/json", "application/fhir+json", "text/html;q=0.5, */*"])
@pytest.mark.parametrize("path", OUTSIDE)
def test_a_client_that_asks_for_no_page_is_answered_in_json(path, accept):
    response = Client().get(path, headers={} if accept is None else {"Accept": accept})
    assert (response.status_code, response["Content-Type"]) == (404, "application/json")
    assert response.json() == {"detail": "There is no such page, or you may not see it."}
    assert "Accept" in response["Vary"].split(", ")


@pytest.mark.parametrize("path", ["/fhir", "/.well-known/change-password"])
def test_a_browser_gets_a_page_wherever_it_asks(path):
    response = Client().get(path, headers={"Accept": BROWSER})
    check(response, 404)
    assert "Accept" in response["Vary"].split(", ")


def test_the_admin_has_pages_only(clinic):
    check(sign_in(clinic.users[Role.HC_ADMIN]).get("/admin/nothing/here", headers={"Accept": "application/json"}), 404)


SLASHES = {
    **{path: f"{path}/" for path in ("/admin", "/docs", "/docs/general", "/docs/practice/try")},
    **{f"{path}/": path for path in ("/healthz", "/readyz", "/schema/general.yaml")},
}


@pytest.mark.parametrize("accept", ["application/json", BROWSER])
@pytest.mark.parametrize(("path", "known"), SLASHES.items())
def test_a_slash_more_or_less_leads_to_the_page(path, known, accept):
    for verb in ("get", "head"):
        response = getattr(Client(), verb)(f"{path}?a=b%2F", headers={"Accept": accept})
        assert (response.status_code, response["Location"]) == (302, f"{known}?a=b%2F")
    assert Client().get(path)["Location"] == known
    assert Client().get(known).status_code == (302 if known == "/admin/" else 200)


@pytest.mark.parametrize(("path", "known"), SLASHES.items())
def test_what_is_sent_is_not_led_elsewhere(path, known):
    assert Client().post(path).status_code == 404


@pytest.mark.parametrize("path", ["//clinic.example/docs", "//docs", "//docs/", "/docs/a/b", "/nothing", "/schema/x/"])
def test_no_slash_leads_off_the_server_or_to_nothing(path):
    # The client would take two slashes for the beginning of a host.
    assert Client().get("/", PATH_INFO=path).status_code == 404


@pytest.mark.parametrize("path", ["/docs/%5Cclinic.example", "/docs/clinic.example%0D%0AX-A:%20b", "/docs/%3Fa"])
def test_what_the_client_wrote_stays_quoted_and_on_the_server(path):
    assert Client().get(path)["Location"] == f"{path}/"


def test_a_client_that_asks_too_often_is_told_in_json(settings):
    settings.ANONYMOUS_PER_MINUTE = 0
    response = Client().post("/graphql", b"{}", content_type="application/json")
    assert (response.status_code, response["Content-Type"]) == (429, "application/json")
    assert int(response["Retry-After"]) > 0
