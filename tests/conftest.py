"""Fixtures: a clinic, its neighbour, and clients that speak as somebody."""

import gc
import itertools
import json
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import lru_cache, partial
from typing import Any

import pytest
from _pytest import fixtures
from _pytest.runner import runtestprotocol
from django.db import connection, transaction
from django.db.backends.sqlite3.base import SQLiteCursorWrapper
from django.test import Client, TransactionTestCase
from django.test import client as test_client
from django.test.client import ClientHandler
from psycopg.types.json import Jsonb

from accounts import audit
from accounts.audit_words import phrase_of
from accounts.models import Role
from accounts.scope import Actor
from config.core.compiled_queries import CompiledQueries, CompiledQuery, Placeholder, QueryDefinition
from config.core.frames import give_room
from config.rest import streaming
from exports.event_types import event_types
from tests import shared
from tests.append_only import lifted
from tests.databases import django_db_modify_db_settings, empty_tables  # noqa: F401 - pytest-django looks for the fixture here
from tests.factories import SYSTEM, Clinic
from tests.furnished import furnished
from tests.totals import counted, kept

HANDLER = ClientHandler()
"""The handler of all API clients: each of their own would load the middleware again."""


class ApiClient:
    """A client that holds one key and speaks JSON."""

    def __init__(self, key: str | None, header: str = "Authorization"):
        self.key, self.header = key, header
        self.client = Client(raise_request_exception=False)
        self.client.handler = HANDLER

    def __call__(self, method: str, path: str, body: Any = None, *, raw: bytes | None = None, **headers: str):
        given = {} if self.key is None else {self.header: f"Bearer {self.key}" if self.header == "Authorization" else self.key}
        data = raw if raw is not None else (b"" if body is None else json.dumps(body).encode())
        content_type = headers.pop("Content-Type", "application/json")
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.client.generic(method, path, data, content_type=content_type, headers={**given, **sent})

    def get(self, path: str, query: dict | None = None, **headers: str):
        from urllib.parse import urlencode

        return self("GET", f"{path}?{urlencode(query, doseq=True)}" if query else path, **headers)

    def post(self, path: str, body: Any = None, **headers):
        return self("POST", path, {} if body is None else body, **headers)

    def patch(self, path: str, body: Any = None, **headers):
        return self("PATCH", path, body, **headers)

    def put(self, path: str, body: Any = None, **headers):
        return self("PUT", path, body, **headers)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup, django_db_blocker) -> None:
    """Add the shared clinics to the database, so that every test finds the same rows, alone or after others."""
    with django_db_blocker.unblock():
        shared.make_clinics()


@contextmanager
def emptying() -> Iterator[None]:
    """Let tests that commit empty all tables after them, and make the shared clinics anew.

    Deleting the few rows there are takes a tenth of the time of Django's own way, which truncates all tables and makes
    content types and permissions anew. While a test runs, the append-only tables refuse as they always do.
    """

    def emptied(case: TransactionTestCase) -> None:
        with transaction.atomic(), lifted():
            empty_tables()
        shared.make_clinics()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", emptied)
        yield


@contextmanager
def places() -> Iterator[None]:
    """Let tests leave streams unread: nobody closes those, as servers do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(streaming, "STREAM_SLOTS", streaming.StreamSlots(100_000, each_user=100_000))
        yield


def pytest_collection_finish() -> None:
    """Leave what was imported and collected out of garbage collection, and collect the rest seldom.

    Going through all of it cost a tenth of the time, and going through what is young as often as Python does a twentieth.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000)


def pytest_configure() -> None:
    """Spare pytest asking what arguments the fixture `request` takes, which it does 26 times a test: it takes none."""
    names = fixtures.getfuncargnames
    fixtures.getfuncargnames = lambda func, **given: () if given.get("name") == "request" else names(func, **given)


def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool | None:
    """Let a worker send of each test what the terminal shows alone: six messages for 12,000 tests keep the controller busy."""
    if not hasattr(item.config, "workerinput"):
        return None
    for report in runtestprotocol(item, log=False, nextitem=nextitem):
        if report.when == "call" or not report.passed:
            # Keywords are most of a report, and nobody reads them.
            report.keywords = {}
            item.ihook.pytest_runtest_logreport(report=report)
    return True


# Without it a ninth of the time of a run goes into memory for frames.
give_room(pytest_runtest_protocol)


@contextmanager
def converted_once() -> Iterator[None]:
    """Let Django turn the placeholders of a statement into those of SQLite once, and not at each execution."""
    with pytest.MonkeyPatch.context() as patch:
        # A statement with named parameters comes with their names, which no cache can hold.
        convert = SQLiteCursorWrapper.convert_query
        positional = lru_cache(4_000)(partial(convert, None))
        patch.setattr(
            SQLiteCursorWrapper,
            "convert_query",
            lambda self, query, *, param_names=None: (
                convert(self, query, param_names=param_names) if param_names else positional(query)
            ),
        )
        yield


@contextmanager
def page_contexts() -> Iterator[None]:
    """Keep of an answer the context of its page alone, which tests look into: a page renders a hundred templates and widgets."""
    store = test_client.store_rendered_templates

    def first_alone(kept: dict[str, Any], **rendered: Any) -> None:
        if "context" not in kept:
            store(kept, **rendered)
        else:
            kept["templates"].append(rendered["template"])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(test_client, "store_rendered_templates", first_alone)
        yield


# How often a compiled query is compiled again and compared; where CHECK_EVERY_QUERY is set, that often and then every 25th time.
CHECKS_A_QUERY = 5 if os.environ.get("CHECK_EVERY_QUERY") else 1
LATER_CHECKS = 25 if os.environ.get("CHECK_EVERY_QUERY") else None


@contextmanager
def checked_compiled_queries() -> Iterator[None]:
    """Compile again what is found compiled: one key must not stand for two different queries."""
    get, uses = CompiledQueries.get, Counter()

    def checked(store: CompiledQueries, definition: QueryDefinition) -> CompiledQuery:
        known = definition.key in store._queries
        query = get(store, definition)
        uses[definition.key] += known
        used = uses[definition.key]
        if known and (used <= CHECKS_A_QUERY or (LATER_CHECKS and used % LATER_CHECKS == 0)):
            assert comparable(query) == comparable(store.compile(definition)), f"one key, two queries: {definition.key}"
        return query

    def comparable(query: CompiledQuery) -> tuple[str, list]:
        return query.sql, [comparable_part(part) for part in query.params]

    def comparable_part(part: Any) -> Any:
        if isinstance(part, Placeholder):
            return part.number
        # psycopg's wrapper is equal to itself alone.
        return part.obj if isinstance(part, Jsonb) else part

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CompiledQueries, "get", checked)
        yield


_catalog_versions = itertools.count(1_000, 1_000)


@contextmanager
def documented_events() -> Iterator[None]:
    """Let no service publish an event of a type that is not documented (tests/exports/test_events.py)."""
    publish = audit._publish

    def checked(actor: Actor, organization_id: int, event: str, *about: Any) -> None:
        # Tests make and archive rows of every kind, also of those with which no service does that.
        made = actor == SYSTEM and event.endswith((".created", ".archived"))
        assert made or event in event_types(), f"{event} is not among the types of events"
        publish(actor, organization_id, event, *about)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(audit, "_publish", checked)
        yield


@contextmanager
def worded_actions() -> Iterator[None]:
    """Let nothing be recorded that the audit trail has no sentence for (tests/exports/test_audit_words.py)."""
    make = audit._audit_event

    def checked(actor: Actor, action: str, *about: Any) -> Any:
        # Tests of the trail itself record what means nothing.
        if not action.startswith("test."):
            phrase_of(action)
        return make(actor, action, *about)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(audit, "_audit_event", checked)
        yield


@pytest.fixture(scope="session", autouse=True)
def everywhere() -> Iterator[None]:
    """Let the above be so in all tests. One fixture, since pytest takes its time over each of them before every test."""
    with ExitStack() as stack:
        for changed in (
            emptying,
            places,
            converted_once,
            page_contexts,
            checked_compiled_queries,
            documented_events,
            worded_actions,
        ):
            stack.enter_context(changed())
        yield


@pytest.fixture
def new_catalog_versions(db) -> None:
    """Give the shared clinics catalog versions of this test: what the server caches outlives the transaction of a test."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_organization SET catalog_version = %s", [next(_catalog_versions)])


@pytest.fixture
def kept_totals(db) -> Iterator[None]:
    """Look, after the test, whether the totals of patients are their numbers: whatever it did wrote both."""
    yield
    assert kept() == counted()


@pytest.fixture
def clinic(new_catalog_versions) -> Clinic:
    return shared.clinic_named(shared.HILL_VALLEY)


@pytest.fixture
def neighbour(new_catalog_versions) -> Clinic:
    return shared.clinic_named(shared.ELM_STREET)


@pytest.fixture(scope="module")
def furnished_clinics(django_db_setup, django_db_blocker) -> Iterator[Callable[[], tuple[Clinic, Clinic]]]:
    """Return what gives copies of two clinics with a row of everything that the admin shows, made once a module."""
    with shared.made_once(django_db_blocker, furnished) as copied:
        yield copied


@pytest.fixture
def two_clinics(db, furnished_clinics) -> tuple[Clinic, Clinic]:
    return furnished_clinics()


@pytest.fixture
def own(two_clinics) -> Clinic:
    return two_clinics[0]


@pytest.fixture
def foreign(two_clinics) -> Clinic:
    return two_clinics[1]


@pytest.fixture
def api(clinic):
    """Return a client of the practice and public dialects for a role of the clinic: api("HC_ADMIN")."""

    def speak(role: str = Role.HC_ADMIN, clinic: Clinic = clinic) -> ApiClient:
        return ApiClient(clinic.keys[role])

    return speak


@pytest.fixture
def general(clinic):
    """Return a client of the general dialect for a role of the clinic."""

    def speak(role: str = Role.HC_ADMIN, clinic: Clinic = clinic) -> ApiClient:
        return ApiClient(clinic.keys[role], header="X-User-Token")

    return speak
