"""Sessions of the admin."""

from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models

from accounts.models.users import User
from accounts.scope import ScopePath


class Session(AbstractBaseSession):
    """A browser's session. `session_key` is the SHA-256 of the key that the cookie holds, so that reading it signs nobody in."""

    session_key = models.CharField(max_length=64, primary_key=True)
    user = models.ForeignKey(User, models.CASCADE, null=True, related_name="sessions")

    # Without Django's manager, whose `save` takes a key as it is: SessionStore alone writes rows.
    objects = models.Manager()  # type: ignore[assignment, misc]
    scope = ScopePath(organization=None)

    def __str__(self) -> str:
        return "Session"

    @classmethod
    def get_session_store_class(cls):
        from accounts.sessions import SessionStore  # It needs this model.

        return SessionStore
