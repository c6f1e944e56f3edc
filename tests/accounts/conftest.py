"""A person with a password, and the clock by which requests are counted."""

import datetime

import pytest

from accounts.models import Role, User
from config.rest import throttling

PASSWORD = "correct horse battery"


class CounterClock:
    """The server's clock, standing still until it is moved."""

    def __init__(self) -> None:
        self.milliseconds = int(datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC).timestamp() * 1000)

    def time_ns(self) -> int:
        return self.milliseconds * 1_000_000

    def move(self, seconds: float) -> None:
        self.milliseconds += int(seconds * 1000)


@pytest.fixture
def clock(monkeypatch) -> CounterClock:
    clock = CounterClock()
    monkeypatch.setattr(throttling, "time", clock)
    return clock


@pytest.fixture
def user(clinic) -> User:
    """Return a nurse who can sign in."""
    user = clinic.users[Role.HC_PRIMARY]
    user.set_password(PASSWORD)
    user.save()
    return user
