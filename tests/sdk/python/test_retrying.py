"""The example of docs/clients.md that sends requests again."""

from http import HTTPStatus

import httpx
import pytest
from retrying import ATTEMPTS, RetryingTransport


class Scripted(httpx.BaseTransport):
    """Answers with each of `statuses` in turn, errors with `wait` as Retry-After, and keeps the requests that it got."""

    def __init__(self, *statuses: int, wait: str = "0") -> None:
        self.statuses, self.wait = list(statuses), wait
        self.got: list[tuple[str | None, bytes]] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.got.append((request.headers.get("Idempotency-Key"), request.read()))
        status = self.statuses.pop(0)
        return httpx.Response(status, headers={} if status < HTTPStatus.BAD_REQUEST else {"Retry-After": self.wait})

    def send(self, headers: dict[str, str]) -> int:
        """Send a create through `RetryingTransport`; return the status that it ends with."""
        with httpx.Client(transport=RetryingTransport(self)) as client:
            return client.post("http://clinic.example/", headers=headers, content=b"body").status_code


def test_the_same_request_goes_again_with_its_idempotency_key() -> None:
    scripted = Scripted(429, 503, 409, 201)

    assert scripted.send({"Idempotency-Key": "k"}) == HTTPStatus.CREATED
    assert scripted.got == [("k", b"body")] * 4


def test_a_create_without_a_key_goes_again_after_429_only() -> None:
    scripted = Scripted(429, 503)

    assert scripted.send({}) == HTTPStatus.SERVICE_UNAVAILABLE
    assert len(scripted.got) == 2


def test_the_last_response_is_returned_after_some_attempts() -> None:
    scripted = Scripted(*[503] * (ATTEMPTS + 1))

    assert scripted.send({"Idempotency-Key": "k"}) == HTTPStatus.SERVICE_UNAVAILABLE
    assert len(scripted.got) == ATTEMPTS


@pytest.mark.parametrize("wait", ["", "Fri, 31 Dec 1999 23:59:59 GMT"])
def test_a_response_that_names_no_seconds_is_returned(wait: str) -> None:
    scripted = Scripted(503, wait=wait)

    assert scripted.send({"Idempotency-Key": "k"}) == HTTPStatus.SERVICE_UNAVAILABLE
    assert len(scripted.got) == 1
