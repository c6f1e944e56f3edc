"""Room on Python's own stack for deep calls."""

from collections.abc import Callable
from typing import Any, cast

SLOTS = 2**16 + 1
"""A little more than half a megabyte of eight bytes each, so that a megabyte is taken and half of it is left."""


def give_room(function: Callable) -> None:
    """Let all that `function` calls find room behind its own frame, which is made larger without being used.

    CPython keeps the frames of a thread in pieces of 16 KB, takes the next one from the system when a call needs it, and gives
    it back on return (`push_chunk` in Python/pystate.c). A loop that stands just there takes and gives one back with every
    call: 7,000 ns instead of 45. A page of the admin nests templates so deeply that it met this 250 times. A piece is as large
    as the frame that begins it wants: the pages of it that nothing touches cost nothing.
    """
    changed = cast(Any, function)
    changed.__code__ = changed.__code__.replace(co_stacksize=SLOTS)
