"""API keys in the admin: issued, shown once, revoked."""

import datetime

import pytest
from django.utils import timezone

from accounts.models import ApiKey, AuditEvent, Role, User
from accounts.scope import Actor
from accounts.services.keys import issue_key
from patients.models import Patient
from tests.conftest import ApiClient
from tests.factories import key_row, new_key
from tests.pages import issue, opened, sign_in, url


@pytest.fixture
def admin_client(clinic):
    return sign_in(clinic.users[Role.HC_ADMIN])


def test_a_key_is_shown_once_and_works(clinic, admin_client):
    answer = issue(admin_client, clinic.users[Role.HC_PRIMARY])
    raw = answer.context["raw_key"]
    assert raw in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    key = key_row(raw)
    assert (key.user, key.description) == (clinic.users[Role.HC_PRIMARY], "Lab interface")
    secret = raw.split("_")[2]
    for page in (url(ApiKey, "changelist"), url(ApiKey, "change", key.pk), url(ApiKey, "history", key.pk)):
        content = admin_client.get(page).content.decode()
        assert key.key_id in content
        assert secret not in content
    assert ApiClient(raw).get("/api/v1/me").status_code == 200


def test_a_revoked_key_opens_nothing_from_the_next_request_on(clinic, admin_client):
    raw = issue(admin_client, clinic.users[Role.HC_PRIMARY]).context["raw_key"]
    revoke = {"action": "revoke", "_selected_action": [key_row(raw).pk]}
    answer = admin_client.post(url(ApiKey, "changelist"), revoke, follow=True)
    assert "is revoked" in answer.content.decode()
    assert ApiClient(raw).get("/api/v1/me").status_code == 401
    assert AuditEvent.objects.filter(action="api_key.revoke", user_id=clinic.users[Role.HC_ADMIN].pk).count() == 1
    again = admin_client.post(url(ApiKey, "changelist"), revoke, follow=True)
    assert "could not be revoked" in again.content.decode()


def test_a_key_cannot_be_expired_from_the_start(clinic, admin_client):
    yesterday = timezone.now() - datetime.timedelta(days=1)
    answer = issue(admin_client, clinic.users[Role.HC_PRIMARY], expires_at_0=yesterday.date().isoformat(), expires_at_1="12:00")
    assert answer.context["adminform"].form.errors["expires_at"] == ["Must lie in the future."]


def test_a_key_is_never_changed(clinic, admin_client):
    key = key_row(clinic.keys[Role.HC_PRIMARY])
    assert admin_client.get(url(ApiKey, "change", key.pk)).status_code == 200
    assert admin_client.post(url(ApiKey, "change", key.pk), {"description": "x"}).status_code == 403


def test_an_administrator_neither_issues_nor_revokes_keys_of_a_neighbour(clinic, neighbour, admin_client):
    answer = issue(admin_client, neighbour.users[Role.HC_ADMIN])
    assert "user" in answer.context["adminform"].form.errors
    key = key_row(neighbour.keys[Role.HC_ADMIN])
    admin_client.post(url(ApiKey, "changelist"), {"action": "revoke", "_selected_action": [key.pk]})
    key.refresh_from_db()
    assert key.revoked_at is None


def test_a_reader_cannot_revoke(clinic):
    key = key_row(clinic.keys[Role.HC_PRIMARY])
    sign_in(clinic.users[Role.HC_VIEW_ALL]).post(url(ApiKey, "changelist"), {"action": "revoke", "_selected_action": [key.pk]})
    key.refresh_from_db()
    assert key.revoked_at is None


def test_the_list_tells_working_expired_and_revoked_keys_apart(clinic, admin_client):
    expired = key_row(clinic.keys[Role.HC_PRIMARY])
    ApiKey.objects.filter(pk=expired.pk).update(expires_at=timezone.now() - datetime.timedelta(days=1))
    revoked = key_row(clinic.keys[Role.HC_SECONDARY])
    ApiKey.objects.filter(pk=revoked.pk).update(revoked_at=timezone.now())
    content = admin_client.get(url(ApiKey, "changelist")).content.decode()
    assert all(state in content for state in ("Working", "Expired", "Revoked"))
    only = admin_client.get(url(ApiKey, "changelist"), {"state": "revoked"})
    assert [key.pk for key in only.context["cl"].result_list] == [revoked.pk]


# --- issued once --------------------------------------------------------------------------------------
def test_a_form_issues_one_key_however_often_it_is_sent_or_its_page_loaded(clinic, admin_client):
    address, values = opened(admin_client, ApiKey)
    sent = {**values, "user": clinic.users[Role.HC_PRIMARY].pk, "description": "Lab interface"}
    before = ApiKey.objects.count()
    page = admin_client.post(address, sent)["Location"]
    raw = admin_client.get(page).context["raw_key"]
    again = admin_client.get(page)
    assert again["Location"] == url(ApiKey, "change", key_row(raw).pk)
    assert "shown once" in admin_client.get(again["Location"]).content.decode()
    refused = admin_client.post(address, sent)
    assert refused.status_code == 200
    assert "sent before" in str(refused.context["adminform"].form.non_field_errors())
    assert ApiKey.objects.count() == before + 1


@pytest.mark.parametrize("form_id", ["", "aB3dE6gH", "aB3dE6gH:1abc:nonsense"])
def test_nobody_chooses_the_id_of_a_key(clinic, admin_client, form_id):
    before = ApiKey.objects.count()
    assert issue(admin_client, clinic.users[Role.HC_PRIMARY], form_id=form_id).status_code == 200
    assert ApiKey.objects.count() == before


def test_the_session_that_shows_a_key_holds_it_sealed(clinic, admin_client):
    address, values = opened(admin_client, ApiKey)
    admin_client.post(address, {**values, "user": clinic.users[Role.HC_PRIMARY].pk, "description": "x"})
    key_id, sealed = admin_client.session["issued_key"]
    assert key_id == ApiKey.objects.latest("pk").key_id
    assert not sealed.startswith("anm_")
    colleague = sign_in(clinic.users[Role.FC_ADMIN])
    assert colleague.get(f"/admin/keys/{ApiKey.objects.latest('pk').pk}/issued/").status_code == 302


# --- what a key will reach ----------------------------------------------------------------------------
def reach(client, user: User) -> str:
    return " ".join(client.get("/admin/keys/reach/", {"user": user.pk}).content.decode().split())


def test_the_form_says_what_a_key_will_reach_counted_in_the_scope_of_its_user(clinic, admin_client):
    for _ in range(2):
        clinic.patient(care_group_id=clinic.group.pk)
    clinic.patient(care_group_id=clinic.other_group.pk)
    patients = Patient.objects.filter(organization=clinic.organization, deleted_at=None)
    everybody, own = patients.count(), patients.filter(care_group=clinic.group).count()
    caregiver = clinic.users[Role.HC_PRIMARY]
    assert own < everybody
    said = reach(admin_client, caregiver)
    assert f"reads and writes <strong>{own}</strong> patients of <strong>1</strong> care group of Hill Valley" in said
    assert "changes no catalogs" in said
    said = reach(admin_client, clinic.users[Role.HC_ADMIN])
    assert f"all patients of Hill Valley, now <strong>{everybody}</strong> patients" in said
    assert "also changes catalogs" in said
    assert "changes nothing" in reach(admin_client, clinic.users[Role.HC_VIEW_ALL])
    assert "one patient" in reach(admin_client, clinic.users[Role.PATIENT])
    assert "all organizations" in reach(sign_in(clinic.users[Role.FC_ADMIN]), clinic.users[Role.FC_ADMIN])


def test_nothing_is_said_of_people_out_of_scope_or_who_get_no_key(clinic, neighbour, admin_client):
    assert "Choose the user" in reach(admin_client, neighbour.users[Role.HC_ADMIN])
    stopped = clinic.users[Role.HC_PRIMARY]
    User.objects.filter(pk=stopped.pk).update(status="stopped")
    assert "gets no key" in reach(admin_client, stopped)


# --- revoked on its page --------------------------------------------------------------------------------
@pytest.fixture
def family(clinic) -> list[ApiKey]:
    """A key, one that was issued with it, and one that was issued with that."""
    user = clinic.users[Role.HC_ADMIN]
    keys = [key_row(new_key(user))]
    for name in ("child", "grandchild"):
        actor = Actor(role=user.role, user_id=user.pk, organization_id=user.organization_id, key_id=keys[-1].key_id)
        keys.append(issue_key(actor=actor, user=clinic.users[Role.HC_PRIMARY], description=name)[0])
    return keys


def test_the_page_and_the_dialog_name_what_was_issued_with_a_key(admin_client, family):
    for address in (url(ApiKey, "change", family[0].pk), f"/admin/keys/{family[0].pk}/revoke/"):
        content = admin_client.get(address).content.decode()
        assert all(key.key_id in content for key in family)
    assert "2 working keys" in admin_client.get(f"/admin/keys/{family[0].pk}/revoke/").content.decode()


@pytest.mark.parametrize(("sent", "working"), [({"with_issued": "on"}, 0), ({}, 2)])
def test_a_key_is_revoked_with_or_without_what_was_issued_with_it(admin_client, family, sent, working):
    assert admin_client.post(f"/admin/keys/{family[0].pk}/revoke/", sent).status_code == 204
    assert ApiKey.objects.filter(pk__in=[key.pk for key in family], revoked_at=None).count() == working
    assert "Revoke…" not in admin_client.get(url(ApiKey, "change", family[0].pk)).content.decode()


def test_a_revoked_key_is_not_revoked_again(admin_client, family):
    address = f"/admin/keys/{family[0].pk}/revoke/"
    admin_client.post(address)
    assert admin_client.post(address).status_code == 422
