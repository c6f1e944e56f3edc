"""Every table says whose rows it holds, and no caller without rows sees any."""

from itertools import count

import pytest
from django.apps import apps
from django.db import models

from accounts.models import (
    ApiKey,
    AuditEvent,
    CareGroup,
    Organization,
    RateWindow,
    Role,
    SecondFactor,
    Session,
    User,
    UserStatusChange,
)
from accounts.scope import RULES, Actor, ScopePath, scope, viewer_of, visible
from exports.models import OutboxPosition
from patients.models import GroupMove, MergedRow, Patient, PatientTotal, SearchEntry

OUR_APPS = ("accounts", "patients", "clinical", "exports")
MODELS = [model for model in apps.get_models() if model._meta.app_label in OUR_APPS]

WITHOUT_ORGANIZATION = {
    OutboxPosition: "up to where the events of all organizations were read; holds nobody's data",
    RateWindow: "counts requests by user or address; holds nobody's data",
    Session: "who is signed in, an FC_ADMIN for all organizations or nobody yet; reached by its key or its user only",
}
"""Tables that belong to no organization, each with its reason."""

MAY_BE_NULL = {
    User: "an FC_ADMIN works for all organizations and belongs to none; a constraint requires one of everybody else",
    ApiKey: "the keys of an FC_ADMIN",
    SecondFactor: "the second factor of an FC_ADMIN",
    UserStatusChange: "the status changes of an FC_ADMIN",
    AuditEvent: "what an FC_ADMIN or a command does across organizations",
}
"""Tables whose organization may be missing, each with its reason. Such rows are seen by FC_ADMIN only."""


COPIED_FROM_PATIENTS = {GroupMove, MergedRow, PatientTotal, SearchEntry}
"""Tables that hold what is known of patients and refer to none: their rows are seen by care group."""


def names(model) -> str:
    return model.__name__


def through(model: type[models.Model], lookup: str) -> list[models.Field]:
    """Return the columns that `lookup` leads through; FieldDoesNotExist where it does not resolve."""
    steps = []
    for name in lookup.split("__"):
        column = next((field for field in model._meta.concrete_fields if name in (field.name, field.attname)), None)
        assert column is not None, f"{model.__name__} has no column {name}"
        steps.append(column)
        model = column.related_model or model
    return steps


@pytest.mark.parametrize("model", MODELS, ids=names)
def test_a_model_declares_its_scope_itself(model):
    declared = any(isinstance(vars(base).get("scope"), ScopePath) for base in model.__mro__)
    assert declared, f"{model.__name__} declares no `scope: ScopePath`"


@pytest.mark.parametrize("model", MODELS, ids=names)
def test_its_lookups_resolve(model):
    for lookup in (model.scope.organization, model.scope.care_group, model.scope.patient_user):
        if lookup is not None:
            through(model, lookup)


@pytest.mark.parametrize("model", [model for model in MODELS if model not in WITHOUT_ORGANIZATION], ids=names)
def test_organization_data_stands_on_a_column_of_its_own(model):
    assert model.scope.organization is not None
    column, *further = through(model, model.scope.organization)
    assert further == [], "the organization is a column of the table itself, not found by a join"
    assert column.attname == ("id" if model is Organization else "organization_id")
    assert not column.null or model in MAY_BE_NULL


def test_no_exemption_is_idle():
    assert all(model.scope.organization is None for model in WITHOUT_ORGANIZATION)
    assert all(through(model, model.scope.organization)[0].null for model in MAY_BE_NULL)


@pytest.mark.parametrize("model", [model for model in MODELS if hasattr(model, "patient") or model is Patient], ids=names)
def test_what_hangs_on_a_patient_follows_the_patients_group_and_login(model):
    if any(field.name == "patient" and field.related_model is Patient for field in model._meta.concrete_fields):
        assert (model.scope.care_group, model.scope.patient_user) == ("patient__care_group_id", "patient__user_id")


def test_every_role_has_a_rule():
    assert set(RULES) == set(Role.values)


NOBODY = [Actor(role=role) for role in Role.values if role != Role.FC_ADMIN]
SCOPED = [model for model in MODELS if model not in WITHOUT_ORGANIZATION]


@pytest.mark.parametrize("model", SCOPED, ids=names)
def test_a_caller_without_organization_sees_no_rows(clinic, model):
    assert clinic.enrolled(user_id=clinic.users[Role.PATIENT].pk)
    for actor in NOBODY:
        assert not scope(actor, model._base_manager.all()).exists(), actor.role


@pytest.mark.parametrize("model", [model for model in SCOPED if model.scope.care_group], ids=names)
def test_a_caregiver_without_groups_sees_no_rows(clinic, model):
    clinic.tag(clinic.enrolled(care_group_id=clinic.group.pk))
    actor = Actor(role=Role.HC_PRIMARY, organization_id=clinic.organization.pk, user_id=1, group_ids=())
    assert not scope(actor, model._base_manager.all()).exists()


@pytest.mark.parametrize("model", [model for model in SCOPED if model.scope.patient_user is None], ids=names)
def test_a_patient_sees_no_table_that_no_patient_owns(clinic, model):
    patient = clinic.own_patient
    actor = Actor(role=Role.PATIENT, organization_id=clinic.organization.pk, user_id=patient.user_id)
    assert not scope(actor, model._base_manager.all()).exists()


@pytest.mark.parametrize("role", Role.values)
def test_the_compiled_rule_is_the_rule(role):
    """Rules with placeholders, as the read path compiles them, name the same columns as rules with values."""
    actor = Actor(role=role, organization_id=1, user_id=1, group_ids=(1,))
    for model in SCOPED:
        plain, compiled = visible(actor, model), visible(viewer_of(actor).with_placeholders(count()), model)
        assert [lookup for lookup, _ in _leaves(plain)] == [lookup for lookup, _ in _leaves(compiled)], model


def _leaves(rule):
    for child in rule.children:
        yield from _leaves(child) if isinstance(child, models.Q) else [child]


def test_a_table_of_nobody_is_not_reached_through_scope():
    with pytest.raises(LookupError):
        visible(Actor(role=Role.FC_ADMIN), RateWindow)


def test_rows_about_no_patient_are_those_of_the_whole_organization_but_for_care_groups():
    about_nobody = [model for model in SCOPED if not any(field.related_model is Patient for field in model._meta.concrete_fields)]
    assert {model for model in about_nobody if model.scope.care_group} == {CareGroup, *COPIED_FROM_PATIENTS}
    assert CareGroup.scope == ScopePath(organization="organization_id", care_group="id")
