"""The limits of statements while migrations run."""

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models.signals import pre_migrate

pytestmark = [pytest.mark.postgres, pytest.mark.django_db]


def limit() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        return cursor.fetchone()[0]


def test_a_migration_may_take_longer_than_a_request():
    limits = []

    def look(**kwargs) -> None:
        limits.append(limit())

    before = limit()
    pre_migrate.connect(look)
    try:
        call_command("migrate", verbosity=0)
    finally:
        pre_migrate.disconnect(look)
    assert (set(limits), limit()) == ({"0"}, before)
    assert before != "0"
