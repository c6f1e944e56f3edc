"""Values that must not be readable in the database: AES-256-GCM with a key ring, and blind indexes.

A sealed value is `version | key id length | key id | nonce (12) | ciphertext and tag`. Its associated
data name the column and the row, so that it opens nowhere else.
"""

import base64
import hashlib
import hmac
import os
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

_VERSION = b"\x01"


class SealBroken(Exception):
    """A sealed value was made for another row or column, or with a key that the ring does not hold."""


@lru_cache(maxsize=4)
def _ring(setting: str) -> dict[str, AESGCM]:
    ring = {}
    for entry in filter(None, (part.strip() for part in setting.split(","))):
        name, _, encoded = entry.partition(":")
        key = base64.b64decode(encoded)
        if not name or len(key) != 32:
            raise ImproperlyConfigured("FIELD_KEYS is a comma-separated list of id:base64, each key 32 bytes")
        ring[name] = AESGCM(key)
    if not ring:
        raise ImproperlyConfigured("FIELD_KEYS holds no key")
    return ring


def seal(text: str, column: str, row: object) -> bytes:
    """Encrypt `text` with the ring's first key for this `column` ("table.column") and `row` (its UUID)."""
    return seal_bytes(text.encode(), column, row)


def seal_bytes(content: bytes, column: str, row: object) -> bytes:
    """Encrypt `content` as `seal` does a text."""
    name, cipher = next(iter(_ring(settings.FIELD_KEYS).items()))
    nonce = os.urandom(12)
    head = _VERSION + bytes([len(name)]) + name.encode()
    return head + nonce + cipher.encrypt(nonce, content, _bound(column, row))


def unseal(sealed: bytes | memoryview, column: str, row: object) -> str:
    """Decrypt what `seal` made for the same column and row; SealBroken for anything else."""
    return unseal_bytes(sealed, column, row).decode()


def unseal_bytes(sealed: bytes | memoryview, column: str, row: object) -> bytes:
    """Decrypt what `seal_bytes` made for the same column and row; SealBroken for anything else."""
    data = bytes(sealed)
    end = 2 + data[1]
    cipher = _ring(settings.FIELD_KEYS).get(data[2:end].decode())
    if data[:1] != _VERSION or cipher is None:
        raise SealBroken(column)
    try:
        return cipher.decrypt(data[end : end + 12], data[end + 12 :], _bound(column, row))
    except InvalidTag as error:
        raise SealBroken(column) from error


def _bound(column: str, row: object) -> bytes:
    return f"{column}|{row}".encode()


def blind_index(text: str, column: str, organization_id: int) -> bytes:
    """Return 32 bytes by which equal values of one organization's column are found without decrypting."""
    message = f"{column}|{organization_id}|{text}".encode()
    return hmac.digest(settings.INDEX_KEY.encode(), message, hashlib.sha256)
