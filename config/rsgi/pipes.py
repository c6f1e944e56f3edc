"""A pipe that the server reads as fast as its client does."""

import asyncio
import os

WRITTEN_AT_A_TIME = 65_536


class TooSlow(Exception):
    """The client does not read, or reads too slowly."""


class Closed(Exception):
    """The client has gone."""


class Pipe:
    """The writing end of a pipe whose reading end is opened by `path`.

    The client has `grace` seconds and then as many as what it has taken allows, at `pace` bytes a second. Time in which
    nothing was there to be read is not counted.
    """

    def __init__(self, grace: float, pace: float):
        self.grace, self.pace = grace, pace
        self.sent, self.waited = 0, 0.0
        self._reading, self._writing = os.pipe()
        os.set_blocking(self._writing, False)
        self.path = f"/dev/fd/{self._reading}"

    async def write(self, data: bytes) -> None:
        """Write all of `data`. Raises TooSlow, or Closed where nobody will ever read it."""
        rest = memoryview(data)
        while rest:
            try:
                written = os.write(self._writing, rest[:WRITTEN_AT_A_TIME])
            except BlockingIOError:
                await self._writable()
            except BrokenPipeError as error:
                raise Closed from error
            else:
                rest = rest[written:]
                self.sent += written

    async def _writable(self) -> None:
        """Wait until the client has taken something."""
        loop = asyncio.get_running_loop()
        ready = asyncio.Event()
        loop.add_writer(self._writing, ready.set)
        started = loop.time()
        try:
            async with asyncio.timeout(max(self.grace, self.sent / self.pace) - self.waited):
                await ready.wait()
        except TimeoutError as error:
            raise TooSlow from error
        finally:
            loop.remove_writer(self._writing)
            self.waited += loop.time() - started
        self._close_reading()

    def _close_reading(self) -> None:
        """Close our reading end once the server has opened its own: it has, if a full pipe has room again."""
        if self._reading >= 0:
            os.close(self._reading)
            self._reading = -1

    def close(self) -> None:
        """End the answer, or give up a pipe that nobody reads."""
        self._close_reading()
        os.close(self._writing)
