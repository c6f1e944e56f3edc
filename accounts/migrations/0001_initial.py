"""Organizations, people and their keys, and what requests leave behind."""

import accounts.models.organizations
import config.core.databases
import config.core.orm
import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name='Organization',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=config.core.orm.uuid7, editable=False, unique=True)),
                ('created_at', models.DateTimeField(db_default=config.core.databases.DatabaseNow(), editable=False)),
                ('updated_at', models.DateTimeField(db_default=config.core.databases.DatabaseNow(), editable=False)),
                ('name', models.CharField(max_length=255)),
                ('slug', models.SlugField(max_length=64, unique=True)),
                ('parent', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='children', to='accounts.organization')),
                ('timezone', models.CharField(default='Europe/Amsterdam', max_length=64, validators=[accounts.models.organizations.validate_timezone])),
                ('country', models.CharField(default='NL', help_text='ISO 3166-1: where a phone number without a country code is from.', max_length=2)),
                ('language', models.CharField(choices=[('nl', 'Dutch'), ('en', 'English'), ('en_US', 'English (US)'), ('de', 'German'), ('fr', 'French')], default='nl', help_text='That of patients of the monitoring platform who have not chosen one.', max_length=8)),
                ('care_networks_enabled', models.BooleanField(default=False, help_text='With care networks a patient made through the public API must not name a group.')),
                ('is_sandbox', models.BooleanField(default=False, editable=False, help_text='Invented data for integrators, reached by test keys alone. It stays one: manage.py reset_sandbox empties it.', verbose_name='sandbox')),
                ('catalog_version', models.PositiveBigIntegerField(default=1, editable=False, help_text='Raised by every catalog write; stamps the reference cache.')),
                ('second_factor_required', models.BooleanField(default=False, help_text='Everybody who signs in to the admin must then have a second factor, and is led to set it up.')),
                ('chart_needs', models.JSONField(blank=True, null=True)),
                ('vital_signs_days', models.PositiveSmallIntegerField(blank=True, null=True)),
            ],
            options={
                'ordering': ['name', 'id'],
            },
        ),
        migrations.CreateModel(
            name='CareGroup',
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
                'indexes': [models.Index(fields=['organization', 'name_key', 'id'], name='caregroup_by_name')],
                'constraints': [models.UniqueConstraint(models.F('organization'), django.db.models.functions.text.Lower('name'), condition=models.Q(('deleted_at', None)), name='care_group_name_unique')],
            },
        ),
        migrations.CreateModel(
            name='User',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=config.core.orm.uuid7, editable=False, unique=True)),
                ('created_at', models.DateTimeField(db_default=config.core.databases.DatabaseNow(), editable=False)),
                ('updated_at', models.DateTimeField(db_default=config.core.databases.DatabaseNow(), editable=False)),
                ('password', models.CharField(max_length=128, verbose_name='password')),
                ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                ('email', models.EmailField(max_length=254, unique=True)),
                ('email_key', models.CharField(editable=False, max_length=254, unique=True)),
                ('user_name', models.CharField(blank=True, max_length=150)),
                ('first_name', models.CharField(blank=True, max_length=150)),
                ('middle_name', models.CharField(blank=True, max_length=150)),
                ('last_name', models.CharField(blank=True, max_length=150)),
                ('language', models.CharField(default='en', max_length=8)),
                ('timezone', models.CharField(blank=True, max_length=64, validators=[accounts.models.organizations.validate_timezone])),
                ('role', models.CharField(choices=[('FC_ADMIN', 'Superadmin of all organizations'), ('HC_ADMIN', 'Administrator of an organization'), ('HC_VIEW_ALL', 'Reader of an organization'), ('HC_PRIMARY', 'Primary caregiver'), ('HC_SECONDARY', 'Secondary caregiver'), ('PATIENT', 'Patient')], max_length=16)),
                ('status', models.CharField(choices=[('created', 'Created'), ('active', 'Active'), ('blocked', 'Blocked'), ('stopped', 'Stopped'), ('cancelled', 'Cancelled')], default='created', max_length=16)),
                ('organization', models.ForeignKey(blank=True, help_text='Empty for FC_ADMIN only.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='users', to='accounts.organization')),
                ('default_group', models.ForeignKey(blank=True, help_text='Patients this person creates join it.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='accounts.caregroup')),
                ('last_logout', models.DateTimeField(blank=True, editable=False, null=True)),
                ('session_version', models.PositiveIntegerField(default=1, editable=False, help_text='Raised when all sessions end.')),
                ('link_sent_at', models.DateTimeField(editable=False, help_text='When the link to choose a password was made that is open, if one is.', null=True)),
            ],
            options={
                'ordering': ['email_key', 'id'],
                'indexes': [models.Index(fields=['organization', 'created_at', 'id'], name='user_by_creation')],
                'constraints': [models.CheckConstraint(condition=models.Q(('role', 'FC_ADMIN'), ('organization__isnull', False), _connector='OR'), name='user_organization_required')],
            },
        ),
        migrations.CreateModel(
            name='GroupMembership',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.organization')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to=settings.AUTH_USER_MODEL)),
                ('care_group', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to='accounts.caregroup')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('user', 'care_group'), name='membership_unique')],
            },
        ),
        migrations.AddField(
            model_name='user',
            name='care_groups',
            field=models.ManyToManyField(related_name='members', through='accounts.GroupMembership', to='accounts.caregroup'),
        ),
        migrations.CreateModel(
            name='UserStatusChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('organization', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='status_changes', to=settings.AUTH_USER_MODEL)),
                ('from_status', models.CharField(choices=[('created', 'Created'), ('active', 'Active'), ('blocked', 'Blocked'), ('stopped', 'Stopped'), ('cancelled', 'Cancelled')], max_length=16)),
                ('to_status', models.CharField(choices=[('created', 'Created'), ('active', 'Active'), ('blocked', 'Blocked'), ('stopped', 'Stopped'), ('cancelled', 'Cancelled')], max_length=16)),
                ('reason', models.TextField(blank=True, max_length=20000)),
                ('created_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('created_at', models.DateTimeField(db_default=config.core.databases.DatabaseNow(), editable=False)),
                ('processed_at', models.DateTimeField(null=True)),
            ],
            options={
                'ordering': ['id'],
                'indexes': [models.Index(fields=['organization', 'created_at', 'id'], name='user_status_change_by_creation')],
            },
        ),
        migrations.CreateModel(
            name='ApiKey',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('organization', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='api_keys', to=settings.AUTH_USER_MODEL)),
                ('key_id', models.CharField(editable=False, max_length=16, unique=True)),
                ('secret_hash', models.BinaryField(max_length=32)),
                ('description', models.CharField(max_length=255)),
                ('expires_at', models.DateTimeField(blank=True, help_text='Empty: never.', null=True)),
                ('revoked_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('last_used_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('created_by', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('issued_by', models.ForeignKey(editable=False, help_text='The key that it was issued with.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='issued', to='accounts.apikey')),
                ('known_addresses', models.TextField(blank=True, editable=False, help_text='Hashes of the addresses that used it last, separated by commas.')),
                ('revoked_with_user', models.BooleanField(default=False, editable=False, help_text='Revoked because its user was not active any more.')),
            ],
            options={
                'verbose_name': 'API key',
                'ordering': ['-id'],
            },
        ),
        migrations.CreateModel(
            name='AuditEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('at', models.DateTimeField(auto_now_add=True)),
                ('organization_id', models.BigIntegerField(null=True)),
                ('user_id', models.BigIntegerField(null=True)),
                ('key_id', models.CharField(blank=True, max_length=16)),
                ('role', models.CharField(blank=True, max_length=16)),
                ('action', models.CharField(max_length=64)),
                ('route', models.CharField(max_length=255)),
                ('outcome', models.CharField(choices=[('ok', 'Ok'), ('denied', 'Denied')], default='ok', max_length=8)),
                ('request_id', models.CharField(blank=True, max_length=32)),
                ('subject', models.CharField(blank=True, help_text='Kind of the object that was changed or refused.', max_length=64)),
                ('subject_id', models.BigIntegerField(null=True)),
                ('changed_fields', models.TextField(blank=True, help_text='Names of the fields that changed, separated by commas.')),
                ('address', models.CharField(blank=True, help_text='Address of the client.', max_length=64)),
                ('patient_id', models.BigIntegerField(null=True)),
                ('patient_uuid', models.UUIDField(null=True)),
                ('subject_uuid', models.UUIDField(null=True)),
                ('overridden', models.TextField(help_text='Kinds of the warnings that the change was saved against, separated by commas.', null=True)),
            ],
            options={
                'ordering': ['-id'],
                'indexes': [models.Index(fields=['organization_id', 'id'], name='audit_organization'), models.Index(fields=['organization_id', 'user_id', 'id'], name='audit_user'), models.Index(fields=['organization_id', 'at', 'id'], name='audit_organization_at'), models.Index(condition=models.Q(('outcome', 'denied')), fields=['organization_id', 'at', 'id'], name='audit_refused'), models.Index(condition=models.Q(('subject_id__isnull', False)), fields=['subject', 'subject_id', 'id'], name='audit_subject'), models.Index(condition=models.Q(('patient_uuid__isnull', False)), fields=['patient_uuid'], name='audit_patient_uuid'), models.Index(condition=models.Q(('patient_id__isnull', False)), fields=['patient_id'], name='audit_patient_id')],
            },
        ),
        migrations.CreateModel(
            name='AuditedPatient',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('event', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='patients', to='accounts.auditevent')),
                ('organization_id', models.BigIntegerField()),
                ('patient_id', models.BigIntegerField()),
            ],
            options={
                'indexes': [models.Index(fields=['patient_id', 'event'], name='audited_patient'), models.Index(fields=['event'], name='audited_event')],
            },
        ),
        migrations.CreateModel(
            name='OutboxEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=config.core.orm.uuid7, editable=False, unique=True)),
                ('organization_id', models.BigIntegerField()),
                ('type', models.CharField(max_length=64)),
                ('subject_uuid', models.UUIDField()),
                ('patient_id', models.BigIntegerField(help_text='The patient whose row has changed; null where it is of none.', null=True)),
                ('version', models.PositiveIntegerField(help_text='The version after the change; null where the row has none.', null=True)),
                ('key_id', models.CharField(blank=True, help_text='The API key that changed it, empty for people and commands.', max_length=16)),
                ('created_at', models.DateTimeField(db_default=config.core.databases.DatabaseNow(), editable=False)),
            ],
            options={
                'verbose_name': 'event',
                'ordering': ['id'],
                'indexes': [models.Index(fields=['organization_id', 'created_at', 'id'], name='outbox_organization'), models.Index(condition=models.Q(('patient_id__isnull', False)), fields=['patient_id', 'created_at', 'id'], name='outbox_patient'), models.Index(fields=['created_at'], name='outbox_created_at')],
            },
        ),
        migrations.CreateModel(
            name='IdempotencyRecord',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('organization_id', models.BigIntegerField()),
                ('user_id', models.BigIntegerField()),
                ('key', models.CharField(max_length=255)),
                ('fingerprint', models.BinaryField(max_length=32)),
                ('status', models.PositiveSmallIntegerField()),
                ('answer', models.BinaryField()),
                ('created_at', models.DateTimeField()),
            ],
            options={
                'indexes': [models.Index(fields=['created_at'], name='idempotency_created')],
                'constraints': [models.UniqueConstraint(fields=('organization_id', 'user_id', 'key'), name='idempotency_key_unique')],
            },
        ),
        migrations.CreateModel(
            name='RateWindow',
            fields=[
                ('subject', models.CharField(max_length=80, primary_key=True, serialize=False)),
                ('opened_at', models.BigIntegerField(help_text='Milliseconds since 1970.')),
                ('count', models.PositiveIntegerField()),
            ],
        ),
    ]
