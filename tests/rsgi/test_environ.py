"""What Django is given of a request."""

import pytest

from config.rest.body_limits import BODY_FAULT
from config.rsgi.environ import environ_of
from config.wsgi import Request
from tests.rsgi.fakes import scope


def test_the_parts_of_a_request_are_where_wsgi_has_them():
    head = scope("POST", "/café", ("content-type", "application/json"), ("x-user-token", "k"), query="q=%C3%A9")
    environ = environ_of(head, b"{}", 2)
    request = Request(environ)
    assert (request.method, request.path, request.body, request.content_type) == ("POST", "/café", b"{}", "application/json")
    assert request.GET["q"] == "é"
    assert request.headers["X-User-Token"] == "k"
    assert [environ[name] for name in ("REMOTE_ADDR", "SERVER_NAME", "SERVER_PORT")] == ["192.0.2.7", "::1", "8000"]
    assert BODY_FAULT not in environ


def test_a_body_in_chunks_has_a_length_by_now():
    environ = environ_of(scope("POST", "/", ("transfer-encoding", "chunked")), b"abc", 3)
    assert environ["CONTENT_LENGTH"] == "3"
    assert "HTTP_TRANSFER_ENCODING" not in environ


def test_headers_that_repeat_are_one_line_and_unreadable_ones_are_empty():
    head = scope("GET", "/", ("a", "1"), ("a", "2"), ("cookie", "a=1"), ("cookie", "b=2"), ("idempotency-key", "é"))
    environ = environ_of(head, b"", 0)
    assert (environ["HTTP_A"], environ["HTTP_COOKIE"], environ["HTTP_IDEMPOTENCY_KEY"]) == ("1,2", "a=1; b=2", "")


def test_a_name_with_an_underscore_never_passes_for_another():
    environ = environ_of(scope("GET", "/", ("x_forwarded_for", "203.0.113.9")), b"", 0)
    assert "HTTP_X_FORWARDED_FOR" not in environ


@pytest.mark.parametrize("name", ["DATABASE_URL", "SECRET_KEY", "PATH"])
def test_the_environment_of_the_process_is_not_in_it(name, monkeypatch):
    monkeypatch.setenv(name, "secret")
    assert name not in environ_of(scope(), b"", 0)
