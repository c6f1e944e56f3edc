"""The compiled read path: response plans, SQL that is compiled once, and loaders that are never stale."""

import datetime
from dataclasses import dataclass

import pytest
from django.core.exceptions import FieldError, ImproperlyConfigured
from django.db import connection, transaction
from django.db.models import BigIntegerField, Q, QuerySet
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext
from rest_framework import serializers

from accounts.authentication import PersonById
from accounts.models import Role
from accounts.scope import Actor, visible
from accounts.services.organizations import catalog_changed
from config.core.compiled_queries import CompiledQueries, QueryDefinition, compiled_queries, parameter
from config.rest.compiled import loaders
from config.rest.compiled.loaders import ChildLoader, NamedRowLoader
from config.rest.compiled.plans import Computed, ResponsePlan, response_plan
from config.rest.compiled.queries import Criterion, Query, Where
from config.rest.fields import ContractSerializer
from config.rest.filters import TextFilter
from config.rest.practice import ReferenceField
from patients.models import Patient, Provider
from patients.practice.views import PatientViewSet
from patients.services.locking import PatientsById, lock_patients
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
    plan = ResponsePlan(ShoutOut)
    assert tuple(plan.columns) == ("pk", "organization_id", "last_name", "first_name")
    assert plan.objects([(1, 2, "Lovelace", "Ada")], SYSTEM) == [{"last_name": "Lovelace", "loud": "Ada Lovelace!"}]


def test_a_plan_is_made_once():
    assert response_plan(ShoutOut) is response_plan(ShoutOut)


def test_without_rows_no_loader_runs(clinic, django_assert_num_queries):
    from patients.practice.serializers import PracticePatientOut

    with django_assert_num_queries(0):
        assert response_plan(PracticePatientOut).objects([], SYSTEM) == []


def named(name: str) -> Query:
    return Query(Patient).filter(last_name=name)


def test_a_query_is_compiled_once_and_run_with_other_values(clinic):
    clinic.patient(last_name="One")
    clinic.patient(last_name="Two")
    assert named("One").rows(("last_name",)) == [("One",)]
    compiled = set(compiled_queries._queries)
    assert named("Two").rows(("last_name",)) == [("Two",)]
    assert named("Two' OR '1'='1").rows(("last_name",)) == []
    assert set(compiled_queries._queries) == compiled


def test_a_value_never_becomes_part_of_the_sql(clinic):
    clinic.patient(last_name="100%s %(x)s ? $1 \\ '\"")
    assert named("100%s %(x)s ? $1 \\ '\"").count() == 1


def test_rows_are_counted_without_order_or_columns(clinic):
    for _ in range(3):
        clinic.patient(last_name="Same")
    with CaptureQueriesContext(connection) as queries:
        assert named("Same").order_by(("last_name", "id")).count() == 3
    assert "ORDER BY" not in queries[0]["sql"]


@dataclass(frozen=True)
class PatientsCalled(QueryDefinition):
    """Patients with a fixed last name."""

    name: str

    def queryset(self):
        return Patient.objects.filter(last_name=self.name).values_list("pk")


def test_the_store_of_compiled_queries_is_bounded(db):
    store = CompiledQueries(size=2)
    for name in ("a", "b", "c"):
        store.get(PatientsCalled(name))
    assert [key[1] for key in store._queries] == ["b", "c"]


def test_a_query_that_can_find_nothing_asks_nothing(db, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert Query(Patient, [Where(Q(pk__in=[]))]).rows(("pk",)) == []


# --- what shapes the SQL is in its key, whoever writes a condition -----------------------------------


@dataclass(frozen=True)
class Mine(Criterion):
    """A condition whose author thought of nothing but the rule: it holds the actor and filters by it."""

    actor: Actor

    def apply(self, rows: QuerySet) -> QuerySet:
        return rows.filter(visible(self.actor, Patient))


def test_a_condition_that_forgets_the_role_cannot_show_another_clinic(clinic, neighbour):
    """The superadmin's SQL has no condition of scope. It must not be run for anyone else."""
    mine, theirs = clinic.patient(), neighbour.patient()
    superadmin = Actor(role=Role.FC_ADMIN)
    administrator = Actor(role=Role.HC_ADMIN, organization_id=clinic.organization.pk)
    found = [{pk for (pk,) in Query(Patient, [Mine(actor)]).rows(("pk",))} for actor in (superadmin, administrator)]
    assert {mine.pk, theirs.pk} <= found[0]
    assert theirs.pk not in found[1]
    assert mine.pk in found[1]


@dataclass(frozen=True)
class OfOrganization(Criterion):
    """A condition on a parameter."""

    organization_id: int | None = parameter(BigIntegerField())

    def apply(self, rows: QuerySet) -> QuerySet:
        return rows.filter(organization_id=self.organization_id)


def test_a_parameter_that_is_none_has_sql_of_its_own(clinic):
    patient = clinic.patient()
    assert Query(Patient, [OfOrganization(None)]).rows(("pk",)) == []
    assert (patient.pk,) in Query(Patient, [OfOrganization(clinic.organization.pk)]).rows(("pk",))


def test_placeholders_stand_in_for_parameters_while_sql_is_compiled(db):
    with pytest.raises(TypeError):  # A value of one request cannot be looked at, as there is none.
        Query(Patient, [Peeking(7)]).rows(("pk",))


@dataclass(frozen=True)
class Peeking(OfOrganization):
    """A condition that would shape its SQL by the value of a parameter."""

    def apply(self, rows: QuerySet) -> QuerySet:
        return rows.filter(pk__in=range(self.organization_id))


@pytest.mark.parametrize("lookup", ["last_name__iexact", "pk__in", "date_of_birth__range", "deleted_at__isnull"])
def test_a_lookup_that_would_look_into_its_value_is_refused(lookup):
    """Django makes SQL of the value of these, of which only the placeholder is known: it would find nothing, silently."""
    with pytest.raises(FieldError, match="use a Where or a Criterion"):
        Query(Patient).filter(**{lookup: "x"})


@pytest.mark.parametrize("option", [{"exclude": True}, {"distinct": True}, {"method": "filter_it"}])
def test_a_filter_refuses_what_a_compiled_query_does_not_take(option):
    with pytest.raises(TypeError):
        TextFilter(field_name="city", **option)


def test_a_view_that_writes_names_what_the_action_requires():
    """An action that is forgotten in `permissions` would only ask for the right to read."""

    class Forgetful(PatientViewSet):
        permissions = {}

    with pytest.raises(ImproperlyConfigured, match="does not name create"):
        Forgetful.as_view({"get": "list", "post": "create"})


def test_child_rows_of_one_table_with_different_parents_are_different_queries(clinic):
    ward, guarantor = clinic.patient(), clinic.patient()
    Patient.objects.filter(pk=ward.pk).update(responsible_party=guarantor)
    loaders_of = [ChildLoader(Patient, parent, ("last_name",), len) for parent in ("id", "responsible_party_id")]
    assert [loader.load({guarantor.pk}, SYSTEM) for loader in loaders_of] == [{guarantor.pk: 1}, {guarantor.pk: 1}]
    assert [loader.load({ward.pk}, SYSTEM) for loader in loaders_of] == [{ward.pk: 1}, {ward.pk: 0}]


def test_references_to_one_table_by_different_names_are_different_queries(clinic):
    patient = clinic.patient(first_name="Ada", last_name="Quist", chart_number="C-7")
    by_name, by_number = (ReferenceField(Patient, name).loader for name in (("first_name", "last_name"), ("chart_number",)))
    assert by_name.load({patient.pk}, SYSTEM)[patient.pk]["name"] == "Ada Quist"
    assert by_number.load({patient.pk}, SYSTEM)[patient.pk]["name"] == "C-7"
    assert isinstance(by_name, NamedRowLoader)


# --- loaders ----------------------------------------------------------------------------------------


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
    monkeypatch.setattr(loaders, "MAX_CACHED_ROWS", 1)
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


def test_instances_are_those_of_the_orm(clinic):
    """A patient with and without what `select_related` names, and a login with neither organization nor second factor."""
    patients = sorted([clinic.patient(first_name="Ada", date_of_birth=datetime.date(1980, 2, 29)).pk, clinic.patient().pk])
    own = Patient.objects.select_related("organization").in_bulk(patients)
    found = PatientsById(patients, ordered=True).instances()
    assert [vars(row) for row in found] == [
        vars(own[pk]) | {"_state": row._state} for pk, row in zip(patients, found, strict=True)
    ]
    assert {row.organization.name for row in found} == {clinic.organization.name}
    assert [(row._state.db, row._state.adding) for row in found] == [("default", False)] * 2
    (superadmin,) = PersonById(clinic.users[Role.FC_ADMIN].pk).instances()
    assert (superadmin.organization, superadmin.email) == (None, clinic.users[Role.FC_ADMIN].email)


@pytest.mark.django_db(transaction=True)
def test_rows_are_locked_in_a_transaction_only():
    """Django refuses when it compiles: what was compiled in a transaction must not lock rows for a moment outside of one."""
    with transaction.atomic():
        assert lock_patients([1]) == {}
    with pytest.raises(TransactionManagementError):
        lock_patients([1])
