"""The SESSION_ENGINE: Django's sessions in the database, stored under a hash of their key, with an end that comes in any case."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY as USER_ID
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.base import UpdateError
from django.contrib.sessions.backends.db import SessionStore as DatabaseStore
from django.db import InterfaceError, OperationalError
from django.db.models import CharField, DateTimeField, QuerySet
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from accounts.models import Session, User
from config.core.compiled_queries import parameter
from config.core.exceptions import Unavailable
from config.core.instances import InstanceQuery

STARTED = "_session_started"
"""The key of the session's data for the time of the sign-in (of a visitor: of the first request), in seconds since 1970."""


@dataclass(frozen=True)
class LiveSession(InstanceQuery):
    """A session that has not ended; every page runs this, so that it is compiled once."""

    key_hash: str = parameter(CharField())
    now: datetime = parameter(DateTimeField())

    def queryset(self) -> QuerySet[Session]:
        return Session.objects.filter(session_key=self.key_hash, expire_date__gt=self.now)


class SessionStore(DatabaseStore):
    """Finds a session by the SHA-256 of its key; the key itself, which is random, exists in the browser's cookie only.

    A session ends SESSION_COOKIE_AGE after its last request, and SESSION_MAX_HOURS after the sign-in at the latest.
    """

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def _get_session_from_db(self):
        found = LiveSession(hash_of(self.session_key), timezone.now()).instances()
        return found[0] if found else self._forget_key()

    async def _aget_session_from_db(self):
        row = await self._live_rows().afirst()
        return row or self._forget_key()

    def _live_rows(self):
        return LiveSession(hash_of(self.session_key), timezone.now()).queryset()

    def _forget_key(self) -> None:
        self._session_key = None  # What is saved next is given a key of the server's own making.

    def save(self, must_create=False):
        """Raises Unavailable where the database is busy or away, which Django would take for a session that has ended."""
        try:
            super().save(must_create)
        except UpdateError as error:
            if isinstance(error.__context__, (OperationalError, InterfaceError)):
                raise Unavailable("The database is busy") from error
            raise

    def exists(self, session_key):
        return super().exists(hash_of(session_key))

    async def aexists(self, session_key):
        return await super().aexists(hash_of(session_key))

    def create_model_instance(self, data):
        data.setdefault(STARTED, _now())
        return _row_of(super().create_model_instance(data), data)

    async def acreate_model_instance(self, data):
        data.setdefault(STARTED, _now())
        return _row_of(await super().acreate_model_instance(data), data)

    def delete(self, session_key=None):
        key = self.session_key if session_key is None else session_key
        if key is not None:
            super().delete(hash_of(key))

    async def adelete(self, session_key=None):
        key = self.session_key if session_key is None else session_key
        if key is not None:
            await super().adelete(hash_of(key))

    def get_expiry_date(self, **kwargs):
        return min(super().get_expiry_date(**kwargs), _end_of(self.get(STARTED)))

    async def aget_expiry_date(self, **kwargs):
        return min(await super().aget_expiry_date(**kwargs), _end_of(await self.aget(STARTED)))


def hash_of(session_key: str) -> str:
    """Return what is stored of a key. Keys have 165 random bits, so that a hash without salt cannot be reversed by guessing."""
    return hashlib.sha256(session_key.encode()).hexdigest()


def _row_of(row: Session, data: dict[str, Any]) -> Session:
    row.session_key = hash_of(row.session_key)
    row.user_id = data.get(USER_ID)
    return row


def _now() -> float:
    return timezone.now().timestamp()


def _end_of(started: float | None) -> datetime:
    return datetime.fromtimestamp(started or _now(), UTC) + timedelta(hours=settings.SESSION_MAX_HOURS)


@receiver(user_logged_in)
def _start_anew(sender: Any, request: HttpRequest, user: User, **kwargs: Any) -> None:
    """Count the time from the sign-in, however long the same browser has been a visitor or signed in before."""
    request.session[STARTED] = _now()
