"""Fill the folded names of the catalog rows that are there."""

from django.db import migrations

from config.core.orm import fold

CATALOGS = ("Provider", "Location", "FeeSchedule", "BillingType", "Employer", "TagDefinition", "Program", "Protocol")


def fold_names(apps, schema_editor):
    for model in CATALOGS:
        rows = apps.get_model("patients", model).objects
        for pk, name in rows.values_list("pk", "name").iterator():
            rows.filter(pk=pk).update(name_key=fold(name)[:255])


class Migration(migrations.Migration):
    dependencies = [("patients", "0004_definitions_and_referrals")]
    operations = [migrations.RunPython(fold_names, migrations.RunPython.noop)]
