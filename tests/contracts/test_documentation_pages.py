"""The documentation pages: open to all, complete, and without a request to anywhere else."""

import html
import json
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Barrier, BrokenBarrierError

import pytest
from django.urls import get_resolver

from accounts.models import Role
from config.rest.components import operations
from config.rest.dialects import DIALECTS
from config.rest.guides import GUIDES
from config.rest.schema import DialectGenerator, document, document_yaml
from config.rest.schema_responses import PROBLEMS
from tests.contracts.examples import SERVER
from tests.pages import sign_in

pytestmark = pytest.mark.django_db  # Pages without a session are counted there.
# The examples of webhook endpoints name an address of a client, and its body as PHP calls it.
RECEIVER = r"https://hooks\.clinic\.example/anamnesis|php://input"
PAGES = [
    "/docs/",
    *(f"/docs/guides/{name}/" for name in GUIDES),
    *(f"/docs/{name}/{page}" for name in DIALECTS for page in ("", "try/", "changelog/")),
]


@pytest.mark.parametrize("path", PAGES)
def test_page_needs_no_sign_in(client, path):
    response = client.get(path)

    assert response.status_code == 200
    assert response["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("path", PAGES)
def test_page_names_no_other_host(client, path):
    page = re.sub(r"// validator.*", "", client.get(path).content.decode())
    own = f"http://testserver|{SERVER}(?=/v1/)|{RECEIVER}"
    assert re.findall(r"(?:https?:)?//\w[^\s\"']*", re.sub(own, "", page)) == []


def test_index_leads_to_every_dialect_and_its_document(client):
    page = client.get("/docs/").content.decode()

    for name in DIALECTS:
        assert f'href="/docs/{name}/"' in page
        assert f'href="/schema/{name}.yaml"' in page


@pytest.mark.parametrize("name", DIALECTS)
def test_dialect_page_shows_every_operation_and_schema_of_its_document(client, name):
    page = client.get(f"/docs/{name}/").content.decode()
    made = document(name)
    shown = re.findall(r'<details class="(operation|shape)" id="([^"]+)"', page)

    assert [title for kind, title in shown if kind == "shape"] == [f"schema-{title}" for title in made["components"]["schemas"]]
    assert sorted(title for kind, title in shown if kind == "operation") == sorted(
        operation["operationId"] for operation in operations(made)
    )
    assert re.findall(r'<h2 id="[^"]+">([^<]+)</h2>', page) == [*(tag["name"] for tag in made["tags"]), "Schemas"]


@pytest.mark.parametrize("path", PAGES)
def test_links_within_a_page_lead_somewhere(client, path):
    page = client.get(path).content.decode()
    assert set(re.findall(r'href="#([^"]+)"', page)) - set(re.findall(r'id="([^"]+)"', page)) == set()


@pytest.mark.parametrize("name", DIALECTS)
def test_requests_can_be_tried_on_a_dialects_own_document(client, name):
    assert f'url: "/schema/{name}.yaml"' in client.get(f"/docs/{name}/try/").content.decode()
    assert f'href="/docs/{name}/try/"' in client.get(f"/docs/{name}/").content.decode()


def test_a_parameter_is_shown_with_its_type_limits_and_meaning(client):
    (operation,) = re.findall(r'id="list_patients".*?</details>', client.get("/docs/practice/").content.decode(), re.DOTALL)
    (row,) = [row for row in re.findall(r"<tr>.*?</tr>", operation, re.DOTALL) if "<code>page_size</code>" in row]

    words = " ".join(re.sub(r"<[^>]+>", " ", row).split())
    assert words == "page_size query integer How many rows a page holds. 50 if absent, at least 1, at most 200."


def test_first_page_answers_what_every_client_asks(client, settings):
    settings.RATE_LIMIT_PER_MINUTE = 4321
    page = client.get("/docs/").content.decode()

    sections = ["Quick start", "Test mode", "Paging", "Versions", "Repeating a request safely", "Following changes", "Errors"]
    sections += ["Rate limits", "What will go", "Clients"]
    assert re.findall(r'<h2 id="[a-z]+-?[a-z]*">([^<]+)</h2>', page)[-10:] == sections
    assert "4321 requests a minute" in page


def test_errors_on_the_first_page_are_those_that_come(client, clinic, api, general):
    page = html.unescape(client.get("/docs/").content.decode())
    patient = clinic.patient(version=4)
    one = f"{clinic.base}/patients/{patient.uuid}"

    stale = api().patch(one, {"base_version": 3})
    assert f"409 {json.dumps(stale.json())}" in page
    assert json.dumps(api().get(f"{clinic.base}/patients/{clinic.group.uuid}").json()) in page
    (wrong,) = api().patch(one, {"base_version": 4, "gender": "no"}).json()["detail"]
    assert json.dumps({"detail": [{**wrong, "msg": "…"}]}, ensure_ascii=False) in page
    for answer in (api().post("/v1/patients", {"sex": "no"}), api().get(f"/v1/patients/{clinic.group.uuid}")):
        error = next(found for found in answer.json()["errors"] if found.get("attribute", "sex") == "sex")
        assert json.dumps({"meta": {}, "errors": [{**error, "message": "…"}]}, ensure_ascii=False) in page
    refused = general().put(f"/general/v1/patients/{patient.pk}", {"patient": {"gender": "no"}}).json()
    assert json.dumps({"errors": {"gender": ["…"] * len(refused["errors"]["gender"])}}, ensure_ascii=False) in page


def test_statuses_on_the_first_page_are_those_of_the_documents(client):
    """Beside them there is 405, for a verb that no document has."""
    page = client.get("/docs/").content.decode()
    rows = re.findall(r'<th scope="row">(\d{3}(?:, \d{3})*)</th>', page)
    assert sorted(int(status) for row in rows for status in row.split(", ")) == sorted([*PROBLEMS, 405])


def test_quick_start_searches_for_whom_the_readme_finds_in_the_demo(client, settings):
    searched = {
        word
        for text in (client.get("/docs/").content.decode(), (settings.BASE_DIR / "README.md").read_text(encoding="utf-8"))
        for word in re.findall(r"\bpatients\?search=(\w+)", text)
    }
    assert searched == {"sorensen"}


def test_conditions_and_sorting_are_on_the_first_page(client):
    page = client.get("/docs/").content.decode()
    named = {found["name"] for operation in operations(document("practice")) for found in operation.get("parameters", ())}
    for word in ("If-Match", "If-None-Match", "sort_by", "sort_dir"):
        assert word in named
        assert f"<code>{word}</code>" in page
    assert "<code>ETag</code>" in page


@pytest.mark.parametrize("name", DIALECTS)
def test_schema_is_served_as_yaml(client, name):
    response = client.get(f"/schema/{name}.yaml")

    assert response["Content-Type"] == "application/yaml; charset=utf-8"
    assert response.content == document_yaml(name)


@pytest.mark.parametrize(
    "path",
    [
        "/docs/nope/",
        "/docs/guides/nope/",
        "/docs/guides/architecture/",
        "/docs/nope/try/",
        "/docs/nope/changelog/",
        "/docs/nope/changelog.atom",
        "/schema/nope.yaml",
    ],
)
def test_unknown_dialect_is_not_found(client, path):
    assert client.get(path).status_code == 404


@pytest.mark.parametrize("names", [("public", "public"), ("public", "practice")])
def test_one_thread_at_a_time_makes_a_document(monkeypatch, names):
    """drf-spectacular fails where two do."""
    together, made = Barrier(2), []

    def get_schema(generator, request=None, public=False):
        made.append(generator.dialect.name)
        with suppress(BrokenBarrierError):
            together.wait(0.1)
            made.append("meanwhile another")
        return {}

    monkeypatch.setattr(DialectGenerator, "get_schema", get_schema)
    document.cache_clear()
    try:
        with ThreadPoolExecutor(2) as threads:
            list(threads.map(document, names))
    finally:
        document.cache_clear()
    assert sorted(made) == sorted(set(names))


def test_documents_are_read_only(client):
    assert client.post("/schema/practice.yaml").status_code == 405


LINES = [str(line.pattern) for line in get_resolver().url_patterns if str(line.pattern).startswith(("docs", "schema"))]


@pytest.mark.parametrize("path", ["/" + line.replace("<name>", "events" if "guides" in line else "public") for line in LINES])
@pytest.mark.parametrize("signed_in", [False, True])
def test_an_installation_can_do_without_them(client, clinic, settings, path, signed_in):
    settings.API_DOCUMENTATION = False
    client = sign_in(clinic.users[Role.FC_ADMIN]) if signed_in else client
    assert client.get(path).status_code == 404
    assert client.post(path).status_code == 404
    settings.API_DOCUMENTATION = True
    assert client.get(path).status_code == 200
