"""Settings come from the environment; keys are made once on SQLite and demanded on PostgreSQL.

Each test starts Python anew with an environment of its own: settings are read once a process.
"""

import json
import os
import re
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.core.checks import run_checks
from django.test import Client, override_settings

from config.keys import KEY_NAMES

ROOT = Path(__file__).parent.parent
SHOW = "import json; from config import settings; print(json.dumps({n: str(getattr(settings, n)) for n in %r}))"
POSTGRES = "postgres://somebody:pw@127.0.0.1:1/clinic"
GIVEN = {name: f"given-{name}" for name in KEY_NAMES}


def start(*names: str, **environment: str) -> subprocess.CompletedProcess:
    """Import the settings in a process that has `environment` and nothing else, and print those called `names`."""
    clean = {"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1", **environment}
    command = [sys.executable, "-c", SHOW % (names or KEY_NAMES,)]
    return subprocess.run(command, cwd=ROOT, env=clean, capture_output=True, text=True, check=False)  # noqa: S603


def settings(*names: str, **environment: str) -> dict[str, str]:
    ran = start(*names, **environment)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def test_missing_keys_are_made_once_and_kept_for_the_owner_only(tmp_path):
    first, second = (settings(DATA_DIR=str(tmp_path / "data")) for _ in range(2))
    assert first == second
    assert len(set(first.values())) == len(KEY_NAMES)
    store = tmp_path / "data" / "anamnesis.keys.json"
    assert stat.S_IMODE(store.stat().st_mode) == 0o600
    assert json.loads(store.read_text(encoding="utf-8")) == first


def test_two_installations_get_different_keys(tmp_path):
    one, other = (settings(DATA_DIR=str(tmp_path / name)) for name in ("one", "other"))
    assert not set(one.values()) & set(other.values())


def test_processes_that_start_together_agree_on_the_keys(tmp_path):
    with ThreadPoolExecutor(4) as pool:
        seen = list(pool.map(lambda _: settings(DATA_DIR=str(tmp_path)), range(4)))
    assert seen == [seen[0]] * 4


def test_a_given_key_wins_over_the_kept_one(tmp_path):
    kept = settings(DATA_DIR=str(tmp_path))
    given = settings(DATA_DIR=str(tmp_path), INDEX_KEY="mine")
    assert given == {**kept, "INDEX_KEY": "mine"}


@pytest.mark.parametrize("name", KEY_NAMES)
def test_a_key_may_come_from_a_file_which_wins(tmp_path, name):
    (tmp_path / "secret").write_text("from the file\n", encoding="utf-8")
    seen = settings(DATA_DIR=str(tmp_path), **{name: "from the environment", f"{name}_FILE": str(tmp_path / "secret")})
    assert seen[name] == "from the file"


@pytest.mark.parametrize("missing", KEY_NAMES)
def test_on_postgresql_the_server_refuses_to_start_without_a_key(tmp_path, missing):
    given = {name: value for name, value in GIVEN.items() if name != missing}
    ran = start(DATABASE_URL=POSTGRES, DATA_DIR=str(tmp_path), **given)
    assert ran.returncode != 0
    assert f"ImproperlyConfigured: set {missing} (or the same names with _FILE)" in ran.stderr
    assert not list(tmp_path.iterdir())


def test_on_postgresql_given_keys_are_used(tmp_path):
    assert settings(DATABASE_URL=POSTGRES, **GIVEN) == GIVEN


def test_the_address_of_the_database_may_come_from_a_file(tmp_path):
    (tmp_path / "url").write_text(POSTGRES + "\n", encoding="utf-8")
    seen = settings("DATABASES", DATABASE_URL_FILE=str(tmp_path / "url"), **GIVEN)
    assert "'NAME': 'clinic'" in seen["DATABASES"]
    assert "'PASSWORD': 'pw'" in seen["DATABASES"]


def test_a_session_ends_after_twelve_hours_unless_told(tmp_path):
    assert settings("SESSION_MAX_HOURS", DATA_DIR=str(tmp_path)) == {"SESSION_MAX_HOURS": "12"}
    assert settings("SESSION_MAX_HOURS", DATA_DIR=str(tmp_path), SESSION_MAX_HOURS="8") == {"SESSION_MAX_HOURS": "8"}


@pytest.mark.parametrize("name", ["RATE_LIMIT_PER_MINUTE", "TRUSTED_PROXIES", "SESSION_MAX_HOURS"])
def test_a_number_that_is_none_stops_the_start(tmp_path, name):
    assert "ValueError" in start(DATA_DIR=str(tmp_path), **{name: "many"}).stderr


@pytest.mark.parametrize(("name", "value"), [("METRICS_TOKEN", "short"), ("LOG_FORMAT", "xml")])
def test_a_value_that_is_not_good_enough_stops_the_start(tmp_path, name, value):
    assert f"ImproperlyConfigured: {name}" in start(DATA_DIR=str(tmp_path), **{name: value}).stderr


def test_behind_tls_everything_that_protects_pages_is_on(tmp_path):
    names = ("SECURE_SSL_REDIRECT", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_HSTS_PRELOAD", "SECURE_HSTS_SECONDS")
    seen = settings(*names, DATA_DIR=str(tmp_path), HTTPS="1")
    assert list(seen.values()) == ["True", "True", "True", "True", "31536000"]


@pytest.mark.parametrize(("https", "proxies", "warned"), [(True, 0, True), (True, 1, False), (False, 0, False)])
def test_a_proxy_that_is_not_counted_is_warned_of(https, proxies, warned):
    with override_settings(HTTPS=https, TRUSTED_PROXIES=proxies):
        found = [message.id for message in run_checks(include_deployment_checks=True)]
    assert ("anamnesis.W001" in found) is warned


def test_the_middleware_that_the_deployment_check_cannot_name_is_at_work(db):
    with override_settings(SECURE_HSTS_SECONDS=60, SECURE_HSTS_INCLUDE_SUBDOMAINS=True):
        client = Client(enforce_csrf_checks=True)
        page = client.get("/admin/login/", secure=True)
    assert page["Strict-Transport-Security"] == "max-age=60; includeSubDomains"
    assert (page["X-Frame-Options"], page["X-Content-Type-Options"]) == ("DENY", "nosniff")
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
    assert client.post("/admin/login/", {"username": "a@b.test", "password": "x"}, secure=True).status_code == 403


def test_every_variable_that_is_read_is_documented():
    source = (ROOT / "config" / "settings.py").read_text(encoding="utf-8")
    read = set(re.findall(r"env(?:\.\w+)?\(\s*\"([A-Z_]+)\"", source)) | set(KEY_NAMES)
    documented = set(re.findall(r"^#([A-Z_]+)=", (ROOT / ".env.example").read_text(encoding="utf-8"), re.MULTILINE))
    as_files = {name for name in documented if name.endswith("_FILE")}
    assert read == documented - as_files
    assert {f"{name}_FILE" for name in (*KEY_NAMES, "DATABASE_URL")} <= as_files


def test_the_address_of_the_mail_server_is_read_and_without_one_mails_are_written_out(tmp_path):
    names = ("EMAIL_BACKEND", "EMAIL_HOST", "EMAIL_PORT", "EMAIL_HOST_USER", "EMAIL_USE_TLS", "EMAIL_TIMEOUT")
    given = "smtp+tls://user:secret@mail.example:587"
    set_up = settings(*names, DATA_DIR=str(tmp_path), EMAIL_URL=given)
    assert list(set_up.values())[1:] == ["mail.example", "587", "user", "True", "5"]
    assert settings(*names, DATA_DIR=str(tmp_path))["EMAIL_BACKEND"].endswith("console.EmailBackend")
