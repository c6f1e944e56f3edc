"""Links by which people choose a password: who gets one, what ends it, and what its use does."""

import datetime
import re

import pytest
from django.utils import timezone

from accounts.models import AuditEvent, Role, User, UserStatus, UserStatusChange
from accounts.scope import Actor
from accounts.services import password_links
from accounts.services.password_links import (
    ask_password_link,
    invite_user,
    send_password_link,
    use_password_link,
    user_of_link,
)
from accounts.services.users import NewPassword, change_user_status, create_user, update_user
from config.core.exceptions import Conflict, Gone, Invalid, NotPermitted
from tests.factories import SYSTEM
from tests.pages import sign_in

PASSWORD = "correct horse battery"
STRANGER = Actor(role="")


@pytest.fixture
def nurse(clinic) -> User:
    return create_user(
        actor=SYSTEM,
        email="nurse@example.org",
        role=Role.HC_PRIMARY,
        organization=clinic.organization,
        status=UserStatus.CREATED,
    )


def is_open(link) -> bool:
    return user_of_link(link.user.uuid, link.token) is not None


def use(link, password: str = PASSWORD) -> User:
    return use_password_link(actor=SYSTEM, user=link.user, token=link.token, password=NewPassword.hashed(password))


def test_an_invitation_sets_the_password_and_makes_the_person_active_once(nurse):
    link = invite_user(actor=SYSTEM, user=nurse)
    assert link.is_invitation
    assert is_open(link)
    user = use(link)
    assert (user.status, user.check_password(PASSWORD), user.link_sent_at) == (UserStatus.ACTIVE, True, None)
    assert UserStatusChange.objects.get(user=user).reason == password_links.ACCEPTED
    assert not is_open(link)
    with pytest.raises(Gone):
        use(link)
    actions = AuditEvent.objects.filter(subject="user", subject_id=user.pk).order_by("pk").values_list("action", flat=True)
    assert [*actions][1:] == ["user.invite", "user.update", "user.use_password_link", "user.change_status"]


def test_a_link_for_who_is_active_ends_their_sessions(clinic):
    user = clinic.users[Role.HC_PRIMARY]
    browser = sign_in(user)
    user.refresh_from_db()
    use(send_password_link(actor=SYSTEM, user=user))
    assert browser.get("/admin/").status_code == 302
    assert not UserStatusChange.objects.filter(user=user).exists()


@pytest.mark.parametrize(
    "change",
    [
        {"email": "other@example.org"},
        {"password": "md5$other"},
        {"role": Role.HC_ADMIN},
        {"status": UserStatus.BLOCKED},
        {"status": UserStatus.ACTIVE},
        {"role": Role.PATIENT},
        {"session_version": 99},
        {"last_login": timezone.now()},
        {"link_sent_at": None},
        {"link_sent_at": timezone.now()},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_link_ends_where_what_it_is_bound_to_changes(nurse, change):
    link = invite_user(actor=SYSTEM, user=nurse)
    User.objects.filter(pk=nurse.pk).update(**change)
    assert not is_open(link)


def test_a_link_ends_where_another_one_is_sent(nurse):
    first, second = (invite_user(actor=SYSTEM, user=nurse) for _ in range(2))
    assert (is_open(first), is_open(second)) == (False, True)


def test_a_link_is_of_one_person(clinic, nurse):
    link = invite_user(actor=SYSTEM, user=nurse)
    other = clinic.users[Role.HC_ADMIN]
    User.objects.filter(pk=other.pk).update(link_sent_at=User.objects.get(pk=nurse.pk).link_sent_at)
    assert user_of_link(other.uuid, link.token) is None
    assert "token" not in repr(link)


@pytest.mark.parametrize(("status", "lives"), [("created", datetime.timedelta(days=3)), ("active", datetime.timedelta(hours=2))])
def test_an_invitation_is_open_for_days_and_another_link_for_hours(nurse, monkeypatch, status, lives):
    User.objects.filter(pk=nurse.pk).update(status=status)
    link = (invite_user if status == "created" else send_password_link)(actor=SYSTEM, user=nurse)
    now = timezone.now()
    assert abs(link.expires_at - now - lives) < datetime.timedelta(minutes=1)
    for moment, expected in ((lives - datetime.timedelta(minutes=2), True), (lives, False)):
        monkeypatch.setattr(password_links.timezone, "now", lambda moment=moment: now + moment)
        assert is_open(link) is expected


def test_each_link_is_for_its_status(clinic, nurse):
    with pytest.raises(Conflict):
        send_password_link(actor=SYSTEM, user=nurse)
    with pytest.raises(Conflict):
        invite_user(actor=SYSTEM, user=clinic.users[Role.HC_PRIMARY])
    change_user_status(actor=SYSTEM, user=nurse, status="stopped", reason="Left")
    with pytest.raises(Conflict):
        invite_user(actor=SYSTEM, user=nurse)
    with pytest.raises(Invalid):
        send_password_link(actor=SYSTEM, user=clinic.users[Role.PATIENT])


def test_superadmins_are_invited_by_superadmins(clinic, nurse):
    administrator = clinic.actor(Role.HC_ADMIN)
    above = create_user(actor=SYSTEM, email="above@example.org", role=Role.FC_ADMIN, organization=None, status="created")
    with pytest.raises(NotPermitted):
        invite_user(actor=administrator, user=above)
    with pytest.raises(NotPermitted):
        send_password_link(actor=administrator, user=clinic.users[Role.FC_ADMIN])
    assert invite_user(actor=administrator, user=nurse).user == nurse


def test_an_easy_password_leaves_the_link_open(nurse):
    link = invite_user(actor=SYSTEM, user=nurse)
    with pytest.raises(Invalid):
        use(link, "short")
    assert is_open(link)


def test_who_has_forgotten_a_password_is_sent_one_link_in_five_minutes(clinic, monkeypatch):
    user = clinic.users[Role.HC_PRIMARY]
    first = ask_password_link(actor=STRANGER, email=user.email.upper())
    assert first
    assert first.user == user
    assert ask_password_link(actor=STRANGER, email=user.email) is None
    assert is_open(first)
    now = timezone.now()
    monkeypatch.setattr(password_links.timezone, "now", lambda: now + datetime.timedelta(minutes=6))
    assert ask_password_link(actor=STRANGER, email=user.email)
    outcomes = AuditEvent.objects.filter(action="user.ask_password_link", subject_id=user.pk).order_by("pk")
    assert [*outcomes.values_list("outcome", flat=True)] == ["ok", "denied", "ok"]
    # The administrators of the organization see what was refused, too.
    assert {*outcomes.values_list("organization_id", flat=True)} == {clinic.organization.pk}


def test_a_stranger_gets_no_link_for_who_may_not_sign_in(clinic, nurse):
    patient, stopped = clinic.users[Role.PATIENT], clinic.users[Role.HC_SECONDARY]
    change_user_status(actor=SYSTEM, user=stopped, status="stopped", reason="Left")
    for email in (nurse.email, patient.email, stopped.email, "nobody@example.org", ""):
        assert ask_password_link(actor=STRANGER, email=email) is None
    assert AuditEvent.objects.filter(action="user.ask_password_link", outcome="denied").count() == 5


def test_a_superadmin_who_has_forgotten_a_password_gets_a_link(clinic):
    assert ask_password_link(actor=STRANGER, email=clinic.users[Role.FC_ADMIN].email)


def test_a_new_password_of_an_administrator_ends_the_link(clinic):
    user = clinic.users[Role.HC_PRIMARY]
    link = send_password_link(actor=SYSTEM, user=user)
    update_user(actor=SYSTEM, user=user, changes={}, password=NewPassword.hashed(PASSWORD))
    assert not is_open(link)
    assert re.fullmatch(r"\w+-[0-9a-f]{32}", link.token)
