"""Settings of the test suite: fixed keys, limits out of the way (the counting still runs), fast passwords."""

import base64
import os

os.environ.setdefault("SECRET_KEY", "tests-only-" + "s" * 50)
os.environ.setdefault("FIELD_KEYS", "t1:" + base64.b64encode(b"f" * 32).decode())
os.environ.setdefault("INDEX_KEY", "i" * 48)
os.environ.setdefault("CURSOR_KEY", "c" * 48)
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
    # A test keeps in one transaction what the server commits bit by bit, and has all its foreign keys checked by one statement.
    DATABASE["OPTIONS"]["options"] += " -c statement_timeout=60000"
