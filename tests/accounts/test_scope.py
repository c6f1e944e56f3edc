"""Which rows each role sees, and that missing values never widen what is seen."""

import pytest
from django.db.models import Q

from accounts.models import ApiKey, AuditEvent, CareGroup, Organization, Role, User
from accounts.scope import Actor, scope, visible
from patients.models import Enrolment, Patient, PatientTag, Provider

CAREGIVERS = [Role.HC_PRIMARY, Role.HC_SECONDARY]


def actor(clinic, role: str, **values) -> Actor:
    """Return an actor of the clinic as a request makes them."""
    given = {
        "user_id": clinic.users[role].pk,
        "organization_id": None if role == Role.FC_ADMIN else clinic.organization.pk,
        "group_ids": (clinic.group.pk,) if role in CAREGIVERS else (),
    }
    return Actor(role=role, **{**given, **values})


def seen(actor: Actor, model=Patient) -> set[int]:
    return set(scope(actor, model._base_manager.all()).values_list("pk", flat=True))


@pytest.fixture
def rows(clinic, neighbour) -> dict[str, int]:
    return {
        "own": clinic.own_patient.pk,
        "group": clinic.patient(care_group_id=clinic.group.pk).pk,
        "other group": clinic.patient(care_group_id=clinic.other_group.pk).pk,
        "no group": clinic.patient().pk,
        "foreign": neighbour.patient(care_group_id=neighbour.group.pk).pk,
    }


VISIBLE = {
    Role.FC_ADMIN: {"own", "group", "other group", "no group", "foreign"},
    Role.HC_ADMIN: {"own", "group", "other group", "no group"},
    Role.HC_VIEW_ALL: {"own", "group", "other group", "no group"},
    Role.HC_PRIMARY: {"own", "group"},
    Role.HC_SECONDARY: {"own", "group"},
    Role.PATIENT: {"own"},
}


@pytest.mark.parametrize("role", Role.values)
def test_each_role_sees_its_patients(clinic, rows, role):
    assert seen(actor(clinic, role)) == {rows[name] for name in VISIBLE[role]}


@pytest.mark.parametrize("role", Role.values)
def test_what_hangs_on_a_patient_is_seen_with_the_patient(clinic, neighbour, role):
    shown = clinic.enrolled(care_group_id=clinic.group.pk, user_id=clinic.users[Role.PATIENT].pk)
    hidden = neighbour.enrolled(care_group_id=neighbour.group.pk)
    tags = {clinic.tag(shown).pk} | ({neighbour.tag(hidden).pk} if role == Role.FC_ADMIN else set())
    assert seen(actor(clinic, role), PatientTag) == tags
    assert shown.enrolments.get().pk in seen(actor(clinic, role), Enrolment)


@pytest.mark.parametrize("role", [role for role in Role.values if role != Role.FC_ADMIN])
@pytest.mark.parametrize("missing", ["organization_id", "user_id"])
def test_a_missing_value_matches_no_row(clinic, rows, role, missing):
    Patient.objects.update(user=None)
    found = seen(actor(clinic, role, **{missing: None}))
    own = missing == "user_id" and role not in (Role.PATIENT,)
    assert bool(found) is own


@pytest.mark.parametrize("role", CAREGIVERS)
def test_a_caregiver_without_groups_sees_nobody_also_not_those_without_a_group(clinic, rows, role):
    assert seen(actor(clinic, role, group_ids=())) == set()


def test_a_group_of_another_organization_gives_no_sight(clinic, neighbour, rows):
    assert seen(actor(clinic, Role.HC_PRIMARY, group_ids=(neighbour.group.pk,))) == set()


def test_neither_parent_nor_child_sees_the_others_rows(clinic):
    from tests.factories import Clinic

    child = Clinic("Child", parent=clinic.organization)
    mine, theirs = clinic.patient().pk, child.patient().pk
    assert seen(actor(clinic, Role.HC_ADMIN)) == {mine}
    assert seen(actor(child, Role.HC_ADMIN)) == {theirs}
    assert seen(actor(clinic, Role.HC_ADMIN), Organization) == {clinic.organization.pk}


@pytest.mark.parametrize("model", [User, ApiKey, Provider, CareGroup, AuditEvent])
def test_an_administrator_sees_their_organizations_rows_of_every_kind(clinic, neighbour, model):
    found = scope(actor(clinic, Role.HC_ADMIN), model._base_manager.all())
    assert found.exists()
    organizations = set(found.values_list(model.scope.organization, flat=True))
    assert organizations == {clinic.organization.pk}


@pytest.mark.parametrize("role", CAREGIVERS)
def test_a_caregiver_sees_the_groups_they_work_in_and_the_whole_catalog(clinic, role):
    assert seen(actor(clinic, role), CareGroup) == {clinic.group.pk}
    assert seen(actor(clinic, role), Provider) == {clinic.catalogs["provider"].pk}


def test_a_rule_reaches_through_a_prefix(clinic, rows):
    from patients.models import PatientIdentifier

    shown = clinic.patient(care_group_id=clinic.group.pk, identifiers=[{"system": "a", "value": "1"}])
    clinic.patient(care_group_id=clinic.other_group.pk, identifiers=[{"system": "a", "value": "2"}])
    rule = visible(actor(clinic, Role.HC_PRIMARY), Patient, prefix="patient__")
    assert list(PatientIdentifier.objects.filter(rule).values_list("patient_id", flat=True)) == [shown.pk]


def test_the_actor_of_a_command_sees_all_organizations(rows):
    assert seen(Actor.system("test")) == set(rows.values())
    assert visible(Actor.system("test"), Patient) == Q()


def test_an_unknown_role_has_no_rule(clinic):
    with pytest.raises(KeyError):
        scope(Actor(role="NURSE", organization_id=clinic.organization.pk), Patient.objects.all())
