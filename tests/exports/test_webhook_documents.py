"""What docs/webhooks.md tells integrators is so."""

import re
import time

import pytest
from django.conf import settings

from exports.models import PAUSED_AFTER
from exports.services import MAX_ENDPOINTS
from exports.webhooks import leases, outbox, worker
from exports.webhooks.signatures import new_secret, signature_headers

PAGE = (settings.BASE_DIR / "docs" / "webhooks.md").read_text(encoding="utf-8")
BODY = b'{"type": "patient.created"}'


@pytest.fixture
def verify():
    """Return the function of the page's example in Python."""
    (code,) = re.findall(r"```python\n# verify\.py\n(.*?)```", PAGE, re.DOTALL)
    names: dict = {}
    exec(code, names)  # noqa: S102
    return names["verify"]


def test_the_example_takes_what_was_signed_with_either_secret(verify):
    old, new = new_secret(), new_secret()
    headers = signature_headers([new, old], "1", int(time.time()), BODY)
    verify(new, headers, BODY)
    verify(old, headers, BODY)


@pytest.mark.parametrize(
    "changed", [{"webhook-id": "2"}, {"webhook-signature": "v1,AAAA v2,BBBB"}, "body", "secret", "old", "new"]
)
def test_the_example_refuses_what_was_altered_or_is_old(verify, changed):
    secret, moment = new_secret(), int(time.time()) + {"old": -360, "new": 360}.get(str(changed), 0)
    headers = signature_headers([secret], "1", moment, BODY)
    with pytest.raises(ValueError):  # noqa: PT011
        verify(
            new_secret() if changed == "secret" else secret,
            headers | changed if isinstance(changed, dict) else headers,
            BODY + b" " if changed == "body" else BODY,
        )


@pytest.mark.parametrize(
    ("found", "expected", "words"),
    [
        (MAX_ENDPOINTS, 50, "at most 50 endpoints"),
        (outbox.REPLAYED_AT_ONCE, 10_000, "10,000 events at a time"),
        (leases.lease_time().total_seconds(), 48, "48 seconds later"),
        (leases.GIVEN_UP_AFTER.total_seconds(), 48 * 3600, "48 hours after its first attempt"),
        (PAUSED_AFTER.total_seconds(), 24 * 3600, "for a day is paused"),
        (worker.CONNECTIONS_AN_ENDPOINT, 4, "four connections at most"),
        (worker.LONGEST_REST, 60, "up to a minute between two of them"),
        (settings.WEBHOOK_RETRY_SECONDS, [5, 30, 120, 600, 1800, 3600, 7200, 14400, 28800], "1, 2, 4 and 8 hours"),
        (settings.WEBHOOK_PORTS, [443, 8443], "port 443 or 8443"),
    ],
)
def test_the_numbers_of_the_page_are_those_of_the_code(found, expected, words):
    assert found == expected
    assert words in " ".join(PAGE.split())


def test_every_setting_is_on_the_page_and_in_the_example_of_the_environment():
    names = {name for name in dir(settings) if name.startswith("WEBHOOK_")} | {"PUBLIC_URL"}
    example = (settings.BASE_DIR / ".env.example").read_text(encoding="utf-8")
    for name in names:
        assert f"`{name}`" in PAGE
        assert f"#{name}=" in example
