"""Where the server's own keys come from: the environment, a file, or (SQLite only) a store it makes itself."""

import base64
import fcntl
import json
import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

KEY_NAMES = ("SECRET_KEY", "FIELD_KEYS", "INDEX_KEY", "CURSOR_KEY")


def load_keys(store: Path | None) -> dict[str, str]:
    """Return every name of KEY_NAMES with its value.

    The file that `NAME_FILE` names wins, then `NAME` in the environment, then `store`.
    `store` is the key file beside an SQLite database: missing keys are made there once.
    None means that the keys must be given (PostgreSQL); a missing one is ImproperlyConfigured.
    """
    given = {name: value for name in KEY_NAMES if (value := _given(name))}
    missing = [name for name in KEY_NAMES if name not in given]
    if not missing:
        return given
    if store is None:
        raise ImproperlyConfigured(f"set {', '.join(missing)} (or the same names with _FILE) in the environment")
    kept = _kept(store)
    return {name: given.get(name) or kept[name] for name in KEY_NAMES}


def _given(name: str) -> str:
    if path := os.environ.get(f"{name}_FILE"):
        return Path(path).read_text(encoding="utf-8").strip()
    return os.environ.get(name, "")


def _kept(store: Path) -> dict[str, str]:
    """Return the keys in `store`, making them where it is empty: of processes that start together, once."""
    store.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(store, os.O_RDWR | os.O_CREAT, 0o600), "r+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        if text := file.read():
            return json.loads(text)
        keys = {name: secrets.token_urlsafe(48) for name in KEY_NAMES}
        keys["FIELD_KEYS"] = "k1:" + base64.b64encode(secrets.token_bytes(32)).decode()
        json.dump(keys, file)
        return keys
