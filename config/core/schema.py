"""Whether the database is as the code expects it: it has all migrations and all triggers."""

from functools import lru_cache
from typing import Any

from django.apps import AppConfig, apps
from django.core.management.base import CommandError
from django.db import connections
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.db.models.signals import post_migrate
from django.dispatch import receiver

_TRIGGERS = {
    "postgresql": """
        SELECT tgname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
        WHERE relnamespace = current_schema()::regnamespace AND NOT tgisinternal AND tgenabled <> 'D'
    """,
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
}


@lru_cache(maxsize=1)
def _shipped() -> frozenset[tuple[str, str]]:
    """Return (app, name) of every migration in the code, which does not change while a process runs."""
    return frozenset(MigrationLoader(None).disk_migrations)


def pending_migrations(using: str = "default") -> list[tuple[str, str]]:
    """Return (app, name) of the migrations that the database still lacks."""
    return sorted(_shipped() - MigrationRecorder(connections[using]).applied_migrations().keys())


def triggers(using: str = "default") -> set[str]:
    """Return the names of the triggers that the database has and runs."""
    connection = connections[using]
    with connection.cursor() as cursor:
        cursor.execute(_TRIGGERS[connection.vendor])
        return {name for (name,) in cursor.fetchall()}


def expected_triggers(using: str = "default") -> set[str]:
    """Return the names of the triggers that the migrations make: what apps list as `triggers` in their AppConfig."""
    vendor = connections[using].vendor
    return {name for config in apps.get_app_configs() for name in getattr(config, "triggers", {}).get(vendor, ())}


def refuse_missing_triggers(using: str = "default") -> None:
    """Raise CommandError if a database that has all migrations lacks a trigger."""
    if missing := sorted(expected_triggers(using) - triggers(using)):
        raise CommandError(
            f"The database lacks triggers ({', '.join(missing)}): what they keep or protect can no longer be relied on. "
            "See 'Change a table that has triggers' in CONTRIBUTING.md and 'Back up and restore' in docs/reliability.md."
        )


@receiver(post_migrate)
def look_for_triggers(sender: AppConfig, using: str, **kwargs: Any) -> None:
    """Raise CommandError if the migrations are complete and have lost a trigger. SQLite drops them with a table it remakes."""
    if hasattr(sender, "triggers") and expected_triggers(using) - triggers(using) and not pending_migrations(using):
        refuse_missing_triggers(using)
