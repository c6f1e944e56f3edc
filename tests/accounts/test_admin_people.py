"""Users, organizations, care groups and sign-in in the admin."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.hashers import identify_hasher
from django.test import Client
from django.utils import timezone

from accounts.authentication import actor_of_user
from accounts.models import AuditEvent, CareGroup, Organization, Role, User, UserStatusChange
from accounts.services.keys import issue_key
from accounts.services.organizations import update_organization
from accounts.services.users import NewPassword, change_user_status, create_user, update_user
from config.core.exceptions import NotPermitted
from patients.models import Protocol, Provider
from tests.factories import SYSTEM
from tests.pages import sign_in, submit, url

PASSWORD = "correct horse battery"


@pytest.fixture
def admin_client(clinic):
    return sign_in(clinic.users[Role.HC_ADMIN])


@pytest.fixture
def superadmin(clinic):
    return sign_in(clinic.users[Role.FC_ADMIN])


def add_user(client, **changes):
    values = {"email": "New.Nurse@example.org", "role": Role.HC_PRIMARY, "password": PASSWORD, "invite": [], **changes}
    return submit(client, User, **values)


def test_a_new_user_belongs_to_the_organization_of_who_adds_them(clinic, admin_client):
    assert add_user(admin_client, groups=[clinic.group.pk, clinic.other_group.pk]).status_code == 302
    user = User.objects.get(email_key="new.nurse@example.org")
    assert user.organization == clinic.organization
    assert set(user.care_groups.all()) == {clinic.group, clinic.other_group}
    assert user.default_group in (clinic.group, clinic.other_group)
    assert AuditEvent.objects.filter(action="user.create", subject_id=user.pk, user_id=clinic.users[Role.HC_ADMIN].pk).exists()


def test_a_password_is_hashed_with_the_configured_hasher(clinic, admin_client, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
    add_user(admin_client)
    assert identify_hasher(User.objects.get(email_key="new.nurse@example.org").password).algorithm == "argon2"


def test_a_weak_password_is_refused(clinic, admin_client):
    answer = add_user(admin_client, password="short")
    assert "too short" in answer.content.decode()
    assert not User.objects.filter(email_key="new.nurse@example.org").exists()


def test_a_taken_email_address_is_an_error_of_its_field(clinic, admin_client):
    answer = add_user(admin_client, email=clinic.users[Role.HC_PRIMARY].email.upper())
    assert answer.status_code == 200
    assert answer.context["adminform"].form.errors["email"] == ["This value cannot be used."]


def test_an_administrator_cannot_make_a_superadmin(clinic, admin_client):
    answer = add_user(admin_client, role=Role.FC_ADMIN)
    assert "role" in answer.context["adminform"].form.errors
    user = clinic.users[Role.HC_PRIMARY]
    assert "role" in submit(admin_client, User, user.pk, role=Role.FC_ADMIN).context["adminform"].form.errors


def test_the_services_keep_superadmins_to_superadmins(clinic):
    actor = actor_of_user(clinic.users[Role.HC_ADMIN], route="tests")
    above = create_user(actor=SYSTEM, email="above@example.org", role=Role.FC_ADMIN, organization=clinic.organization)
    with pytest.raises(NotPermitted):
        issue_key(actor=actor, user=above, description="climb")
    with pytest.raises(NotPermitted):
        update_user(actor=actor, user=above, changes={}, password=NewPassword.hashed(PASSWORD))
    with pytest.raises(NotPermitted):
        update_user(actor=actor, user=clinic.users[Role.HC_ADMIN], changes={"role": Role.FC_ADMIN})
    with pytest.raises(NotPermitted):
        change_user_status(actor=actor, user=above, status="stopped", reason="no")
    with pytest.raises(NotPermitted):
        create_user(actor=actor, email="x@example.org", role=Role.FC_ADMIN, organization=clinic.organization)
    assert sign_in(clinic.users[Role.HC_ADMIN]).post(url(User, "change", above.pk), {}).status_code == 403


def test_a_superadmin_says_whose_a_new_user_is(clinic, neighbour, superadmin):
    assert "organization" in add_user(superadmin).context["adminform"].form.errors
    assert add_user(superadmin, organization=neighbour.organization.pk).status_code == 302
    assert User.objects.get(email_key="new.nurse@example.org").organization == neighbour.organization


def test_a_group_of_another_organization_is_refused_to_a_superadmin_too(clinic, neighbour, superadmin):
    answer = add_user(superadmin, organization=neighbour.organization.pk, groups=[clinic.group.pk])
    assert answer.context["adminform"].form.errors["groups"] == ["This belongs to another organization."]


def test_a_change_of_status_needs_a_reason_and_keeps_it(clinic, admin_client):
    user = clinic.users[Role.HC_PRIMARY]
    assert "reason" in submit(admin_client, User, user.pk, status="blocked").context["adminform"].form.errors
    assert submit(admin_client, User, user.pk, status="blocked", reason="Lost phone").status_code == 302
    change = UserStatusChange.objects.get(user=user)
    assert (change.from_status, change.to_status, change.reason) == ("active", "blocked", "Lost phone")
    assert change.created_by == clinic.users[Role.HC_ADMIN]
    assert sign_in(user).get("/admin/").status_code == 302


def test_nobody_changes_their_own_role_or_status(clinic, admin_client):
    me = clinic.users[Role.HC_ADMIN]
    answer = submit(admin_client, User, me.pk, role=Role.HC_VIEW_ALL)
    assert "your own role" in answer.content.decode()
    me.refresh_from_db()
    assert me.role == Role.HC_ADMIN


def test_groups_names_and_password_of_a_user_change_together(clinic, admin_client):
    user = clinic.users[Role.HC_PRIMARY]
    answer = submit(
        admin_client, User, user.pk, first_name="Nora", groups=[clinic.other_group.pk], default_group="", password=PASSWORD
    )
    assert answer.status_code == 302
    user.refresh_from_db()
    assert (user.first_name, user.default_group, list(user.care_groups.all())) == (
        "Nora",
        clinic.other_group,
        [clinic.other_group],
    )
    assert user.check_password(PASSWORD)
    event = AuditEvent.objects.get(action="user.update")
    assert event.changed_fields == "care_groups,default_group,default_group_id,first_name,password"


def test_a_user_has_a_middle_name(clinic, admin_client):
    add_user(admin_client, first_name="Ludwig", middle_name="van", last_name="Beethoven")
    user = User.objects.get(email_key="new.nurse@example.org")
    assert user.middle_name == "van"
    assert "Ludwig van Beethoven" in admin_client.get(url(User, "changelist")).content.decode()
    submit(admin_client, User, user.pk, middle_name="")
    user.refresh_from_db()
    assert user.middle_name == ""
    assert AuditEvent.objects.get(action="user.update").changed_fields == "middle_name"


def test_a_form_sent_back_unchanged_changes_nothing(clinic, admin_client):
    user = clinic.users[Role.HC_PRIMARY]
    submit(admin_client, User, user.pk)
    assert not AuditEvent.objects.filter(action="user.update").exists()


def test_an_organization_is_changed_through_its_service(clinic, admin_client):
    before = clinic.organization.catalog_version
    assert submit(admin_client, Organization, clinic.organization.pk, name="Hill Valley Clinic").status_code == 302
    clinic.organization.refresh_from_db()
    assert clinic.organization.name == "Hill Valley Clinic"
    assert clinic.organization.catalog_version > before
    assert AuditEvent.objects.get(action="organization.update").changed_fields == "name"


def test_an_organization_sent_back_unchanged_stays_as_it_is(clinic, admin_client):
    organization = Organization.objects.get(pk=clinic.organization.pk)
    submit(admin_client, Organization, organization.pk)
    update_organization(actor=SYSTEM, organization=organization, changes={"name": organization.name})
    assert not AuditEvent.objects.filter(action="organization.update").exists()
    assert Organization.objects.get(pk=organization.pk).catalog_version == organization.catalog_version


@pytest.mark.parametrize("text", ["ÉLODIE", "elodie", "Élodie@Example"])
def test_a_user_is_found_by_an_address_in_any_case_and_without_accents(clinic, admin_client, text):
    user = create_user(actor=SYSTEM, email="élodie@example.org", role=Role.HC_ADMIN, organization=clinic.organization)
    assert list(admin_client.get(url(User, "changelist"), {"q": text}).context["cl"].result_list) == [user]


def test_only_a_superadmin_adds_organizations(clinic, admin_client, superadmin):
    assert admin_client.get(url(Organization, "add")).status_code == 403
    values = {"name": "New", "slug": clinic.organization.slug, "country": "NL", "timezone": "Europe/Amsterdam"}
    assert "slug" in submit(superadmin, Organization, **values).context["adminform"].form.errors
    assert submit(superadmin, Organization, **{**values, "slug": "new"}).status_code == 302
    assert Organization.objects.filter(slug="new").exists()


def test_an_organization_is_not_its_own_parent(clinic, superadmin):
    answer = submit(superadmin, Organization, clinic.organization.pk, parent=clinic.organization.pk)
    assert answer.context["adminform"].form.errors["parent"] == ["An organization cannot be its own parent."]


def test_the_parent_of_an_organization_is_out_of_its_sight(clinic, neighbour, admin_client):
    Organization.objects.filter(pk=clinic.organization.pk).update(parent=neighbour.organization)
    assert "Elm Street" not in admin_client.get(url(Organization, "change", clinic.organization.pk)).content.decode()


@pytest.mark.parametrize("model", [CareGroup, Provider])
def test_a_versioned_row_is_added_changed_and_archived(clinic, admin_client, model):
    assert submit(admin_client, model, name="Blue").status_code == 302
    row = model.objects.get(name="Blue")
    assert row.organization == clinic.organization
    assert submit(admin_client, model, row.pk, name="Green").status_code == 302
    row.refresh_from_db()
    assert (row.name, row.version) == ("Green", 2)
    admin_client.post(url(model, "changelist"), {"action": "archive_selected", "_selected_action": [row.pk]})
    row.refresh_from_db()
    assert (row.version, row.deleted_at is None) == (3, False)
    assert row not in admin_client.get(url(model, "changelist")).context["cl"].result_list
    assert row in admin_client.get(url(model, "changelist"), {"record": "archived"}).context["cl"].result_list
    assert admin_client.post(url(model, "change", row.pk), {"name": "x"}).status_code == 403


@pytest.mark.parametrize("model", [CareGroup, Provider])
def test_a_stale_version_is_told_and_nothing_is_saved(clinic, admin_client, model):
    row = model.objects.get(pk=(clinic.group if model is CareGroup else clinic.catalogs["provider"]).pk)
    answer = submit(admin_client, model, row.pk, name="Late", base_version=row.version - 1)
    assert "Someone else changed this record meanwhile" in answer.content.decode()
    row.refresh_from_db()
    assert row.name != "Late"


def test_two_care_groups_of_one_name_are_an_error_of_the_name(clinic, admin_client):
    answer = submit(admin_client, CareGroup, name=clinic.group.name.upper())
    assert answer.context["adminform"].form.errors["name"] == ["Another care group has this name."]


def test_a_protocol_keeps_its_program(clinic, admin_client):
    protocol = clinic.catalogs["protocol"]
    assert submit(admin_client, Protocol, protocol.pk, name="Renamed").status_code == 302
    protocol.refresh_from_db()
    assert (protocol.name, protocol.program) == ("Renamed", clinic.catalogs["program"])


def test_history_names_fields_and_no_person(clinic, admin_client):
    submit(admin_client, User, clinic.users[Role.HC_PRIMARY].pk, first_name="Nora")
    entry = LogEntry.objects.get()
    assert "Nora" not in entry.object_repr + entry.change_message
    assert entry.object_repr.startswith("User ")


def test_staff_sign_in_with_address_and_password_and_others_do_not(clinic):
    user = clinic.users[Role.HC_PRIMARY]
    patient = clinic.users[Role.PATIENT]
    for person in (user, patient):
        person.set_password(PASSWORD)
        person.save()

    def attempt(email, password):
        return Client().post("/admin/login/", {"username": email, "password": password, "next": "/admin/"})

    assert attempt(user.email.upper(), PASSWORD).status_code == 302
    assert attempt(user.email, "wrong").status_code == 200
    assert attempt(patient.email, PASSWORD).status_code == 200
    assert attempt("nobody@example.org", PASSWORD).status_code == 200


@pytest.mark.parametrize("after", ["", "//elsewhere.example/", "https://elsewhere.example/"])
def test_who_signs_in_without_a_page_to_go_to_arrives_at_the_home_page(clinic, after):
    user = clinic.users[Role.HC_PRIMARY]
    user.set_password(PASSWORD)
    user.save()
    client = Client()
    answer = client.post("/admin/login/", {"username": user.email, "password": PASSWORD, "next": after})
    assert answer.headers["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200


def test_who_signs_out_of_the_admin_is_known_to_have_left(clinic):
    user, colleague = clinic.users[Role.HC_PRIMARY], clinic.users[Role.HC_ADMIN]
    before = timezone.now()
    client = sign_in(user)
    user.refresh_from_db()
    assert user.last_logout is None
    client.post("/admin/logout/")
    user.refresh_from_db()
    colleague.refresh_from_db()
    assert before < user.last_logout < timezone.now()
    assert colleague.last_logout is None
    assert client.get("/admin/").status_code == 302


def test_signing_out_without_having_signed_in_is_harmless(clinic):
    assert Client().post("/admin/logout/").status_code == 302
    assert not User.objects.exclude(last_logout=None).exists()


def test_ten_failures_lock_an_address_out_in_any_spelling_and_nobody_else(clinic):
    user, colleague = clinic.users[Role.HC_PRIMARY], clinic.users[Role.HC_ADMIN]
    for person in (user, colleague):
        person.set_password(PASSWORD)
        person.save()

    def attempt(email: str, password: str) -> int:
        return Client().post("/admin/login/", {"username": email, "password": password}).status_code

    spellings = (user.email, user.email.upper())
    assert [attempt(spellings[turn % 2], "wrong") for turn in range(10)] == [200] * 9 + [429]
    assert attempt(user.email, PASSWORD) == 429
    assert attempt(colleague.email, PASSWORD) == 302


def test_a_changed_password_of_ones_own_is_audited(clinic):
    user = clinic.users[Role.HC_PRIMARY]
    user.set_password(PASSWORD)
    user.save()
    client = sign_in(user)
    answer = client.post(
        "/admin/password_change/", {"old_password": PASSWORD, "new_password1": PASSWORD + "2", "new_password2": PASSWORD + "2"}
    )
    assert answer.status_code == 302
    assert AuditEvent.objects.get(action="user.update", subject_id=user.pk).changed_fields == "password"
