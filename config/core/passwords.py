"""Hashing of passwords: Argon2id, a few at a time, so that signing in never slows down everything else."""

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from django.conf import settings
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.core.exceptions import ImproperlyConfigured

from config.core.exceptions import Busy

# Threads that may wait for a slot. With one slot two of a worker's four threads are ever busy with passwords.
WAITING = 1
# Seconds. One hash takes a small part of it: who waits longer waits behind a machine that has no time.
PATIENCE = 1.0


class HashingSlots:
    """So many hashes at a time, and so many threads that wait for one; Busy at once for everybody else."""

    def __init__(self, slots: int, *, waiting: int = WAITING, patience: float = PATIENCE):
        if slots < 1:
            raise ImproperlyConfigured("PASSWORD_HASHES_AT_ONCE must be 1 or more")
        self._admitted, self._running = BoundedSemaphore(slots + waiting), BoundedSemaphore(slots)
        self._patience = patience

    def check(self) -> None:
        """Raise Busy where `taken` would do so at once."""
        if not self._admitted.acquire(blocking=False):
            raise Busy
        self._admitted.release()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Hold a slot. Raises Busy where too many wait already, or none becomes free in time."""
        if not self._admitted.acquire(blocking=False):
            raise Busy
        try:
            if not self._running.acquire(timeout=self._patience):
                raise Busy
            try:
                yield
            finally:
                self._running.release()
        finally:
            self._admitted.release()


SLOTS = HashingSlots(settings.PASSWORD_HASHES_AT_ONCE)


class Argon2Hasher(Argon2PasswordHasher):
    """Argon2id by the parameters that OWASP recommends for one thread: 19 MiB, two passes.

    Django's own take 100 MiB and eight threads a hash: a few sign-ins then occupy the whole machine.
    Hashes of other parameters are still checked, and made anew when their owner signs in. Every hash
    of the process takes one of SLOTS, the one that is made for an unknown name too.
    """

    time_cost = 2
    memory_cost = 19 * 1024
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        with SLOTS.taken():
            return super().encode(password, salt)

    def verify(self, password: str, encoded: str) -> bool:
        with SLOTS.taken():
            return super().verify(password, encoded)
