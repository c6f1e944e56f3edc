"""The compiled read path: plans, statements that are compiled once, and look-ups that are never stale."""

import pytest
from django.db import connection, models
from django.test.utils import CaptureQueriesContext
from rest_framework import serializers

from accounts.models import Role
from accounts.services.organizations import catalog_changed
from config.core.statements import StatementStore, statements
from config.rest.compiled import lookups
from config.rest.compiled.plans import Computed, Criterion, Plan, Query, plan_of
from config.rest.fields import ContractSerializer
from config.rest.views import equal_to
from patients.models import Patient, Provider
from tests.factories import SYSTEM
from tests.rest.test_builders import second_provider


class ShoutOut(ContractSerializer):
    """A serializer with a field of its own form, a nested one and a write-only one."""

    loud = Computed(lambda actor, first, last: f"{first} {last}!", ("first_name", "last_name"), schema={"type": "string"})
    secret = serializers.CharField(write_only=True)

    class Meta:
        model = Patient
        fields = ["last_name", "loud", "secret"]


def test_a_plan_reads_each_column_once_and_leaves_write_only_fields_out():
    plan = Plan(ShoutOut)
    assert tuple(plan.columns) == ("pk", "organization_id", "last_name", "first_name")
    assert plan.objects([(1, 2, "Lovelace", "Ada")], SYSTEM) == [{"last_name": "Lovelace", "loud": "Ada Lovelace!"}]


def test_a_plan_is_made_once():
    assert plan_of(ShoutOut) is plan_of(ShoutOut)


def test_no_rows_load_no_look_ups(clinic, django_assert_num_queries):
    from patients.practice.serializers import PracticePatientOut

    with django_assert_num_queries(0):
        assert plan_of(PracticePatientOut).objects([], SYSTEM) == []


def named(name: str) -> Criterion:
    return equal_to("last_name", name, models.CharField())


def test_a_query_is_compiled_once_and_run_with_other_values(clinic):
    clinic.patient(last_name="One")
    clinic.patient(last_name="Two")
    assert Query(Patient, [named("One")]).rows(("last_name",)) == [("One",)]
    compiled = len(statements._statements)
    assert Query(Patient, [named("Two")]).rows(("last_name",)) == [("Two",)]
    assert Query(Patient, [named("Two' OR '1'='1")]).rows(("last_name",)) == []
    assert len(statements._statements) == compiled


def test_a_value_never_becomes_part_of_the_sql(clinic):
    clinic.patient(last_name="100%s %(x)s ? $1 \\ '\"")
    assert Query(Patient, [named("100%s %(x)s ? $1 \\ '\"")]).count() == 1


def test_rows_are_counted_without_order_or_columns(clinic):
    for _ in range(3):
        clinic.patient(last_name="Same")
    with CaptureQueriesContext(connection) as queries:
        assert Query(Patient, [named("Same")]).count() == 3
    assert "ORDER BY" not in queries[0]["sql"]


def test_the_store_of_statements_is_bounded(db):
    store = StatementStore(size=2)
    for shape in ("a", "b", "c"):
        store.get(shape, lambda: Patient.objects.filter(pk=1).values_list("pk"))
    assert list(store._statements) == ["b", "c"]


def test_a_query_that_can_find_nothing_asks_nothing(db, django_assert_num_queries):
    nothing = Criterion("nothing", lambda rows: rows.filter(pk__in=[]))
    with django_assert_num_queries(0):
        assert Query(Patient, [nothing]).rows(("pk",)) == []


# --- look-ups ---------------------------------------------------------------------------------------


def provider_of(response) -> dict | None:
    return response.json()["primary_provider"]


@pytest.fixture
def treated(clinic):
    """The path of a patient who has a provider."""
    patient = clinic.patient(care_group_id=clinic.group.pk, primary_provider_id=clinic.catalogs["provider"].pk)
    return f"{clinic.base}/patients/{patient.uuid}"


def test_a_renamed_catalog_row_is_shown_under_its_new_name_at_once(clinic, api, treated):
    assert provider_of(api().get(treated))["name"] == "Hill Valley provider"
    Provider.objects.filter(pk=clinic.catalogs["provider"].pk).update(name="Dr. Brown")
    catalog_changed(clinic.organization.pk)
    assert provider_of(api().get(treated))["name"] == "Dr. Brown"


def test_a_new_catalog_row_is_shown_at_once(clinic, api, treated):
    api().get(treated)
    Patient.objects.update(primary_provider=second_provider(clinic))
    assert provider_of(api().get(treated))["name"] == "Dr. Ünal"


def test_catalogs_are_cached_between_requests(clinic, api, treated):
    api().get(treated)
    with CaptureQueriesContext(connection) as queries:
        api().get(treated)
    assert not any("patients_provider" in query["sql"] for query in queries)


def test_a_catalog_that_is_too_large_is_fetched_by_key(clinic, api, treated, monkeypatch):
    monkeypatch.setattr(lookups, "MAX_CACHED_ROWS", 1)
    second_provider(clinic)
    with CaptureQueriesContext(connection) as queries:
        assert provider_of(api().get(treated))["name"] == "Hill Valley provider"
    asked = [query["sql"] for query in queries if "patients_provider" in query["sql"]]
    assert len(asked) == 2, "the attempt to cache, then the fetch by key"
    assert provider_of(api().get(treated))["name"] == "Hill Valley provider"


def test_an_archived_catalog_row_still_has_its_name(clinic, api, treated):
    from django.utils import timezone

    Provider.objects.filter(pk=clinic.catalogs["provider"].pk).update(deleted_at=timezone.now())
    catalog_changed(clinic.organization.pk)
    assert provider_of(api().get(treated))["name"] == "Hill Valley provider"


def test_organizations_have_caches_of_their_own(clinic, neighbour, api, treated):
    theirs = neighbour.patient(primary_provider_id=neighbour.catalogs["provider"].pk)
    assert provider_of(api().get(treated))["name"] == "Hill Valley provider"
    other = api(Role.HC_ADMIN, neighbour).get(f"{neighbour.base}/patients/{theirs.uuid}")
    assert provider_of(other)["name"] == "Elm Street provider"


@pytest.mark.parametrize("role", [role for role in Role.values if role != Role.PATIENT])
def test_a_linked_patient_has_a_name_for_those_who_see_them_only(clinic, api, role):
    hidden = clinic.patient(care_group_id=clinic.other_group.pk)
    shown = clinic.patient(care_group_id=clinic.group.pk)
    children = [clinic.patient(care_group_id=clinic.group.pk, responsible_party_id=party.pk) for party in (hidden, shown)]
    names = [api(role).get(f"{clinic.base}/patients/{child.uuid}").json()["responsible_party"]["name"] for child in children]
    caregiver = role in (Role.HC_PRIMARY, Role.HC_SECONDARY)
    assert names == [None if caregiver else hidden.full_name, shown.full_name]


def test_children_rows_are_told_apart_by_their_parent(clinic, api):
    one = clinic.enrolled(identifiers=[{"system": "a", "value": "1"}, {"system": "a", "value": "2"}])
    two = clinic.patient(chart_number="C-2")
    found = {item["id"]: item for item in api().get("/v1/patients").json()["data"]}
    values = {pk: [identifier["value"] for identifier in item["identifiers"]] for pk, item in found.items()}
    assert values == {str(one.uuid): ["1", "2"], str(two.uuid): ["C-2"]}
    assert found[str(one.uuid)]["program"]["name"] == "Hill Valley program"
    assert found[str(two.uuid)]["program"] is None
