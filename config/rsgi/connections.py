"""The sockets of this process, which the server does not hand out."""

import asyncio
import os
import socket
import stat
from collections.abc import Collection, Iterator
from contextlib import suppress

OPEN_FILES = "/dev/fd"
# Linux: what waits in the socket for a slow client, before the server is told to wait.
UNSENT_BYTES = 131_072
LISTENER_CHECKS = 50
COLLECT_SECONDS = 0.1


class Connections:
    """Closes connections before their answers are complete, so that the clients notice.

    To find one takes a walk over all open files. So one walk, in a thread, closes all that are given within COLLECT_SECONDS:
    thousands of clients that stop reading together would otherwise keep the event loop from everybody else.
    """

    def __init__(self) -> None:
        self._peers: set[str] = set()
        self._walk: asyncio.Task | None = None

    async def close(self, peer: str) -> None:
        """Close the connection with `peer`, "host:port"; returns when that is done."""
        self._peers.add(peer)
        if self._walk is None:
            self._walk = asyncio.create_task(self._close_collected())
        await asyncio.shield(self._walk)

    async def _close_collected(self) -> None:
        await asyncio.sleep(COLLECT_SECONDS)
        peers, self._peers, self._walk = self._peers, set(), None
        await asyncio.to_thread(close_connections, peers)


CONNECTIONS = Connections()


def close_connections(peers: Collection[str]) -> None:
    """Close the connections with `peers`, each "host:port"."""
    for connection in _sockets():
        with connection, suppress(OSError):  # Closed meanwhile.
            if _peer_of(connection) in peers:
                connection.shutdown(socket.SHUT_RDWR)


async def limit_unread(seconds: int) -> None:
    """Let the system close each connection that has not taken what it was sent for `seconds`, where it can (Linux).

    Connections inherit this from the listening socket, which a server may still be about to open.
    """
    for _ in range(LISTENER_CHECKS):
        if _limit_listeners(seconds):
            return
        await asyncio.sleep(0.1)


def _limit_listeners(seconds: int) -> bool:
    found = False
    for listener in _sockets():
        with listener:
            if not listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                continue
            found = True
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, seconds * 1000)
                listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, UNSENT_BYTES)
    return found


def _sockets() -> Iterator[socket.socket]:
    """Yield a duplicate of each TCP socket of this process; whoever takes one closes it."""
    for name in os.listdir(OPEN_FILES):
        with suppress(OSError):  # Closed meanwhile.
            duplicate = os.dup(int(name))
            if not stat.S_ISSOCK(os.fstat(duplicate).st_mode):
                os.close(duplicate)
                continue
            found = socket.socket(fileno=duplicate)
            if found.family in (socket.AF_INET, socket.AF_INET6):
                yield found
            else:
                found.close()


def _peer_of(connection: socket.socket) -> str:
    try:
        host, port, *_ = connection.getpeername()
    except OSError:
        return ""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
