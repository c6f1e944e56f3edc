"""What the compiled read path builds is, byte for byte, what the serializer itself would give."""

import datetime
import json
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from itertools import product

import pytest
from django.apps import apps
from django.db import models
from rest_framework import serializers

from accounts.models import ApiKey, OutboxEvent, Role, User, UserStatus, UserStatusChange
from accounts.models.catalogs import Catalog
from accounts.scope import Actor
from accounts.services.catalogs import archive_catalog_row
from clinical.fields import DayListField
from clinical.models import (
    Allergy,
    AllergyDefinition,
    Appointment,
    Instrument,
    Measurement,
    MedicationDefinition,
    MonitoringAlert,
    VitalSigns,
)
from config.core.databases import MomentField
from config.core.encryption import seal
from config.core.orm import ObjectListField, SoftDeleted
from config.rest.compiled.disclosures import Disclosure, found_with
from config.rest.compiled.plans import Computed, LoadedField, ResponsePlan, response_plan
from config.rest.compiled.queries import Query
from config.rest.responses import to_json
from exports.models import WebhookDelivery, WebhookEndpoint
from patients.models import ChartEntry, Enrolment, FieldDefinition, Patient, Provider, ReferralAttribution
from patients.services.charts import archive_entry
from tests.append_only import lifted
from tests.cast import VIEWS
from tests.factories import NOON, SYSTEM, Clinic, archive, key_row, make_patient, new_key
from tests.sweeps import swept

MOMENT = datetime.datetime(2024, 2, 29, 23, 59, 58, 120000, tzinfo=datetime.UTC)


def read_serializers() -> dict[type[serializers.BaseSerializer], str]:
    """Return every serializer that an action of a view answers with, for any role, and the route where it does."""
    found = {}
    for route, view in VIEWS.items():
        if route.startswith("^"):
            continue  # a catch-all answers with problems only
        for action in sorted(set(view.actions.values())):
            for role in Role.values:
                asked = view.cls(actor=Actor(role=role), action=action)
                found[asked.get_serializer_class()] = route
    return found


READ = read_serializers()
OF_ROWS = [serializer_class for serializer_class in READ if hasattr(serializer_class, "Meta")]
OF_VALUES = [shape for shape, route in READ.items() if not hasattr(shape, "Meta") and "<" not in route]


def full_patient(clinic: Clinic) -> Patient:
    """Make a patient with a value in every column: as the services make it, the rest filled in by type."""
    identifier = {
        "use": "official",
        "system": "urn:insurer",
        "value": "ü-1",
        "type_system": "urn:types",
        "type_code": "MR",
        "type_display": "Record",
        "assigner": "Insurer",
    }
    references = {f"{name}_id": clinic.catalogs[name].pk for name in ("location", "fee_schedule", "billing_type", "employer")}
    guarantor = clinic.patient(care_group_id=clinic.other_group.pk)
    patient = clinic.enrolled(
        care_group_id=clinic.group.pk,
        user_id=clinic.users[Role.PATIENT].pk,
        responsible_party_id=guarantor.pk,
        primary_provider_id=clinic.catalogs["provider"].pk,
        secondary_provider_id=second_provider(clinic).pk,
        identifiers=[identifier, {"system": "a", "value": "b"}],
        mobile_phone="+31612345678",
        account_name="ada",
        chart_number=" Ü-7 ",
        date_of_birth=datetime.date(1980, 2, 29),
        country="NL",
        **references,
    )
    columns = {name: filled(Patient._meta.get_field(name)) for name in unfilled(patient)}
    sealed = ("social_security_number", "medicaid_id", "bsn")
    columns |= {f"{name}_sealed": seal("123-45-6789", f"patient.{name}", patient.uuid) for name in sealed}
    Patient.objects.filter(pk=patient.pk).update(**columns)
    clinic.entry(MonitoringAlert, patient)
    return patient


def second_provider(clinic: Clinic):
    return clinic.catalog(type(clinic.catalogs["provider"]), "Dr. Ünal")


def unfilled(row: models.Model) -> list[str]:
    """Return the columns that still hold null, nothing, zero or false; what makes it archived aside."""
    chosen = {"deleted_at", "version", *ONE_OF_TWO}
    return [
        column.name
        for column in row._meta.concrete_fields
        if not column.is_relation and column.name not in chosen and not getattr(row, column.attname)
    ]


def filled(column: models.Field):
    """Return a value for `column` that differs from its default."""
    if column.choices:
        return column.choices[-1][0]
    by_type: dict[type[models.Field], object] = {
        models.BooleanField: True,
        models.DateField: MOMENT.date(),
        models.DateTimeField: MOMENT,
        MomentField: MOMENT,
        models.IntegerField: 2**31 - 1,
        models.PositiveSmallIntegerField: 31,
        models.DecimalField: Decimal("1234567890.10"),
        models.JSONField: {"mode": "new"},
        models.BinaryField: b"0" * 32,
        models.TimeField: MOMENT.time(),
        ObjectListField: [{"kind": "remark", "flag": "red"}],
        DayListField: [0, 7],
    }
    return by_type.get(type(column), f' {column.name[:8]} "ø" 👩‍⚕️'[: column.max_length])


def empty_patient(clinic: Clinic) -> Patient:
    return make_patient(clinic.organization, first_name="A", last_name="B")


def child_clinic_patient(clinic: Clinic) -> Patient:
    """Make a patient whose organization has a parent and whose login is blocked."""
    child = Clinic("Child", parent=clinic.organization)
    login = child.users[Role.PATIENT]
    type(login).objects.filter(pk=login.pk).update(status=UserStatus.BLOCKED)
    return child.patient(user_id=login.pk, sex="male")


def full_key(clinic: Clinic) -> ApiKey:
    row = key_row(new_key(clinic.users[Role.HC_ADMIN], expires_at=MOMENT))
    ApiKey.objects.filter(pk=row.pk).update(last_used_at=MOMENT)
    return row


CODING = {"system": "local", "code": "ø", "display": 'Ünal "ø"'}


def full_enrolment(clinic: Clinic) -> Enrolment:
    row = Enrolment.objects.get(patient=clinic.enrolled())
    Enrolment.objects.filter(pk=row.pk).update(created_by=clinic.users[Role.HC_ADMIN])
    return row


def full_user(clinic: Clinic) -> User:
    user = clinic.users[Role.HC_PRIMARY]
    names = {"first_name": "Ünal", "middle_name": "van", "last_name": "Dam", "user_name": "unal"}
    User.objects.filter(pk=user.pk).update(last_login=MOMENT, last_logout=MOMENT, **names)
    processed = clinic.entry(MonitoringAlert, clinic.patient(), status="processed", processed_by_id=user.pk)
    assert processed.processed_by == user
    return user


def full_status_change(clinic: Clinic) -> UserStatusChange:
    user = clinic.users[Role.HC_PRIMARY]
    return UserStatusChange.objects.create(
        organization=clinic.organization,
        user=user,
        from_status="created",
        to_status="active",
        reason="Verified",
        created_by=clinic.users[Role.HC_ADMIN],
        processed_at=MOMENT,
    )


def empty_status_change(clinic: Clinic) -> UserStatusChange:
    """Make a change that nobody gave a reason for."""
    user = clinic.users[Role.HC_ADMIN]
    return UserStatusChange.objects.create(organization=clinic.organization, user=user, from_status="active", to_status="stopped")


BOUND: dict[type[models.Model], dict] = {
    FieldDefinition: {"field_type": "dropdown", "dropdown_options": ["a", "ø"]},
    Instrument: {"kind": "choice", "choices": ["b", "a"], "scale_min": Decimal("-0.5"), "scale_max": Decimal("123456789.125")},
    AllergyDefinition: {"ingredients": [CODING], "drug_classes": [CODING, CODING]},
    MedicationDefinition: {"ingredients": [CODING], "drug_classes": [CODING, CODING]},
}
"""Columns whose values depend on each other."""


def full_row(model: type[Catalog], clinic: Clinic) -> Catalog:
    """Make a catalog row with a value in every column."""
    row = clinic.catalog(model, ' Ünal "ø" ', **{**clinic.least(model), **BOUND.get(model, {})})
    columns = {name: filled(model._meta.get_field(name)) for name in unfilled(row)}
    model.objects.filter(pk=row.pk).update(**columns)
    return row


def archived_row(model: type[Catalog], clinic: Clinic) -> Catalog:
    row = full_row(model, clinic)
    archive_catalog_row(actor=SYSTEM, row=row, base_version=1)
    return row


def rows_of(model: type[Catalog]) -> dict[str, Callable[[Clinic], models.Model]]:
    """Return the rows that a catalog is tried on."""
    return {
        "full": partial(full_row, model),
        "empty": lambda clinic: clinic.catalog(model, "Bare", **clinic.least(model)),
        "archived": partial(archived_row, model),
    }


def full_entry(model: type[ChartEntry], clinic: Clinic) -> ChartEntry:
    """Make an entry of a chart with a value in every column."""
    patient = clinic.enrolled(
        care_group_id=clinic.group.pk, user_id=clinic.users[Role.PATIENT].pk, middle_name="van", chart_number="C-1"
    )
    row = clinic.entry(model, patient, **BOUND_ENTRIES.get(model, lambda clinic: {})(clinic))
    columns = {name: filled(model._meta.get_field(name)) for name in unfilled(row)}
    columns |= {
        column.attname: referred(clinic, column.related_model).pk
        for column in model._meta.concrete_fields
        if column.is_relation and getattr(row, column.attname) is None and column.name not in ONE_OF.get(model, ())
    }
    with lifted():
        model._base_manager.filter(pk=row.pk).update(**columns)
    if model is Measurement:
        full_alert(clinic, row)
    return row


def full_alert(clinic: Clinic, measurement: Measurement) -> None:
    """Let a measurement have raised an alert that was processed."""
    done = {"processed_type": "reviewed", "action": "Called", "processed_at": MOMENT}
    processor = clinic.users[Role.HC_PRIMARY].pk
    clinic.entry(
        MonitoringAlert, measurement.patient, measurement_id=measurement.pk, status="processed", processed_by_id=processor, **done
    )


def referred(clinic: Clinic, model: type[models.Model]) -> models.Model:
    """Return a row of the clinic that an entry may refer to."""
    if issubclass(model, Catalog):
        return clinic.row(model)
    makers: dict[type[models.Model], Callable[[], models.Model]] = {
        User: lambda: clinic.users[Role.HC_PRIMARY],
        Patient: clinic.patient,
        Appointment: lambda: clinic.appointment(clinic.patient()),
        Measurement: lambda: clinic.entry(Measurement, clinic.patient()),
    }
    return makers[model]()


def archived_entry(model: type[ChartEntry], clinic: Clinic) -> ChartEntry:
    row = full_entry(model, clinic)
    archive_entry(actor=SYSTEM, model=model, patient_id=row.patient_id, entry_id=row.pk)
    return row


def entries_of(model: type[ChartEntry]) -> dict[str, Callable[[Clinic], models.Model]]:
    """Return the rows that a kind of chart entries is tried on."""
    made = {"full": partial(full_entry, model), "empty": lambda clinic: clinic.entry(model, clinic.patient())}
    return made | ({"archived": partial(archived_entry, model)} if issubclass(model, SoftDeleted) else {})


ONE_OF_TWO = {"value_choice"}
"""Columns that stay empty where another one is filled."""
BOUND_ENTRIES: dict[type[ChartEntry], Callable[[Clinic], dict]] = {
    Measurement: lambda clinic: {"instrument_id": full_row(Instrument, clinic).pk},
    Appointment: lambda clinic: {"ends_at": NOON + datetime.timedelta(minutes=20), "status": "cancelled"},
    MonitoringAlert: lambda _: {"status": "processed"},
    VitalSigns: lambda _: {
        "temperature_f": Decimal("98.6"),
        "height_inches": Decimal("70.00"),
        "weight_lbs": Decimal("180.50"),
        "bmi": Decimal("25.9"),
        "abnormal_flags": [{"vital": "bmi", "message": "25.9 kg/m² “ø”", "severity": "warning"}],
    },
}
"""Columns of entries whose values depend on each other."""


ONE_OF: dict[type[ChartEntry], tuple[str, ...]] = {
    ReferralAttribution: ("referral_source", "referral_partner", "provider", "referring_patient"),
}
"""References of which an entry holds one."""


def attributed(source: str, clinic: Clinic) -> ReferralAttribution:
    """Make an attribution to `source`."""
    held = referred(clinic, ReferralAttribution._meta.get_field(source).related_model)
    return clinic.entry(ReferralAttribution, clinic.patient(), **{"provider_id": None, f"{source}_id": held.pk})


def event_of_patient(clinic: Clinic) -> OutboxEvent:
    event = OutboxEvent.objects.get(subject_uuid=clinic.patient().uuid)
    OutboxEvent.objects.filter(pk=event.pk).update(key_id="kq7Vd2Lp")
    return event


def event_of_catalog(clinic: Clinic) -> OutboxEvent:
    return OutboxEvent.objects.get(subject_uuid=clinic.catalog(Provider, "Dr. Told").uuid)


def full_endpoint(clinic: Clinic) -> WebhookEndpoint:
    row = clinic.endpoint(event_types=["patient.created"], ordered_by_patient=True)
    WebhookEndpoint.objects.filter(pk=row.pk).update(failing_since=MOMENT, deleted_at=MOMENT)
    return row


def not_yet_delivered(clinic: Clinic) -> WebhookDelivery:
    event, endpoint = event_of_patient(clinic), clinic.endpoint()
    ids = {"organization_id": clinic.organization.pk, "endpoint": endpoint, "event": event}
    return WebhookDelivery.objects.create(**ids, created_at=NOON)


def delivered(clinic: Clinic) -> WebhookDelivery:
    row = not_yet_delivered(clinic)
    values = {"attempts": 3, "due_at": MOMENT, "attempted_at": MOMENT, "response_status": 500, "duration": 12}
    WebhookDelivery.objects.filter(pk=row.pk).update(**values, error="answered 500")
    return row


ROWS: dict[type[models.Model], dict[str, Callable[[Clinic], models.Model]]] = {
    Patient: {
        "full": full_patient,
        "empty": empty_patient,
        "archived": lambda clinic: archive(full_patient(clinic)),
        "of a child organization": child_clinic_patient,
    },
    **{model: rows_of(model) for model in apps.get_models() if issubclass(model, Catalog)},
    **{model: entries_of(model) for model in apps.get_models() if issubclass(model, ChartEntry)},
    ReferralAttribution: entries_of(ReferralAttribution)
    | {f"from {source}": partial(attributed, source) for source in ONE_OF[ReferralAttribution]},
    Enrolment: {"full": full_enrolment, "empty": lambda clinic: Enrolment.objects.get(patient=clinic.enrolled())},
    User: {"full": full_user, "empty": lambda clinic: clinic.users[Role.HC_ADMIN]},
    UserStatusChange: {"full": full_status_change, "empty": empty_status_change},
    OutboxEvent: {"full": event_of_patient, "empty": event_of_catalog},
    WebhookEndpoint: {"full": full_endpoint, "empty": Clinic.endpoint},
    WebhookDelivery: {"full": delivered, "empty": not_yet_delivered},
    ApiKey: {"full": full_key, "empty": lambda clinic: key_row(new_key(clinic.users[Role.HC_VIEW_ALL]))},
}
"""The rows that each model is tried on; a read serializer of a model that is missing here fails."""
WITH_ROWS = [serializer_class for serializer_class in OF_ROWS if serializer_class.Meta.model in ROWS]


def callers(clinic: Clinic) -> list[Actor]:
    """Return an actor for every role of the clinic."""
    return [
        Actor(
            role=role,
            user_id=clinic.users[role].pk,
            organization_id=None if role == Role.FC_ADMIN else clinic.organization.pk,
            organization_uuid=None if role == Role.FC_ADMIN else clinic.organization.uuid,
            group_ids=(clinic.group.pk,) if role in (Role.HC_PRIMARY, Role.HC_SECONDARY) else (),
            catalog_version=type(clinic.organization).objects.get(pk=clinic.organization.pk).catalog_version,
        )
        for role in Role.values
    ]


def fetched(plan: ResponsePlan, pk: int) -> list[tuple]:
    """Return one row as the plan reads it."""
    return Query(plan.model).filter(id=pk).rows(plan.columns)


def built(serializer_class, pk: int, actor: Actor) -> bytes:
    """Return the bytes of a row as the read path answers it."""
    plan = response_plan(serializer_class)
    return to_json(plan.objects(fetched(plan, pk), actor))


def serialized(serializer_class, pk: int, actor: Actor) -> bytes:
    """Return the bytes of the same row as REST framework would answer it."""
    row = serializer_class.Meta.model._base_manager.get(pk=pk)
    return to_json([serializer_class(row, context={"actor": actor}).data])


def test_every_read_serializer_is_tried():
    assert {serializer_class.__name__ for serializer_class in OF_ROWS if serializer_class.Meta.model not in ROWS} == set()
    assert len(OF_ROWS) >= 5


TRIED = [(model, kind) for model, kinds in ROWS.items() for kind in kinds]


@swept(
    ("model", "kind"), TRIED, [Patient, "full", "archived"], ids=lambda value: value if isinstance(value, str) else value.__name__
)
def test_what_is_built_is_what_the_serializer_gives(clinic, model, kind):
    row = ROWS[model][kind](clinic)
    for shape, actor in product([of for of in OF_ROWS if of.Meta.model is model], callers(clinic)):
        assert built(shape, row.pk, actor) == serialized(shape, row.pk, actor), (shape, actor.role)


@pytest.mark.parametrize("model", ROWS, ids=lambda model: model.__name__)
def test_a_page_is_built_row_by_row_as_each_alone(clinic, model):
    """Look-ups are fetched once for a page: what one row needs must not hide what another one does."""
    rows, actor = [make(clinic) for kind, make in ROWS[model].items() if kind in ("full", "empty")], callers(clinic)[0]
    for serializer_class, order in product([of for of in OF_ROWS if of.Meta.model is model], (rows, rows[::-1])):
        plan = response_plan(serializer_class)
        page = [row for one in order for row in fetched(plan, one.pk)]
        alone = [built(serializer_class, row.pk, actor) for row in order]
        assert [to_json([item]) for item in plan.objects(page, actor)] == alone


@swept("model", ROWS, [Patient, Provider, Allergy], ids=lambda model: model.__name__)
def test_a_page_that_leaves_is_built_as_one_whose_look_ups_are_fetched_after_it(clinic, model):
    """PostgreSQL fetches what rows refer to in the statement that fetches the rows; on SQLite the two are the same."""
    for kind in ("full", "empty"):
        ROWS[model][kind](clinic)
    for serializer_class, actor in product([of for of in OF_ROWS if of.Meta.model is model], callers(clinic)):
        plan = response_plan(serializer_class)
        query = Query.in_scope(plan.model, actor)
        leaving = query.disclosed(Disclosure(plan, actor, None)).rows(plan.columns, ("id",), " LIMIT 20")
        alone = query.rows(plan.columns, ("id",), " LIMIT 20")
        for one, other in ((leaving, alone), (leaving[:1], alone[:1]), (leaving[1:], alone[1:])):
            assert to_json(plan.objects(one, actor, found_with(one))) == to_json(plan.objects(other, actor)), actor.role


NEVER_SET = {
    "interaction_warnings": "told by the answers of a create and a change only",
    "interaction_check": "told by the answers of a create and a change only",
    "warnings": "told by the answers of a create and a change only",
    "potential_duplicates": "told by the answer of a create only",
    "apiKey": "told by the answer that issues it only",
    "secret": "told by the answers with a new one only",
    "deleted_at": "set in archived rows only",
    "merged_into": "set in archived rows only",
    "deleted": "true of archived rows only",
    **dict.fromkeys(("referral_source", "referral_partner", "referring_patient"), "the full attribution has a provider"),
}


@pytest.mark.parametrize("model", ROWS, ids=lambda model: model.__name__)
def test_the_full_row_is_full(clinic, model):
    row, actor = ROWS[model]["full"](clinic), callers(clinic)[0]
    for serializer_class in (of for of in OF_ROWS if of.Meta.model is model):
        (shown,) = json.loads(built(serializer_class, row.pk, actor))
        empty = [name for name, value in shown.items() if value in (None, [], "", 0) and name not in NEVER_SET]
        assert empty == [], serializer_class


@pytest.mark.parametrize("serializer_class", WITH_ROWS, ids=lambda serializer_class: serializer_class.__name__)
def test_fields_that_are_taken_as_stored_have_no_other_form(serializer_class):
    """A field class with its own to_representation would be skipped silently if the plan took it as native."""
    for name, declared in serializer_class().fields.items():
        known = isinstance(declared, (LoadedField, Computed, serializers.BaseSerializer))
        ours = type(declared).__module__.startswith(("rest_framework.", "config.rest.", "clinical.serializer_fields"))
        assert known or ours, f"{serializer_class.__name__}.{name}"


def test_two_fields_share_a_look_up_even_where_one_is_empty(clinic):
    """The first provider is missing and the second is not: its row must be fetched all the same."""
    patient = clinic.patient(secondary_provider_id=clinic.catalogs["provider"].pk)
    for actor in callers(clinic):
        serializer_class = next(found for found in WITH_ROWS if "secondary_provider" in found().fields)
        (shown,) = json.loads(built(serializer_class, patient.pk, actor))
        assert shown["primary_provider"] is None
        assert shown["secondary_provider"]["name"] == clinic.catalogs["provider"].name


def keys(shape) -> dict | None:
    """Return the nested names of a serializer's fields, or of an answer's keys; None for a plain value."""
    if isinstance(shape, serializers.Serializer):
        return {name: keys(field) for name, field in shape.fields.items()}
    return {name: keys(value) for name, value in shape.items()} if isinstance(shape, dict) else None


@pytest.mark.parametrize("serializer_class", OF_VALUES, ids=lambda serializer_class: serializer_class.__name__)
def test_answers_that_no_row_stands_behind_have_the_declared_shape(api, clinic, serializer_class):
    path = READ[serializer_class].replace("<org_id>", str(clinic.organization.uuid))
    answer = api().get(f"/{path}").json()
    assert keys(answer.get("data", answer)) == keys(serializer_class())
