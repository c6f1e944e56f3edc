"""One request through the application, as the server calls it."""

import asyncio
import threading

import pytest
from django.http import HttpResponse, StreamingHttpResponse

from config import wsgi
from config.rsgi.answers import WHOLE
from config.rsgi.application import Application
from config.rsgi.bodies import Sender
from tests.rsgi.fakes import Proto, scope


@pytest.fixture
def application(settings, tmp_path) -> Application:
    """Return the application with one static file, `/static/a.css`."""
    (tmp_path / "a.css").write_text("b{}")
    settings.STATIC_ROOT, settings.WHITENOISE_AUTOREFRESH, settings.WHITENOISE_USE_FINDERS = tmp_path, False, False
    return Application()


def ask(application: Application, *request, parts=(), **given) -> Proto:
    proto = Proto(parts)
    asyncio.run(application.__rsgi__(scope(*request, **given), proto))
    return proto


@pytest.fixture
def view(monkeypatch):
    """Let all of Django be a function from an environ to a response."""

    def answer_with(function):
        def django(environ, start_response):
            response = function(environ)
            start_response(f"{response.status_code} {response.reason_phrase}", list(response.items()))
            return response

        monkeypatch.setattr(wsgi, "application", django)

    return answer_with


class Discarding(Proto):
    """A client that reads whatever comes."""

    def response_file(self, *answer):
        super().response_file(*answer)
        threading.Thread(target=self.read).start()


def never(*args):
    raise AssertionError("a thread was taken")


def test_django_answers_with_its_headers(application):
    proto = ask(application, "GET", "/healthz")
    headers = dict(proto.headers)
    assert (proto.status, proto.body) == (200, b'{"status": "ok"}')
    assert headers["Content-Type"] == "application/json"
    assert headers["X-Request-Id"]


@pytest.mark.parametrize("https", [False, True])
def test_a_static_file_needs_no_thread(application, settings, monkeypatch, https):
    settings.SECURE_SSL_REDIRECT = https
    application = Application()
    monkeypatch.setattr(wsgi, "application", never)
    proto = ask(application, "GET", "/static/a.css")
    headers = {name.lower(): value for name, value in proto.headers}
    assert (proto.status, proto.body, headers["content-type"]) == (200, b"b{}", 'text/css; charset="utf-8"')
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"].startswith("default-src 'none'; ")


def test_a_static_file_is_served_as_whitenoise_does(application):
    etag = dict(ask(application, "GET", "/static/a.css").headers)["ETag"]
    assert ask(application, "GET", "/static/a.css", ("if-none-match", etag)).status == 304
    part = ask(application, "GET", "/static/a.css", ("range", "bytes=1-2"))
    assert (part.status, part.body) == (206, b"{}")
    head = ask(application, "HEAD", "/static/a.css")
    assert (head.status, head.body, dict(head.headers)["Content-Length"]) == (200, b"", "3")
    assert ask(application, "POST", "/static/a.css").status == 405


def test_without_collected_files_django_finds_them(application, settings, view):
    settings.WHITENOISE_AUTOREFRESH = True
    view(lambda environ: HttpResponse("found"))
    assert ask(Application(), "GET", "/static/a.css").body == b"found"


def test_no_thread_is_taken_while_a_body_arrives(application, view):
    seen = []
    view(lambda environ: HttpResponse(environ["wsgi.input"].read()))

    class Slow(Proto):
        async def __aiter__(self):
            yield b"a"
            seen.extend(thread for thread in threading.enumerate() if thread.name.startswith("request"))
            yield b"b"
            yield b""

    proto = Slow()
    before = [thread for thread in threading.enumerate() if thread.name.startswith("request")]
    asyncio.run(application.__rsgi__(scope("POST", "/v1/me", ("content-length", "2")), proto))
    # A thread of an application that an earlier test has left may end meanwhile.
    taken = [thread for thread in seen if thread not in before]
    assert (proto.body, taken) == (b"ab", [])


@pytest.mark.parametrize(("path", "kind"), [("/v1/patients", "application/json"), ("/admin/login/", "text/html; charset=utf-8")])
def test_a_body_that_does_not_arrive_is_408_and_the_connection_ends(application, settings, path, kind):
    settings.BODY_SECONDS = 0
    proto = ask(application, "POST", path, ("content-length", "2"), parts=[b"a", None])
    headers = dict(proto.headers)
    assert (proto.status, headers["Content-Type"], headers["Connection"]) == (408, kind, "close")
    assert application._memory.free == settings.BODY_MEMORY


@pytest.mark.parametrize("path", ["/v1/patients", "/admin/login/"])
def test_a_large_body_of_an_anonymous_client_reaches_django_unread(application, view, monkeypatch, path):
    monkeypatch.setattr("config.rsgi.application.sender_of", lambda environ: None)
    view(lambda environ: HttpResponse(f"{environ['CONTENT_LENGTH']}: {environ['wsgi.input'].read()}"))
    length = 2_000_000 if path == "/admin/login/" else 2_500_001
    proto = ask(application, "POST", path, ("content-length", "2000000"), parts=[b"a" * 2_000_000, b""])
    assert proto.body.decode() == f"{length}: b''"


@pytest.mark.parametrize(("parts", "connection"), [([b"a" * 100_000, b""], None), ([b"a", None], "close")])
def test_a_refusal_says_whether_the_connection_goes_on(application, settings, view, monkeypatch, parts, connection):
    """It goes on where the rest of the body has been read, too."""
    settings.BODY_SECONDS = 0.05
    monkeypatch.setattr("config.rsgi.application.sender_of", lambda environ: None)
    view(lambda environ: HttpResponse(status=401))
    proto = ask(application, "POST", "/v1/patients", ("content-length", "100000"), parts=parts)
    assert (proto.status, dict(proto.headers).get("Connection")) == (401, connection)


def test_the_memory_of_a_body_is_free_after_the_answer(application, settings, view, monkeypatch):
    monkeypatch.setattr("config.rsgi.application.sender_of", lambda environ: Sender(1, 1))
    view(lambda environ: HttpResponse(str(len(environ["wsgi.input"].read()))))
    body = b"a" * 200_000
    proto = ask(application, "POST", "/v1/me", ("content-length", str(len(body))), parts=[body, b""])
    assert (proto.body, application._memory.free) == (b"200000", settings.BODY_MEMORY)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_stream_is_sent_and_closed(application, view, method):
    closed = threading.Event()

    class Parts:
        def __iter__(self):
            yield from (b"a", b"b")

        def close(self):
            closed.set()

    view(lambda environ: StreamingHttpResponse(Parts()))
    assert ask(application, method, "/v1/export/patients.csv").body == (b"ab" if method == "GET" else b"")
    assert closed.is_set()


def test_a_stream_is_not_closed_while_its_next_part_is_made(application, settings, view):
    """Its slot would be free for another while its query still runs."""
    settings.STREAM_SECONDS = 0.02
    going_on, done = threading.Event(), []

    class Parts:
        def __iter__(self):
            yield b"a" * (WHOLE + 1)
            going_on.wait(5)
            done.append("made")
            yield b"b"

        def close(self):
            done.append("closed")

    async def ended() -> None:
        request = asyncio.ensure_future(application.__rsgi__(scope(), Discarding()))
        await asyncio.wait([request], timeout=0.1)
        going_on.set()
        await request

    view(lambda environ: StreamingHttpResponse(Parts()))
    asyncio.run(ended())
    assert done == ["made", "closed"]


def test_a_large_answer_is_sent_at_the_pace_of_its_client(application, view):
    received = []

    class Reading(Proto):
        def response_file(self, *answer):
            super().response_file(*answer)
            self.thread = threading.Thread(target=lambda: received.append(self.read()))
            self.thread.start()

    view(lambda environ: HttpResponse(b"a" * (WHOLE + 1)))
    proto = Reading()
    asyncio.run(application.__rsgi__(scope(), proto))
    proto.thread.join()
    assert received == [b"a" * (WHOLE + 1)]


def test_a_header_that_the_server_cannot_send_does_not_break_the_answer(application, view):
    view(lambda environ: HttpResponse(headers={"X-Name": "é"}))
    assert dict(ask(application).headers)["X-Name"] == "?"
