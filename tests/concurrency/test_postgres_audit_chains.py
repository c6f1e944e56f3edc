"""Sealing while others write: a transaction that took a lower id and commits late is not skipped. And a race for a key."""

import threading

import pytest
from django.db import transaction

from accounts import audit
from accounts.models import ApiKey, AuditEvent, AuditSeal, Role
from accounts.scope import Actor
from accounts.services import audit_chains
from accounts.services.audit_chains import seal_events
from accounts.services.audit_verification import Verdict, verify_chains
from accounts.services.keys import issue_key, revoke_key_with_issued
from config.core.exceptions import NotAuthenticated
from tests.concurrency.threads import PATIENCE, Background, together
from tests.factories import SYSTEM, Clinic, key_row, new_key

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
ROUNDS = 20


def write(clinic: Clinic, number: int) -> None:
    actor = Actor(role=Role.HC_ADMIN, organization_id=clinic.organization.pk)
    audit.record_access(actor, f"test.{number}", subject="test", subject_id=number)


def event_id(verdict: Verdict) -> int | None:
    return verdict.event_id


def unsealed() -> list[str]:
    return list(AuditEvent.objects.exclude(pk__in=AuditSeal.objects.values("event_id")).values_list("action", flat=True))


def test_an_event_that_commits_late_is_waited_for(monkeypatch):
    clinic = Clinic("Hill Valley")
    seal_events()
    written, sealed = threading.Event(), threading.Event()

    def late() -> None:
        with transaction.atomic():
            write(clinic, 1)
            written.set()
            assert sealed.wait(PATIENCE)

    def early() -> int | None:
        assert written.wait(PATIENCE)
        write(clinic, 2)
        monkeypatch.setattr(audit_chains, "PATIENCE", 0.2)
        try:
            return seal_events()
        finally:
            sealed.set()

    assert together(late, early) == [None, None], "while the lower id may still appear, nothing is sealed"
    assert sorted(unsealed()) == ["test.1", "test.2"]
    assert seal_events() == 2
    assert set(map(event_id, verify_chains())) == {None}


def test_several_who_seal_while_others_write_make_one_chain():
    clinics = [Clinic("Hill Valley"), Clinic("Elm Street")]
    with Background(*(lambda number, clinic=clinic: write(clinic, number) for clinic in clinics)):
        for _ in range(ROUNDS):
            *_, broken = together(
                seal_events, seal_events, lambda: [pk for pk in map(event_id, verify_chains()) if pk is not None]
            )
            assert broken == [], "what is being sealed is not taken for broken"
    seal_events()
    assert unsealed() == []
    assert set(map(event_id, verify_chains())) == {None}


def test_no_key_outlives_the_revocation_of_the_key_that_issues_it_meanwhile():
    clinic = Clinic("Hill Valley")
    user = clinic.users[Role.HC_ADMIN]
    for _ in range(ROUNDS):
        stolen = key_row(new_key(user))
        thief = Actor(role=user.role, user_id=user.pk, organization_id=user.organization_id, key_id=stolen.key_id)

        def issue(thief: Actor = thief) -> None:
            try:
                issue_key(actor=thief, user=user, description="derived")
            except NotAuthenticated:
                return

        together(issue, issue, lambda stolen=stolen: revoke_key_with_issued(actor=SYSTEM, key=stolen))
        assert not ApiKey.objects.filter(issued_by=stolen, revoked_at=None).exists()
