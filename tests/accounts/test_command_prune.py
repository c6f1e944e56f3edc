"""What `manage.py prune` deletes, and what it keeps."""

import datetime
import io

from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from accounts.models import AuditedPatient, AuditEvent, IdempotencyRecord, RateWindow, Role, Session
from tests.append_only import lifted
from tests.pages import sign_in

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


def test_sessions_that_have_ended_go_and_others_stay(clinic):
    for role in (Role.HC_ADMIN, Role.HC_VIEW_ALL):
        sign_in(clinic.users[role])
    clinic.users[Role.HC_ADMIN].sessions.update(expire_date=timezone.now())
    call_command("prune", stdout=io.StringIO())
    assert [row.user for row in Session.objects.all()] == [clinic.users[Role.HC_VIEW_ALL]]


def fail_to_sign_in(name: str) -> int:
    return Client().post("/admin/login/", {"username": name, "password": "wrong"}).status_code


def test_failed_sign_ins_go_once_they_lock_nobody_out_any_more(clinic):
    fail_to_sign_in("early@hill.test")
    for _ in range(settings.AXES_FAILURE_LIMIT):
        fail_to_sign_in("late@hill.test")
    ended = timezone.now() - datetime.timedelta(hours=settings.AXES_COOLOFF_TIME)
    AccessAttempt.objects.filter(username="early@hill.test").update(attempt_time=ended)
    call_command("prune", stdout=io.StringIO())
    assert [attempt.username for attempt in AccessAttempt.objects.all()] == ["late@hill.test"]
    assert fail_to_sign_in("late@hill.test") == 429


def test_the_log_of_sign_ins_is_kept_for_ninety_days(db):
    now = timezone.now()
    for log in (AccessLog, AccessFailureLog):
        for days in (89, 91):
            row = log.objects.create(username=f"{days} days", user_agent="", http_accept="", path_info="")
            log.objects.filter(pk=row.pk).update(attempt_time=now - datetime.timedelta(days=days))
    call_command("prune", stdout=io.StringIO())
    for log in (AccessLog, AccessFailureLog):
        assert [row.username for row in log.objects.all()] == ["89 days"]
