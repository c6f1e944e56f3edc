"""All settings. Everything that differs between installations comes from the environment (.env.example)."""

from collections.abc import Callable
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

from config.core.private_files import make_files_private
from config.keys import load_keys

make_files_private()

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.FileAwareEnv()
environ.Env.read_env(BASE_DIR / ".env")

DEBUG = env.bool("DEBUG", default=False)

# --- database -------------------------------------------------------------------------------------
DATA_DIR = Path(env.str("DATA_DIR", default=str(BASE_DIR / "data")))
DATABASES = {"default": env.db_url("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'anamnesis.sqlite3'}")}
DATABASE = DATABASES["default"]
ON_SQLITE = DATABASE["ENGINE"] == "django.db.backends.sqlite3"
DATABASE["CONN_MAX_AGE"] = None
if ON_SQLITE:
    # Writes take the lock when they begin, so that none fails half-way; reads never take it (autocommit). The cache of
    # 16 MiB holds the ends of indexes while an import writes: with the usual 2 it holds the lock a third longer.
    DATABASE["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        # The statements of a day at work, prepared once for each connection; the module would keep 128.
        "cached_statements": 1000,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA cache_size=-16384",
    }
    Path(DATABASE["NAME"]).parent.mkdir(parents=True, exist_ok=True)
else:
    DATABASE["ENGINE"] = "config.core.postgresql"
    DATABASE["CONN_HEALTH_CHECKS"] = True
    DATABASE["OPTIONS"] = {
        "server_side_binding": True,
        "prepare_threshold": 1,
        # Of a server that is gone without a word, as after a fail-over, the system gives up a connection soon: seconds while
        # nothing is sent, and milliseconds for what was sent.
        "connect_timeout": 5,
        "keepalives_idle": 30,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 10_000,
        "options": "-c statement_timeout=5000 -c lock_timeout=2000 -c idle_in_transaction_session_timeout=15000",
        **DATABASE.get("OPTIONS", {}),
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- keys -----------------------------------------------------------------------------------------
_keys = load_keys(Path(DATABASE["NAME"]).with_suffix(".keys.json") if ON_SQLITE else None)
SECRET_KEY = _keys["SECRET_KEY"]
FIELD_KEYS = _keys["FIELD_KEYS"]
INDEX_KEY = _keys["INDEX_KEY"]
CURSOR_KEY = _keys["CURSOR_KEY"]

# --- the house ------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "accounts",
    "patients",
    "clinical",
    "exports",
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "accounts.apps.AdminSiteConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
    "axes",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "config",
]
MIDDLEWARE = [
    "config.core.middleware.RequestIdMiddleware",
    "config.core.middleware.MetricsMiddleware",
    "config.core.middleware.SecurityHeadersMiddleware",
    "config.core.middleware.AllowedHostMiddleware",
    "config.core.middleware.TlsMiddleware",
    "config.rest.body_limits.BodyLimitMiddleware",
    "config.core.middleware.NulMiddleware",
    "config.core.middleware.StaticFilesMiddleware",
    "config.core.middleware.GZipMiddleware",
    "config.core.middleware.SessionMiddleware",
    "config.core.middleware.CsrfViewMiddleware",
    "config.core.middleware.AuthenticationMiddleware",
    "accounts.languages.LocaleMiddleware",
    "accounts.clock.TimeZoneMiddleware",
    "config.pages.PageLimitMiddleware",
    "config.core.middleware.MessageMiddleware",
    "config.core.middleware.AxesMiddleware",
]
# These look for a middleware by its name; ours are subclasses, and tests/test_settings.py sees that they work.
SILENCED_SYSTEM_CHECKS = ["axes.W002", "security.W001", "security.W002", "security.W003"]
ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
APPEND_SLASH = True
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
# Widgets of ours have their templates beside all others.
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
# The languages of pages. APIs speak LANGUAGE_CODE.
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("nl", "Nederlands")]
LANGUAGE_COOKIE_AGE = 365 * 24 * 3600
LANGUAGE_COOKIE_HTTPONLY = True
LOCALE_PATHS = [BASE_DIR / "config" / "locale"]
TIME_ZONE = "UTC"
USE_TZ = True
FORMAT_MODULE_PATH = "config.formats"

# --- web ------------------------------------------------------------------------------------------
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
HTTPS = env.bool("HTTPS", default=False)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_SSL_REDIRECT = HTTPS
# Load balancers and monitoring ask the server itself, without TLS.
SECURE_REDIRECT_EXEMPT = ["^healthz$", "^readyz$", "^metrics$"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = HTTPS
SESSION_ENGINE = "accounts.sessions"
SESSION_COOKIE_AGE = 15 * 60
SESSION_MAX_HOURS = env.int("SESSION_MAX_HOURS", default=12)
SESSION_SAVE_EVERY_REQUEST = True
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
X_FRAME_OPTIONS = "DENY"
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
CSRF_FAILURE_VIEW = "config.pages.csrf_failure"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
# A protocol of as many rules as there may be, each with as many conditions, has 9,500 inputs.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 10_000
FILE_UPLOAD_HANDLERS = ["config.core.uploads.PageUploads"]
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=0)

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "config.core.static_storage.StaticFilesStorage"},
}
WHITENOISE_MANIFEST_STRICT = False

# --- people and keys ------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "accounts.authentication.StaffBackend"]
PASSWORD_HASHERS = ["config.core.passwords.Argon2Hasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "accounts.passwords.PredictablePasswordValidator"},
]
# Days until a key expires where nobody says when.
API_KEY_DAYS = env.int("API_KEY_DAYS", default=365)
if API_KEY_DAYS < 1:
    raise ImproperlyConfigured("API_KEY_DAYS is a number of days from 1 on")
# Days that any key may be used; 0 is no limit.
API_KEY_LONGEST_DAYS = env.int("API_KEY_LONGEST_DAYS", default=0)
# How long the link in an invitation may be used, and one to choose a new password.
INVITATION_DAYS = env.int("INVITATION_DAYS", default=3)
PASSWORD_LINK_HOURS = env.int("PASSWORD_LINK_HOURS", default=2)
if INVITATION_DAYS < 1 or PASSWORD_LINK_HOURS < 1:
    raise ImproperlyConfigured("INVITATION_DAYS and PASSWORD_LINK_HOURS are numbers from 1 on")
# What Django looks at as well: the longer of the two.
PASSWORD_RESET_TIMEOUT = max(INVITATION_DAYS * 24, PASSWORD_LINK_HOURS) * 3600
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25
# Counted by accounts/sign_in_limits.py, which gives each of them a limit of its own.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"], "ip_address"]
AXES_HANDLER = "accounts.sign_in_limits.SignInLimits"
# An attempt while it is locked does not lengthen a lock: one device in a clinic would keep all of it out.
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_LOCKOUT_CALLABLE = "config.pages.locked_out"
AXES_CLIENT_IP_CALLABLE = "config.core.middleware.client_network"
AXES_ENABLE_ACCESS_FAILURE_LOG = False
AXES_SENSITIVE_PARAMETERS = ["username", "password"]
# axes would look for the attempted name under "email", the user's own column; credentials carry it as "username".
AXES_USERNAME_FORM_FIELD = "username"
AXES_USERNAME_CALLABLE = "accounts.authentication.name_to_lock"
AXES_ENABLE_ADMIN = False

# --- mail -----------------------------------------------------------------------------------------
# Without an address of a mail server, messages are written to the server's output.
_mail = env.email_url("EMAIL_URL", default="consolemail://")
EMAIL_BACKEND = _mail["EMAIL_BACKEND"]
EMAIL_HOST, EMAIL_PORT = _mail["EMAIL_HOST"] or "localhost", _mail["EMAIL_PORT"] or 25
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail["EMAIL_HOST_USER"] or "", _mail["EMAIL_HOST_PASSWORD"] or ""
EMAIL_USE_TLS, EMAIL_USE_SSL = _mail.get("EMAIL_USE_TLS", False), _mail.get("EMAIL_USE_SSL", False)
EMAIL_FILE_PATH = _mail["EMAIL_FILE_PATH"]
# Seconds. A page waits for the mail server.
EMAIL_TIMEOUT = 5
DEFAULT_FROM_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="anamnesis@localhost")

# --- admin ----------------------------------------------------------------------------------------
_STATIC = "django.templatetags.static.static"


def _called(function: str, argument: str) -> Callable[[Any], str]:
    """Return what calls the function named `function` for a request: importing it here would take as long as the rest of this."""
    return lambda request: import_string(function)(argument)


UNFOLD = {
    "SITE_TITLE": "Anamnesis",
    "SITE_HEADER": "Anamnesis",
    "SITE_SUBHEADER": _("Patient records"),
    "SITE_SYMBOL": "clinical_notes",
    "SITE_FAVICONS": [
        {
            "rel": "icon",
            "type": "image/svg+xml",
            "href": "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'>"
            "<rect width='16' height='16' rx='4' fill='%230f766e'/>"
            "<path d='M8 4v8M4 8h8' stroke='white' stroke-width='2'/></svg>",
        }
    ],
    "SITE_URL": None,
    "SHOW_HISTORY": True,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "COLORS": {
        "primary": {
            "50": "#f0fdfa",
            "100": "#ccfbf1",
            "200": "#99f6e4",
            "300": "#5eead4",
            "400": "#2dd4bf",
            "500": "#14b8a6",
            # As 600 it is the colour of buttons and links: 5.5:1 on white.
            "600": "#0f766e",
            "700": "#115e59",
            "800": "#134e4a",
            "900": "#134e4a",
            "950": "#042f2e",
        }
    },
    "ACCOUNT": {
        "navigation": [
            {"title": _("Change password"), "link": _called("django.urls.reverse", "admin:password_change")},
            {"title": _("Second factor"), "link": _called("django.urls.reverse", "admin:second_factor")},
        ]
    },
    "STYLES": [_called(_STATIC, "clinic/clinic.css"), _called(_STATIC, "clinic/combobox.css")],
    "SCRIPTS": [
        _called(_STATIC, "clinic/clinic.js"),
        _called(_STATIC, "clinic/combobox.js"),
        _called(_STATIC, "clinic/session.js"),
    ],
    "DASHBOARD_CALLBACK": "accounts.admin.home.home",
    "SIDEBAR": {"navigation": "accounts.navigation.navigation"},
}

# --- limits ---------------------------------------------------------------------------------------
RATE_LIMIT_PER_MINUTE = env.int("RATE_LIMIT_PER_MINUTE", default=1000)
ANONYMOUS_PER_MINUTE = env.int("ANONYMOUS_PER_MINUTE", default=100)
FAILED_KEYS_PER_MINUTE = env.int("FAILED_KEYS_PER_MINUTE", default=20)
IDENTITY_MISSES_PER_MINUTE = env.int("IDENTITY_MISSES_PER_MINUTE", default=20)
SIGN_IN_FAILURES_PER_ADDRESS = env.int("SIGN_IN_FAILURES_PER_ADDRESS", default=25)
SIGN_INS_PER_ACCOUNT_PER_MINUTE = env.int("SIGN_INS_PER_ACCOUNT_PER_MINUTE", default=10)
# One more thread may wait: with 2, three of a worker's four threads can be busy with passwords.
PASSWORD_HASHES_AT_ONCE = env.int("PASSWORD_HASHES_AT_ONCE", default=1)
# Requests that a worker process works on at a time. Those that wait for a slow client are not among them.
THREADS = 4
# A body has BODY_SECONDS to arrive; a larger one so many more as BODY_BYTES_PER_SECOND allow. The same for answers.
BODY_SECONDS = env.int("BODY_SECONDS", default=30)
BODY_BYTES_PER_SECOND = env.int("BODY_BYTES_PER_SECOND", default=20_000)
BODY_MEMORY = env.int("BODY_MEMORY", default=100_000_000)
ANSWER_SECONDS = env.int("ANSWER_SECONDS", default=30)
ANSWER_BYTES_PER_SECOND = env.int("ANSWER_BYTES_PER_SECOND", default=20_000)
STREAM_SECONDS = env.int("STREAM_SECONDS", default=3600)
CACHE_URL = env.str("CACHE_URL", default="")
AUDIT_RETENTION_YEARS = 6
MERGE_RETENTION_DAYS = env.int("MERGE_RETENTION_DAYS", default=90)

# --- APIs -----------------------------------------------------------------------------------------
API_DOCUMENTATION = env.bool("API_DOCUMENTATION", default=True)
REST_FRAMEWORK = {
    "DEFAULT_RENDERER_CLASSES": ["config.rest.responses.OrjsonRenderer"],
    "DEFAULT_PARSER_CLASSES": ["config.rest.request_body.StrictJSONParser"],
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["config.rest.permissions.DenyAll"],
    "DEFAULT_SCHEMA_CLASS": "config.rest.schema.DialectSchema",
    "UNAUTHENTICATED_USER": None,
    "COERCE_DECIMAL_TO_STRING": True,
}
SPECTACULAR_SETTINGS = {
    "SERVE_INCLUDE_SCHEMA": False,
    # It would read the three dialects as one document; each has its own (config/rest/schema.py).
    "ENABLE_DJANGO_DEPLOY_CHECK": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": [],
}

# --- monitoring -----------------------------------------------------------------------------------
# What Prometheus must send to read /metrics; without one there is no such page.
METRICS_TOKEN = env.str("METRICS_TOKEN", default="")
if 0 < len(METRICS_TOKEN) < 32:
    raise ImproperlyConfigured("METRICS_TOKEN has 32 or more random characters")

# --- webhooks -------------------------------------------------------------------------------------
# Where the server is reached from outside, without a slash at the end: addresses in messages and mails begin with it.
PUBLIC_URL = env.str("PUBLIC_URL", default="").rstrip("/")
WEBHOOK_ALLOW_HTTP = env.bool("WEBHOOK_ALLOW_HTTP", default=False)
WEBHOOK_PORTS = [int(port) for port in env.list("WEBHOOK_PORTS", default=["443", "8443"])]
WEBHOOK_ALLOWED_NETWORKS = env.list("WEBHOOK_ALLOWED_NETWORKS", default=[])
for _network in WEBHOOK_ALLOWED_NETWORKS:
    ip_network(_network)
WEBHOOK_CONNECT_SECONDS = env.float("WEBHOOK_CONNECT_SECONDS", default=2)
WEBHOOK_ANSWER_SECONDS = env.float("WEBHOOK_ANSWER_SECONDS", default=10)
# Seconds until a message is sent again, on average, after its first failure, its second and so on; later always the last one.
WEBHOOK_RETRY_SECONDS = [
    float(seconds)
    for seconds in env.list("WEBHOOK_RETRY_SECONDS", default=["5", "30", "120", "600", "1800", "3600", "7200", "14400", "28800"])
]
# Connections that a worker has open at a time.
WEBHOOK_CONNECTIONS = env.int("WEBHOOK_CONNECTIONS", default=32)

# --- logs: route and ids, never a query string or a body ------------------------------------------
LOG_FORMATTERS = {"json": "config.core.logs.JsonFormatter", "text": "config.core.logs.TextFormatter"}
LOG_FORMAT = env.str("LOG_FORMAT", default="json")
if LOG_FORMAT not in LOG_FORMATTERS:
    raise ImproperlyConfigured("LOG_FORMAT is json or text")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": LOG_FORMATTERS[LOG_FORMAT]}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django.server": {"handlers": ["stderr"], "level": "ERROR", "propagate": False},
        # Django's own request log names paths and, on errors, dumps requests; ours replaces it.
        "django.request": {"handlers": [], "level": "CRITICAL", "propagate": False},
        "django.security": {"handlers": [], "level": "CRITICAL", "propagate": False},
        "axes": {"level": "ERROR"},
    },
}
ADMINS: list[tuple[str, str]] = []
