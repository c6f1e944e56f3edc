"""Request bodies, read before a thread is needed."""

import asyncio
from collections.abc import AsyncIterable
from typing import Any

from django.conf import settings
from django.urls import Resolver404, resolve

# Bodies up to this size are read whatever memory others hold: each connection has at most one.
SMALL = 64_000


class BodyFault(Exception):
    """The body was not read to its end. `status` is what the client is told: 400, 408 or 503."""

    def __init__(self, status: int):
        super().__init__(status)
        self.status = status


class Memory:
    """Bytes that large bodies may hold in this process, all together. Used by the event loop alone."""

    def __init__(self, total: int):
        self.free = total

    def take(self, size: int) -> None:
        """Reserve `size` bytes. Raises BodyFault 503 where so many are not free."""
        if size > self.free:
            raise BodyFault(503)
        self.free -= size

    def release(self, size: int) -> None:
        """Give back what was taken."""
        self.free += size


class Body:
    """The body of one request, in memory until `release`.

    `length` is the number of bytes for CONTENT_LENGTH. Where it exceeds what the path takes, it is what
    was declared or counted so far, `content` is empty, and Django refuses the request by the number.
    """

    def __init__(self, memory: Memory):
        self._memory, self._held = memory, 0
        self.content, self.length = b"", 0

    async def read(self, proto: AsyncIterable[bytes], headers: Any, path: str) -> None:
        """Read the body from `proto`. Raises BodyFault where it breaks off, comes too slowly, or finds no memory."""
        declared = headers.get("content-length")
        if declared is None and "transfer-encoding" not in headers:
            return
        self.length = int(declared or 0)
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        if self.length > limit and self.length > (limit := body_limit(path)):
            return
        parts = await self._parts(proto, limit, path)
        if parts is None:
            return
        self.content = b"".join(parts)
        if declared is not None and len(self.content) != self.length:
            raise BodyFault(400)
        self.length = len(self.content)

    async def _parts(self, proto: AsyncIterable[bytes], limit: int, path: str) -> list[bytes] | None:
        """Return the parts of the body; None where it is longer than the path takes."""
        parts, size, ends = [], 0, 0
        clock = asyncio.get_running_loop().time
        ends_at = clock() + settings.BODY_SECONDS
        try:
            async with asyncio.timeout(settings.BODY_SECONDS) as deadline:
                async for part in proto:
                    # The server ends a body with one empty part, and one that broke off with two.
                    ends += not part
                    size += len(part)
                    if size > limit and size > (limit := body_limit(path)):
                        self.length = size
                        return None
                    self._hold(size)
                    parts.append(part)
                    # What came quickly is no credit: a client that then sends nothing holds memory for BODY_SECONDS only.
                    ends_at = min(ends_at + len(part) / settings.BODY_BYTES_PER_SECOND, clock() + settings.BODY_SECONDS)
                    deadline.reschedule(ends_at)
        except TimeoutError as error:
            raise BodyFault(408) from error
        if ends > 1:
            raise BodyFault(400)
        return parts

    def _hold(self, size: int) -> None:
        if size > SMALL:
            self._memory.take(size - self._held)
            self._held = size

    def release(self) -> None:
        """Give the memory back."""
        self._memory.release(self._held)
        self._held, self.content = 0, b""


def body_limit(path: str) -> int:
    """Return how many bytes a body for `path` may have."""
    try:
        view = resolve(path).func
    except Resolver404:
        view = None
    own = getattr(getattr(view, "cls", None), "max_body_size", None)
    return own or settings.DATA_UPLOAD_MAX_MEMORY_SIZE
