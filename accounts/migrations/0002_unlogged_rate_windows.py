"""Rate windows need not survive a crash: on PostgreSQL they leave no write-ahead log and wait for no disk."""

from django.db import migrations


def unlog(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        # Nearly every write of this table updates a counter in place: leave room on the page for it.
        schema_editor.execute("ALTER TABLE accounts_ratewindow SET UNLOGGED")
        schema_editor.execute("ALTER TABLE accounts_ratewindow SET (fillfactor = 50)")


def log(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE accounts_ratewindow SET LOGGED")


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]
    operations = [migrations.RunPython(unlog, log, elidable=False)]
