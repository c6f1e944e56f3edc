"""Lists in the order of changes: every change of an entry moves `updated_at`."""

from django.db import migrations

from clinical.triggers import MOVES, UPDATED_AT


class Migration(migrations.Migration):
    dependencies = [("clinical", "0007_fold_names_of_catalogs_anew"), ("patients", "0009_changes")]
    operations = [
        migrations.RunPython(UPDATED_AT.make, UPDATED_AT.drop, elidable=False),
        migrations.RunPython(MOVES.make, MOVES.drop, elidable=False),
    ]
