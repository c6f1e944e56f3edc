"""Answers that leave while they are made."""

import logging
from collections.abc import Iterator
from itertools import chain, islice
from threading import BoundedSemaphore
from typing import TypeVar

from config.core.exceptions import Unavailable
from config.core.logs import request_id

PLACES = BoundedSemaphore(2)
"""Streams that a worker sends at a time. Each holds a thread for as long as its reader takes: the others are for the rest."""
logger = logging.getLogger("anamnesis.stream")
Part = TypeVar("Part")


def begun(parts: Iterator[Part]) -> Iterator[Part]:
    """Return `parts` with the first of them made: what goes wrong until then is a refusal like any other."""
    first = list(islice(parts, 1))
    return chain(first, parts)


class Stream:
    """The parts of an answer, in one of the worker's places for streams until it is closed; Unavailable where none is free.

    The server ends a body in order even where its maker fails, so that half of one would pass for
    the whole: a stream that breaks off ends with `last_words` instead.
    """

    def __init__(self, parts: Iterator[bytes], last_words: bytes):
        self.parts, self.last_words, self.request_id = parts, last_words, request_id.get()
        self._places, self._held = PLACES, PLACES.acquire(blocking=False)
        if not self._held:
            raise Unavailable

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self.parts
        except Exception:
            token = request_id.set(self.request_id)
            logger.exception("stream broke off")
            request_id.reset(token)
            yield self.last_words
        finally:
            self.close()

    def close(self) -> None:
        """Give the place back."""
        if self._held:
            self._held = False
            self._places.release()

    __del__ = close  # Nobody closes what was never sent.
