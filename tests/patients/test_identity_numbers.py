"""Who does not read a social security number cannot find it out by comparing, and who reads it cannot guess without limit."""

import pytest
from django.db import models
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import RateWindow
from accounts.permissions import READS_IDENTITY_NUMBERS, STAFF
from accounts.scope import Role
from config.core.encryption import unseal
from patients.models import NameKey, Patient
from patients.services.rules import SEALED
from tests.conftest import ApiClient

NUMBER = "123-45-6789"
# Every role, whether it may compare: written out, so that a role that joins the set must be added here.
COMPARES = {
    Role.FC_ADMIN: True,
    Role.HC_ADMIN: True,
    Role.HC_PRIMARY: True,
    Role.HC_SECONDARY: True,
    Role.HC_VIEW_ALL: False,
    Role.PATIENT: False,
}
LIMIT = 3


@pytest.fixture
def known(clinic) -> Patient:
    """A patient whom every role sees."""
    return clinic.patient(
        social_security_number=NUMBER,
        email="ada@example.org",
        care_group_id=clinic.group.pk,
        user_id=clinic.users[Role.PATIENT].pk,
    )


@pytest.fixture
def limited(settings) -> None:
    settings.IDENTITY_MISSES_PER_MINUTE = LIMIT


def compare(client: ApiClient, clinic, number: str, **values: str):
    body = {"last_name": "Nobody", "social_security_number": number, **values}
    return client.post(f"{clinic.base}/patients/check-duplicates", body)


def test_every_role_is_listed():
    assert set(COMPARES) == set(Role)
    assert {role for role, compares in COMPARES.items() if compares} == set(READS_IDENTITY_NUMBERS)


@pytest.mark.parametrize(("role", "compares"), COMPARES.items())
def test_only_who_reads_the_number_is_told_that_a_guess_is_right(api, clinic, known, role, compares):
    right = compare(api(role), clinic, NUMBER)
    wrong = compare(api(role), clinic, "123-45-6780")
    assert right.json()["total"] == compares
    assert wrong.json() == {"items": [], "total": 0}
    assert compares or (right.status_code, right.content) == (wrong.status_code, wrong.content)


@pytest.mark.parametrize(
    ("stored", "sent"), [(NUMBER, "１２３－４５－６７８９"), ("１２３４５６７８９", NUMBER), (NUMBER, "١٢٣-٤٥-٦٧٨٩")]
)
def test_a_number_is_one_in_digits_of_any_kind_and_kept_as_it_was_sent(api, clinic, stored, sent):
    patient = clinic.patient(social_security_number=stored)
    assert [item["id"] for item in compare(api(), clinic, sent).json()["items"]] == [str(patient.uuid)]
    sealed = Patient.objects.get(pk=patient.pk).social_security_number_sealed
    assert unseal(sealed, "patient.social_security_number", patient.uuid) == stored


@pytest.mark.parametrize("role", COMPARES)
def test_the_other_signals_count_for_every_role(api, clinic, known, role):
    assert compare(api(role), clinic, "", email="ada@example.org").json()["total"] == 1
    assert compare(api(role), clinic, "123-45-6780", email="ada@example.org").json()["total"] == 1


@pytest.mark.parametrize("role", sorted(READS_IDENTITY_NUMBERS))
def test_who_creates_a_patient_is_told_of_those_in_scope_only(api, clinic, known, role):
    hidden = clinic.patient(social_security_number=NUMBER, care_group_id=clinic.other_group.pk)
    body = {"first_name": "Ada", "last_name": "Other", "social_security_number": NUMBER}
    told = {item["id"] for item in api(role).post(f"{clinic.base}/patients", body).json()["potential_duplicates"]}
    sees_all = role in (Role.FC_ADMIN, Role.HC_ADMIN)
    assert told == ({str(known.uuid), str(hidden.uuid)} if sees_all else {str(known.uuid)})


# --- guessing -------------------------------------------------------------------------------------
def test_comparisons_that_find_nobody_are_limited(api, clinic, known, limited):
    guesses = [compare(api(), clinic, f"123-45-000{number}") for number in range(LIMIT + 1)]
    assert [guess.status_code for guess in guesses] == [200] * LIMIT + [429]
    assert guesses[-1].headers["Retry-After"] == "60"
    # The right number is refused as well: an answer would tell it from a wrong one.
    assert compare(api(), clinic, NUMBER).status_code == 429
    assert compare(api(Role.HC_PRIMARY), clinic, NUMBER).status_code == 200, "another user"


def test_what_compares_no_number_is_not_limited(api, clinic, known, limited):
    for number in range(LIMIT):
        compare(api(), clinic, f"123-45-000{number}")
    for number in ("", "--"):
        assert compare(api(), clinic, number, email="ada@example.org").json()["total"] == 1
    assert api().get(f"{clinic.base}/patients").status_code == 200


def test_comparisons_that_find_somebody_are_not_limited(api, clinic, known, limited):
    assert [compare(api(), clinic, NUMBER).status_code for _ in range(LIMIT + 2)] == [200] * (LIMIT + 2)


def test_another_signal_does_not_make_a_miss_a_find(api, clinic, known, limited):
    guesses = [compare(api(), clinic, f"123-45-000{number}", email="ada@example.org") for number in range(LIMIT + 1)]
    assert guesses[-1].status_code == 429


def test_somebody_out_of_scope_is_a_miss(api, clinic, limited):
    clinic.patient(social_security_number=NUMBER, care_group_id=clinic.other_group.pk)
    guesses = [compare(api(Role.HC_PRIMARY), clinic, NUMBER) for _ in range(LIMIT + 1)]
    assert [guess.status_code for guess in guesses] == [200] * LIMIT + [429]


@pytest.mark.parametrize("role", [role for role, compares in COMPARES.items() if not compares])
def test_what_is_ignored_is_not_counted(api, clinic, known, limited, role):
    assert [compare(api(role), clinic, NUMBER).status_code for _ in range(LIMIT + 1)] == [200] * (LIMIT + 1)
    assert not RateWindow.objects.filter(subject__startswith="number:").exists()


def create(client: ApiClient, clinic, number: str, **values: str):
    """Create a patient and return whom the response takes for the same person."""
    body = {"first_name": "Eve", "last_name": "Other", "social_security_number": number, **values}
    answer = client.post(f"{clinic.base}/patients", body)
    assert answer.status_code == 201
    return [item["id"] for item in answer.json()["potential_duplicates"]]


def test_creating_patients_is_no_way_to_guess_more(api, clinic, known, limited):
    """New numbers are what creating is for, so nobody is refused: over the limit numbers are not compared any more."""
    assert [create(api(), clinic, f"123-45-000{number}") for number in range(LIMIT)] == [[]] * LIMIT
    assert create(api(), clinic, NUMBER) == []
    assert create(api(), clinic, NUMBER, email="ada@example.org") == [str(known.uuid)], "by another signal"
    assert compare(api(), clinic, NUMBER).status_code == 429, "one limit for both ways"
    assert len(create(api(Role.HC_PRIMARY), clinic, NUMBER)) == 1, "another user"


def test_creating_counts_only_numbers_that_find_nobody(api, clinic, known, limited):
    for _ in range(LIMIT):
        create(api(), clinic, "")
        create(api(), clinic, NUMBER)
    assert str(known.uuid) in create(api(), clinic, NUMBER)


# --- other doors ----------------------------------------------------------------------------------
@pytest.mark.parametrize("role", sorted(STAFF))
@pytest.mark.parametrize("text", [NUMBER, "123456789", "6789"])
def test_no_search_finds_a_number(api, clinic, known, role, text):
    client = api(role)
    for path, query in (
        ("patients", {"search": text}),
        ("patients/cursor", {"search": text}),
        ("patients/search", {"q": text}),
    ):
        answer = client.get(f"{clinic.base}/{path}", query)
        assert answer.status_code == 200
        assert str(known.uuid) not in answer.content.decode(), path


def test_what_is_searched_and_sorted_holds_no_sealed_value(clinic):
    numbers = {name: f"998877{index}" for index, name in enumerate(SEALED)}
    patient = clinic.patient(**numbers)
    stored = {field.name: getattr(patient, field.name) for field in Patient._meta.concrete_fields}
    readable = {name: value for name, value in stored.items() if not isinstance(value, bytes | memoryview)}
    assert len(stored) - len(readable) == 2 * len(SEALED)
    assert not [name for name, value in readable.items() if "998877" in str(value)]
    assert not NameKey.objects.filter(patient=patient, key__contains="998877").exists()


def test_no_list_filters_or_sorts_by_a_sealed_column():
    sealed = {field.name for field in Patient._meta.concrete_fields if isinstance(field, models.BinaryField)}
    offered = {name for view in view_sets(get_resolver().url_patterns) for name in offered_columns(view)}
    assert {"date_of_birth", "last_name_key"} <= offered
    assert not offered & (sealed | set(SEALED))


def offered_columns(view: type) -> set[str]:
    """Return the columns by which requests to a view set can filter and sort."""
    filters = getattr(view, "filterset_class", None)
    filtered = [str(one.field_name) for one in filters.base_filters.values()] if filters else []
    orders = getattr(view, "ordering_fields", None) or {}
    return {part for name in filtered for part in name.split("__")} | {order.column for order in orders.values()}


def view_sets(patterns) -> set:
    """Return the view sets that URLs lead to."""
    found = set()
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            found |= view_sets(pattern.url_patterns)
        elif isinstance(pattern, URLPattern) and hasattr(pattern.callback, "cls"):
            found.add(pattern.callback.cls)
    return found
