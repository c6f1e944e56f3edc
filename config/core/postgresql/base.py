"""The module that Django loads as the backend."""

import re
import select
import time
from collections.abc import Sequence
from typing import Any

from django.db.backends.postgresql import base
from psycopg import _queries
from psycopg._preparing import Prepare, PrepareManager
from psycopg.pq import Format

# Characters and parameters of a statement up to which psycopg keeps what it has parsed of it. A longer one it parses anew each
# time; those that fetch a page have up to 70 columns, and that of a chart is two dozen queries. It has no setting for this.
_queries.MAX_CACHED_STATEMENT_LENGTH = 30_000
_queries.MAX_CACHED_STATEMENT_PARAMS = 200
# Seconds for which silence counts as health: a path that drops what is idle without a word is found out by asking.
TRUSTED_SECONDS = 20
# Matches what the server says of a statement after which prepared ones may not fit, or are gone.
_REDEFINES = re.compile(rb"CREATE|ALTER|DROP|DISCARD|DEALLOCATE").match


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that Django checks before the first statement of a request (CONN_HEALTH_CHECKS), at almost no cost.

    Nothing is sent on a dead connection, so that nothing has to be repeated on the next one. A server
    that ends a connection, and a pooler that does, say so: between requests there is nothing else to
    read from it. To look takes no round trip; only what was not heard of for TRUSTED_SECONDS is asked.
    """

    heard_at = 0.0

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        opened = super().get_new_connection(conn_params)
        statements = PreparedStatements()
        statements.prepare_threshold = opened.prepare_threshold
        opened._prepared = statements
        self.heard_at = time.monotonic()
        opened.adapters.register_loader("jsonb", _JsonText)
        return opened

    def rollback(self) -> None:
        self._discard_after_an_error()
        super().rollback()

    def is_usable(self) -> bool:
        """Tell whether the connection works; after an error the server is always asked, and statements are prepared anew."""
        self._discard_after_an_error()
        trusted = not self.errors_occurred and time.monotonic() - self.heard_at < TRUSTED_SECONDS
        if self.connection is not None and trusted and _is_silent(self.connection):
            return True
        usable = super().is_usable()
        if usable:
            self.heard_at = time.monotonic()
        return usable

    def _discard_after_an_error(self) -> None:
        """Give up what is prepared where an error may tell of a migration elsewhere, to which it no longer fits."""
        if self.connection is not None and self.errors_occurred:
            self.connection._prepared.discard()


class PreparedStatements(PrepareManager):
    """The statements that are prepared on a connection. They outlast a rollback, as they do on the server.

    psycopg forgets them all at each rollback, also to a savepoint, since a table that the transaction made is gone with it.
    Most transactions that are rolled back have made none: somebody's version was stale. Whoever came after them would wait for
    the same statements to be parsed, planned and prepared again, at one conflict in ten requests half as long again for each.
    """

    redefined = False
    """Whether something was created, altered or dropped here, so that a prepared statement may not fit after a rollback."""

    def _should_discard(self, prep: Prepare, results: Sequence[Any], *pattern: Any) -> bool:
        if any(_REDEFINES(result.command_status or b"") for result in results):
            self.redefined = True
        return super()._should_discard(prep, results, *pattern)

    def clear(self) -> bool:
        """Discard all statements where something was redefined; psycopg calls this at every rollback."""
        return self.redefined and self.discard()

    def discard(self) -> bool:
        """Give up all statements, on the server before the next one runs, and tell whether there were any."""
        self.redefined = False
        return super().clear()


class _JsonText:
    """Loads binary jsonb as the text that Django's fields read: it begins with one byte, the version of its format.

    Only cursors of `config.core.compiled_queries.reading` ask for binary results.
    """

    format = Format.BINARY

    def __init__(self, oid: int, context: Any = None):
        self.oid = oid

    def load(self, data: Any) -> str:
        return bytes(data)[1:].decode()


def _is_silent(opened: Any) -> bool:
    """Tell whether there is nothing to read: neither the end of the connection nor a message, such as the reason for it."""
    if opened.closed:
        return False
    poll = select.poll()
    poll.register(opened.fileno(), select.POLLIN)
    return not poll.poll(0)
