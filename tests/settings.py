"""Settings of the test suite: fixed keys, limits out of the way (the counting still runs), fast passwords."""

import base64
import os

# Whatever the environment has: tests know what is sealed and signed with these.
KEYS = {
    "SECRET_KEY": "tests-only-" + "s" * 50,
    "FIELD_KEYS": "t1:" + base64.b64encode(b"f" * 32).decode(),
    "INDEX_KEY": "i" * 48,
    "CURSOR_KEY": "c" * 48,
}
for name, key in KEYS.items():
    os.environ[name] = key
    os.environ.pop(f"{name}_FILE", None)
os.environ.setdefault("RATE_LIMIT_PER_MINUTE", "1000000")
os.environ.setdefault("ANONYMOUS_PER_MINUTE", "1000000")
os.environ.setdefault("FAILED_KEYS_PER_MINUTE", "1000000")
os.environ.setdefault("IDENTITY_MISSES_PER_MINUTE", "1000000")
os.environ.setdefault("METRICS_TOKEN", "tests-only-" + "m" * 32)
os.environ.setdefault("LOG_LEVEL", "ERROR")

from config.settings import *  # noqa: F403
from config.settings import DATABASE, ON_SQLITE, STORAGES

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
WHITENOISE_AUTOREFRESH = WHITENOISE_USE_FINDERS = True

if not ON_SQLITE:
    # A test keeps in one transaction what the server commits bit by bit, and has all its foreign keys checked by one statement;
    # on a busy machine it waits longer for locks, and is longer at work between two statements. Served processes keep the limits.
    limits = {"statement_timeout": "60s", "lock_timeout": "60s", "idle_in_transaction_session_timeout": "300s"}
    DATABASE["OPTIONS"]["options"] += "".join(f" -c {name}={limit}" for name, limit in limits.items())
