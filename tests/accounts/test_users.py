"""People: making them, their groups and default group, their status, and who may do that to whom."""

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from accounts.models import (
    AuditEvent,
    CareGroup,
    Organization,
    OutboxEvent,
    Role,
    User,
    UserStatus,
    UserStatusChange,
    organizations,
)
from accounts.scope import Actor
from accounts.services.users import NewPassword, change_user_status, create_user, set_care_groups
from config.core.exceptions import Invalid, NotPermitted
from tests.factories import SYSTEM


def make(clinic, **values) -> User:
    given = {"email": "ada@hill.test", "role": Role.HC_PRIMARY, "organization": clinic.organization, **values}
    return create_user(actor=SYSTEM, **given)


# --- making -----------------------------------------------------------------------------------------


def test_a_user_belongs_to_an_organization_and_groups(clinic):
    user = make(clinic, care_groups=[clinic.group, clinic.other_group])
    assert set(user.care_groups.all()) == {clinic.group, clinic.other_group}
    assert user.default_group == clinic.group
    assert set(user.memberships.values_list("organization_id", flat=True)) == {clinic.organization.pk}


def test_a_user_without_groups_has_no_default_group(clinic):
    assert make(clinic).default_group is None


@pytest.mark.parametrize("again", ["ada@hill.test", "ADA@HILL.TEST", " Ada@hill.test", "ÄDA@hill.test"])
def test_an_address_is_taken_once_in_any_case(clinic, again):
    make(clinic)
    with pytest.raises(IntegrityError), transaction.atomic():
        make(clinic, email=again)


@pytest.mark.parametrize("role", [role for role in Role.values if role != Role.FC_ADMIN])
def test_only_a_superadmin_belongs_to_no_organization(clinic, role):
    assert make(clinic, role=Role.FC_ADMIN, organization=None).organization is None
    with pytest.raises(IntegrityError), transaction.atomic():
        make(clinic, role=role, organization=None, email="eve@hill.test")


def test_a_password_is_kept_as_a_hash_and_none_is_unusable(clinic):
    secret = make(clinic, password=NewPassword.hashed("correct horse battery"))
    assert "correct horse" not in secret.password
    assert secret.check_password("correct horse battery")
    assert not make(clinic, email="eve@hill.test").has_usable_password()


def test_only_a_superadmin_makes_a_superadmin(clinic):
    admin = Actor(role=Role.HC_ADMIN, organization_id=clinic.organization.pk)
    with pytest.raises(NotPermitted):
        create_user(actor=admin, email="root@hill.test", role=Role.FC_ADMIN, organization=None)
    assert not User.objects.filter(email="root@hill.test").exists()


def test_making_a_user_is_audited(clinic):
    user = make(clinic)
    event = AuditEvent.objects.filter(action="user.create").order_by("id").last()
    assert (event.subject, event.subject_id, event.organization_id) == ("user", user.pk, clinic.organization.pk)


# --- groups -----------------------------------------------------------------------------------------


def test_groups_are_replaced_as_a_whole(clinic):
    user = make(clinic, care_groups=[clinic.group])
    kept = user.memberships.get()
    set_care_groups(actor=SYSTEM, user=user, care_groups=[clinic.group, clinic.other_group])
    assert kept in user.memberships.all()
    set_care_groups(actor=SYSTEM, user=user, care_groups=[clinic.other_group])
    assert list(user.care_groups.all()) == [clinic.other_group]
    set_care_groups(actor=SYSTEM, user=user, care_groups=[])
    assert not user.care_groups.exists()


def test_a_group_of_another_organization_is_refused_and_nothing_changes(clinic, neighbour):
    user = make(clinic, care_groups=[clinic.group])
    with pytest.raises(Invalid) as caught:
        set_care_groups(actor=SYSTEM, user=user, care_groups=[clinic.other_group, neighbour.group])
    assert set(caught.value.errors) == {"care_groups"}
    assert list(user.care_groups.all()) == [clinic.group]


def test_a_user_is_not_made_with_a_foreign_group(clinic, neighbour):
    with pytest.raises(Invalid), transaction.atomic():
        make(clinic, care_groups=[neighbour.group])
    assert not User.objects.filter(email="ada@hill.test").exists()


# --- status -----------------------------------------------------------------------------------------


def test_a_change_of_status_keeps_from_what_to_what_why_and_by_whom(clinic):
    user, admin = make(clinic), clinic.users[Role.HC_ADMIN]
    actor = Actor(role=Role.HC_ADMIN, user_id=admin.pk, organization_id=clinic.organization.pk)
    change = change_user_status(actor=actor, user=user, status=UserStatus.BLOCKED, reason="lost phone")
    assert (change.from_status, change.to_status, change.reason) == ("active", "blocked", "lost phone")
    assert (change.created_by_id, change.organization_id) == (admin.pk, clinic.organization.pk)
    assert change.processed_at is not None
    assert User.objects.get(pk=user.pk).status == user.status == UserStatus.BLOCKED


def test_a_change_of_status_is_audited_by_name_and_told(clinic):
    user = make(clinic)
    change_user_status(actor=SYSTEM, user=user, status=UserStatus.STOPPED, reason="left the clinic")
    event = AuditEvent.objects.order_by("id").last()
    assert (event.action, event.changed_fields, event.subject_id) == ("user.change_status", "status", user.pk)
    outbox = OutboxEvent.objects.order_by("id").last()
    assert (outbox.type, outbox.subject_uuid) == ("user.stopped", user.uuid)


def test_the_status_that_a_user_has_is_no_change(clinic):
    user = make(clinic)
    assert change_user_status(actor=SYSTEM, user=user, status=UserStatus.ACTIVE, reason="again") is None
    assert not UserStatusChange.objects.exists()


@pytest.mark.parametrize(
    ("status", "role", "active", "staff"),
    [
        (UserStatus.ACTIVE, Role.HC_ADMIN, True, True),
        (UserStatus.ACTIVE, Role.PATIENT, True, False),
        (UserStatus.CREATED, Role.HC_ADMIN, False, False),
        (UserStatus.BLOCKED, Role.HC_ADMIN, False, False),
        (UserStatus.STOPPED, Role.FC_ADMIN, False, False),
        (UserStatus.CANCELLED, Role.PATIENT, False, False),
    ],
)
def test_who_may_sign_in_where(status, role, active, staff):
    user = User(role=role, status=status)
    assert (user.is_active, user.is_staff) == (active, staff)


# --- what a row may hold ----------------------------------------------------------------------------


@pytest.mark.parametrize("zone", ["../../etc/passwd", "Europe/Atlantis", "+02:00"])
def test_a_time_zone_is_one_of_the_iana_names(clinic, zone):
    with pytest.raises(ValidationError):
        Organization(name="X", slug="x", timezone=zone).clean_fields()


def test_the_names_of_time_zones_are_read_from_the_disk_once(monkeypatch):
    """Python looks into some 600 files for them: an import would for each of its rows."""
    organizations.validate_timezone("Europe/Amsterdam")
    monkeypatch.setattr(organizations, "available_timezones", lambda: pytest.fail("read again"))
    organizations.validate_timezone("America/New_York")


def test_a_user_is_named_without_a_word_about_them_in_logs(clinic):
    # Hexadecimal digits, of which the text has some, spell none of these names.
    user = make(clinic, first_name="Quincy", last_name="Lovelace", email="quincy@example.test")
    assert not any(word in str(user).lower() for word in ("quincy", "lovelace", "example"))
    assert user.get_full_name() == "Quincy Lovelace"


def test_a_care_group_name_is_taken_once_in_an_organization_in_any_case(clinic, neighbour):
    name = clinic.group.name.upper()
    with pytest.raises(IntegrityError), transaction.atomic():
        clinic.catalog(CareGroup, name)
    assert neighbour.catalog(CareGroup, name).pk
