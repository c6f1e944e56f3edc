"""The sockets of this process, which the server does not hand out."""

import asyncio
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import suppress

OPEN_FILES = "/dev/fd"
# Linux: what waits in the socket for a slow client, before the server is told to wait.
UNSENT_BYTES = 131_072
LISTENER_CHECKS = 50


def close_connection(peer: str) -> None:
    """Close the connection with `peer`, "host:port", before its answer is complete, so that the client notices."""
    for connection in _sockets():
        with connection:
            if _peer_of(connection) == peer:
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
