"""/healthz and /readyz: what a load balancer asks."""

import pytest
from django.db import OperationalError
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from config import health


def test_healthz_answers_without_asking_the_database(client, django_db_blocker):
    with django_db_blocker.block():
        answer = client.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert "no-store" in answer["Cache-Control"]


def test_readyz_answers_when_the_database_has_every_migration(client, db):
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_readyz_is_503_while_a_migration_is_pending(client, db):
    MigrationRecorder.Migration.objects.filter(app="patients", name="0001_initial").delete()
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (503, {"status": "unavailable"})
    assert answer["Retry-After"] == "5"


def test_readyz_is_503_and_tells_nothing_when_the_database_is_away(client, monkeypatch):
    def away():
        raise OperationalError("connection to server at 10.1.2.3 failed: password of user clinic")

    monkeypatch.setattr(health, "pending_migrations", away)
    answer = client.get("/readyz")
    assert (answer.status_code, answer.content) == (503, b'{"status": "unavailable"}')


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_only_reading_is_allowed(client, db, path):
    assert client.post(path).status_code == 405


def test_load_balancers_are_not_redirected_to_https(settings, db):
    settings.SECURE_SSL_REDIRECT = True
    client = Client()
    assert [client.get(path).status_code for path in ("/healthz", "/readyz")] == [200, 200]
    assert client.get("/elsewhere").status_code == 301


def test_health_can_be_asked_by_address(client):
    assert client.get("/healthz", headers={"host": "10.1.2.3"}).status_code == 200
    assert client.get("/docs/", headers={"host": "10.1.2.3"}).status_code == 400
