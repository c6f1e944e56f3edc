"""The rate limit: one counter a subject, raised in one statement before anything else is done."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, cast

from django.conf import settings
from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts.scope import Actor
from accounts.services.keys import IS_GOOD, USER_ID
from config.core.exceptions import RateLimited, Unavailable
from config.core.metrics import RATE_LIMITED
from config.core.middleware import client_network
from config.core.page_statements import PAGE, Addition
from config.rest.counters import counters_connection

# Milliseconds. A window opens at the subject's first request after the last window ended.
WINDOW = 60_000
# Milliseconds by which a window may open in the future: another worker read its clock later and came first.
SLACK = 5_000

# So many rows of one body count as one request, and so many bytes.
ROWS_A_REQUEST = 100
BYTES_A_REQUEST = 1_000_000

# A window that opens further ahead was written by a clock that has since been put back: it ends too.
_COUNT = """
INSERT INTO accounts_ratewindow AS stored (subject, opened_at, count) {counted}
ON CONFLICT (subject) DO UPDATE SET
  count = CASE WHEN stored.opened_at NOT BETWEEN %s AND %s THEN excluded.count ELSE stored.count + excluded.count END,
  opened_at = CASE WHEN stored.opened_at NOT BETWEEN %s AND %s THEN excluded.opened_at ELSE stored.opened_at END
RETURNING opened_at, count
"""
_COUNT_ONE = _COUNT.format(counted="VALUES (%s, %s, %s)")
_HOLDER_OF_GOOD_KEY = f"SELECT 'user:' || {USER_ID}, %s, %s FROM {PAGE} WHERE {IS_GOOD}"  # noqa: S608 - names of ours
_COUNT_HOLDER = f"counted AS ({_COUNT.format(counted=_HOLDER_OF_GOOD_KEY)})"
_COUNTED = ("(SELECT opened_at FROM counted)", "(SELECT count FROM counted)")


@dataclass(frozen=True)
class Allowance:
    """Where a subject stands in its window."""

    limit: int
    used: int
    reset: int
    """Whole seconds until the window ends, 1 to 60."""
    kind: str
    """What is limited: the part of the subject before the colon."""

    @property
    def is_exceeded(self) -> bool:
        """Whether this request is one too many."""
        return self.used > self.limit

    @property
    def headers(self) -> dict[str, str]:
        """What answers say of it."""
        left = max(0, self.limit - self.used)
        return {"X-RateLimit-Limit": f"{self.limit}", "X-RateLimit-Remaining": f"{left}", "X-RateLimit-Reset": f"{self.reset}"}

    def check(self) -> None:
        """Raise RateLimited over the limit."""
        if self.is_exceeded:
            raise self.refusal()

    def refusal(self) -> RateLimited:
        """Count a refusal and return it."""
        RATE_LIMITED.labels(self.kind).inc()
        return RateLimited(self.reset)


def count(subject: str, limit: int, cost: int = 1) -> Allowance:
    """Count one request of `subject` ("user:7", "address:10.0.0.1") as `cost`, and return where it stands.

    The statement commits by itself: a request that fails later has been counted. Counters live in
    the database, or in Redis where CACHE_URL names one.
    """
    now = _now()
    opened_at, used = _in_redis(subject, now, cost) if settings.CACHE_URL else _in_database(subject, now, cost)
    return _allowance(subject, limit, used, opened_at, now)


class UserCount:
    """Counts a request of a user in the statement that reads their key: where counters are in the database, and it can."""

    def __init__(self) -> None:
        self.now = _now()
        parameters = [self.now, 1, *_open_between(self.now)]
        self.addition = None if settings.CACHE_URL else Addition(_COUNT_HOLDER, parameters, _COUNTED)

    def allowance(self, added: tuple) -> Allowance | None:
        """Return where the user stands, from the values of the columns of `addition`; None without, where nothing was counted."""
        if not added:
            return None
        opened_at, used = added
        return _allowance("user:", settings.RATE_LIMIT_PER_MINUTE, used, opened_at, self.now)


def _now() -> int:
    return time.time_ns() // 1_000_000


def _allowance(subject: str, limit: int, used: int, opened_at: int, now: int) -> Allowance:
    left = opened_at + WINDOW - now
    return Allowance(limit, used, min(60, max(1, -(-left // 1000))), subject.partition(":")[0])


def check_misses(subject: str, limit: int) -> None:
    """Raise RateLimited if `subject` has been counted `limit` times: where only failures count, before the next attempt."""
    allowance = count(subject, limit, cost=0)
    if allowance.used >= limit:
        raise allowance.refusal()


def delete_ended_windows() -> int:
    """Delete the counters of the database that count no more; return how many."""
    with counters_connection().cursor() as cursor:
        cursor.execute("DELETE FROM accounts_ratewindow WHERE opened_at < %s", [time.time_ns() // 1_000_000 - WINDOW])
        return cursor.rowcount


def _in_database(subject: str, now: int, cost: int) -> tuple[int, int]:
    with counters_connection().cursor() as cursor:
        cursor.execute(_COUNT_ONE, [subject, now, cost, *_open_between(now)])
        return cursor.fetchone()


def _open_between(now: int) -> list[int]:
    """Return the two bounds of `opened_at` of a window that is open, twice: the statement asks twice."""
    return [now - WINDOW + 1, now + SLACK] * 2


def _in_redis(subject: str, now: int, cost: int) -> tuple[int, int]:
    key = f"anamnesis:rate:{subject}"
    try:
        with _redis(settings.CACHE_URL).pipeline(transaction=True) as pipe:
            pipe.set(key, 0, nx=True, px=WINDOW)
            pipe.incrby(key, cost)
            pipe.pttl(key)
            _, used, left = pipe.execute()
    except Exception as error:  # Its errors have no name here while the package is not installed.
        raise Unavailable from error
    return now - WINDOW + left, used


class ActorThrottle(BaseThrottle):
    """Counts a request for the user whose key it carries, or for the address of one that carries none.

    What was counted together with the key is not counted again. The counter's state is left on the
    view, which shows it in the headers of the response.
    """

    allowance: Allowance

    def allow_request(self, request: Request, view) -> bool:
        actor, key_use = cast(Any, (request.user, request.auth))
        if actor is None:
            self.allowance = count_anonymous(request)
        else:
            self.allowance = key_use.allowance or count(f"user:{actor.user_id}", settings.RATE_LIMIT_PER_MINUTE)
        view.allowance = self.allowance
        return not self.allowance.is_exceeded

    def wait(self) -> int:
        return self.allowance.reset


class LargeRequests:
    """Mixin of view sets: counts a request of many rows or bytes as several, once they are known, before its transaction.

    Raises RateLimited where that is too many.
    """

    batch_key: ClassVar[str] = ""
    """Where bodies hold rows, if they do."""

    actor: Actor
    allowance: Allowance | None = None

    def count_batch(self, payload: Mapping[str, Any]) -> None:
        """Count what the rows of a body cost beyond the request itself."""
        rows = payload.get(self.batch_key) if self.batch_key else None
        self._count_further((len(rows) - 1) // ROWS_A_REQUEST if isinstance(rows, list) else 0)

    def count_bytes(self, size: int) -> None:
        """Count what the bytes of a body cost beyond the request itself, before anything looks at them."""
        self._count_further((size - 1) // BYTES_A_REQUEST)

    def _count_further(self, further: int) -> None:
        if further > 0:
            self.allowance = count(f"user:{self.actor.user_id}", settings.RATE_LIMIT_PER_MINUTE, further)
            self.allowance.check()


def count_anonymous(request: Request | HttpRequest) -> Allowance:
    """Count a request without a key, or of a page without a session, for its address."""
    return count(f"address:{client_network(request)}", settings.ANONYMOUS_PER_MINUTE)


def count_failed_key(request: Request) -> Allowance:
    """Count a request whose key was refused, for its address."""
    return count(f"failed:{client_network(request)}", settings.FAILED_KEYS_PER_MINUTE)


@lru_cache(maxsize=1)
def _redis(url: str):
    import redis  # An extra dependency: only installations with several machines need it.

    return redis.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2)
