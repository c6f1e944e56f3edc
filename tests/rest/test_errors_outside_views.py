"""Errors that no view sees: still JSON in the dialect of the path."""

import io

import pytest
from django.core.exceptions import SuspiciousOperation
from django.core.signals import request_finished, request_started
from django.db import OperationalError, close_old_connections

from config.core.middleware import is_api
from config.rest import views
from config.wsgi import application
from tests.rest.wire import TOKEN_HEADER


def test_refused_host_is_400_in_the_dialect(wire):
    response = wire.client().get(wire.patients, Host="evil.test")
    wire.checked(response, 400)
    assert "evil" not in wire.message(response)


def test_refused_host_on_a_page_is_a_page(db, client):
    response = client.get("/admin/", headers={"Host": "evil.test"})
    assert response.status_code == 400
    assert response.headers["Content-Type"].startswith("text/html")


def test_prefix_without_its_slash_is_404_in_the_dialect(wire):
    path = wire.prefix.rstrip("/")
    assert is_api(path)
    wire.checked(wire.client().get(path), 404)


@pytest.mark.parametrize("path", ["/apiary", "/v10", "/generals", "/", "/docsish"])
def test_paths_that_only_begin_like_a_prefix_are_pages(path):
    assert not is_api(path)


@pytest.mark.parametrize(
    ("error", "status"),
    [(RuntimeError("ZZcanary"), 500), (OperationalError("ZZcanary"), 503), (SuspiciousOperation("ZZcanary"), 400)],
)
def test_fault_before_any_view_is_told_in_the_dialect(wire, monkeypatch, error, status):
    def fail(request):
        raise error

    monkeypatch.setattr("django.http.HttpRequest.get_host", fail)
    response = wire.checked(wire.client().get(wire.patients), status)
    assert b"ZZcanary" not in response.content


def test_fault_while_telling_an_error_is_500_in_the_dialect(wire, monkeypatch):
    def fail(*args):
        raise RuntimeError("ZZcanary")

    monkeypatch.setattr(views, "problems_of", fail)
    response = wire.checked(wire.client().get(wire.unknown), 500)
    assert b"ZZcanary" not in response.content


@pytest.fixture
def through_the_server(wire):
    """Return a function that sends a request by the WSGI application itself; it returns status, headers and body."""
    # A request that ends would close the connection that holds the test's transaction.
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield lambda *arguments, **more: call(environ_of(wire, *arguments, **more))
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def environ_of(wire, content_type: str, query: str = "", method: str = "GET", body: bytes = b"") -> dict:
    key, header = wire.clinic.keys["HC_ADMIN"], TOKEN_HEADER[wire.name]
    return {
        "REQUEST_METHOD": method,
        "PATH_INFO": wire.patients,
        "QUERY_STRING": query,
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": content_type,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "wsgi.url_scheme": "http",
        f"HTTP_{header.upper().replace('-', '_')}": f"Bearer {key}" if header == "Authorization" else key,
    }


def call(environ: dict) -> tuple[int, dict, bytes]:
    told: list = []
    response = application(environ, lambda status, headers: told.extend((int(status.split()[0]), dict(headers))))
    content = b"".join(response)
    response.close()
    return told[0], told[1], content


ODD_TYPES = [
    "application/json; charset=base64",
    "application/json; charset=undefined",
    "application/json; charset=utf-16",
    "application/json; charset*=nonsense''x",
    "application/json; charset*=utf-7''+2AA-",  # half a character, which no answer can hold
    "text/plain; charset=a\x00b",
    "x" * 65_536,
    ";;;=;",
]


@pytest.mark.parametrize("content_type", ODD_TYPES)
def test_type_that_cannot_be_read_does_no_harm_to_a_read(through_the_server, content_type):
    status, headers, _ = through_the_server(content_type, "page_size=1&perPage=1")
    assert (status, headers["Content-Type"]) == (200, "application/json")


@pytest.mark.parametrize("content_type", ODD_TYPES)
def test_type_that_cannot_be_read_is_415_on_a_write(through_the_server, content_type):
    status, headers, _ = through_the_server(content_type, method="POST", body=b"{}")
    assert (status, headers["Content-Type"]) == (415, "application/json")


@pytest.mark.parametrize(
    "content_type", ['application/json; charset="UTF-8"', "Application/JSON;charset=utf-8", "application/json"]
)
def test_json_type_is_understood_however_it_is_spelled(through_the_server, content_type):
    assert through_the_server(content_type, method="POST", body=b"{}")[0] == 422


def test_body_that_breaks_off_is_400(through_the_server, monkeypatch):
    class Broken(io.BytesIO):
        def read(self, *args):
            raise OSError("the client went away")

    monkeypatch.setattr(io, "BytesIO", Broken)
    assert through_the_server("application/json", method="POST", body=b"{}")[0] == 400
