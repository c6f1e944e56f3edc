"""Names are folded in more ways: derive sort keys, search texts and the typeahead's keys anew for patients who exist."""

from django.db import IntegrityError, migrations, transaction

from patients.search import derived_columns, name_keys

_BATCH = 500
_UNIQUE = ("chart_number_key", "account_name_key")


def derive(apps, schema_editor):
    """Derive what today's code would, since what changes it again derives it again.

    In short transactions, each of which can be repeated, so that a large table is never locked as a whole.
    """
    alias = schema_editor.connection.alias
    patients = apps.get_model("patients", "Patient").objects.using(alias)
    keys = apps.get_model("patients", "NameKey").objects.using(alias)
    rows = patients.select_related("organization").select_for_update(of=("self",)).order_by("pk")
    last = 0
    while last is not None:
        with transaction.atomic(alias):
            last = _derive_batch(patients, keys, list(rows.filter(pk__gt=last)[:_BATCH]))


def _derive_batch(patients, keys, batch):
    """Derive the columns and keys of the rows of `batch`; return the last id, None where there are none."""
    if not batch:
        return None
    for row in batch:
        derived = derived_columns(vars(row), row.organization.country)
        _derive_unique(patients, row, {name: derived.pop(name) for name in _UNIQUE})
        vars(row).update(derived)
    patients.bulk_update(batch, sorted(derived), batch_size=100)
    keys.filter(patient__in=batch).delete()
    keys.bulk_create(
        keys.model(organization_id=row.organization_id, patient_id=row.pk, key=key, shared=shared)
        for row in batch
        if row.deleted_at is None
        for key, shared in name_keys(vars(row))
    )
    return batch[-1].pk


def _derive_unique(patients, row, derived):
    """Write keys that may be one patient's only. Who would have another one's now keeps the old one."""
    for name, value in derived.items():
        if getattr(row, name) != value:
            try:
                with transaction.atomic(patients.db):
                    patients.filter(pk=row.pk).update(**{name: value})
            except IntegrityError:
                continue


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("patients", "0004_overridden_warnings")]
    operations = [migrations.RunPython(derive, migrations.RunPython.noop, elidable=True)]
