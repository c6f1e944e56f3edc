"""Responses that are sent while they are made."""

import logging
from collections.abc import Iterator
from itertools import chain, islice
from threading import BoundedSemaphore
from typing import TypeVar

from config.core.exceptions import Unavailable
from config.core.logs import request_id

# Streams that a worker sends at a time. Each holds a thread for as long as its reader takes: the others are for the rest.
STREAM_SLOTS = BoundedSemaphore(2)
logger = logging.getLogger("anamnesis.stream")
Part = TypeVar("Part")


def start_eagerly(parts: Iterator[Part]) -> Iterator[Part]:
    """Return `parts` with the first of them made: what goes wrong until then is an error response like any other."""
    first = list(islice(parts, 1))
    return chain(first, parts)


class Stream:
    """The parts of a response, in one of the worker's stream slots until it is closed; Unavailable where none is free.

    The server ends a body in order even where making it fails, so that half of one would pass for
    the whole: a stream that breaks off ends with `failure_trailer` instead.
    """

    def __init__(self, parts: Iterator[bytes], failure_trailer: bytes):
        self.parts, self.failure_trailer, self.request_id = parts, failure_trailer, request_id.get()
        self._slots, self._held = STREAM_SLOTS, STREAM_SLOTS.acquire(blocking=False)
        if not self._held:
            raise Unavailable

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self.parts
        except Exception:
            token = request_id.set(self.request_id)
            logger.exception("stream broke off")
            request_id.reset(token)
            yield self.failure_trailer
        finally:
            self.close()

    def close(self) -> None:
        """Give the slot back."""
        if self._held:
            self._held = False
            self._slots.release()

    __del__ = close  # Nobody closes what was never sent.
