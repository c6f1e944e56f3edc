"""Every field of every body against values that only resemble what it takes.

For each kind of field there is a list of values that no field of that kind takes. Each field of each
body is given all of them. Requests then prove, once for each kind of field and operation, that the
operation asks these fields: the answer is a 422 that names all fields of the kind and nothing else,
nothing is stored, and the list still answers.
"""

from collections.abc import Iterable
from typing import Any

import pytest
from rest_framework import serializers

from config.rest.fields import (
    BaseVersion,
    Boolean,
    Choice,
    Date,
    DateTime,
    Decimal,
    Email,
    Integer,
    ScopedRelation,
    Text,
    Time,
    UUIDText,
)
from patients.models import Patient
from tests.rest.wire import CHANGES, Wire

UUID = "9890ed24-5b3e-7c5a-9d51-0e3f2a9c4b10"
NOT_SCALAR: list[Any] = [[], {}, ["a"], {"a": "b"}]
NUMBERS: list[Any] = [0, 1, -1, 1.5, 2**63, 10**30, -(10**30), 1e308]
BOOLEANS: list[Any] = [True, False]

BAD: dict[type[serializers.Field], list[Any]] = {
    Text: [*NOT_SCALAR, *NUMBERS, *BOOLEANS, "\x00", "a\x00b", "\ud800", "\udfffx", "x\ud800\ud800"],
    Email: [
        *NOT_SCALAR, *NUMBERS, *BOOLEANS, "a\x00@b.nl", "\ud800@b.nl", "a", "a@", "@b.nl", "a@b", "a b@c.nl", "a@b.nl\n",
        " a@b.nl", "a@b.nl ", "a@b..nl", "a@b@c.nl", "a@b.nl,c@d.nl", "a@" + "b" * 300 + ".nl",
    ],
    Choice: [
        *NOT_SCALAR, *NUMBERS, *BOOLEANS, "", " ", "nope", "ACTIVE", "FEMALE", "female\n", " female", "\x00", "\ud800",
        "x" * 10_000,
    ],
    Boolean: [*NOT_SCALAR, *NUMBERS, "", " ", "2", "1.0", " true", "true\n", "truefalse", "ja", "null", "\x00"],
    Integer: [
        *NOT_SCALAR, *BOOLEANS, "", " ", "1_0", "٣", "1.5", "0x1", " 1", "1\n", "NaN", "1e100", "1e", 1.5, -1, 2**31, 2**63,
        1e300, 10**30, 10**4000, "9" * 30, "9" * 5000, "\x00",
    ],
    BaseVersion: [
        *NOT_SCALAR, *BOOLEANS, None, "", "1_0", "٣", "1.5", "NaN", "1e100", 1.5, 0, "0", -1, -(10**30), "\x00",
    ],
    Date: [
        *NOT_SCALAR, *NUMBERS, *BOOLEANS, "", "nope", "2023-02-30", "2023-13-01", "2023-00-10", "0000-01-01", "10000-01-01",
        "2023-02-01\n", " 2023-02-01", "２０２３-02-01", "20230201", "2023-2-1", "2023-W05-1", "2023-032", "01-02-2023",
        "02/01/2023", "2023-02-01T00:00:00.001Z", "2023-02-01T12:00:00", "2023-02-01T", "2023-02-01Z", "2023-02-01T00:00:00\n",
        "2023-02-30T00:00:00", "2023-02-01T24:00:00", "2023-02-01T00:00:00 Z", "-2023-02-01", "\x00", "\ud800",
    ],
    DateTime: [
        *NOT_SCALAR, *NUMBERS, *BOOLEANS, "", "nope", "2023-02-30T00:00:00Z", "2023-02-01", "2023-02-01T00:00:00",
        "2023-02-01T25:00:00Z", "2023-02-01T00:60:00Z", "2023-02-01T00:00:61Z", "2023-02-01T00:00:00Z\n",
        "2023-02-01T00:00:00+25:00", "2023-02-01T00:00:00.Z", "2023-02-01T00:00:00+1", "2023-02-01T00:00:00+010",
        "２０２３-02-01T00:00:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59",
        "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "20230201T000000Z", "\x00", "\ud800",
    ],
    Time: [
        *NOT_SCALAR, *NUMBERS, *BOOLEANS, "", "nope", "9:05", "09:5", "24:00", "09:60", "09:05:60", "09:05:00Z", "09:05+01:00",
        "09:05:00.", "09:05:00.1_0", "T09:05", "0905", "09.05", "09:05 AM", " 09:05", "09:05\n", "０９:05",
        "2024-02-29T09:05:00Z", "\x00", "\ud800",
    ],
    Decimal: [
        *NOT_SCALAR, *BOOLEANS, "", " ", "NaN", "Infinity", "-Infinity", "sNaN", "1e100", "1e+", "e5", ".", "1_0", "٣", "½", " 1",
        "1\n", "1,5", "--1", "0x1", "$1", 1e308, -1e308, 10**30, 10**4000, "9" * 31, "\x00", "\ud800",
    ],
    ScopedRelation: [
        *NOT_SCALAR, *NUMBERS, *BOOLEANS, "", "nope", f"urn:uuid:{UUID}", f"{{{UUID}}}", UUID.replace("-", ""), f"{UUID}\n",
        f" {UUID}", UUID[:-1], f"{UUID}0", UUID.replace("9", "٩"), "\x00", "\ud800", 0x9890ED245B3E7C5A9D510E3F2A9C4B10,
    ],
}  # fmt: skip
BAD[UUIDText] = BAD[ScopedRelation]
KINDS = tuple(BAD)


def kind_of(field: serializers.Field) -> type[serializers.Field]:
    """Return the kind whose values `field` is tried with."""
    return next(kind for kind in type(field).__mro__ if kind in BAD)


def operations() -> list[tuple[str, str]]:
    return [(name, "create") for name in ("practice", "public", "general")] + [
        (name, action) for name, (_, action) in CHANGES.items()
    ]


def cases() -> list:
    """Return (dialect, action, kind) for every kind of field that a body has."""
    found = []
    for name, action in operations():
        kinds = {kind_of(field) for field in Wire(name, None).fields(action).values()}
        found += [pytest.param(name, action, kind, id=f"{name}-{action}-{kind.__name__}") for kind in KINDS if kind in kinds]
    return found


def too_long(field: serializers.Field) -> Any:
    """Return a value one beyond what `field` takes, None where it has no bound."""
    if getattr(field, "max_length", None):
        return "x" * (field.max_length + 1)
    return field.max_value + 1 if getattr(field, "max_value", None) else None


def refuses(field: serializers.Field, value: Any) -> bool:
    """Tell whether `field`, as part of its serializer, takes `value` for an error."""
    try:
        field.run_validation(value)
    except serializers.ValidationError:
        return True
    return False


def to_send(values: list[Any]) -> list[Any]:
    """Return which of the values that fields refuse are sent: one, and null, which a view may treat by itself."""
    return [values[0], *(value for value in values if value is None)]


def nested(values: dict[tuple[str, ...], Any]) -> dict[str, Any]:
    """Return `values` by path as a body, with the mode that an account needs."""
    body: dict[str, Any] = {}
    for path, value in values.items():
        place = body
        for name in path[:-1]:
            place = place.setdefault(name, {"mode": "existing"} if name == "billing_account" else {})
        place[path[-1]] = value
    return body


def owners(named: list[str], paths: Iterable[tuple[str, ...]]) -> set[str]:
    """Return which fields `named` names: themselves, or a place inside them (text in a list, a key of an object)."""
    fields = {".".join(path) for path in paths}
    return {next((field for field in fields if name == field or name.startswith(f"{field}.")), name) for name in named}


@pytest.mark.parametrize(("name", "action"), operations())
def test_every_field_refuses_values_that_only_resemble(name, action):
    for path, field in Wire(name, None).fields(action).items():
        beyond = [value] if (value := too_long(field)) is not None else []
        taken = [value for value in [*BAD[kind_of(field)], *beyond] if not refuses(field, value)]
        assert taken == [], path


@pytest.mark.parametrize(("name", "action", "kind"), cases())
def test_value_that_only_resembles_is_422_and_names_its_field(clinic, name, action, kind):
    wire = Wire(name, clinic)
    patient, client = clinic.patient(), wire.client()
    before = Patient.objects.values().get()
    fields = {path: field for path, field in wire.fields(action).items() if kind_of(field) is kind}
    for values in (dict.fromkeys(fields, value) for value in to_send(BAD[kind])):
        body = nested(values)
        response = wire.create(wire.values(**body), client) if action == "create" else wire.change(patient, body, client)
        assert owners(wire.named(response), values) == {".".join(path) for path in values}, values
    assert Patient.objects.values().get() == before
    assert client.get(wire.patients).status_code == 200


def test_there_is_a_case_for_every_field_of_every_body():
    for name, action in operations():
        for path, field in Wire(name, None).fields(action).items():
            assert kind_of(field) in BAD, (name, action, path)


@pytest.mark.parametrize("name", ["practice", "public", "general"])
@pytest.mark.parametrize("key", ["\x00", "a\x00b", "\ud800", "first_name\udfff"])
def test_key_that_no_database_keeps_is_422(clinic, name, key):
    wire = Wire(name, clinic)
    for values in ({key: 1}, {"unknown": {key: 1}}, {"unknown": [{key: 1}]}):
        assert all(field.endswith("(key)") for field in wire.named(wire.create(wire.values(**values))))
    assert not Patient.objects.exists()
    assert wire.client().get(wire.patients).status_code == 200


@pytest.mark.parametrize("name", ["practice", "public", "general"])
def test_text_that_no_database_keeps_is_refused_in_unknown_fields_too(clinic, name):
    wire = Wire(name, clinic)
    assert wire.named(wire.create(wire.values(unknown="\x00"))) == ["unknown"]
    assert wire.named(wire.create(wire.values(unknown=["ok", "\ud800"]))) == ["unknown.1"]


REQUIRED_NAMES = {
    "practice": ("first_name", "last_name"),
    "public": ("firstName", "lastName"),
    "general": ("first_name", "last_name"),
}


@pytest.mark.parametrize("name", REQUIRED_NAMES)
def test_null_and_empty_names_are_422_on_create(clinic, name):
    wire = Wire(name, clinic)
    for field in REQUIRED_NAMES[name]:
        for value in (None, ""):
            assert wire.named(wire.create(wire.values(**{field: value}))) == [field]


@pytest.mark.parametrize("name", CHANGES)
def test_null_and_empty_names_are_422_on_change(clinic, name):
    wire, patient = Wire(name, clinic), clinic.patient()
    for field in REQUIRED_NAMES[name]:
        for value in (None, ""):
            assert wire.named(wire.change(patient, {field: value})) == [field]


def test_null_is_no_error_for_any_other_field_of_the_practice_dialect(clinic):
    """Null clears a column that can be null and leaves one that cannot as it is."""
    wire, patient = Wire("practice", clinic), clinic.patient()
    fields = {path[0] for path in wire.fields("partial_update")} - {"first_name", "last_name", "base_version"}
    assert wire.change(patient, dict.fromkeys(fields)).status_code == 200
    optional = {path[0] for path in wire.fields("create")} - {"first_name", "last_name"}
    assert wire.create(wire.values(**dict.fromkeys(optional))).status_code == 201


def test_upper_case_uuid_is_the_same_reference_and_comes_back_lower(clinic):
    wire, provider = Wire("practice", clinic), clinic.catalogs["provider"]
    values = wire.values(
        primary_provider_uuid=str(provider.uuid).upper(), billing_account={"mode": "existing", "account_uuid": UUID.upper()}
    )
    answer = wire.create(values)
    assert answer.status_code == 201
    assert answer.json()["primary_provider"]["uuid"] == str(provider.uuid)
    assert Patient.objects.get().billing_account == {"mode": "existing", "account_uuid": UUID}


@pytest.mark.parametrize("version", [2, 10**18, 2**63, 10**30, 10**4000])
def test_any_future_version_is_409(clinic, version):
    wire = Wire("practice", clinic)
    response = wire.checked(wire.change(clinic.patient(), {"base_version": version, "city": "X"}), 409)
    assert response.json() == {"detail": f"Version conflict: expected 1, got {version}"}


def test_missing_version_is_422(clinic):
    wire, patient = Wire("practice", clinic), clinic.patient()
    assert wire.named(wire.client().patch(wire.address(patient), {"city": "X"})) == ["base_version"]


AGAINST_RULES = {
    "date_of_birth": ("1850-01-01", "2999-01-01", "0001-01-01", "9999-12-31"),
    "date_time_deceased": ("2020-01-01T00:00:00Z",),  # of an active patient
    "ask_to_arrive_early_mins": (121,),
    "consent_flags": (2**31, 2**40),
    "billing_cycle_day": (0, 32),
    "status": ("archived", "inactive"),
}


@pytest.mark.parametrize("field", AGAINST_RULES)
def test_value_that_breaks_a_rule_names_its_field(clinic, field):
    wire, patient = Wire("practice", clinic), clinic.patient()
    for value in AGAINST_RULES[field]:
        assert wire.named(wire.change(patient, {field: value})) == [field]


def test_neighbours_of_bad_values_pass(clinic):
    wire, patient = Wire("practice", clinic), clinic.patient()
    good = {
        "date_of_birth": "2000-02-29",
        "ask_to_arrive_early_mins": 120,
        "consent_flags": 2**31 - 1,
        "billing_cycle_day": 31,
        "status": "active",
        "date_first_visit": "0001-01-01",
        "receives_sms": True,
        "gender": "non_binary",
        "email": "a@b.nl",
        "chart_number": "x" * 64,
        "medical_summary": "x" * 20_000,
    }
    answer = wire.change(patient, good)
    assert answer.status_code == 200
    assert {name: answer.json()[name] for name in good} == good


ALIKE = (
    "ADA.Lovelace",
    "ada.lovelace\u200b",
    "ada\u200e.lovelace",
    "\u202eada.lovelace",
    "áda.lovelace",
    "a\u0301da.lovelace",
    " ada.lovelace",
)


@pytest.mark.parametrize("given", ALIKE)
def test_account_name_that_looks_like_a_taken_one_cannot_be_used(clinic, neighbour, given):
    """Unique over all organizations, and the text does not tell whose it is."""
    wire = Wire("public", neighbour)
    assert wire.create(wire.values(accountName="ada.lovelace")).status_code == 201
    wire = Wire("public", clinic)
    response = wire.create(wire.values(accountName=given))
    assert wire.named(response) == ["accountName"]
    assert response.json()["errors"][0]["message"] == "This value cannot be used."


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("accountName", ("", " ", "\u200b", "\u202e\u200d", "\u0301")),
        (
            "timezone",
            ("../../etc/passwd", "Europe/Nowhere", "", "europe/amsterdam", "/etc/localtime", "Europe/Amsterdam\n", "UTC+1"),
        ),
        (
            "phoneNumber",
            ("0612345678", "+31612345678\n", "+31 6 12345678", "+3161234567x", "+0", "", "+1234567890123456", "+٣١٦"),
        ),
        ("addressCountry", ("", "N", "NLD", "N\n", "NL\n", "12", "ñl")),
        ("sex", ("unknown", "other", "", None)),
        ("language", ("fy", "en_us", "EN", "")),
        ("dateOfBirth", ("2999-01-01", "1850-01-01")),
    ],
)
def test_value_that_the_public_dialect_cannot_use_names_its_attribute(clinic, field, values):
    wire = Wire("public", clinic)
    for value in values:
        assert wire.named(wire.create(wire.values(**{field: value}))) == [field], value


def test_login_by_text_message_needs_a_phone(clinic):
    wire = Wire("public", clinic)
    assert wire.named(wire.create(wire.values(smsLoginEnabled=True))) == ["phoneNumber"]


def test_group_is_needed_without_care_networks_and_prohibited_with_them(clinic):
    wire, group = Wire("public", clinic), {"groupId": str(clinic.group.uuid)}
    without = {name: value for name, value in wire.values().items() if name != "groupId"}
    assert wire.named(wire.create(without)) == ["groupId"]
    type(clinic.organization).objects.filter(pk=clinic.organization.pk).update(care_networks_enabled=True)
    assert wire.named(wire.create(without | group)) == ["groupId"]
    assert wire.create(without).status_code == 201


def test_words_that_the_practice_dialect_does_not_have_are_refused_in_the_general_one(clinic):
    wire = Wire("general", clinic)
    assert wire.named(wire.create(wire.values(gender="divers"))) == ["gender"]
