"""Bodies that are refused before anything reads them, and files that nothing takes."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from config.rest.body_limits import BODY_FAULT, MAX_MULTIPART

FORM = "application/x-www-form-urlencoded"
PAGES = pytest.mark.parametrize("path", ["/admin/login/", "/admin/", "/docs/", "/healthz", "/nowhere"])
DIALECTS = {
    "/api/v1/me": lambda message, code: {"detail": message},
    "/v1/me": lambda message, code: {"meta": {}, "errors": [{"code": code, "message": message}]},
    "/general/v1/patients": lambda message, code: {"errors": message},
}


@PAGES
def test_a_page_takes_no_large_form(client, settings, path):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    answer = client.post(path, b"a" * 101, content_type=FORM)
    assert answer.status_code == 413
    assert "The body is too large." in answer.content.decode()


@PAGES
def test_a_page_takes_no_large_form_in_parts(client, path):
    answer = client.post(path, {"file": SimpleUploadedFile("a", b"a" * MAX_MULTIPART)})
    assert answer.status_code == 413


def test_a_form_within_the_limit_is_read(db, client, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    assert client.post("/admin/login/", b"a" * 100, content_type=FORM).status_code == 200


def test_no_file_of_an_anonymous_client_is_kept(db, monkeypatch):
    monkeypatch.setattr(
        "django.core.files.uploadedfile.TemporaryUploadedFile.__init__", lambda *args: pytest.fail("a file was made")
    )
    client = Client(enforce_csrf_checks=True)
    client.cookies["csrftoken"] = "a" * 32
    answer = client.post("/admin/login/", {"file": SimpleUploadedFile("a", b"secret")})
    assert answer.status_code == 400
    assert b"secret" not in answer.content


def test_an_api_refuses_files_by_their_media_type(api):
    answer = api()("POST", "/v1/patients", raw=b"--x--", Content_Type="multipart/form-data; boundary=x")
    assert answer.status_code == 415


@pytest.mark.parametrize("path", DIALECTS)
@pytest.mark.parametrize(
    ("status", "code", "message"),
    [
        (400, "bad_request", "The body broke off"),
        (408, "timeout", "The body did not arrive in time"),
        (503, "unavailable", "Too many large bodies arrive at this time"),
    ],
)
def test_a_body_that_was_not_read_is_refused_in_the_dialect(client, path, status, code, message):
    answer = client.generic("POST", path, b"", **{BODY_FAULT: status})
    assert (answer.status_code, answer.json()) == (status, DIALECTS[path](message, code))
    assert answer["Content-Type"] == "application/json"
    assert answer["Cache-Control"] == "no-store"
    assert ("Retry-After" in answer) == (status == 503)


@pytest.mark.parametrize("path", DIALECTS)
def test_chunks_that_the_server_has_not_read_are_no_empty_body(client, path):
    """`manage.py serve` reads them; Django's own server for development does not."""
    answer = client.generic("POST", path, b"", headers={"Transfer-Encoding": "chunked"})
    assert (answer.status_code, answer.json()) == (501, DIALECTS[path]("This server reads no body in chunks", "not_implemented"))
