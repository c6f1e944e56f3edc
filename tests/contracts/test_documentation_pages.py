"""The documentation pages: open to all, complete, and without a request to anywhere else."""

import re

import pytest

from config.rest.dialects import DIALECTS
from config.rest.schema import document_yaml

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
