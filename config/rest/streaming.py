"""Responses that are sent while they are made."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from contextvars import copy_context
from itertools import chain, islice
from threading import Lock
from typing import TypeVar

from accounts.scope import Actor
from config.core.exceptions import Unavailable
from config.core.metrics import STREAMS

logger = logging.getLogger("anamnesis.stream")
Part = TypeVar("Part")


def start_eagerly(parts: Iterator[Part]) -> Iterator[Part]:
    """Return `parts` with the first of them made: what goes wrong until then is an error response like any other."""
    first = list(islice(parts, 1))
    return chain(first, parts)


class StreamSlots:
    """The streams that a worker process sends at a time: `total`, at most half of them for one organization.

    A user has `each_user`. Administrators of all organizations share what one organization has.
    """

    def __init__(self, total: int, each_user: int = 1):
        self._total, self._each_user = total, each_user
        self._lock = Lock()
        self._users: Counter[int] = Counter()
        self._organizations: Counter[int | None] = Counter()

    def acquire(self, actor: Actor) -> None:
        """Take a slot for `actor`. Raises Unavailable where there is none."""
        with self._lock:
            mine, ours = self._users[actor.user_id], self._organizations[actor.organization_id]
            if mine >= self._each_user or ours >= self._total // 2 or self._users.total() >= self._total:
                raise Unavailable
            self._users[actor.user_id] += 1
            self._organizations[actor.organization_id] += 1

    def release(self, actor: Actor) -> None:
        """Give the slot back."""
        with self._lock:
            self._users -= Counter({actor.user_id: 1})
            self._organizations -= Counter({actor.organization_id: 1})


STREAM_SLOTS = StreamSlots(8)


class Stream:
    """The parts of a response, in one of the worker's stream slots until it is closed; Unavailable where none is free.

    `make` is called once a slot is taken, so that who is refused costs nothing. The server ends a body in order even where
    making it fails, so that half of one would pass for the whole: a stream that breaks off ends with `failure_trailer`
    instead.
    """

    def __init__(self, make: Callable[[], Iterator[bytes]], failure_trailer: bytes, actor: Actor):
        # Parts are made in other threads than the one that has begun to answer.
        self.failure_trailer, self.context = failure_trailer, copy_context()
        self._slots, self._actor, self._held = STREAM_SLOTS, actor, False
        self._slots.acquire(actor)
        self._held = True
        STREAMS.labels("report").inc()
        try:
            self.parts = make()
        except BaseException:
            self.close()
            raise

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self.parts
        except Exception:
            self.context.run(logger.exception, "stream broke off")
            yield self.failure_trailer
        finally:
            self.close()

    def close(self) -> None:
        """Give the slot back."""
        if self._held:
            self._held = False
            STREAMS.labels("report").dec()
            self._slots.release(self._actor)

    __del__ = close  # Nobody closes what was never sent.
