"""Practice: what POST and PATCH accept comes back unchanged, byte for byte. The fields are read off the serializers."""

from typing import Any

import pytest
from rest_framework import serializers

from accounts.models import CareGroup, Role
from config.rest.fields import BaseVersion, Boolean, Choice, Date, DateTime, Email, Integer, ScopedRelation, Text
from patients.models import Patient
from patients.practice.serializers import PracticePatientIn, PracticePatientPatchIn
from tests.factories import Clinic

TEXTS = (
    "plain",
    "  two blanks at both ends  ",
    "\ttab, line\nfeed and return\r\n",
    "👩‍⚕️ 🏳️‍🌈 🇳🇱",
    "e\u0301 and é, A\u030a and Å, \u1e9b\u0323",
    'O\'Brien "quoted" `back` \\slash\\ ; -- DROP TABLE',
    "<script>&amp;</script> %s %(x)s {0} ${y} \\u0000",
    "\u202eright to left\u202c \u200bzero\u200dwidth \ufeff",
    "عربي 漢字 ไทย Ωμέγα Ёж",
    "0",
    "null",
)
LONG = "The quick brown føx 🦊. " * 500
EMAILS = ("Ada+tag@Example.TEST", "o'brien@example.test", "a_b%c@sub.example.test")
DATES = ("1980-02-29", "2024-02-29", "1999-12-31")
MOMENTS = ("2024-02-29T23:59:58.123456Z", "2024-02-29T23:59:58Z", "2020-01-01T00:00:00.100000Z")
ARCHIVED_BY_SERVICE_ONLY = "archived"


def texts(field: Text) -> list[str]:
    """Return texts that fit the field, the longest one with every place taken."""
    fitting = [text[: field.max_length] for text in TEXTS]
    longest = LONG if field.max_length is None else (LONG[: field.max_length])
    return [*fitting, longest, *(["", " "] if field.allow_blank else [])]


def bounds(field: Integer) -> list[int]:
    """Return the least and greatest number that the field takes, and one between."""
    limits = {type(check).__name__: check.limit_value for check in field.validators}
    least, most = limits.get("MinValueValidator", 0), limits.get("MaxValueValidator", 2**31 - 1)
    return [least, most, (least + most) // 2]


def values_of(name: str, field: serializers.Field, clinic: Clinic) -> list[Any]:
    """Return values that the field accepts, null among them where the column takes it."""
    if isinstance(field, ScopedRelation):
        found: list[Any] = [str(referenced(clinic, name, field).uuid)]
    elif isinstance(field, Choice):
        found = [word for word in field.choices if word != ARCHIVED_BY_SERVICE_ONLY]
    elif isinstance(field, Email):
        found = [*EMAILS, ""]
    elif isinstance(field, Text):
        found = texts(field)
    else:
        found = {Boolean: [True, False], Date: DATES, DateTime: MOMENTS}.get(type(field)) or bounds(field)
    return [*found, None] if nullable(field) else list(found)


def nullable(field: serializers.Field) -> bool:
    """Tell whether null is kept as null: sealed values and nullable columns."""
    column = next((column for column in Patient._meta.concrete_fields if field.source in (column.name, column.attname)), None)
    return field.allow_null and (column is None or column.null)


def referenced(clinic: Clinic, name: str, field: ScopedRelation):
    """Return a row of the clinic that the reference may name."""
    if field.model is Patient:
        return clinic.own_patient
    if field.model is CareGroup:
        return clinic.group
    return next(row for row in clinic.catalogs.values() if type(row) is field.model)


def accepted(serializer_class, clinic: Clinic) -> dict[str, list[Any]]:
    """Return the accepted values of every field of a body; those with a test of their own are left out."""
    apart = ("billing_account", "base_version", "status", "date_time_deceased")
    return {
        name: values_of(name, field, clinic)
        for name, field in serializer_class().fields.items()
        if name not in apart and not isinstance(field, BaseVersion)
    }


def bodies(accepted: dict[str, list[Any]]) -> list[dict[str, Any]]:
    """Return bodies that hold all fields, so many that every field has had each of its values."""
    rounds = max(len(values) for values in accepted.values())
    # Chart numbers are unique: each is tried once.
    return [
        {name: values[turn % len(values)] for name, values in accepted.items() if name != "chart_number" or turn < len(values)}
        for turn in range(rounds)
    ]


def shown(answer: dict, name: str) -> Any:
    """Return what the answer shows for a field of the body: a reference by its UUID."""
    if not name.endswith("_uuid"):
        return answer[name]
    reference = answer[name.removesuffix("_uuid")]
    return reference and reference["uuid"]


def differences(sent: dict, answer: dict) -> dict:
    """Return the fields that came back otherwise, with what was sent and what came."""
    return {name: (value, shown(answer, name)) for name, value in sent.items() if shown(answer, name) != value}


def test_every_field_of_the_bodies_is_tried(clinic):
    tried = {*accepted(PracticePatientIn, clinic), "billing_account", "status", "date_time_deceased"}
    assert tried == set(PracticePatientIn().fields)
    patched = {*accepted(PracticePatientPatchIn, clinic), "base_version", "status", "date_time_deceased"}
    assert patched == set(PracticePatientPatchIn().fields)


def test_what_post_takes_comes_back(clinic, api):
    wrong = []
    for body in bodies(accepted(PracticePatientIn, clinic)):
        made = api().post(f"{clinic.base}/patients", body)
        assert made.status_code == 201, made.content
        read = api().get(f"{clinic.base}/patients/{made.json()['id']}").json()
        wrong += [differences(body, made.json()), differences(body, read)]
    assert [difference for difference in wrong if difference] == []


def test_what_patch_takes_comes_back(clinic, api):
    patient = clinic.patient()
    path, version, wrong = f"{clinic.base}/patients/{patient.uuid}", 1, []
    for body in bodies(accepted(PracticePatientPatchIn, clinic)):
        changed = api().patch(path, {**body, "base_version": version})
        assert changed.status_code == 200, changed.content
        version = changed.json()["version"]
        wrong += [differences(body, changed.json()), differences(body, api().get(path).json())]
    assert [difference for difference in wrong if difference] == []


def test_one_field_changes_alone(clinic, api):
    """Each field is patched by itself: it changes, and nothing else but the bookkeeping does."""
    patient = clinic.patient(care_group_id=clinic.other_group.pk)
    path = f"{clinic.base}/patients/{patient.uuid}"
    for name, values in accepted(PracticePatientPatchIn, clinic).items():
        before = api().get(path).json()
        value = next(value for value in reversed(values) if value != shown(before, name))
        after = api().patch(path, {name: value, "base_version": before["version"]}).json()
        touched = {key for key in before if after[key] != before[key]}
        assert touched - {"updated_at"} == {name.removesuffix("_uuid"), "version"}, name


@pytest.mark.parametrize("status", ["prospective", "active", "inactive", "deceased"])
def test_the_status_of_a_new_patient_comes_back(clinic, api, status):
    made = api().post(f"{clinic.base}/patients", {"first_name": "A", "last_name": "B", "status": status})
    assert made.json()["status"] == status


@pytest.mark.parametrize("moment", MOMENTS)
def test_the_time_of_death_comes_back(clinic, api, moment):
    body = {"first_name": "A", "last_name": "B", "status": "deceased", "date_time_deceased": moment}
    made = api().post(f"{clinic.base}/patients", body).json()
    assert made["date_time_deceased"] == moment
    for value in (None, MOMENTS[0]):
        body = {"date_time_deceased": value, "base_version": made["version"]}
        made = api().patch(f"{clinic.base}/patients/{made['id']}", body).json()
        assert made["date_time_deceased"] == value


def test_a_time_with_another_offset_comes_back_as_the_same_moment(clinic, api):
    body = {"first_name": "A", "last_name": "B", "status": "deceased", "date_time_deceased": "2024-03-01T01:59:58.5+02:00"}
    assert api().post(f"{clinic.base}/patients", body).json()["date_time_deceased"] == "2024-02-29T23:59:58.500000Z"


ACCOUNT = "9890ed24-5a36-4f32-8f6c-8b4bd2f1a0c3"


ACCOUNTS = [{"mode": "new"}, {"mode": "existing", "account_uuid": ACCOUNT}, {"mode": "new", "account_uuid": None}, None]


@pytest.mark.parametrize("account", ACCOUNTS)
def test_the_billing_account_is_stored_as_sent(clinic, api, account):
    """No answer of the contract shows it."""
    made = api().post(f"{clinic.base}/patients", {"first_name": "A", "last_name": "B", "billing_account": account})
    assert made.status_code == 201, made.content
    assert Patient.objects.get(uuid=made.json()["id"]).billing_account == account


@pytest.mark.parametrize("uuid", [7, f"urn:uuid:{ACCOUNT}", f"{{{ACCOUNT}}}", ACCOUNT.replace("-", ""), True])
def test_a_billing_account_is_named_in_canonical_form_only(clinic, api, uuid):
    body = {"first_name": "A", "last_name": "B", "billing_account": {"mode": "existing", "account_uuid": uuid}}
    response = api().post(f"{clinic.base}/patients", body)
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["body", "billing_account", "account_uuid"]


def test_references_are_read_in_either_case_and_written_in_lower(clinic, api):
    uuid = str(clinic.catalogs["provider"].uuid)
    made = api().post(f"{clinic.base}/patients", {"first_name": "A", "last_name": "B", "primary_provider_uuid": uuid.upper()})
    assert made.json()["primary_provider"] == {"uuid": uuid, "name": "Hill Valley provider"}


SEALED = {"social_security_number": " 123-45-6789 ", "medicaid_id": "ΜΕΔ-0007"}
SHOWN = {
    Role.FC_ADMIN: SEALED,
    Role.HC_ADMIN: SEALED,
    Role.HC_PRIMARY: SEALED,
    Role.HC_SECONDARY: SEALED,
    Role.HC_VIEW_ALL: {"social_security_number": "*********789 ", "medicaid_id": "****0007"},
}


@pytest.mark.parametrize("role", SHOWN)
def test_identity_numbers_are_shown_as_the_role_allows(clinic, api, role):
    body = {"first_name": "A", "last_name": "B", "care_group_uuid": str(clinic.group.uuid), **SEALED}
    made = api().post(f"{clinic.base}/patients", body).json()
    read = api(role).get(f"{clinic.base}/patients/{made['id']}").json()
    assert {name: read[name] for name in SEALED} == SHOWN[role]


def test_a_patient_is_shown_no_identity_number_and_no_staff_note(clinic, api):
    body = {"base_version": 1, "comments": "x", "medical_urgent_note": "staff only", **SEALED}
    path = f"{clinic.base}/patients/{clinic.own_patient.uuid}"
    assert api().patch(path, body).status_code == 200
    answer = api(Role.PATIENT).get(path)
    assert not set(SEALED) & set(answer.json())
    assert not any(secret in answer.content for secret in (b"-45-6789", "ΜΕΔ".encode(), b"staff only"))


@pytest.mark.parametrize(("number", "hidden"), [("", ""), ("1", "*"), ("123", "***"), ("1234", "****"), ("12345", "*2345")])
def test_a_short_identity_number_is_masked_entirely(clinic, api, number, hidden):
    made = api().post(f"{clinic.base}/patients", {"first_name": "A", "last_name": "B", "social_security_number": number}).json()
    assert made["social_security_number"] == number
    masked = api(Role.HC_VIEW_ALL).get(f"{clinic.base}/patients/{made['id']}").json()["social_security_number"]
    assert masked == hidden


def test_identity_numbers_are_not_readable_in_the_database(clinic, api):
    made = api().post(f"{clinic.base}/patients", {"first_name": "A", "last_name": "B", **SEALED}).json()
    stored = Patient.objects.filter(uuid=made["id"]).values().get()
    flat = b" ".join(bytes(value) if isinstance(value, (bytes, memoryview)) else str(value).encode() for value in stored.values())
    assert not any(needle in flat for needle in (b"123-45-", b"123456789", b"-45-6789", "ΜΕΔ".encode()))


def test_no_field_is_named_by_chance():
    """Bodies and answers share their names, references aside, so that comparing them compares something."""
    from patients.practice.serializers import PracticePatientOut

    sent = {name.removesuffix("_uuid") for name in PracticePatientIn().fields} - {"billing_account"}
    assert sent <= set(PracticePatientOut().fields)
    assert len(sent) > 45


@pytest.mark.parametrize("letter", ["\ufdfa", "ß", "\u0390", "æ"])
def test_names_that_grow_when_they_are_folded_are_kept_whole(clinic, api, letter):
    """U+FDFA unfolds into eighteen letters: the derived columns are cut, the name is not."""
    names = ("first_name", "last_name", "preferred_name", "middle_name")
    body = {**{name: letter * 255 for name in names}, "chart_number": letter * 64, "email": f"{'a' * 60}@example.test"}
    made = api().post(f"{clinic.base}/patients", body)
    assert made.status_code == 201, made.content
    assert differences(body, made.json()) == {}
    assert api().get(f"{clinic.base}/patients", {"search": letter * 3}).json()["total"] == 1
    assert api().get(f"{clinic.base}/patients/search", {"q": letter * 3}).json()["total"] == 1
