"""Suspected duplicates: those of the check at registration, found among changed records, set aside and taken back."""

import datetime
import random
from itertools import combinations

import pytest
from django.db import connection
from django.utils import timezone

from accounts.authentication import actor_of_user
from accounts.models import AuditEvent, Role
from config.core import bulk_writes
from config.core.databases import DatabaseNow
from config.core.exceptions import NotFound
from patients.duplicates import possible_duplicates
from patients.models import DuplicatePair, Patient
from patients.services import duplicates
from patients.services.duplicates import compare_changed, set_aside, set_pair_aside, suspected, take_pair_back
from patients.services.lifecycle import archive_patient, restore_patient
from patients.services.merging import merge_patients
from patients.services.patients import update_patient
from tests.changes import settled
from tests.pages import sign_in
from tests.sweeps import swept

BORN = datetime.date(1980, 5, 17)
ADDRESS = "/admin/patients/duplicates/"


@pytest.fixture
def actor(clinic):
    return actor_of_user(clinic.users[Role.HC_ADMIN], route="admin/")


def compared(clinic, limit: int = duplicates.STEP) -> None:
    settled()
    while compare_changed(organization_id=clinic.organization.pk, limit=limit):
        pass


def pairs(actor, rows=suspected) -> set[tuple[int, int]]:
    return set(rows(actor).values_list("patient_id", "other_id"))


@pytest.fixture
def twins(clinic):
    known = {"last_name": "Jansen", "date_of_birth": BORN}
    return [clinic.patient(first_name=name, **known) for name in ("Ada", "Ada", "Bo")]


# --- the rule ----------------------------------------------------------------------------------------
def brute_force(actor, clinic) -> set[tuple[int, int]]:
    """Return the pairs that the check at registration would find for each record."""
    found = set()
    for patient in Patient.objects.filter(organization=clinic.organization, deleted_at=None):
        values = {name: getattr(patient, name) for name in ("last_name", "date_of_birth", "email", "mobile_phone", "country")}
        if patient.social_security_number_index:
            values["social_security_number"] = NUMBERS[patient.comments]
        others = possible_duplicates(actor, clinic.organization, values, exclude_id=patient.pk)
        found |= {(min(patient.pk, other), max(patient.pk, other)) for other in others}
    return found


NUMBERS = {"a": "123-45-6789", "b": "123 45 6780", "c": "987654321"}


def random_values(chance: random.Random) -> dict:
    number = chance.choice([None, None, None, *NUMBERS])
    return {
        "first_name": chance.choice(["Ada", "Bo", "Cy"]),
        "last_name": chance.choice(["O'Neill", "ONEILL", "Müller", "Mueller", "Yi", "-"]),
        "date_of_birth": chance.choice([None, BORN, datetime.date(1980, 5, 18), datetime.date(1991, 1, 1)]),
        "email": chance.choice([None, "", "a@b.co", "A@B.co", "c@d.co", "e@f.co"]),
        "mobile_phone": chance.choice([None, "", "(212) 555-0123", "+1 212 555 0123", "0612345678", "12", "12 "]),
        "country": chance.choice([None, None, "NL"]),
        "comments": number or "",
        "social_security_number": NUMBERS[number] if number else None,
    }


@swept("seed", range(4), [0])
def test_the_pairs_are_those_of_the_check_at_registration(clinic, neighbour, actor, monkeypatch, seed):
    chance = random.Random(seed)
    monkeypatch.setattr(duplicates, "MAX_SHARED", 1_000)
    rows = [clinic.patient(**random_values(chance)) for _ in range(18)]
    neighbour.patient(**random_values(chance))
    compared(clinic, limit=chance.choice([1, 3, 1_000]))
    assert pairs(actor) == brute_force(actor, clinic)
    for row in chance.sample(rows, 6):
        update_patient(actor=actor, patient_id=row.pk, base_version=None, changes=random_values(chance))
    archive_patient(actor=actor, patient_id=rows[0].pk)
    # What matches no more is not shown even before it is compared again.
    assert pairs(actor) <= brute_force(actor, clinic)
    compared(clinic, limit=chance.choice([1, 3, 1_000]))
    restore_patient(actor=actor, patient_id=rows[0].pk)
    compared(clinic)
    assert pairs(actor) == brute_force(actor, clinic)


def test_what_speaks_for_one_person_is_told_in_words_the_most_certain_first(clinic, actor, twins):
    near = clinic.patient(first_name="Cy", last_name="Other", date_of_birth=datetime.date(1980, 5, 18), email="a@b.co")
    far = clinic.patient(first_name="Di", last_name="Third", date_of_birth=BORN, email="A@b.co")
    compared(clinic)
    page = sign_in(clinic.users[Role.HC_ADMIN]).get(ADDRESS).content.decode()
    places = [
        page.index(words)
        for words in (
            "same name and date of birth",
            "same last name and date of birth",
            "same e-mail, dates of birth differ in one",
        )
    ]
    assert places == sorted(places)
    assert page.count("Very likely") == 1
    assert (near.pk, far.pk) in pairs(actor)


def test_a_value_that_very_many_records_share_makes_no_pairs(clinic, actor, monkeypatch):
    monkeypatch.setattr(duplicates, "MAX_SHARED", 3)
    rows = [clinic.patient(last_name=f"Name {number}", email="none@clinic.example") for number in range(3)]
    compared(clinic)
    assert pairs(actor) == set(combinations(sorted(row.pk for row in rows), 2))
    fourth = clinic.patient(last_name="Name 4", email="none@clinic.example", date_of_birth=BORN)
    compared(clinic)
    assert not any(fourth.pk in pair for pair in pairs(actor))


# --- what changes ------------------------------------------------------------------------------------
def test_a_merged_record_leaves_the_list(clinic, actor, twins):
    compared(clinic)
    first, second, third = twins
    versions = {"base_version": first.version, "other_base_version": second.version}
    merge_patients(actor=actor, survivor_id=first.pk, other_id=second.pk, choices={}, **versions)
    assert pairs(actor) == {(first.pk, third.pk)}
    compared(clinic)
    assert pairs(actor) == {(first.pk, third.pk)}


def test_a_pair_set_aside_stays_so_until_what_is_compared_changes(clinic, actor, twins):
    compared(clinic)
    pair = DuplicatePair.objects.get(patient=twins[0], other=twins[1])
    set_pair_aside(actor=actor, pair_id=pair.pk)
    update_patient(actor=actor, patient_id=twins[0].pk, base_version=None, changes={"city": "Delft"})
    archive_patient(actor=actor, patient_id=twins[1].pk)
    compared(clinic)
    restore_patient(actor=actor, patient_id=twins[1].pk)
    compared(clinic)
    assert pairs(actor, set_aside) == {(twins[0].pk, twins[1].pk)}
    update_patient(actor=actor, patient_id=twins[0].pk, base_version=None, changes={"email": "ada@example.test"})
    compared(clinic)
    assert pairs(actor, set_aside) == set()
    assert (twins[0].pk, twins[1].pk) in pairs(actor)
    pair.refresh_from_db()
    assert (pair.set_aside_at, pair.set_aside_by, pair.compared_index) == (None, None, None)


def test_setting_aside_and_taking_back_are_audited_with_both(clinic, actor, twins):
    compared(clinic)
    pair = DuplicatePair.objects.get(patient=twins[0], other=twins[1])
    set_pair_aside(actor=actor, pair_id=pair.pk)
    with pytest.raises(NotFound):
        set_pair_aside(actor=actor, pair_id=pair.pk)
    take_pair_back(actor=actor, pair_id=pair.pk)
    with pytest.raises(NotFound):
        take_pair_back(actor=actor, pair_id=pair.pk)
    events = AuditEvent.objects.filter(action__startswith="duplicate_pair.").order_by("pk")
    assert [event.action for event in events] == ["duplicate_pair.set_aside", "duplicate_pair.take_back"]
    for event in events:
        assert {row.patient_id for row in event.patients.all()} == {twins[0].pk, twins[1].pk}
    assert (twins[0].pk, twins[1].pk) in pairs(actor)


def test_a_look_costs_the_same_statements_for_few_and_many(clinic, django_assert_max_num_queries):
    compared(clinic)
    for number in range(30):
        clinic.patient(last_name="Same", date_of_birth=BORN + datetime.timedelta(days=number // 2), email=f"{number // 2}@b.co")
    settled()
    with django_assert_max_num_queries(24):
        assert compare_changed(organization_id=clinic.organization.pk) == 30


# --- the pages ---------------------------------------------------------------------------------------
def test_only_those_who_may_merge_see_the_list(clinic, neighbour, twins):
    for role, status in ((Role.HC_ADMIN, 200), (Role.HC_VIEW_ALL, 403), (Role.HC_PRIMARY, 403), (Role.HC_SECONDARY, 403)):
        assert sign_in(clinic.users[role]).get(ADDRESS).status_code == status
    assert b"Jansen" in sign_in(clinic.users[Role.HC_ADMIN]).get(ADDRESS).content
    assert b"Jansen" not in sign_in(neighbour.users[Role.HC_ADMIN]).get(ADDRESS).content


def test_the_page_compares_what_has_changed_and_its_buttons_set_aside_and_take_back(clinic, actor, twins):
    settled()
    client = sign_in(clinic.users[Role.HC_ADMIN])
    page = client.get(ADDRESS).content.decode()
    pair = DuplicatePair.objects.get(patient=twins[0], other=twins[1])
    assert f"/admin/patients/patient/{twins[0].pk}/merge/{twins[1].pk}/" in page
    aside = f"{ADDRESS}{pair.pk}/set-aside/"
    assert aside in page
    assert "are set aside as two persons" in client.post(aside, follow=True).content.decode()
    assert client.post(aside).status_code == 404
    assert aside not in client.get(ADDRESS).content.decode()
    back = f"{ADDRESS}{pair.pk}/take-back/"
    assert back in client.get(f"{ADDRESS}set-aside/").content.decode()
    assert "are suspected again" in client.post(back, follow=True).content.decode()
    assert aside in client.get(ADDRESS).content.decode()


def test_pages_follow_each_other_and_nobody_is_shown_twice(clinic, actor, twins, monkeypatch):
    monkeypatch.setattr("patients.admin.duplicates.PAIRS", 1)
    settled()
    client, address, seen = sign_in(clinic.users[Role.HC_ADMIN]), ADDRESS, []
    while address:
        response = client.get(address)
        seen += [row.pair.pk for row in response.context["rows"]]
        address = f"{ADDRESS}?after={response.context['next']}" if response.context["next"] else ""
    assert seen == list(suspected(actor).order_by("-weight", "pk").values_list("pk", flat=True))
    assert len(seen) == 3
    assert client.get(f"{ADDRESS}?after=x-1").status_code == 400


def test_the_steps_of_the_page_compare_the_rest(clinic, actor, twins, monkeypatch):
    monkeypatch.setattr("patients.admin.duplicates.FIRST_STEP", 1)
    monkeypatch.setattr("patients.admin.duplicates.NEXT_STEPS", 1)
    settled()
    client = sign_in(clinic.users[Role.HC_ADMIN])
    assert "still to be compared" in client.get(ADDRESS).content.decode()
    answers = [client.post(f"{ADDRESS}step/", headers={"HX-Request": "true"}) for _ in range(100)]
    assert {answer.headers.get("HX-Redirect") for answer in answers} == {None, ADDRESS}
    assert len(pairs(actor)) == 3


def test_a_superadmin_chooses_the_organization(clinic, twins):
    client = sign_in(clinic.users[Role.FC_ADMIN])
    settled()
    assert b"In which organization?" in client.get(ADDRESS).content
    slug = clinic.organization.slug
    assert b"Jansen" in client.get(f"{ADDRESS}?organization={slug}").content
    pair = DuplicatePair.objects.get(patient=twins[0], other=twins[1])
    answer = client.post(f"{ADDRESS}{pair.pk}/set-aside/?organization={slug}")
    assert answer.headers["Location"] == f"{ADDRESS}?organization={slug}"


def test_however_many_pairs_there_are_no_statement_takes_more_than_its_share(clinic, actor, monkeypatch):
    """PostgreSQL takes 65,535 parameters: 2,000 records that come in homes of 20 people made 19,000 pairs, and a failure."""
    for module in (duplicates, bulk_writes):
        monkeypatch.setattr(module, "ROWS_A_STATEMENT", 10)
    for number in range(8):
        clinic.patient(first_name=f"Name {number}", last_name="A", email="home@b.co")
    most = []

    def counting(execute, sql, params, many, context):
        most.append(len(params or ()))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(counting):
        compared(clinic)
        DuplicatePair.objects.update(weight=0)
        Patient.objects.update(updated_at=DatabaseNow())
        compared(clinic)
        assert len(pairs(actor)) == 28
        Patient.objects.update(updated_at=DatabaseNow(), email_key="")
        compared(clinic)
    assert not DuplicatePair.objects.exists()
    assert max(most) < 100


def test_a_pair_that_is_set_aside_while_it_is_compared_stays_so(clinic, actor, twins, monkeypatch):
    compared(clinic)
    pair = suspected(actor).get(patient=twins[0], other=twins[1])
    update_patient(actor=actor, patient_id=twins[1].pk, base_version=None, changes={"first_name": "Adam"})
    stale = duplicates._is_stale

    def meanwhile(row: DuplicatePair) -> bool:
        found = stale(row)
        DuplicatePair.objects.filter(pk=pair.pk, set_aside_at=None).update(set_aside_at=timezone.now())
        return found

    monkeypatch.setattr(duplicates, "_is_stale", meanwhile)
    compared(clinic)
    after = DuplicatePair.objects.get(pk=pair.pk)
    assert after.set_aside_at
    assert after.weight < pair.weight
