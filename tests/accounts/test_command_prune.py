"""What `manage.py prune` deletes, and what it keeps."""

import datetime
import io

from django.core.management import call_command
from django.utils import timezone

from accounts.models import AuditedPatient, AuditEvent, IdempotencyRecord, RateWindow
from tests.append_only import lifted

LONG_AGO = timezone.now() - datetime.timedelta(days=7 * 366)


def test_what_has_served_its_time_goes_and_the_rest_stays(api, clinic):
    body = {"first_name": "Ada", "last_name": "Quist"}
    for key in ("old", "new"):
        assert api().post(f"{clinic.base}/patients", body, Idempotency_Key=key).status_code == 201
    IdempotencyRecord.objects.filter(key="old").update(created_at=timezone.now() - datetime.timedelta(hours=25))
    RateWindow.objects.create(subject="user:0", opened_at=0, count=7)
    oldest = AuditEvent.objects.filter(action="patient.create").earliest("id")
    first = AuditEvent.objects.filter(organization_id=clinic.organization.pk, pk__lte=oldest.pk)
    with lifted():
        first.update(at=LONG_AGO)
    events, gone = AuditEvent.objects.count(), first.count()
    call_command("prune", stdout=io.StringIO())
    assert list(IdempotencyRecord.objects.values_list("key", flat=True)) == ["new"]
    assert not RateWindow.objects.filter(subject="user:0").exists()
    assert RateWindow.objects.filter(subject=f"user:{clinic.users['HC_ADMIN'].pk}").exists()
    assert AuditEvent.objects.count() == events - gone
    assert not AuditedPatient.objects.filter(event_id=oldest.pk).exists()
    assert AuditedPatient.objects.exists()
