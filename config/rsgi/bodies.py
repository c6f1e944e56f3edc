"""Request bodies, read before a thread is needed."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings

from config.core.middleware import is_api
from config.core.uploads import own_body_limit

# Bodies up to this size are read whoever sends them and whatever memory others hold: each connection has at most one.
SMALL = 64_000
# Bytes that the large bodies of one user hold at most, together: one of the largest, or several.
EACH_USER = 25_000_000
# Bytes of a refused body that are read and forgotten, so that the connection can be used again: more than any path takes.
DISCARDED = 32_000_000


class BodyFault(Exception):
    """The body was not read to its end. `status` is what the client is told: 400, 408 or 503."""

    def __init__(self, status: int):
        super().__init__(status)
        self.status = status

    @property
    def is_final(self) -> bool:
        """Whether nothing more is expected from the client: the body broke off, or is late."""
        return self.status != 503


@dataclass(frozen=True)
class Sender:
    """The user whose key or session a request carries."""

    user_id: int
    organization_id: int | None


class Memory:
    """Bytes that large bodies may hold in this process, all together. Used by the event loop alone.

    A user has EACH_USER of them, an organization half. Administrators of all organizations share what one organization has.
    """

    def __init__(self, total: int):
        self.free, self._each_organization = total, max(total // 2, EACH_USER)
        self._users: Counter[int] = Counter()
        self._organizations: Counter[int | None] = Counter()

    def take(self, size: int, sender: Sender) -> None:
        """Reserve `size` bytes for `sender`. Raises BodyFault 503 where so many are not free, or not for them."""
        mine, ours = self._users[sender.user_id] + size, self._organizations[sender.organization_id] + size
        if size > self.free or mine > EACH_USER or ours > self._each_organization:
            raise BodyFault(503)
        self._add(size, sender)

    def release(self, size: int, sender: Sender) -> None:
        """Give back what was taken."""
        self._add(-size, sender)

    def _add(self, size: int, sender: Sender) -> None:
        self.free -= size
        # What is zero goes: there may be many users.
        self._users += Counter({sender.user_id: size})
        self._organizations += Counter({sender.organization_id: size})


class Body:
    """The body of one request, in memory until `release`.

    `length` is the number of bytes for CONTENT_LENGTH. Where it exceeds what the path takes, it is what
    was declared or counted so far, `content` is empty, and Django refuses the request by the number. So it is
    with a large body where `find_sender` finds nobody: the view refuses the client before it comes to the body.
    """

    def __init__(self, memory: Memory, find_sender: Callable[[], Awaitable[Sender | None]]):
        self._memory, self._held = memory, 0
        self._find_sender = find_sender
        self._sender: Sender | None = None
        self._unread: AsyncIterator[bytes] | None = None
        self._begun = False
        self.content, self.length = b"", 0

    async def read(self, proto: AsyncIterable[bytes], headers: Any, path: str) -> None:
        """Read the body from `proto`. Raises BodyFault where it breaks off, comes too slowly, or finds no memory."""
        if not has_body(headers):
            return
        declared = headers.get("content-length")
        # The server's own iterator cannot be taken up again.
        self._unread, self.length = (part async for part in proto), int(declared or 0)
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        if self.length > limit and self.length > (limit := body_limit(path)):
            return
        if self.length > SMALL and not await self._is_known():
            self._refuse(self.length, path)
            return
        parts = await self._parts(self._unread, limit, path)
        if parts is None:
            return
        self._unread, self.content = None, b"".join(parts)
        if declared is not None and len(self.content) != self.length:
            raise BodyFault(400)
        self.length = len(self.content)

    async def discard(self, headers: Any) -> bool:
        """Read what `read` has left of the body, and forget it. Returns whether nothing is left.

        A client may send the rest before it reads the answer, and would not see it where the connection is closed. Not so
        where it waits to be asked for the body, or has too much to send.
        """
        if self._unread is None:
            return True
        self.release()
        waits = "expect" in headers and not self._begun
        if waits or int(headers.get("content-length", 0)) > DISCARDED:
            return False
        size = ends = 0
        try:
            async with asyncio.timeout(settings.BODY_SECONDS):
                async for part in self._unread:
                    size, ends = size + len(part), ends + (not part)
                    if size > DISCARDED:
                        return False
        except TimeoutError:
            return False
        return ends < 2

    async def _parts(self, proto: AsyncIterable[bytes], limit: int, path: str) -> list[bytes] | None:
        """Return the parts of the body; None where it is longer than the path takes."""
        parts, size, ends = [], 0, 0
        self._begun = True
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
                    if size > SMALL and not await self._is_known():
                        self._refuse(size, path)
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

    async def _is_known(self) -> bool:
        """Tell whether somebody with a key or a session sends the body."""
        self._sender = self._sender or await self._find_sender()
        return self._sender is not None

    def _refuse(self, size: int, path: str) -> None:
        """Leave a body of `size` bytes so far unread. Pages refuse fewer bytes of anonymous clients, once these are counted."""
        self.length = max(size, body_limit(path) + 1) if is_api(path) else size

    def _hold(self, size: int) -> None:
        if size > SMALL and self._sender is not None:
            self._memory.take(size - self._held, self._sender)
            self._held = size

    def release(self) -> None:
        """Give the memory back."""
        if self._sender is not None:
            self._memory.release(self._held, self._sender)
        self._held, self.content = 0, b""


def has_body(headers: Any) -> bool:
    """Tell whether a request with these headers has a body, which may be empty."""
    return "content-length" in headers or "transfer-encoding" in headers


def body_limit(path: str) -> int:
    """Return how many bytes a body for `path` may have."""
    return own_body_limit(path) or settings.DATA_UPLOAD_MAX_MEMORY_SIZE
