"""`manage.py rebuild_derived_tables`: count the totals of patients, and copy their search entries, anew, and make triggers."""

from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand
from django.db import connection, transaction

from config.core.migrations import run
from patients.triggers import DERIVED_TABLES


class Command(BaseCommand):
    """Makes the triggers, too, also those by which changes are found. May run at any time, as a role that may migrate.

    A transaction for each table. On PostgreSQL it waits for those who are writing patients, and others wait with writing
    patients until its end; on SQLite all writes wait. Who reads never waits, and sees the table as it was before.
    """

    help = "Count the totals of patients and copy their search entries anew, and make the triggers that are missing."

    def handle(self, *args: Any, **options: Any) -> None:
        for table in DERIVED_TABLES:
            with transaction.atomic(), connection.cursor() as cursor:
                run(cursor, table.made(apps, connection))
            model = apps.get_model(*table.model)
            self.stdout.write(f"{model._meta.db_table}: {model._base_manager.count()} rows")
        for config in apps.get_app_configs():
            for triggers in getattr(config, "kept_triggers", ()):
                with transaction.atomic(), connection.cursor() as cursor:
                    run(cursor, [*triggers.dropped(connection), *triggers.made(connection)])
