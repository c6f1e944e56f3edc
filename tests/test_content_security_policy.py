"""What the pages let a browser run: scripts of our own files, and inline ones that carry the nonce of the response."""

import re

import pytest
from django.test import Client

from accounts.models import ApiKey, Role
from config.rest.dialects import DIALECTS
from patients.models import Patient
from tests.pages import sign_in, url

pytestmark = pytest.mark.django_db

DOCUMENTS = [f"/docs/{name}/{page}" for name in DIALECTS for page in ("", "try/")]
ANYWHERE = ["/admin/login/", "/docs/", *DOCUMENTS]
SECOND_FACTOR = ["/admin/second-factor/", "/admin/second-factor/enrol/"]
SIGNED_IN = ["/admin/", url(Patient, "changelist"), url(Patient, "add"), url(ApiKey, "add"), *SECOND_FACTOR]


@pytest.fixture
def signed_in(clinic) -> Client:
    return sign_in(clinic.users[Role.HC_ADMIN])


def directives(response) -> dict[str, list[str]]:
    """Return the directives of a response's policy: name -> sources."""
    parts = [part.split() for part in response["Content-Security-Policy"].split(";")]
    return {name: sources for name, *sources in parts}


@pytest.mark.parametrize("path", [*ANYWHERE, *SIGNED_IN])
def test_no_script_runs_but_by_file_or_nonce(client, signed_in, path):
    response = (signed_in if path in SIGNED_IN else client).get(path)
    assert response.status_code == 200
    (nonce,) = [source for source in directives(response)["script-src"] if source.startswith("'nonce-")]
    others = {"'self'", "'unsafe-eval'"} if path.startswith("/admin/") else {"'self'"}
    assert set(directives(response)["script-src"]) == {nonce, *others}
    page = response.content.decode()
    inline = [attributes for attributes in re.findall(r"<script([^>]*)>", page) if "src=" not in attributes]
    assert [attributes for attributes in inline if f'nonce="{nonce[7:-1]}"' not in attributes] == []
    assert re.findall(r"<[^>]+\son[a-z]+\s*=", page) == []


@pytest.mark.parametrize("path", ANYWHERE[1:])
def test_outside_of_the_admin_styles_need_the_nonce_too(client, path):
    response = client.get(path)
    (nonce,) = [source for source in directives(response)["style-src"] if source != "'self'"]
    assert nonce in directives(response)["script-src"]
    page = response.content.decode()
    styles = set(re.findall(r"<style([^>]*)>", page))
    assert styles == ({f' nonce="{nonce[7:-1]}"'} if path.endswith("/try/") else set())
    assert re.findall(r"<[^>]+\sstyle\s*=", page) == []


def test_each_response_has_a_nonce_of_its_own(client):
    one, other = (client.get("/docs/")["Content-Security-Policy"] for _ in range(2))
    assert one != other


def test_an_api_lets_a_browser_do_nothing(client):
    assert client.get("/v1/me")["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
