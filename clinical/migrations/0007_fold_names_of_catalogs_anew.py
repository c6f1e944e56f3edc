"""Names are folded in more ways: derive the keys of catalogs anew, of all apps."""

from django.db import migrations

from accounts.models.catalogs import key_of


def derive(apps, schema_editor):
    alias = schema_editor.connection.alias
    for model in apps.get_models():
        if any(field.name == "name_key" for field in model._meta.concrete_fields):
            rows = model.objects.using(alias)
            for pk, name, key in rows.order_by("pk").values_list("pk", "name", "name_key").iterator():
                if key != key_of(name):
                    rows.filter(pk=pk).update(name_key=key_of(name))


class Migration(migrations.Migration):
    dependencies = [("clinical", "0004_monitoring"), ("patients", "0006_fold_names_anew")]
    operations = [migrations.RunPython(derive, migrations.RunPython.noop, elidable=True)]
