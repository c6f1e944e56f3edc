"""Whether API keys work, in words."""

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models import ApiKey

WORKING, EXPIRED, REVOKED = "working", "expired", "revoked"
_COLOURS = {WORKING: "green", EXPIRED: "orange", REVOKED: "red"}


@dataclass(frozen=True)
class ShownKey:
    """A key, and how it is doing."""

    key: ApiKey
    state: str
    words: str

    @property
    def colour(self) -> str:
        """The colour of its state."""
        return _COLOURS[self.state]


def state_of(key: ApiKey) -> str:
    """Return WORKING, EXPIRED or REVOKED."""
    if key.revoked_at:
        return REVOKED
    return EXPIRED if key.expires_at and key.expires_at <= timezone.now() else WORKING


def words_of(state: str) -> str:
    """Return the word for a state."""
    return {WORKING: _("Working"), EXPIRED: _("Expired"), REVOKED: _("Revoked")}[state]


def shown_keys(keys: Iterable[ApiKey]) -> list[ShownKey]:
    """Return `keys` with their states."""
    return [ShownKey(key, state_of(key), words_of(state_of(key))) for key in keys]
