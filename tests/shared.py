"""Rows that many tests share: made once, since a clinic takes 127 statements, and copied as objects for each test.

The transaction of a test takes back what it does to the rows. The objects are kept pickled, because tests change
theirs: unpickling makes a new graph, in a tenth of the time of deepcopy.
"""

import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import transaction

from tests.factories import Clinic

HILL_VALLEY, ELM_STREET = "Hill Valley", "Elm Street"

_clinics: dict[str, bytes] = {}


def make_clinics() -> None:
    """Commit the clinics that every test finds in the database."""
    _clinics.update({name: pickle.dumps(Clinic(name)) for name in (HILL_VALLEY, ELM_STREET)})


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
