"""What an API key looks like: `anm_<id>_<secret><checksum>`, and `anm_test_<id>_…` of a sandbox."""

import secrets
import string
import zlib
from typing import NamedTuple

from config.core.exceptions import NotAuthenticated

PREFIX, TEST_PREFIX = "anm_", "anm_test_"
CHECK_PLACES = 6
_ALPHABET = string.digits + string.ascii_letters
_SECRET_PLACES, _ID_PLACES = 43, 8


def _random(places: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _place in range(places))


def checksum(text: str) -> str:
    """Return what stands at the end of a key that begins with `text`."""
    number, places = zlib.crc32(text.encode()), ""
    for _place in range(CHECK_PLACES):
        number, digit = divmod(number, len(_ALPHABET))
        places = _ALPHABET[digit] + places
    return places


class KeyParts(NamedTuple):
    """What the text of a key says: its id, its secret, and whether it claims to be one of a sandbox."""

    key_id: str
    secret: str
    is_test: bool


def split_key(raw: str) -> KeyParts:
    """Return the parts of a well-formed key. Raises NotAuthenticated for anything else, without a query.

    The checksum lets secret scanners, and this function, tell a key from a string that only looks like one.
    """
    is_test = raw.startswith(TEST_PREFIX)
    prefix = TEST_PREFIX if is_test else PREFIX
    key_id, _, tail = raw.removeprefix(prefix).partition("_")
    well_formed = (
        raw.isascii()
        and raw.startswith(prefix)
        and len(key_id) == _ID_PLACES
        and len(tail) == _SECRET_PLACES + CHECK_PLACES
        and secrets.compare_digest(checksum(raw[:-CHECK_PLACES]), tail[-CHECK_PLACES:])
    )
    if not well_formed:
        raise NotAuthenticated(failed_key=True)
    return KeyParts(key_id, tail[:-CHECK_PLACES], is_test)


def new_key_id() -> str:
    """Return an id for a key that will be issued."""
    return _random(_ID_PLACES)


def new_secret() -> str:
    """Return a secret of 256 random bits."""
    return _random(_SECRET_PLACES)


def key_text(key_id: str, secret: str, *, is_test: bool) -> str:
    """Return the key of an id and a secret, with its checksum."""
    raw = f"{TEST_PREFIX if is_test else PREFIX}{key_id}_{secret}"
    return raw + checksum(raw)
