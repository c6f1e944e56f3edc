"""`manage.py create_api_key`."""

import datetime
import io

import pytest
from django.core.management import CommandError, call_command

from accounts.models import ApiKey, AuditEvent, Role
from accounts.services.users import change_user_status
from tests.conftest import ApiClient
from tests.factories import SYSTEM, key_row


def create(user, email: str = "", **options) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command("create_api_key", email or user.email, description="Lab link", stdout=out, stderr=err, **options)
    return out.getvalue(), err.getvalue()


def test_the_key_is_all_that_standard_output_holds_and_it_works(clinic):
    user = clinic.users[Role.HC_VIEW_ALL]
    out, err = create(user)
    key = out.removesuffix("\n")
    me = ApiClient(key).get("/v1/me").json()["data"]
    assert (me["id"], me["role"], me["key"]["description"]) == (str(user.uuid), "HC_VIEW_ALL", "Lab link")
    assert "not shown again" in err
    assert key not in err


def test_the_key_expires_after_a_year_unless_told(clinic, settings):
    row = key_row(create(clinic.users[Role.HC_ADMIN])[0])
    assert abs(row.expires_at - row.created_at - datetime.timedelta(days=365)) < datetime.timedelta(minutes=1)
    assert key_row(create(clinic.users[Role.HC_ADMIN], expires="never")[0]).expires_at is None
    settings.API_KEY_LONGEST_DAYS = 90
    with pytest.raises(CommandError, match="90 days at most"):
        create(clinic.users[Role.HC_ADMIN], expires="never")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2090-01-31T12:00:00Z", "2090-01-31T12:00:00+00:00"),
        ("2090-01-31T12:00:00", "2090-01-31T17:00:00+00:00"),
        ("2090-01-31", "2090-01-31T05:00:00+00:00"),
    ],
)
def test_an_expiry_without_a_zone_is_in_the_organizations(clinic, text, moment):
    row = key_row(create(clinic.users[Role.HC_ADMIN], expires=text)[0])
    assert row.expires_at == datetime.datetime.fromisoformat(moment)


def test_a_superadmin_without_organization_has_universal_time(clinic):
    row = key_row(create(clinic.users[Role.FC_ADMIN], expires="2090-01-31")[0])
    assert row.expires_at.isoformat() == "2090-01-31T00:00:00+00:00"


@pytest.mark.parametrize(
    ("text", "message"), [("2001-01-01", "lies in the past"), ("soon", "is not a date"), ("2090-13-01", "is not a date")]
)
def test_a_bad_expiry_makes_no_key(clinic, text, message):
    before = ApiKey.objects.count()
    with pytest.raises(CommandError, match=message):
        create(clinic.users[Role.HC_ADMIN], expires=text)
    assert ApiKey.objects.count() == before


def test_the_address_is_found_whatever_its_case(clinic):
    user = clinic.users[Role.HC_ADMIN]
    assert key_row(create(user, email=user.email.upper())[0]).user == user


def test_an_unknown_address_is_a_clear_error(clinic):
    with pytest.raises(CommandError, match="No user has this e-mail address"):
        create(None, email="nobody@example.test")


def test_a_person_who_is_not_active_gets_no_key(clinic):
    user = clinic.users[Role.HC_ADMIN]
    change_user_status(actor=SYSTEM, user=user, status="blocked", reason="left")
    with pytest.raises(CommandError, match="The user is blocked"):
        create(user)


def test_issuing_leaves_its_trail(clinic):
    row = key_row(create(clinic.users[Role.HC_ADMIN])[0])
    event = AuditEvent.objects.get(action="api_key.issue", subject_id=row.pk)
    assert (event.route, event.organization_id) == ("manage.py create_api_key", clinic.organization.pk)
