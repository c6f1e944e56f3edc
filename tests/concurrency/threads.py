"""Threads that start at one moment and leave no connection behind."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connections

PATIENCE = 60
"""Seconds after which a thread that waits for others gives up."""


def together(*tasks: Callable[[], Any]) -> list[Any]:
    """Run every task in a thread of its own, released at one moment; return their results in order, or raise."""
    start = threading.Barrier(len(tasks))

    def run(task: Callable[[], Any]) -> Any:
        try:
            start.wait(PATIENCE)
            return task()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(tasks)) as pool:
        return [future.result() for future in [pool.submit(run, task) for task in tasks]]


class Background:
    """Tasks that repeat in threads of their own, `task(round)`, for as long as the block runs.

    `rounds` counts what was done; an error in a task is raised when the block ends.
    """

    def __init__(self, *tasks: Callable[[int], Any]):
        self.permissions = tasks
        self.rounds = 0
        self._over = threading.Event()
        self._pool = ThreadPoolExecutor(len(tasks))

    def __enter__(self) -> "Background":
        self._running = [self._pool.submit(self._repeat, task) for task in self.permissions]
        return self

    def _repeat(self, task: Callable[[int], Any]) -> int:
        done = 0
        try:
            while not self._over.is_set():
                task(done)
                done += 1
            return done
        finally:
            connections.close_all()

    def __exit__(self, *error: Any) -> None:
        self._over.set()
        self._pool.shutdown()
        self.rounds = sum(future.result() for future in self._running)
