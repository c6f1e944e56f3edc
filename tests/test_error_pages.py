"""The pages that people get in place of others: what happened, in words, and a way back."""

import pytest
from django.test import Client, RequestFactory

from accounts.models import Role
from config.core.refusals import TITLES
from config.rest import fallback
from patients.models import Patient
from tests.pages import sign_in, url

pytestmark = pytest.mark.django_db


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
        (Role.HC_ADMIN, f"{url(Patient, 'changelist')}?first_name__regex=ZZ", 400),
        (Role.HC_VIEW_ALL, url(Patient, "add"), 403),
        (Role.HC_ADMIN, "/admin/ZZ/", 404),
        (Role.HC_ADMIN, "/ZZ", 404),
    ],
)
def test_a_page_says_why_there_is_no_other(clinic, role, path, status):
    assert "ZZ" not in check(sign_in(clinic.users[role]).get(path), status)


def test_a_form_that_is_out_of_date_is_told_so():
    page = check(Client(enforce_csrf_checks=True).post("/admin/login/", {"username": "a@b.test", "password": "x"}), 403)
    assert "out of date" in page


def test_a_failure_shows_nothing_of_itself(clinic, monkeypatch):
    monkeypatch.setattr("accounts.site.navigation", lambda request: 1 / 0)
    client = sign_in(clinic.users[Role.HC_ADMIN])
    client.raise_request_exception = False
    response = client.get("/admin/")
    page = check(response, 500)
    assert response["X-Request-Id"] in page
    assert "division" not in page


def test_a_failure_before_the_session_is_a_page_too():
    check(fallback.server_error(RequestFactory().get("/admin/")), 500)
