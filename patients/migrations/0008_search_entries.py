"""The database itself keeps the search entries of patients, whoever writes patients, and however.

Infix search reads their trigram index on PostgreSQL; SQLite scans them. Going back and forth copies anew.
"""

from django.db import migrations

from config.core.migrations import run
from patients.triggers import ENTRIES, ENTRY

POSTGRESQL = (
    "CREATE EXTENSION IF NOT EXISTS pg_trgm",
    f"CREATE INDEX patient_search_text ON {ENTRY} USING gin (search_text gin_trgm_ops)",
)
POSTGRESQL_BACK = ("DROP INDEX patient_search_text",)


def index_text(apps, schema_editor):
    run(schema_editor, POSTGRESQL if schema_editor.connection.vendor == "postgresql" else ())


def leave_text(apps, schema_editor):
    run(schema_editor, POSTGRESQL_BACK if schema_editor.connection.vendor == "postgresql" else ())


class Migration(migrations.Migration):
    dependencies = [("patients", "0007_patient_totals")]
    operations = [
        migrations.RunPython(index_text, leave_text, elidable=False),
        migrations.RunPython(ENTRIES.make, ENTRIES.drop, elidable=False),
    ]
