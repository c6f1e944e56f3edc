"""What is kept about a patient beside the record itself."""

import config.core.databases
import config.core.orm
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('patients', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Enrolment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=config.core.orm.uuid7, editable=False, unique=True)),
                ('created_at', models.DateTimeField(db_default=config.core.databases.DatabaseNow(), editable=False)),
                ('updated_at', models.DateTimeField(db_default=config.core.databases.DatabaseNow(), editable=False)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
                ('patient', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='enrolments', to='patients.patient')),
                ('program', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.program')),
                ('protocol', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.protocol')),
                ('start_date', models.DateField()),
                ('end_date', models.DateField(blank=True, null=True)),
                ('created_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['id'],
                'indexes': [models.Index(fields=['organization', 'created_at', 'id'], name='enrolment_by_creation')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('end_date', None)), fields=('patient',), name='enrolment_one_open'), models.CheckConstraint(condition=models.Q(('end_date', None), ('end_date__gte', models.F('start_date')), _connector='OR'), name='enrolment_dates_in_order')],
            },
        ),
        migrations.CreateModel(
            name='PatientTag',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=config.core.orm.uuid7, editable=False, unique=True)),
                ('created_at', models.DateTimeField(db_default=config.core.databases.DatabaseNow(), editable=False)),
                ('updated_at', models.DateTimeField(db_default=config.core.databases.DatabaseNow(), editable=False)),
                ('deleted_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('organization', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
                ('patient', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='tags', to='patients.patient')),
                ('tag_definition', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.tagdefinition')),
                ('assigned_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'tag',
                'ordering': ['id'],
                'indexes': [models.Index(fields=['organization', 'patient', 'id'], name='patienttag_of_patient'), models.Index(fields=['organization', 'updated_at', 'id'], name='patienttag_by_change')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('deleted_at', None)), fields=('patient', 'tag_definition'), name='patient_tag_unique')],
            },
        ),
        migrations.CreateModel(
            name='FieldValue',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=config.core.orm.uuid7, editable=False, unique=True)),
                ('created_at', models.DateTimeField(db_default=config.core.databases.DatabaseNow(), editable=False)),
                ('updated_at', models.DateTimeField(db_default=config.core.databases.DatabaseNow(), editable=False)),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('organization', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
                ('patient', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.patient')),
                ('field_definition', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.fielddefinition')),
                ('value', models.JSONField(null=True)),
            ],
            options={
                'ordering': ['id'],
                'indexes': [models.Index(fields=['organization', 'patient', 'id'], name='fieldvalue_of_patient'), models.Index(fields=['organization', 'updated_at', 'id'], name='fieldvalue_by_change')],
                'constraints': [models.UniqueConstraint(fields=('patient', 'field_definition'), name='field_value_unique')],
            },
        ),
        migrations.CreateModel(
            name='Relationship',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=config.core.orm.uuid7, editable=False, unique=True)),
                ('created_at', models.DateTimeField(db_default=config.core.databases.DatabaseNow(), editable=False)),
                ('updated_at', models.DateTimeField(db_default=config.core.databases.DatabaseNow(), editable=False)),
                ('deleted_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('organization', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
                ('patient', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.patient')),
                ('to_patient', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.patient')),
                ('relationship_type', models.CharField(choices=[('caregiver', 'Caregiver'), ('child', 'Child'), ('clone', 'Clone'), ('foster_child', 'Foster Child'), ('grandchild', 'Grandchild'), ('grandparent', 'Grandparent'), ('guardian', 'Guardian'), ('life_partner', 'Life Partner'), ('merge', 'Merge'), ('other_family', 'Other Family'), ('parent', 'Parent'), ('sibling', 'Sibling'), ('spouse', 'Spouse'), ('stepchild', 'Stepchild'), ('stepparent', 'Stepparent')], max_length=16)),
                ('is_guardian', models.BooleanField(default=False)),
                ('note', models.TextField(blank=True, max_length=20000, null=True)),
            ],
            options={
                'ordering': ['id'],
                'indexes': [models.Index(fields=['organization', 'patient', 'id'], name='relationship_of_patient'), models.Index(fields=['organization', 'to_patient', 'id'], name='relationship_to_patient'), models.Index(fields=['organization', 'updated_at', 'id'], name='relationship_by_change')],
                'constraints': [models.CheckConstraint(condition=models.Q(('patient', models.F('to_patient')), _negated=True), name='relationship_not_to_self')],
            },
        ),
        migrations.CreateModel(
            name='ReferralAttribution',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=config.core.orm.uuid7, editable=False, unique=True)),
                ('created_at', models.DateTimeField(db_default=config.core.databases.DatabaseNow(), editable=False)),
                ('updated_at', models.DateTimeField(db_default=config.core.databases.DatabaseNow(), editable=False)),
                ('deleted_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('organization', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
                ('patient', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.patient')),
                ('referral_source', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.referralsource')),
                ('referral_partner', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.referralpartner')),
                ('provider', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.provider')),
                ('referring_patient', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.patient')),
                ('attribution_role', models.CharField(choices=[('assist', 'Assist'), ('primary', 'Primary'), ('secondary', 'Secondary')], default='primary', max_length=16)),
                ('source_note', models.TextField(blank=True, max_length=20000, null=True)),
                ('attributed_at', models.DateTimeField(db_default=config.core.databases.DatabaseNow(), editable=False)),
            ],
            options={
                'ordering': ['id'],
                'indexes': [models.Index(fields=['organization', 'patient', 'id'], name='referralattribution_of_patient'), models.Index(fields=['organization', 'updated_at', 'id'], name='referralattribution_by_change')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('attribution_role', 'primary'), ('deleted_at', None)), fields=('patient',), name='referral_attribution_one_primary'), models.CheckConstraint(condition=models.Q(models.Q(('provider__isnull', True), ('referral_partner__isnull', True), ('referral_source__isnull', False), ('referring_patient__isnull', True)), models.Q(('provider__isnull', True), ('referral_partner__isnull', False), ('referral_source__isnull', True), ('referring_patient__isnull', True)), models.Q(('provider__isnull', False), ('referral_partner__isnull', True), ('referral_source__isnull', True), ('referring_patient__isnull', True)), models.Q(('provider__isnull', True), ('referral_partner__isnull', True), ('referral_source__isnull', True), ('referring_patient__isnull', False)), _connector='OR'), name='referral_attribution_one_source'), models.CheckConstraint(condition=models.Q(('referring_patient', models.F('patient')), _negated=True), name='referral_attribution_not_self')],
            },
        ),
        migrations.CreateModel(
            name='PatientMutation',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=config.core.orm.uuid7, editable=False, unique=True)),
                ('created_at', models.DateTimeField(db_default=config.core.databases.DatabaseNow(), editable=False)),
                ('updated_at', models.DateTimeField(db_default=config.core.databases.DatabaseNow(), editable=False)),
                ('organization', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
                ('patient', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.patient')),
                ('created_by', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('type', models.CharField(choices=[('program', 'Program'), ('protocol', 'Protocol'), ('group', 'Group'), ('status', 'Status')], max_length=16)),
                ('name', models.CharField(max_length=255, null=True)),
            ],
            options={
                'ordering': ['id'],
                'indexes': [models.Index(fields=['organization', 'created_at', 'id'], name='patientmutation_by_creation')],
            },
        ),
        migrations.CreateModel(
            name='SettingChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=config.core.orm.uuid7, editable=False, unique=True)),
                ('created_at', models.DateTimeField(db_default=config.core.databases.DatabaseNow(), editable=False)),
                ('updated_at', models.DateTimeField(db_default=config.core.databases.DatabaseNow(), editable=False)),
                ('organization', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
                ('patient', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.patient')),
                ('created_by', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('key', models.CharField(choices=[('timezone', 'Timezone'), ('language', 'Language'), ('sms_login_enabled', 'Sms Login'), ('receives_email', 'Receives Email'), ('receives_sms', 'Receives Sms'), ('preferred_contact_method', 'Preferred Contact Method')], max_length=32)),
                ('value', models.CharField(max_length=255, null=True)),
            ],
            options={
                'ordering': ['id'],
                'indexes': [models.Index(fields=['organization', 'created_at', 'id'], name='settingchange_by_creation')],
            },
        ),
    ]
