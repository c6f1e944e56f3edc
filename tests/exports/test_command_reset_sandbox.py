"""`manage.py reset_sandbox`: invented patients that are put back as they were, while keys stay good."""

import io
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import IntegrityError, OperationalError, transaction

from accounts.models import (
    ApiKey,
    AuditEvent,
    CareGroup,
    GroupMembership,
    Organization,
    OutboxEvent,
    Role,
    User,
    UserStatus,
)
from accounts.services.keys import authenticate_key
from accounts.services.users import change_user_status, create_user, set_care_groups, update_user
from clinical.models import Allergy, CommunicationLog
from exports.demo.sandbox import KEPT, emptied_models
from patients.models import Patient
from tests.conftest import ApiClient
from tests.factories import SYSTEM, Clinic, make_patient, new_key

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("kept_totals")]

SLUG = "try-out"
# The 17th has a chart of every kind; a reset of two takes half a second, and one of seventeen three times as long.
FEW, MANY = 2, 17


def reset(slug: str = SLUG, **options: Any) -> str:
    out = io.StringIO()
    call_command("reset_sandbox", slug, stdout=out, **{"patients": FEW, **options})
    return out.getvalue()


@pytest.fixture(scope="module")
def made(django_db_setup, django_db_blocker) -> Iterator[None]:
    """The sandbox is made once for all tests, each of which takes back what it does."""
    with django_db_blocker.unblock(), transaction.atomic():
        reset()
        yield
        transaction.set_rollback(True)


@pytest.fixture
def sandbox(made) -> Iterator[Organization]:
    with transaction.atomic():
        yield Organization.objects.get(slug=SLUG)
        transaction.set_rollback(True)


def person(role: str) -> User:
    return User.objects.get(organization__slug=SLUG, role=role, status=UserStatus.ACTIVE)


# The kinds of columns that hold no id and no moment; of an overdue alert `window` is the UUID of what was planned.
COMPARED = {"CharField", "TextField", "DateField", "DecimalField", "BooleanField", "PositiveSmallIntegerField"}
UUIDS = {"window"}


def state(organization: Organization) -> dict[str, list[tuple]]:
    """Return the texts, numbers and days of all rows that a reset makes, by model, without ids and moments."""
    found = {}
    for model in emptied_models():
        fields = model._meta.concrete_fields
        columns = [field.attname for field in fields if field.get_internal_type() in COMPARED and field.name not in UUIDS]
        rows = model._base_manager.filter(organization_id=organization.pk)
        found[model.__name__] = sorted(rows.values_list(*columns), key=repr) if columns else [(rows.count(),)]
    return found


def ids(organization: Organization) -> set:
    return set(Patient.objects.filter(organization=organization).values_list("uuid", flat=True))


def test_it_is_a_sandbox_with_people_charts_and_no_superadmin(sandbox):
    assert sandbox.is_sandbox
    assert Patient.objects.filter(organization=sandbox).count() == FEW
    roles = set(User.objects.filter(organization=sandbox).values_list("role", flat=True))
    assert roles == set(Role.values) - {Role.FC_ADMIN}
    assert not User.objects.filter(email__endswith=f"@{SLUG}.example", organization=None).exists()
    assert Allergy.objects.filter(organization=sandbox).exists()


def test_a_reset_makes_the_same_rows_with_new_ids_whatever_a_program_has_done(sandbox):
    reset(patients=MANY)
    before, patients = state(sandbox), ids(sandbox)
    clinic = Clinic("Within")
    clinic.organization = sandbox
    patient = make_patient(sandbox, first_name="Left", last_name="Behind", chart_number="X-1")
    clinic.catalog(CareGroup, "Left over")
    clinic.entry(CommunicationLog, patient)
    clinic.entry(Allergy, patient, allergy_definition_id=allergen(sandbox))
    Patient.objects.filter(organization=sandbox, chart_number="SB-00001").update(first_name="Changed")
    create_user(actor=SYSTEM, email="left@behind.example", role=Role.HC_VIEW_ALL, organization=sandbox)
    assert {name for name, rows in state(sandbox).items() if rows != before[name]} >= {"Patient", "CareGroup", "Allergy"}
    reset(patients=MANY)
    assert state(sandbox) == before
    assert ids(sandbox).isdisjoint(patients)
    assert len(ids(sandbox)) == MANY
    assert not User.objects.filter(email="left@behind.example").exists()


def allergen(organization: Organization) -> int:
    return Allergy.objects.filter(organization=organization).values_list("allergy_definition_id", flat=True).first()


def test_keys_stay_good_and_find_the_new_rows(sandbox):
    keys = {role: new_key(person(role)) for role in (Role.HC_ADMIN, Role.HC_PRIMARY, Role.PATIENT)}
    before = {role: names(key) for role, key in keys.items()}
    assert all(before.values())
    reset()
    assert {role: names(key) for role, key in keys.items()} == before


def names(key: str) -> list[str]:
    return [row["lastName"] for row in ApiClient(key).get("/v1/patients").json()["data"]]


def test_the_people_of_the_sandbox_are_put_back_and_others_with_a_key_stay(sandbox):
    nurse, reader = person(Role.HC_PRIMARY), person(Role.HC_VIEW_ALL)
    for one in (nurse, reader):
        new_key(one)
    other = create_user(actor=SYSTEM, email="own@program.example", role=Role.HC_SECONDARY, organization=sandbox)
    second = CareGroup.objects.get(organization=sandbox, name="Diabetes team")
    set_care_groups(actor=SYSTEM, user=other, care_groups=[second])
    key = new_key(other)
    set_care_groups(actor=SYSTEM, user=nurse, care_groups=[second])
    change_user_status(actor=SYSTEM, user=nurse, status=UserStatus.BLOCKED, reason="tried")
    update_user(actor=SYSTEM, user=reader, changes={"role": Role.HC_PRIMARY})
    reset()
    for one in (nurse, reader, other):
        one.refresh_from_db()
    assert (nurse.status, reader.role) == (UserStatus.ACTIVE, Role.HC_VIEW_ALL)
    groups = dict(GroupMembership.objects.filter(organization=sandbox).values_list("user__email", "care_group__name"))
    assert groups[nurse.email] == "General practice"
    assert groups[other.email] == "Diabetes team"
    assert authenticate_key(key, route="GET /x", request_id="r1").default_group_id == other.default_group_id is not None


def test_the_stream_and_the_trail_go_on_and_tell_of_the_reset(sandbox):
    key = new_key(person(Role.HC_ADMIN))
    kept = list(OutboxEvent.objects.filter(organization_id=sandbox.pk).values_list("pk", flat=True))
    reset()
    assert OutboxEvent.objects.filter(pk__in=kept).count() == len(kept)
    (event,) = OutboxEvent.objects.filter(organization_id=sandbox.pk, type="organization.reset").exclude(pk__in=kept)
    assert event.subject_uuid == sandbox.uuid
    audited = AuditEvent.objects.filter(organization_id=sandbox.pk, action="organization.reset")
    assert audited.count() == 2
    assert {row.route for row in audited} == {"manage.py reset_sandbox"}
    assert ApiClient(key).get(f"/api/v1/{sandbox.uuid}/events").status_code == 200


def test_other_organizations_are_left_alone(sandbox, clinic):
    patient = clinic.patient()
    clinic.entry(CommunicationLog, patient)
    before = state(clinic.organization)
    reset()
    assert state(clinic.organization) == before
    assert any(before.values())


def test_an_organization_that_is_no_sandbox_is_refused(made, clinic):
    clinic.patient()
    before = state(clinic.organization)
    with pytest.raises(CommandError, match="is not a sandbox"):
        reset(clinic.organization.slug)
    assert state(clinic.organization) == before


def test_the_database_lets_communications_of_a_sandbox_go_and_no_other(sandbox, clinic):
    kept = clinic.entry(CommunicationLog, clinic.patient())
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        CommunicationLog.objects.filter(pk=kept.pk)._raw_delete("default")
    clinic.entry(CommunicationLog, make_patient(sandbox))
    rows = CommunicationLog.objects.filter(organization=sandbox)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        rows.update(note="x")
    rows._raw_delete("default")
    assert not rows.exists()


def test_every_table_of_an_organization_is_kept_by_name_or_emptied():
    ours = {model for model in apps.get_models() if hasattr(model, "scope") and model.scope.organization}
    kept_by_the_database = {"SearchEntry", "PatientTotal"}
    assert {model.__name__ for model in ours - set(emptied_models()) - KEPT} == kept_by_the_database
    assert {ApiKey, User, AuditEvent, OutboxEvent} <= KEPT


def test_who_would_wait_too_long_is_told_to_try_again(sandbox, monkeypatch):
    def fail(organization):
        raise OperationalError("canceling statement due to lock timeout")

    before = state(sandbox)
    monkeypatch.setattr("exports.demo.sandbox._lock_out_writers", fail)
    with pytest.raises(CommandError, match="run it again"):
        reset()
    assert state(sandbox) == before


@pytest.mark.parametrize(("arguments", "message"), [({"patients": 0}, "1 or more"), ({"slug": "no slug"}, "slug")])
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(CommandError, match=message):
        reset(**arguments)
