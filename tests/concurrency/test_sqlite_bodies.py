"""Bodies on the wire: in chunks, and refused ones, after which the connection can be used again or says that it ends."""

import json
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, HTTPResponse
from typing import NamedTuple

import pytest
import requests

from tests.concurrency.servers import Server
from tests.concurrency.test_sqlite_server import embedded, manage  # noqa: F401 - a fixture

pytestmark = pytest.mark.served

CLINIC = """
import json
from tests.factories import Clinic
clinic = Clinic("Hill Valley")
print(json.dumps([clinic.base, clinic.keys["HC_ADMIN"], clinic.keys["HC_VIEW_ALL"]]))
"""
SIZES = (64_000, 100_000, 3_000_000)
PART = 50_000


class Target(NamedTuple):
    """A server, the clinic it serves, and the keys of one who may write and one who may not."""

    server: Server
    base: str
    key: str
    reader: str


@pytest.fixture(scope="module")
def target(tmp_path_factory) -> Iterator[Target]:
    url = f"sqlite:///{tmp_path_factory.mktemp('bodies') / 'clinic.sqlite3'}"
    manage(url, "migrate", "--verbosity", "0")
    server = Server(url, workers=1)
    try:
        server.wait()
        yield Target(server, *json.loads(manage(url, "shell", "-v", "0", "-c", CLINIC)))
    finally:
        server.stop()


def body_of(size: int) -> bytes:
    """Return the body of a patient with a name that makes it `size` bytes long."""
    named = json.dumps({"first_name": "Ada", "last_name": ""}).encode()
    return named[:-2] + b"x" * (size - len(named)) + named[-2:]


def whole(body: bytes) -> bytes:
    return body


def in_chunks(body: bytes) -> Iterator[bytes]:
    """Yield `body` in parts: HTTPConnection then sends it without its length."""
    return (body[start : start + PART] for start in range(0, len(body), PART))


def send(link: HTTPConnection, key: str, method: str, path: str, body: bytes | Iterator[bytes]) -> HTTPResponse:
    link.request(method, path, body, {"Authorization": f"Bearer {key}", "Content-Type": "application/json"})
    response = link.getresponse()
    response.read()
    return response


REFUSALS: dict[str, Callable[[Target], tuple[str, str, str]]] = {
    "401": lambda target: (target.key[:-2], "POST", f"{target.base}/patients"),
    "403": lambda target: (target.reader, "POST", f"{target.base}/patients"),
    "404": lambda target: (target.key, "POST", f"{target.base[:-4]}0000/patients"),
    "405": lambda target: (target.key, "DELETE", f"{target.base}/patients"),
    "413": lambda target: (target.key, "POST", f"{target.base}/patients"),
}


@pytest.mark.parametrize("form", [whole, in_chunks])
@pytest.mark.parametrize("status", REFUSALS)
def test_a_kept_connection_outlives_a_refused_body(target, status, form):
    with target.server.connected() as link:
        for size in SIZES:
            key, method, path = REFUSALS[status](target)
            response = send(link, key, method, path, form(body_of(size)))
            assert response.status == (422 if (status, size < SIZES[-1]) == ("413", True) else int(status))
            assert response.headers["Connection"] != "close"
            assert send(link, target.key, "GET", "/v1/me", b"").status == 200


def test_a_pool_loses_no_request_behind_a_refused_one(target):
    address = f"http://127.0.0.1:{target.server.port}{target.base}/patients"
    statuses = []
    with requests.Session() as session:
        for key, body in ((target.reader, body_of(100_000)), (target.key, body_of(100))) * 10:
            headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
            statuses.append(session.post(address, body, headers=headers).status_code)
    assert statuses == [403, 201] * 10


def test_a_body_in_chunks_is_read_and_one_that_waits_to_be_asked_for_is_not(target):
    with target.server.connected() as link:
        assert send(link, target.key, "POST", f"{target.base}/patients", in_chunks(body_of(100))).status == 201
        link.putrequest("POST", f"{target.base}/patients")
        for name, value in {"Authorization": "Bearer x", "Content-Length": "100000", "Expect": "100-continue"}.items():
            link.putheader(name, value)
        link.endheaders()
        response = link.getresponse()
        assert (response.status, response.headers["Connection"]) == (401, "close")
