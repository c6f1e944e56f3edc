"""Remote monitoring: rules, plans, alerts and workflows."""

import clinical.fields
import config.core.databases
import config.core.orm
import django.core.validators
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('clinical', '0003_communication_logs_are_append_only'),
    ]

    operations = [
        migrations.CreateModel(
            name='RuleOverride',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=config.core.orm.uuid7, editable=False, unique=True)),
                ('created_at', models.DateTimeField(db_default=config.core.databases.DatabaseNow(), editable=False)),
                ('updated_at', models.DateTimeField(db_default=config.core.databases.DatabaseNow(), editable=False)),
                ('deleted_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('version', models.PositiveIntegerField(default=1, editable=False)),
                ('organization', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
                ('patient', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.patient')),
                ('kind', models.CharField(choices=[('measurement', 'Measurement'), ('combination', 'Combination'), ('remark', 'Remark'), ('overdue', 'Overdue'), ('average', 'Average')], max_length=16)),
                ('instrument', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clinical.instrument')),
                ('rules', config.core.orm.ObjectListField(blank=True, default=list)),
                ('created_by', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['id'],
                'indexes': [models.Index(fields=['organization', 'patient', 'id'], name='ruleoverride_of_patient'), models.Index(fields=['organization', 'updated_at', 'id'], name='ruleoverride_by_change')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('deleted_at', None), ('instrument__isnull', False)), fields=('patient', 'kind', 'instrument'), name='rule_override_one_an_instrument'), models.UniqueConstraint(condition=models.Q(('deleted_at', None), ('instrument', None)), fields=('patient', 'kind'), name='rule_override_one_a_kind')],
            },
        ),
        migrations.CreateModel(
            name='PlannedAction',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=config.core.orm.uuid7, editable=False, unique=True)),
                ('created_at', models.DateTimeField(db_default=config.core.databases.DatabaseNow(), editable=False)),
                ('updated_at', models.DateTimeField(db_default=config.core.databases.DatabaseNow(), editable=False)),
                ('organization', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
                ('patient', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.patient')),
                ('program_action', models.UUIDField()),
                ('instrument', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clinical.instrument')),
                ('planned_via', models.CharField(choices=[('rec', 'Schedule'), ('self', 'Self')], default='rec', max_length=8)),
                ('self_planned', models.BooleanField(default=False)),
                ('not_before', config.core.databases.MomentField()),
                ('expires_at', config.core.databases.MomentField()),
                ('timezone', models.CharField(max_length=64)),
                ('completed_at', models.DateTimeField(null=True)),
                ('completed_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clinical.measurement')),
            ],
            options={
                'ordering': ['not_before', 'id'],
                'indexes': [models.Index(fields=['organization', 'patient', 'id'], name='plannedaction_of_patient'), models.Index(fields=['organization', 'created_at', 'id'], name='planned_action_by_creation'), models.Index(condition=models.Q(('completed_at', None)), fields=['organization', 'expires_at', 'id'], name='planned_action_outstanding')],
                'constraints': [models.UniqueConstraint(fields=('patient', 'program_action', 'not_before'), name='planned_action_once'), models.CheckConstraint(condition=models.Q(('expires_at__gt', models.F('not_before'))), name='planned_action_in_order')],
            },
        ),
        migrations.CreateModel(
            name='MonitoringAlert',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=config.core.orm.uuid7, editable=False, unique=True)),
                ('created_at', models.DateTimeField(db_default=config.core.databases.DatabaseNow(), editable=False)),
                ('updated_at', models.DateTimeField(db_default=config.core.databases.DatabaseNow(), editable=False)),
                ('organization', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
                ('patient', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.patient')),
                ('type', models.CharField(choices=[('measurement', 'Measurement'), ('combination', 'Combination'), ('remark', 'Remark'), ('overdue', 'Overdue'), ('average', 'Average')], max_length=16)),
                ('flag', models.CharField(choices=[('grey', 'Grey'), ('orange', 'Orange'), ('red', 'Red')], max_length=8)),
                ('status', models.CharField(choices=[('open', 'Open'), ('escalated', 'Escalated'), ('processed', 'Processed')], default='open', max_length=16)),
                ('care_group', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.caregroup')),
                ('program', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.program')),
                ('protocol', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.protocol')),
                ('instrument', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clinical.instrument')),
                ('measurement', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='alerts', to='clinical.measurement')),
                ('rule_key', models.CharField(max_length=255)),
                ('window', models.CharField(max_length=64)),
                ('cause', models.JSONField()),
                ('processed_at', models.DateTimeField(null=True)),
                ('processed_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('processed_type', models.CharField(choices=[('reviewed', 'Reviewed'), ('contacted_patient', 'Contacted Patient'), ('adjusted_treatment', 'Adjusted Treatment'), ('referred', 'Referred'), ('false_alarm', 'False Alarm')], max_length=24, null=True)),
                ('action', models.TextField(max_length=10000, null=True)),
                ('additional_info', models.TextField(max_length=10000, null=True)),
                ('escalated_at', models.DateTimeField(null=True)),
                ('escalated_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('claimed_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('claimed_until', config.core.databases.MomentField(null=True)),
                ('escalated_to', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('review_at', config.core.databases.MomentField(null=True)),
                ('review_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('reviewed_at', models.DateTimeField(null=True)),
            ],
            options={
                'ordering': ['id'],
                'indexes': [models.Index(fields=['organization', 'patient', 'id'], name='monitoringalert_of_patient'), models.Index(fields=['organization', 'created_at', 'id'], name='monitoring_alert_by_creation'), models.Index(fields=['organization', 'status', 'flag', 'id'], name='monitoring_alert_worklist'), models.Index(fields=['organization', 'updated_at', 'id'], name='monitoringalert_by_change'), models.Index(fields=['organization', 'status', 'processed_at', 'id'], name='monitoring_alert_processed'), models.Index(condition=models.Q(('review_at__isnull', False), ('reviewed_at', None)), fields=['review_by', 'review_at'], name='monitoring_alert_to_review')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('status', 'processed'), _negated=True), fields=('patient', 'rule_key', 'window'), name='monitoring_alert_one_open'), models.CheckConstraint(condition=models.Q(models.Q(('review_at', None), ('review_by', None)), models.Q(('review_at__isnull', False), ('review_by__isnull', False)), _connector='OR'), name='monitoring_alert_review_by_someone')],
            },
        ),
        migrations.CreateModel(
            name='Workflow',
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
                ('program', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.program')),
                ('days', clinical.fields.DayListField(blank=True, default=list)),
            ],
            options={
                'ordering': ['name_key', 'id'],
                'indexes': [models.Index(fields=['organization', 'name_key', 'id'], name='workflow_by_name')],
            },
        ),
        migrations.CreateModel(
            name='WorkflowFiring',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=config.core.orm.uuid7, editable=False, unique=True)),
                ('created_at', models.DateTimeField(db_default=config.core.databases.DatabaseNow(), editable=False)),
                ('updated_at', models.DateTimeField(db_default=config.core.databases.DatabaseNow(), editable=False)),
                ('organization', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
                ('patient', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.patient')),
                ('workflow', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='clinical.workflow')),
                ('trigger_day', models.DateField()),
                ('trigger_count', models.PositiveIntegerField()),
            ],
            options={
                'ordering': ['id'],
                'indexes': [models.Index(fields=['organization', 'patient', 'id'], name='workflowfiring_of_patient'), models.Index(fields=['organization', 'created_at', 'id'], name='workflow_firing_by_creation')],
                'constraints': [models.UniqueConstraint(fields=('patient', 'workflow', 'trigger_day'), name='workflow_firing_once')],
            },
        ),
        migrations.CreateModel(
            name='StarRating',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('uuid', models.UUIDField(default=config.core.orm.uuid7, editable=False, unique=True)),
                ('created_at', models.DateTimeField(db_default=config.core.databases.DatabaseNow(), editable=False)),
                ('updated_at', models.DateTimeField(db_default=config.core.databases.DatabaseNow(), editable=False)),
                ('organization', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organization')),
                ('patient', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='patients.patient')),
                ('score', models.PositiveSmallIntegerField(validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(500)])),
                ('remarks', models.TextField(blank=True, max_length=20000, null=True)),
                ('created_by', models.ForeignKey(editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['id'],
                'indexes': [models.Index(fields=['organization', 'patient', 'id'], name='starrating_of_patient'), models.Index(fields=['organization', 'created_at', 'id'], name='star_rating_by_creation')],
                'constraints': [models.CheckConstraint(condition=models.Q(('score__gte', 1), ('score__lte', 500)), name='star_rating_in_range')],
            },
        ),
    ]
