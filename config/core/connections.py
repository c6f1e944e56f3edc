"""What every connection to a database is given, and how long its statements may take."""

import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connections
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate, pre_migrate
from django.dispatch import receiver
from django.utils import timezone

from config.core.databases import on_postgres


@receiver(connection_created)
def refuse_regexp(connection, **kwargs) -> None:
    """Replace the SQL function REGEXP of Django, which runs Python's `re`: some patterns hold a worker for hours."""
    if connection.vendor == "sqlite":
        connection.connection.create_function("regexp", 2, _refuse)


def _refuse(pattern: str, text: str) -> None:
    raise NotImplementedError("No query matches a regular expression")


@receiver(connection_created)
def tell_time_zones(connection, **kwargs) -> None:
    """Give SQLite the SQL function of `StartOfDay`: it knows no time zones."""
    if connection.vendor == "sqlite":
        connection.connection.create_function("start_of_day", 3, _start_of_day, deterministic=True)


def _start_of_day(day: str | None, zone: str, seconds: int) -> str | None:
    if day is None:
        return None
    begins = datetime.datetime.combine(datetime.date.fromisoformat(day), datetime.time(), ZoneInfo(zone))
    return _with_six_places(begins.astimezone(datetime.UTC) + datetime.timedelta(seconds=seconds))


@receiver(pre_migrate)
def let_migrations_take_their_time(using: str, **kwargs) -> None:
    """Lift the limit of a statement while migrations run: an index of a large table takes minutes."""
    if on_postgres(using):
        with connections[using].cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")


@receiver(post_migrate)
def limit_statements_again(using: str, **kwargs) -> None:
    if on_postgres(using):
        with connections[using].cursor() as cursor:
            cursor.execute("RESET statement_timeout")


@receiver(connection_created)
def write_six_places(connection, **kwargs) -> None:
    """Let Django write moments to SQLite as the database's clock does: it compares them as text, and Django leaves out zeros."""
    if connection.vendor == "sqlite":
        connection.ops.adapt_datetimefield_value = _with_six_places


def _with_six_places(value: Any) -> Any:
    if not isinstance(value, datetime.datetime):
        return value
    naive = value.astimezone(datetime.UTC).replace(tzinfo=None) if timezone.is_aware(value) else value
    return naive.isoformat(" ", "microseconds")
