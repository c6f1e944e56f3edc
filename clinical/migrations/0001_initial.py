"""Clinical catalogs, and appointments."""

import clinical.fields
import config.core.databases
import config.core.orm
import django.core.validators
import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('accounts', '0001_initial'),
        ('patients', '0003_charts'),
    ]

    operations = [
        migrations.CreateModel(
            name='AlertDefinition',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=config.core.orm.uuid7, editable=False, unique=True)),
                ('created_at', models.DateTimeField(db_default=config.core.databases.DatabaseNow(), editable=False)),
                ('updated_at', models.DateTimeField(db_default=config.core.databases.DatabaseNow(), editable=False)),
                ('deleted_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
                ('name', models.CharField(max_length=255)),
                ('name_key', config.core.databases.ByteOrderField(default='', editable=False, max_length=255)),
                ('description', models.TextField(blank=True, max_length=20000, null=True)),
                ('item_order', models.IntegerField(default=0, validators=[django.core.validators.MinValueValidator(-2147483648), django.core.validators.MaxValueValidator(2147483647)])),
                ('category', models.CharField(blank=True, max_length=255, null=True)),
                ('default_is_urgent', models.BooleanField(default=False)),
                ('default_scope', models.CharField(choices=[('patient', 'Patient'), ('family', 'Family')], default='patient', max_length=16)),
            ],
            options={
                'ordering': ['item_order', 'name_key', 'id'],
                'indexes': [models.Index(fields=['organization', 'name_key', 'id'], name='alertdefinition_by_name')],
            },
        ),
        migrations.CreateModel(
            name='AllergyDefinition',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=config.core.orm.uuid7, editable=False, unique=True)),
                ('created_at', models.DateTimeField(db_default=config.core.databases.DatabaseNow(), editable=False)),
                ('updated_at', models.DateTimeField(db_default=config.core.databases.DatabaseNow(), editable=False)),
                ('deleted_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
                ('name', models.CharField(max_length=255)),
                ('name_key', config.core.databases.ByteOrderField(default='', editable=False, max_length=255)),
                ('concept_code', models.CharField(blank=True, max_length=64, null=True)),
                ('concept_system', models.CharField(blank=True, choices=[('snomed_ct', 'SNOMED CT'), ('rxnorm', 'RxNorm'), ('icd_10', 'ICD-10'), ('loinc', 'LOINC'), ('local', "This catalog's own")], max_length=16, null=True)),
                ('ingredients', clinical.fields.CodingListField(blank=True, default=list)),
                ('drug_classes', clinical.fields.CodingListField(blank=True, default=list)),
                ('category', models.CharField(blank=True, choices=[('medication', 'Medication'), ('biologic', 'Biologic'), ('food', 'Food'), ('environment', 'Environment')], max_length=16, null=True)),
            ],
            options={
                'ordering': ['name_key', 'id'],
                'indexes': [models.Index(fields=['organization', 'name_key', 'id'], name='allergydefinition_by_name')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('concept_code', None), ('concept_system', None)), models.Q(('concept_code__isnull', False), ('concept_system__isnull', False)), _connector='OR'), name='allergydefinition_code_in_a_system', violation_error_message='A code needs its terminology, and a terminology a code.')],
            },
        ),
        migrations.CreateModel(
            name='MedicationDefinition',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=config.core.orm.uuid7, editable=False, unique=True)),
                ('created_at', models.DateTimeField(db_default=config.core.databases.DatabaseNow(), editable=False)),
                ('updated_at', models.DateTimeField(db_default=config.core.databases.DatabaseNow(), editable=False)),
                ('deleted_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
                ('name', models.CharField(max_length=255)),
                ('name_key', config.core.databases.ByteOrderField(default='', editable=False, max_length=255)),
                ('concept_code', models.CharField(blank=True, max_length=64, null=True)),
                ('concept_system', models.CharField(blank=True, choices=[('snomed_ct', 'SNOMED CT'), ('rxnorm', 'RxNorm'), ('icd_10', 'ICD-10'), ('loinc', 'LOINC'), ('local', "This catalog's own")], max_length=16, null=True)),
                ('ingredients', clinical.fields.CodingListField(blank=True, default=list)),
                ('drug_classes', clinical.fields.CodingListField(blank=True, default=list)),
            ],
            options={
                'ordering': ['name_key', 'id'],
                'indexes': [models.Index(fields=['organization', 'name_key', 'id'], name='medicationdefinition_by_name')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('concept_code', None), ('concept_system', None)), models.Q(('concept_code__isnull', False), ('concept_system__isnull', False)), _connector='OR'), name='medicationdefinition_code_in_a_system', violation_error_message='A code needs its terminology, and a terminology a code.')],
            },
        ),
        migrations.CreateModel(
            name='DiseaseDefinition',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=config.core.orm.uuid7, editable=False, unique=True)),
                ('created_at', models.DateTimeField(db_default=config.core.databases.DatabaseNow(), editable=False)),
                ('updated_at', models.DateTimeField(db_default=config.core.databases.DatabaseNow(), editable=False)),
                ('deleted_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
                ('name', models.CharField(max_length=255)),
                ('name_key', config.core.databases.ByteOrderField(default='', editable=False, max_length=255)),
                ('concept_code', models.CharField(blank=True, max_length=64, null=True)),
                ('concept_system', models.CharField(blank=True, choices=[('snomed_ct', 'SNOMED CT'), ('rxnorm', 'RxNorm'), ('icd_10', 'ICD-10'), ('loinc', 'LOINC'), ('local', "This catalog's own")], max_length=16, null=True)),
            ],
            options={
                'ordering': ['name_key', 'id'],
                'indexes': [models.Index(fields=['organization', 'name_key', 'id'], name='diseasedefinition_by_name')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('concept_code', None), ('concept_system', None)), models.Q(('concept_code__isnull', False), ('concept_system__isnull', False)), _connector='OR'), name='diseasedefinition_code_in_a_system', violation_error_message='A code needs its terminology, and a terminology a code.')],
            },
        ),
        migrations.CreateModel(
            name='CommunicationType',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=config.core.orm.uuid7, editable=False, unique=True)),
                ('created_at', models.DateTimeField(db_default=config.core.databases.DatabaseNow(), editable=False)),
                ('updated_at', models.DateTimeField(db_default=config.core.databases.DatabaseNow(), editable=False)),
                ('deleted_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
                ('name', models.CharField(max_length=255)),
                ('name_key', config.core.databases.ByteOrderField(default='', editable=False, max_length=255)),
            ],
            options={
                'ordering': ['name_key', 'id'],
                'indexes': [models.Index(fields=['organization', 'name_key', 'id'], name='communicationtype_by_name')],
            },
        ),
        migrations.CreateModel(
            name='Instrument',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=config.core.orm.uuid7, editable=False, unique=True)),
                ('created_at', models.DateTimeField(db_default=config.core.databases.DatabaseNow(), editable=False)),
                ('updated_at', models.DateTimeField(db_default=config.core.databases.DatabaseNow(), editable=False)),
                ('deleted_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
                ('name', models.CharField(max_length=255)),
                ('name_key', config.core.databases.ByteOrderField(default='', editable=False, max_length=255)),
                ('concept_code', models.CharField(blank=True, max_length=64, null=True)),
                ('concept_system', models.CharField(blank=True, choices=[('snomed_ct', 'SNOMED CT'), ('rxnorm', 'RxNorm'), ('icd_10', 'ICD-10'), ('loinc', 'LOINC'), ('local', "This catalog's own")], max_length=16, null=True)),
                ('code', models.CharField(max_length=64)),
                ('kind', models.CharField(choices=[('numeric', 'Numeric'), ('choice', 'Choice')], default='numeric', max_length=16)),
                ('unit', models.CharField(blank=True, max_length=32, null=True)),
                ('scale_min', models.DecimalField(blank=True, decimal_places=3, max_digits=12, null=True)),
                ('scale_max', models.DecimalField(blank=True, decimal_places=3, max_digits=12, null=True)),
                ('choices', config.core.orm.TextListField(blank=True, null=True)),
            ],
            options={
                'ordering': ['name_key', 'id'],
                'indexes': [models.Index(fields=['organization', 'name_key', 'id'], name='instrument_by_name')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('concept_code', None), ('concept_system', None)), models.Q(('concept_code__isnull', False), ('concept_system__isnull', False)), _connector='OR'), name='instrument_code_in_a_system', violation_error_message='A code needs its terminology, and a terminology a code.'), models.UniqueConstraint(condition=models.Q(('deleted_at', None)), fields=('organization', 'code'), name='instrument_code_unique', violation_error_message='Another instrument has this code.'), models.CheckConstraint(condition=models.Q(('scale_min', None), ('scale_max', None), ('scale_min__lt', models.F('scale_max')), _connector='OR'), name='instrument_scale_in_order', violation_error_message='A scale ends above its beginning.'), models.CheckConstraint(condition=models.Q(models.Q(('choices__isnull', False), ('kind', 'choice')), models.Q(models.Q(('kind', 'choice'), _negated=True), ('choices__isnull', True)), _connector='OR'), name='instrument_choices', violation_error_message='An instrument of choices needs some, and no other has any.')],
            },
        ),
        migrations.CreateModel(
            name='Appointment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=config.core.orm.uuid7, editable=False, unique=True)),
                ('created_at', models.DateTimeField(db_default=config.core.databases.DatabaseNow(), editable=False)),
                ('updated_at', models.DateTimeField(db_default=config.core.databases.DatabaseNow(), editable=False)),
                ('deleted_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('organization', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
                ('patient', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.patient')),
                ('provider', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.provider')),
                ('location', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.location')),
                ('starts_at', models.DateTimeField()),
                ('ends_at', models.DateTimeField(blank=True, null=True)),
                ('status', models.CharField(choices=[('scheduled', 'Scheduled'), ('confirmed', 'Confirmed'), ('arrived', 'Arrived'), ('in_progress', 'In progress'), ('completed', 'Completed'), ('cancelled', 'Cancelled'), ('no_show', 'No-show')], default='scheduled', max_length=16)),
                ('note', models.TextField(blank=True, max_length=20000, null=True)),
                ('arrived_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('cancellation_reason', models.TextField(blank=True, max_length=10000, null=True)),
                ('cancelled_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('completed_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('confirmed_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('no_show_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('started_at', models.DateTimeField(blank=True, editable=False, null=True)),
            ],
            options={
                'ordering': ['starts_at', 'id'],
                'indexes': [models.Index(fields=['organization', 'patient', 'id'], name='appointment_of_patient'), models.Index(fields=['organization', 'starts_at', 'id'], name='appointment_by_start'), models.Index(fields=['organization', 'updated_at', 'id'], name='appointment_by_change')],
                'constraints': [models.CheckConstraint(condition=models.Q(('ends_at', None), ('ends_at__gt', models.F('starts_at')), _connector='OR'), name='appointment_ends_after_start', violation_error_message='An appointment ends after it has begun.'), models.CheckConstraint(condition=models.Q(('cancellation_reason', None), ('status', 'cancelled'), _connector='OR'), name='appointment_reason_if_cancelled', violation_error_message='Only a cancelled appointment has a reason for that.')],
            },
        ),
    ]
