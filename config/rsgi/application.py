"""One request, from its head to the end of its answer."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Thread
from typing import Any

from django.conf import settings

from config import wsgi
from config.core.frames import give_room
from config.rsgi import answers
from config.rsgi.bodies import Body, BodyFault, Memory, Sender, has_body
from config.rsgi.connections import limit_unread
from config.rsgi.environ import environ_of
from config.rsgi.senders import sender_of
from config.rsgi.static_files import StaticFiles

# The threads in which Django is called; there is no way to name a function that an executor's threads begin with.
give_room(Thread.run)

# Streams for which a thread makes the next part at a time: the other threads are for everybody else.
PARTS_AT_A_TIME = 2


class Application:
    """Django behind the server's RSGI interface.

    Bodies are read before Django is called, in a thread; it is never called with a body that is incomplete.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(settings.THREADS, thread_name_prefix="request")
        self._static_files = StaticFiles()
        self._memory = Memory(settings.BODY_MEMORY)
        self._stream_parts = asyncio.Semaphore(PARTS_AT_A_TIME)
        self._tasks: set[asyncio.Task] = set()

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        # The loop does not run yet, and keeps no task alive by itself.
        self._tasks.add(loop.create_task(limit_unread(settings.ANSWER_SECONDS)))

    async def __rsgi__(self, scope: Any, proto: Any) -> None:
        static = None if has_body(scope.headers) else self._static_files.get(scope)
        if static is None:
            await self._dynamic(scope, proto)
        elif static.file is None:
            proto.response_empty(static.status, static.headers)
        else:
            await answers.send(scope, proto, static.status, static.headers, answers.of_file(static.file))

    async def _dynamic(self, scope: Any, proto: Any) -> None:
        body = Body(self._memory, partial(self._sender, scope))
        try:
            fault = await _fault_of(body, scope, proto)
            last = (fault is not None and fault.is_final) or not await body.discard(scope.headers)
            environ = environ_of(scope, body.content, body.length, fault.status if fault else 0)
            work = Work(environ, proto, last=last)
            await asyncio.get_running_loop().run_in_executor(self._threads, work.run)
        finally:
            body.release()
        if work.stream is not None:
            await self._send_stream(scope, proto, work)
        elif work.rest is not None:
            await answers.send(scope, proto, work.status, work.headers, answers.of_bytes(work.rest))

    async def _sender(self, scope: Any) -> Sender | None:
        return await asyncio.get_running_loop().run_in_executor(self._threads, sender_of, environ_of(scope, b"", 0))

    async def _send_stream(self, scope: Any, proto: Any, work: "Work") -> None:
        try:
            await answers.send(scope, proto, work.status, work.headers, self._parts(iter(work.stream)))
        finally:
            await asyncio.get_running_loop().run_in_executor(self._threads, work.stream.close)

    async def _parts(self, parts: Iterator[bytes]) -> AsyncIterator[bytes]:
        """Yield `parts`, each made in a thread that is then free for others."""
        loop = asyncio.get_running_loop()
        while True:
            async with self._stream_parts:
                part = await _to_its_end(loop.run_in_executor(self._threads, next, parts, None))
            if part is None:
                return
            yield part


async def _fault_of(body: Body, scope: Any, proto: Any) -> BodyFault | None:
    """Read the body; return what is wrong with it."""
    try:
        await body.read(proto, scope.headers, scope.path)
    except BodyFault as fault:
        return fault
    return None


async def _to_its_end(thread: asyncio.Future) -> Any:
    """Return the result of `thread`. Who is cancelled waits for it, too: a thread goes on, and needs what would be closed."""
    try:
        return await asyncio.shield(thread)
    finally:
        await asyncio.wait([thread])


class Work:
    """A call of Django, and what is left to send after it: `stream`, or the bytes `rest`, or neither.

    An answer that is the `last` one of its connection says so: after it comes a body that nobody reads.
    """

    def __init__(self, environ: dict[str, Any], proto: Any, *, last: bool):
        self._environ, self._proto, self._last = environ, proto, last
        self.status, self.headers = 500, answers.Headers()
        self.stream: Any = None
        self.rest: bytes | None = None

    def run(self) -> None:
        """Call Django. A small answer is sent from here, so that it does not wait for the event loop."""
        response = wsgi.application(self._environ, self._start_response)
        streaming, head = getattr(response, "streaming", False), self._environ["REQUEST_METHOD"] == "HEAD"
        if streaming and not head:
            self.stream = response
            return
        content = b"" if streaming else b"".join(response)
        response.close()
        # Of a response to HEAD the server sends the length alone.
        if len(content) > answers.WHOLE and not head:
            self.rest = content
        else:
            self._proto.response_bytes(self.status, self.headers, content)

    def _start_response(self, status: str, headers: answers.Headers, exc_info: Any = None, /) -> Any:
        self.status = int(status.split(" ", 1)[0])
        # The server takes no other characters in a header, and drops the connection over them.
        self.headers = [(name, value.encode("ascii", "replace").decode()) for name, value in headers]
        if self._last:
            self.headers.append(("Connection", "close"))


application = Application()
