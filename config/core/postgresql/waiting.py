"""What a process does while PostgreSQL works for it: nothing, or a part of its own work that needs no database."""

import select
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any

from psycopg.waiting import Wait

_EVENTS = {Wait.R: select.POLLIN, Wait.W: select.POLLOUT, Wait.RW: select.POLLIN | select.POLLOUT}


@contextmanager
def working_while_waiting(opened: Any, step: Callable[[], bool]) -> Iterator[None]:
    """Call `step` whenever there is nothing to do on the connection `opened` of psycopg but to wait, until it returns False.

    A step must be short, must not use the connection, and must not raise: the statement on its way would be lost.
    """
    wait = opened.wait

    def working(statement: Generator, *args: Any, **kwargs: Any) -> Any:
        return wait(_with_steps(statement, opened.fileno(), step), *args, **kwargs)

    opened.wait = working
    try:
        yield
    finally:
        del opened.wait


def _with_steps(statement: Generator, fileno: int, step: Callable[[], bool]) -> Generator:
    """Run the generator of a statement, and steps before each of its waits, as long as it would have to wait."""
    try:
        awaited = next(statement)
        while True:
            poll = select.poll()
            poll.register(fileno, _EVENTS[awaited])
            while not poll.poll(0) and step():
                pass
            awaited = statement.send((yield awaited))
    except StopIteration as end:
        return end.value
