"""Rows that many tests share: made once, since a clinic takes 127 statements, and copied as objects for each test.

The transaction of a test takes back what it does to the rows. The objects are kept pickled, because tests change
theirs: unpickling makes a new graph, in a tenth of the time of deepcopy.
"""

import datetime
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import transaction

from accounts.models import ApiKey
from accounts.services.keys import address_hash
from tests.factories import Clinic

HILL_VALLEY, ELM_STREET = "Hill Valley", "Elm Street"

# Later than any clock of a test.
ALWAYS = datetime.datetime(9999, 1, 1, tzinfo=datetime.UTC)

_clinics: dict[str, bytes] = {}


def make_clinics() -> None:
    """Commit the clinics that every test finds in the database."""
    _clinics.update({name: pickle.dumps(Clinic(name)) for name in (HILL_VALLEY, ELM_STREET)})
    note_use_of_keys()


def note_use_of_keys() -> None:
    """Let all keys that exist have been used just now, as in any clinic at work, and stay so however long the run takes.

    Otherwise the first request of every test would note the use of its key, and the rollback would take that back.
    """
    ApiKey.objects.update(last_used_at=ALWAYS, known_addresses=address_hash("127.0.0.1"))


def clinic_named(name: str) -> Clinic:
    """Return a copy of a shared clinic."""
    return pickle.loads(_clinics[name])


@contextmanager
def made_once(django_db_blocker, make: Callable[[], Any]) -> Iterator[Callable[[], Any]]:
    """Make rows for all tests of a module, in a transaction around theirs; yield what gives a copy of what was made."""
    with django_db_blocker.unblock(), transaction.atomic():
        made = pickle.dumps(make())
        yield lambda: pickle.loads(made)
        transaction.set_rollback(True)


def once_a_module(make: Callable[[Clinic], Any]) -> Any:
    """Return a fixture of module scope that makes rows of the shared clinic by `make`, and gives what copies the objects.

    Tests of the module that do not ask for the rows may find them in the database nevertheless.
    """

    @pytest.fixture(scope="module")
    def copied(django_db_setup, django_db_blocker) -> Iterator[Callable[[], Any]]:
        with made_once(django_db_blocker, lambda: make(clinic_named(HILL_VALLEY))) as copied:
            yield copied

    return copied
