"""Lists in the order of changes: every change moves `updated_at`, and moves between care groups are noted."""

import django.db.models.deletion
from django.db import migrations, models

import config.core.databases
from patients.triggers import CHANGES, MOVES, UPDATED_AT


class Migration(migrations.Migration):
    dependencies = [("patients", "0008_search_entries")]
    operations = [
        migrations.CreateModel(
            name='GroupMove',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('moved_at', models.DateTimeField(db_default=config.core.databases.DatabaseNow(), editable=False)),
                ('organization', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='accounts.organization')),
                ('care_group', models.ForeignKey(db_constraint=False, db_index=False, null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='accounts.caregroup')),
            ],
            options={
                'ordering': ['id'],
                'indexes': [models.Index(fields=['organization', 'care_group'], name='group_move_of_group')],
            },
        ),
        migrations.RunPython(UPDATED_AT.make, UPDATED_AT.drop, elidable=False),
        migrations.RunPython(MOVES.make, MOVES.drop, elidable=False),
        migrations.RunPython(CHANGES.make, CHANGES.drop, elidable=False),
    ]
