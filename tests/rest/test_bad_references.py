"""References to what does not exist, is archived, or is somebody else's: never told apart."""

import pytest
from django.utils import timezone

from accounts.scope import Role
from config.rest.fields import ScopedRelation
from patients.models import Patient, Protocol
from tests.factories import archive
from tests.rest.wire import CHANGES, Wire

RANDOM = "01890000-0000-7000-8000-000000000000"


def references(name: str, action: str) -> list[tuple[str, ...]]:
    fields = Wire(name, None).fields(action)
    return [path for path, field in fields.items() if isinstance(field, ScopedRelation)]


def row_of(wire: Wire, model):
    """Return a row of `model` that belongs to the wire's clinic."""
    if model is Patient:
        return wire.clinic.patient()
    if model.__name__ == "CareGroup":
        return wire.clinic.group
    if model.__name__ == "Organization":
        return wire.clinic.organization
    return wire.clinic.catalogs[
        {"FeeSchedule": "fee_schedule", "BillingType": "billing_type"}.get(model.__name__, model.__name__.lower())
    ]


PRACTICE = [(action, path[0]) for action in ("create", "partial_update") for path in references("practice", action)]


def sent(wire: Wire, action: str, field: str, value: str):
    if action == "create":
        return wire.create(wire.values(**{field: value}))
    return wire.change(Patient.objects.order_by("pk").first(), {field: value})


@pytest.mark.parametrize(("action", "field"), PRACTICE)
def test_foreign_and_archived_rows_are_unknown_in_the_practice_dialect(clinic, neighbour, action, field):
    wire = Wire("practice", clinic)
    clinic.patient()
    model = wire.fields(action)[(field,)].model
    archived = row_of(wire, model)
    unknown = wire.checked(sent(wire, action, field, RANDOM), 404)
    assert unknown.json() == {"detail": f"{model._meta.verbose_name.capitalize()} not found"}
    foreign = sent(wire, action, field, str(row_of(Wire("practice", neighbour), model).uuid))
    if model is Patient:
        archive(archived)
    else:
        model.objects.filter(pk=archived.pk).update(deleted_at=timezone.now())
    gone = sent(wire, action, field, str(archived.uuid))
    for response in (foreign, gone):
        assert (response.status_code, response.content, set(response.headers)) == (404, unknown.content, set(unknown.headers))


@pytest.mark.parametrize("field", [path[0] for path in references("public", "create")])
def test_foreign_rows_are_values_that_do_not_validate_in_the_public_dialect(clinic, neighbour, field):
    wire = Wire("public", clinic)
    foreign = str(row_of(Wire("public", neighbour), wire.fields("create")[(field,)].model).uuid)
    unknown, other = wire.create(wire.values(**{field: RANDOM})), wire.create(wire.values(**{field: foreign}))
    assert wire.named(unknown) == [field]
    assert other.content == unknown.content
    assert not Patient.objects.exists()


def test_protocol_of_another_program_does_not_validate(clinic):
    from patients.models import Program

    wire = Wire("public", clinic)
    other = clinic.catalog(Protocol, "Other", program=clinic.catalog(Program, "Other"))
    assert wire.named(wire.create(wire.values(protocolId=str(other.uuid)))) == ["protocolId"]
    assert not Patient.objects.exists(), "the patient is not kept without the enrolment"


def test_group_of_which_one_is_no_member_is_unknown_to_a_caregiver(clinic):
    practice, public = Wire("practice", clinic), Wire("public", clinic)
    other = str(clinic.other_group.uuid)
    for role in (Role.HC_PRIMARY, Role.HC_SECONDARY):
        practice.checked(practice.create(practice.values(care_group_uuid=other), practice.client(role)), 404)
        assert public.named(public.create(public.values(groupId=other), public.client(role))) == ["groupId"]


def test_patient_out_of_sight_is_no_guarantor(clinic):
    """A caregiver cannot find out by a reference who else is a patient."""
    wire = Wire("practice", clinic)
    client = wire.client(Role.HC_PRIMARY)
    hidden = clinic.patient(care_group_id=clinic.other_group.pk)
    unknown = wire.checked(wire.create(wire.values(responsible_party_uuid=RANDOM), client), 404)
    assert wire.create(wire.values(responsible_party_uuid=str(hidden.uuid)), client).content == unknown.content


def test_patient_is_not_their_own_guarantor(clinic):
    wire, patient = Wire("practice", clinic), clinic.patient()
    assert wire.named(wire.change(patient, {"responsible_party_uuid": str(patient.uuid)})) == ["responsible_party_uuid"]


def test_superadmin_refers_to_rows_of_the_organization_in_the_path_only(clinic, neighbour):
    wire = Wire("practice", clinic)
    foreign = str(neighbour.catalogs["provider"].uuid)
    wire.checked(wire.create(wire.values(primary_provider_uuid=foreign), wire.client(Role.FC_ADMIN)), 404)


def test_values_are_read_before_references_are_looked_for(changing_wire):
    wire = changing_wire
    if wire.name == "practice":
        assert wire.named(wire.create(wire.values(primary_provider_uuid=RANDOM, gender="nope"))) == ["gender"]
    assert wire.named(wire.create(wire.values(gender="nope"))) == ["gender"]


def test_the_general_dialect_refers_to_nothing():
    assert [path for action in ("create", CHANGES["general"][1]) for path in references("general", action)] == []
