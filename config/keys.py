"""Where the server's own keys come from: the environment, a file, or (SQLite only) a store it makes itself."""

import base64
import json
import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

KEY_NAMES = ("SECRET_KEY", "FIELD_KEYS", "INDEX_KEY", "CURSOR_KEY")


def load_keys(store: Path | None) -> dict[str, str]:
    """Return every name of KEY_NAMES with its value.

    `NAME` in the environment wins, then the file that `NAME_FILE` names, then `store`.
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
    store.parent.mkdir(parents=True, exist_ok=True)
    try:
        # O_EXCL: of two processes that start together one makes the keys and the other reads them.
        descriptor = os.open(store, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return json.loads(store.read_text(encoding="utf-8"))
    keys = {name: secrets.token_urlsafe(48) for name in KEY_NAMES}
    keys["FIELD_KEYS"] = "k1:" + base64.b64encode(secrets.token_bytes(32)).decode()
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(keys, file)
    return keys
