"""Duplicates are found by the last name without blanks, punctuation and marks."""

from django.db import migrations

import config.core.databases


class Migration(migrations.Migration):
    dependencies = [("patients", "0004_overridden_warnings")]
    operations = [
        migrations.AddField(
            model_name="patient",
            name="last_name_match_key",
            field=config.core.databases.ByteOrderField(default="", editable=False, max_length=255),
        )
    ]
