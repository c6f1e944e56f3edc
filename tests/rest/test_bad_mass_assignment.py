"""Keys that a body may hold and that change nothing."""

import datetime

import pytest

from patients.models import Patient
from tests.declared import body_serializers
from tests.rest.wire import DIALECTS, VIEWS, Wire

UUID = "01890000-0000-7000-8000-000000000000"
AT = "2001-01-01T00:00:00Z"
EXTRA = {
    "id": 4711,
    "pk": 4711,
    "uuid": UUID,
    "version": 99,
    "baseVersion": 99,
    "organization": UUID,
    "organization_id": 1,
    "org_id": UUID,
    "user": 1,
    "user_id": 1,
    "care_group": 1,
    "care_group_id": 1,
    "deleted_at": AT,
    "deletedAt": AT,
    "created_at": AT,
    "createdAt": AT,
    "updated_at": AT,
    "updatedAt": AT,
    "activated_at": AT,
    "activatedAt": AT,
    "stopped_at": AT,
    "stopped_reason": "x",
    "balance_total": "9999.00",
    "balance_0_30": "1.00",
    "estimated_balance": "1.00",
    "insurance_estimate": "1.00",
    "payment_plan_due": "1.00",
    "scheduling_restricted": True,
    "potential_duplicates": [{}],
    "role": "FC_ADMIN",
    "is_staff": True,
    "search_text": "zzz",
    "first_name_key": "zzz",
    "last_name_key": "zzz",
    "chart_number_key": "zzz",
    "account_name_key": "zzz",
    "mobile_e164": "+31600000000",
    "social_security_number_sealed": "zzz",
    "social_security_number_index": "zzz",
    "smoking_snomed": "8517006",
    "latest_vitals_date": "2001-01-01",
    "created_by": 1,
    "communication_source": "integration",
    "non_field_errors": ["x"],
    "__class__": "x",
    "_state": {},
    "pk__in": [1],
    "provider__user": 1,
    "": "x",
}
"""Names of columns, of answers, and of things that people have tried elsewhere."""


def extra_for(name: str, action: str) -> dict:
    """Return EXTRA without the names that this body takes."""
    taken = {path[0] for path in Wire(name, None).fields(action)}
    return {key: value for key, value in EXTRA.items() if key not in taken}


def settled(patient: Patient) -> dict:
    """Return every column but the ones that a change must move."""
    moving = {"version", "updated_at", "uuid", "id", "created_at", "activated_at", "account_name", "account_name_key"}
    return {name: value for name, value in Patient.objects.filter(pk=patient.pk).values().get().items() if name not in moving}


@pytest.mark.parametrize("name", DIALECTS)
def test_extra_keys_of_a_create_change_nothing(clinic, name):
    wire = Wire(name, clinic)
    values = wire.values()
    assert wire.create({**values, **({"accountName": "plain"} if name == "public" else {})}).status_code == 201
    assert wire.create({**values, **extra_for(name, "create")}).status_code == 201
    plain, extra = Patient.objects.order_by("pk")
    assert settled(extra) == settled(plain)
    assert extra.version == 1
    assert extra.uuid != EXTRA["uuid"]
    assert extra.pk != EXTRA["id"]
    assert extra.created_at.year == extra.updated_at.year == extra.activated_at.year == datetime.datetime.now(datetime.UTC).year


def test_extra_keys_of_a_change_change_nothing(changing_wire):
    wire = changing_wire
    action = "partial_update" if wire.name == "practice" else "update"
    patient = wire.clinic.patient()
    before = settled(patient)
    assert wire.change(patient, extra_for(wire.name, action)).status_code == 200
    after = Patient.objects.get(pk=patient.pk)
    assert settled(after) == before
    assert (after.version, after.uuid, after.created_at) == (1, patient.uuid, patient.created_at)


def test_keys_beside_the_wrapper_of_the_general_dialect_change_nothing(clinic):
    wire, patient = Wire("general", clinic), clinic.patient()
    before = settled(patient)
    body = {**EXTRA, "first_name": "Eve", "patient": {}}
    assert wire.client().put(wire.address(patient), body).status_code == 200
    assert settled(patient) == before


@pytest.mark.parametrize("name", DIALECTS)
def test_names_of_one_dialect_are_nothing_in_another(clinic, name):
    wire = Wire(name, clinic)
    own = {path[0] for path in wire.fields("create")}
    for other in set(DIALECTS) - {name}:
        borrowed = {path[0]: "zzz" for path in Wire(other, clinic).fields("create") if path[0] not in own}
        values = wire.values(**borrowed, **({"accountName": f"by.{other}"} if name == "public" else {}))
        assert wire.create(values).status_code == 201
    for patient in Patient.objects.all():
        assert "zzz" not in str(settled(patient))


@pytest.mark.parametrize("name", DIALECTS)
def test_bodies_take_no_more_columns_than_the_contract_names(name):
    """What may be written is a list, not whatever the model has."""
    internal = {"id", "uuid", "version", "organization_id", "user_id", "deleted_at", "created_at", "updated_at", "search_text"}
    for action in body_serializers(VIEWS[name]):
        written = {field.source for path, field in Wire(name, None).fields(action).items()}
        assert written & internal == ({"organization_id"} if name == "public" else set())


def test_state_machine_is_not_passed_by_a_change(clinic):
    wire, patient = Wire("practice", clinic), clinic.patient()
    for status in ("archived", "inactive", "deceased", "prospective"):
        assert wire.named(wire.change(patient, {"status": status})) == ["status"]
    assert wire.change(patient, {"status": "active"}).status_code == 200


def test_patient_cannot_be_made_archived(clinic):
    wire = Wire("practice", clinic)
    assert wire.named(wire.create(wire.values(status="archived"))) == ["status"]
