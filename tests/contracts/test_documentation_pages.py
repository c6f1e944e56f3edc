"""The documentation pages: open to all, complete, and without a request to anywhere else."""

import re

import pytest
from django.urls import get_resolver

from accounts.models import Role
from config.rest.dialects import DIALECTS
from config.rest.schema import document_yaml
from tests.pages import sign_in

pytestmark = pytest.mark.django_db  # Pages without a session are counted there.
PAGES = ["/docs/", *(f"/docs/{name}/" for name in DIALECTS)]


@pytest.mark.parametrize("path", PAGES)
def test_page_needs_no_sign_in(client, path):
    response = client.get(path)

    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("path", PAGES)
def test_page_names_no_other_host(client, path):
    assert re.findall(r"(?:https?:)?//\w[^\s\"']*", re.sub(r"// validator.*", "", client.get(path).content.decode())) == []


def test_index_leads_to_every_dialect_and_its_document(client):
    page = client.get("/docs/").content.decode()

    for name in DIALECTS:
        assert f'href="/docs/{name}/"' in page
        assert f'href="/schema/{name}.yaml"' in page


@pytest.mark.parametrize("name", DIALECTS)
def test_dialect_page_shows_its_own_document(client, name):
    assert f'url: "/schema/{name}.yaml"' in client.get(f"/docs/{name}/").content.decode()


@pytest.mark.parametrize("name", DIALECTS)
def test_schema_is_served_as_yaml(client, name):
    response = client.get(f"/schema/{name}.yaml")

    assert response["Content-Type"] == "application/yaml; charset=utf-8"
    assert response.content == document_yaml(name)


@pytest.mark.parametrize("path", ["/docs/nope/", "/schema/nope.yaml"])
def test_unknown_dialect_is_not_found(client, path):
    assert client.get(path).status_code == 404


def test_documents_are_read_only(client):
    assert client.post("/schema/practice.yaml").status_code == 405


LINES = [str(line.pattern) for line in get_resolver().url_patterns if str(line.pattern).startswith(("docs", "schema"))]


@pytest.mark.parametrize("path", [f"/{line.replace('<name>', 'public')}" for line in LINES])
@pytest.mark.parametrize("signed_in", [False, True])
def test_an_installation_can_do_without_them(client, clinic, settings, path, signed_in):
    settings.API_DOCUMENTATION = False
    client = sign_in(clinic.users[Role.FC_ADMIN]) if signed_in else client
    assert client.get(path).status_code == 404
    assert client.post(path).status_code == 404
    settings.API_DOCUMENTATION = True
    assert client.get(path).status_code == 200
