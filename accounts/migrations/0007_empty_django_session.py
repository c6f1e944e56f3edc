"""Sessions have a table of their own now; the keys in Django's are those of cookies and are good for nothing any more."""

from django.db import migrations


def empty(apps, schema_editor):
    apps.get_model("sessions", "Session").objects.all().delete()


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_sessions"), ("sessions", "0001_initial")]
    operations = [migrations.RunPython(empty, migrations.RunPython.noop)]
