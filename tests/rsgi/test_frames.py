"""Threads of the server have room for deep calls: no depth takes memory from the system with every call."""

import _thread
from collections.abc import Callable
from queue import Queue
from resource import RUSAGE_SELF, getrusage
from threading import Thread

from config.rsgi import application  # noqa: F401 - it gives threads their room

CALLS = 1_000
DEPTHS = 300


def nothing(one: int, two: int, three: int) -> None:
    """Take a frame and give it back."""


def most_faults(left: int = DEPTHS) -> int:
    """Return how often the system was asked for memory during CALLS calls, at the depth of `left` where it was most often."""
    before = getrusage(RUSAGE_SELF).ru_minflt
    for _ in range(CALLS):
        nothing(1, 2, 3)
    here = getrusage(RUSAGE_SELF).ru_minflt - before
    return max(here, most_faults(left - 1)) if left else here


def in_a_thread(start: Callable[[Callable[[], None]], object]) -> int:
    found: Queue[int] = Queue()
    start(lambda: found.put(most_faults()))
    return found.get(timeout=60)


def test_no_depth_of_calls_takes_memory_with_every_call():
    assert in_a_thread(lambda run: Thread(target=run).start()) < CALLS / 10


def test_a_thread_without_room_takes_memory_with_every_call_at_some_depth():
    assert in_a_thread(lambda run: _thread.start_new_thread(run, ())) >= CALLS
