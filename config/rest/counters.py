"""The connection by which requests are counted."""

from pathlib import Path

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import ConnectionHandler

from accounts.models import RateWindow
from config.core.caching import cached
from config.core.private_files import counters_file

_TABLE = f"""
CREATE TABLE IF NOT EXISTS {RateWindow._meta.db_table}
(subject varchar(80) NOT NULL PRIMARY KEY, opened_at bigint NOT NULL, count integer NOT NULL) WITHOUT ROWID
"""
_COUNTERS = {
    "ENGINE": "django.db.backends.sqlite3",
    "CONN_MAX_AGE": None,
    "OPTIONS": {"timeout": 20, "init_command": f"PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; {_TABLE}"},
}


def counters_connection() -> BaseDatabaseWrapper:
    """Return the connection to the counters of requests, which may be lost in a crash.

    SQLite has one writer a file, and whoever only reads must not wait for it because of a counter: there they have a file of
    their own, which is made when it is needed. It is for all processes of the database, and waits for no disk.
    """
    records = connections["default"]
    if records.vendor == "postgresql" or records.is_in_memory_db():  # type: ignore[attr-defined]  # SQLite's has it
        return records
    return _counters(Path(records.settings_dict["NAME"]))["default"]


@cached
def _counters(database: Path) -> ConnectionHandler:
    return ConnectionHandler({"default": {**_COUNTERS, "NAME": str(counters_file(database))}})
