"""Fill the folded names of the care groups that are there."""

from django.db import migrations

from config.core.orm import fold


def fold_names(apps, schema_editor):
    groups = apps.get_model("accounts", "CareGroup").objects
    for pk, name in groups.values_list("pk", "name").iterator():
        groups.filter(pk=pk).update(name_key=fold(name)[:255])


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_catalog_names")]
    operations = [migrations.RunPython(fold_names, migrations.RunPython.noop)]
