"""The database itself keeps the totals of patients, whoever writes patients, and however. Going back and forth counts anew."""

from django.db import migrations

from patients.triggers import TOTALS


class Migration(migrations.Migration):
    dependencies = [("patients", "0006_fold_names_anew")]
    operations = [migrations.RunPython(TOTALS.make, TOTALS.drop, elidable=False)]
