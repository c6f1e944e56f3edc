"""Work that a request leaves behind, so that its answer tells by no time how much of it there was."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import BoundedSemaphore

from django.db import connections

logger = logging.getLogger(__name__)

# Jobs of a process that may wait. What comes then is dropped: whoever asked for it asks again.
WAITING = 100
_places = BoundedSemaphore(WAITING)
# One thread, which starts with the first job: a mail server that is slow holds no other work.
_threads = ThreadPoolExecutor(1, thread_name_prefix="background")


def run_later(job: Callable[[], None]) -> None:
    """Do `job` after the jobs before it, in a thread of its own."""
    if _places.acquire(blocking=False):
        _threads.submit(_run, job)
    else:
        logger.warning("background work dropped")


def _run(job: Callable[[], None]) -> None:
    try:
        job()
    except Exception:
        logger.exception("background work failed")
    finally:
        _places.release()
        connections.close_all()
