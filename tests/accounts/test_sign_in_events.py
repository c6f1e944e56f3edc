"""Sign-ins, failed ones, lock-outs and sign-outs are in the audit trail; what was typed is not."""

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts import audit
from accounts.models import AuditEvent, Role
from tests.accounts.conftest import PASSWORD
from tests.pages import sign_in


def attempt(name: str, password: str, **headers: str) -> None:
    Client(REMOTE_ADDR="192.0.2.7").post("/admin/login/", {"username": name, "password": password}, headers=headers)


def events_of(act) -> list[AuditEvent]:
    """Return the events that `act()` leaves."""
    last = AuditEvent.objects.latest("id").pk
    act()
    return list(AuditEvent.objects.filter(pk__gt=last).order_by("id"))


def test_a_sign_in_and_a_sign_out_say_who_and_from_where(clinic, user):
    client = Client(REMOTE_ADDR="192.0.2.7")
    (came,) = events_of(lambda: client.post("/admin/login/", {"username": user.email, "password": PASSWORD}))
    assert (came.action, came.outcome, came.user_id, came.role) == ("user.login", "ok", user.pk, Role.HC_PRIMARY)
    assert (came.organization_id, came.address, came.route) == (clinic.organization.pk, "192.0.2.7", "admin/login/")
    assert (came.subject, came.subject_id, len(came.request_id)) == ("user", user.pk, 32)
    (went,) = events_of(lambda: client.post("/admin/logout/"))
    assert (went.action, went.outcome, went.user_id) == ("user.logout", "ok", user.pk)


def test_a_superadmins_sign_in_belongs_to_no_organization(clinic):
    superadmin = clinic.users[Role.FC_ADMIN]
    (event,) = events_of(lambda: Client().force_login(superadmin, backend="accounts.authentication.StaffBackend"))
    assert (event.action, event.organization_id, event.role) == ("user.login", None, Role.FC_ADMIN)


@pytest.mark.parametrize("spelling", [str, str.upper, lambda email: f" {email}"])
def test_a_failed_sign_in_names_the_account_but_nobody_who_acts(clinic, user, spelling):
    (event,) = events_of(lambda: attempt(spelling(user.email), "wrong"))
    assert (event.action, event.outcome, event.user_id, event.role) == ("user.login", "denied", None, "")
    assert (event.subject, event.subject_id, event.organization_id) == ("user", user.pk, clinic.organization.pk)
    assert event.address == "192.0.2.7"


def test_who_may_not_enter_leaves_a_refusal_though_the_password_is_right(clinic):
    patient = clinic.users[Role.PATIENT]
    patient.set_password(PASSWORD)
    patient.save()
    (event,) = events_of(lambda: attempt(patient.email, PASSWORD))
    assert (event.action, event.outcome, event.subject_id) == ("user.login", "denied", patient.pk)


@pytest.mark.parametrize("typed", ["my-password-by-mistake", "nobody@example.test", "x" * 5000])
def test_what_was_typed_is_not_kept_where_no_account_has_that_name(clinic, typed):
    (event,) = events_of(lambda: attempt(typed, "secret words"))
    assert (event.outcome, event.subject, event.subject_id, event.organization_id) == ("denied", "user", None, None)
    stored = str(AuditEvent.objects.filter(pk=event.pk).values().get())
    assert typed not in stored
    assert "secret" not in stored


def test_an_account_costs_the_statements_of_none(clinic, user):
    """The trail must not tell a visitor which accounts there are."""
    counts = []
    for name in (user.email, "nobody@example.test"):
        with CaptureQueriesContext(connection) as captured:
            attempt(name, "wrong")
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_each_attempt_leaves_one_event_which_tells_a_lock_out_from_a_failure(clinic, user):
    def spray():
        for _ in range(settings.AXES_FAILURE_LIMIT + 2):
            attempt(user.email, "wrong")

    told = [(event.action, event.outcome, event.subject_id) for event in events_of(spray)]
    failed, locked = (("user.login", "denied", user.pk), ("user.lock_out", "denied", user.pk))
    assert told == [failed] * (settings.AXES_FAILURE_LIMIT - 1) + [locked] * 3


def test_the_administrator_sees_the_account_of_a_failed_sign_in(clinic, user):
    attempt(user.email, "wrong")
    attempt("nobody@example.test", "wrong")
    client = sign_in(clinic.users[Role.HC_ADMIN])
    content = client.get(reverse("admin:audit"), {"what": "refused"}).content.decode()
    assert f"Somebody, as {user.get_full_name() or user.email}," in content
    assert "192.0.2.7" in content


def test_no_sign_in_without_its_event(clinic, user, monkeypatch):
    def broken(*args, **kwargs):
        raise RuntimeError("the trail cannot be written")

    monkeypatch.setattr(audit, "record_access", broken)
    client = Client(raise_request_exception=False)
    client.post("/admin/login/", {"username": user.email, "password": PASSWORD})
    assert client.get("/admin/").status_code == 302
