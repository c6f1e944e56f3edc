"""The progress line of long-running commands."""

import os
from typing import TextIO

from django.core.management.base import BaseCommand

_WIDTH = 30


class Progress:
    """A context manager for a line that each call redraws. Nothing is written to files and pipes."""

    def __init__(self, command: BaseCommand):
        self.command = command
        self.drawn = False

    def __enter__(self) -> "Progress":
        return self

    def __call__(self, text: str, share: float | None = None) -> None:
        """Show `text`, after a bar if the `share` of the work that is done is known."""
        if self.command.stderr.isatty():
            bar = "" if share is None else f"{'█' * round(_WIDTH * share):░<{_WIDTH}} {share:4.0%} "
            self._draw(f"\r{bar}{text}")
            self.drawn = True

    def __exit__(self, *error: object) -> None:
        if self.drawn:
            self._draw("\n")

    def _draw(self, text: str) -> None:
        self.command.stderr.write(text, self.command.style.HTTP_INFO, ending="")


def share_read(file: TextIO) -> float:
    """Return how much of an open file has been read, from 0 to 1."""
    return min(1.0, file.buffer.tell() / max(1, os.stat(file.fileno()).st_size))
