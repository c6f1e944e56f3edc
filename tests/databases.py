"""The test database is migrated once a session, and every worker of pytest-xdist begins with a copy.

Without workers pytest-django migrates its database as ever. `--reuse-db` keeps what was migrated for
the next session: on PostgreSQL the databases themselves, as pytest-django does by itself, and on SQLite,
where the test database lives in memory, a file to copy from. `--create-db` makes everything anew.
"""

import fcntl
import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import django
import pytest
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.db.backends.utils import CursorWrapper

KEPT = settings.BASE_DIR / ".pytest_cache" / "databases"


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    request, tmp_path_factory, django_db_blocker, django_test_environment, django_db_modify_db_settings_parallel_suffix
) -> Iterator[None]:
    """Give `django_db_setup`, which runs next and migrates, a database on which there is nothing left to migrate."""
    worker = getattr(request.config, "workerinput", {}).get("workerid")
    kept = request.config.getoption("reuse_db") and not request.config.getoption("create_db")
    # The directory that all workers of this session see, and no other session.
    shared = tmp_path_factory.getbasetemp().parent
    with ExitStack() as copies:
        with django_db_blocker.unblock():
            if connection.vendor == "sqlite" and (worker or kept):
                copies.enter_context(copied_into_memory(kept_file() if kept else shared / "template.sqlite3"))
            elif connection.vendor == "postgresql" and worker and not kept:
                copies.enter_context(postgres_template(shared, worker))
        yield
        with django_db_blocker.unblock():
            copies.close()


@contextmanager
def copied_into_memory(template: Path) -> Iterator[None]:
    """Fill the database in memory that Django is about to open from the file `template`, made where it is missing."""
    template.parent.mkdir(parents=True, exist_ok=True)
    # A database in memory lives as long as somebody is connected to it.
    with closing(sqlite3.connect(connection.creation._get_test_db_name(), uri=True)) as memory:
        with locked(template.parent):
            if not template.exists():
                for outdated in template.parent.glob("*.sqlite3"):
                    outdated.unlink()
                unfinished = template.with_suffix(".unfinished")
                migrate_new(str(unfinished))
                unfinished.rename(template)
            with closing(sqlite3.connect(template)) as source:
                source.backup(memory)
        yield


@contextmanager
def postgres_template(shared: Path, worker: str) -> Iterator[None]:
    """Let Django create the test database from a template: the first worker makes that, and the last one drops it."""
    template = f"test_{connection.settings_dict['NAME']}_template"
    mine = shared / f"{worker}.template"
    with locked(shared):
        if not any(shared.glob("*.template")):
            migrate_new(template)
        mine.touch()
    connection.settings_dict["TEST"]["TEMPLATE"] = template
    yield
    with locked(shared):
        mine.unlink()
        if not any(shared.glob("*.template")):
            connection.creation._destroy_test_db(template, verbosity=0)


def migrate_new(name: str) -> None:
    """Make the database `name`, in place of one that is there, migrate it, and leave no connection to it."""
    with pytest.MonkeyPatch.context() as patch:
        # Django puts the new name here; undone, it is the old one again.
        patch.setitem(connection.settings_dict, "NAME", connection.settings_dict["NAME"])
        patch.setitem(connection.settings_dict["TEST"], "NAME", name)
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        connection.close()


def empty_tables() -> None:
    """Delete all rows but those that Django's own apps make when a database is migrated.

    In a transaction, at whose end the foreign keys are checked: the order of tables is of no account, but for the totals,
    which are written when patients are deleted.
    """
    quote, kept = connection.ops.quote_name, {"django_content_type", "auth_permission"}
    names = sorted(connection.introspection.django_table_names(include_views=False), key="patients_patienttotal".__eq__)
    tables = [quote(name) for name in names if name not in kept]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {name})" for name in tables))  # noqa: S608 - names of our tables
        filled = [name for (name,) in cursor.fetchall()]
        if connection.vendor == "postgresql" and _are_many(cursor):
            cursor.execute(f"TRUNCATE {', '.join(filled)} CASCADE")
            return
        for name in filled:
            cursor.execute(f"DELETE FROM {name}")  # noqa: S608


def _are_many(cursor: CursorWrapper) -> bool:
    """Tell whether there are so many patients that it would take long to look, for each, into all tables that refer to them."""
    cursor.execute("SELECT count(*) > 200 FROM patients_patient")
    return cursor.fetchone()[0]


def kept_file() -> Path:
    """Return the place of the SQLite database that these migrations make; it is another once a source of theirs changes."""
    patterns = ("migrations/*.py", "models.py", "models/*.py")
    sources = {path for app in apps.get_app_configs() for pattern in patterns for path in Path(app.path).glob(pattern)}
    sources.update((settings.BASE_DIR / "config").rglob("*.py"))
    digest = hashlib.sha256(django.__version__.encode())
    for path in sorted(sources):
        digest.update(path.name.encode() + path.read_bytes())
    return KEPT / f"{digest.hexdigest()[:16]}.sqlite3"


@contextmanager
def locked(directory: Path) -> Iterator[None]:
    """Let one process at a time in; a process that dies gives the lock back."""
    with (directory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
