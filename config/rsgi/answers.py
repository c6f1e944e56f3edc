"""Sending answers: small ones at once, large ones as fast as the client reads, within limits."""

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator
from typing import Any

from django.conf import settings

from config.rsgi.connections import CONNECTIONS
from config.rsgi.pipes import Closed, Pipe, TooSlow

# Bytes up to which the server is handed an answer whole. More than any pipe holds.
WHOLE = 131_072
PART = 65_536
Headers = list[tuple[str, str]]
logger = logging.getLogger("anamnesis.answer")


async def send(scope: Any, proto: Any, status: int, headers: Headers, parts: AsyncIterable[bytes]) -> None:
    """Send `parts`.

    A client that reads too slowly loses its connection: it sees an answer that breaks off, never a short one that
    looks complete.
    """
    iterator = aiter(parts)
    begun, complete = await _first(iterator)
    if complete:
        proto.response_bytes(status, headers, b"".join(begun))
        return
    pipe = Pipe(settings.ANSWER_SECONDS, settings.ANSWER_BYTES_PER_SECOND)
    try:
        proto.response_file(status, headers, pipe.path)
        async with asyncio.timeout(settings.STREAM_SECONDS):
            while begun:
                await pipe.write(begun.popleft())
            async for part in iterator:
                await pipe.write(part)
    except (TooSlow, TimeoutError):
        logger.warning("answer broken off: the client reads too slowly")
        await CONNECTIONS.close(scope.client)
    except Closed:
        pass
    finally:
        pipe.close()


async def _first(parts: AsyncIterator[bytes]) -> tuple[deque[bytes], bool]:
    """Return the first of `parts`, and whether they are all."""
    begun: deque[bytes] = deque()
    size = 0
    async for part in parts:
        begun.append(part)
        size += len(part)
        if size > WHOLE:
            return begun, False
    return begun, True


async def of_bytes(data: bytes) -> AsyncIterator[bytes]:
    """Yield `data` in parts."""
    for start in range(0, len(data), PART):
        yield data[start : start + PART]


async def of_file(file: Any) -> AsyncIterator[bytes]:
    """Yield what an open file holds, and close it. It is small, or its pages are in memory: nothing waits for a disk."""
    with file:
        while part := file.read(PART):
            yield part
