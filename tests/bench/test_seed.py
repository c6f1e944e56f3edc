"""The bench's invented data are what the product would have stored."""

import random
from collections import defaultdict

import pytest
from django.test import Client

from accounts.models import Organization
from bench.seed import Part, make
from bench.seed.charts import COLUMNS, LENGTHS, LONG_EVERY
from bench.seed.imports import import_rows
from bench.seed.measurements import measure_at_home
from bench.seed.names import distribution
from bench.seed.organizations import SIZES, create_clinic, new_key
from bench.seed.people import People
from clinical.models import Measurement
from patients.models import NameKey, Patient, Provider, Status
from patients.search import derived_columns, name_keys
from tests.shared import made_once

FIRST, COUNT = 10_000_000, 60


def make_clinic():
    clinic = create_clinic("Bench", dict.fromkeys(SIZES, 2))
    make(Part(clinic, FIRST, COUNT, 0.0, 1.0))
    measure_at_home(clinic, [FIRST, FIRST + 1], 30, random.Random(0))
    return clinic


@pytest.fixture(scope="module")
def made(django_db_setup, django_db_blocker):
    with made_once(django_db_blocker, make_clinic) as copied:
        yield copied


@pytest.fixture
def bench_clinic(made, db):
    return made()


@pytest.fixture
def patients(bench_clinic):
    return list(Patient.objects.filter(organization_id=bench_clinic.organization).order_by("id"))


def test_the_columns_are_valid_and_derived_as_the_product_derives_them(patients):
    assert [patient.pk for patient in patients] == list(range(FIRST, FIRST + COUNT))
    for patient in patients:
        patient.full_clean(validate_unique=False)
        derived = derived_columns(vars(patient), "US")
        assert {name: getattr(patient, name) for name in derived} == derived
        keys = [] if patient.deleted_at else name_keys(vars(patient))
        assert list(NameKey.objects.filter(patient=patient).order_by("key").values_list("key", "shared")) == keys


def test_families_of_one_to_eight_share_an_address_and_a_guarantor(patients):
    families = defaultdict(list)
    for patient in patients:
        families[patient.responsible_party_id or patient.pk].append(patient)
    sizes = {len(members) for members in families.values()}
    assert min(sizes) == 1
    assert 3 <= max(sizes) <= 8
    for guarantor, members in families.items():
        assert guarantor in {member.pk for member in members}
        assert len({(member.address_line1, member.city) for member in members}) == 1


def test_long_charts_are_longer_and_none_is_longer_than_said(bench_clinic):
    lengths = defaultdict(int)
    for model in COLUMNS:
        for patient in model.objects.filter(organization_id=bench_clinic.organization).values_list("patient_id", flat=True):
            lengths[patient] += 1
    long = [length for patient, length in lengths.items() if patient % LONG_EVERY == 0]
    others = [length for patient, length in lengths.items() if patient % LONG_EVERY]
    assert len(long) == COUNT // LONG_EVERY
    assert max(long) <= sum(length.most for length in LENGTHS.values()) == 400
    assert sum(long) / len(long) > 5 * sum(others) / len(others)


def test_the_product_lists_finds_and_exports_them(bench_clinic, patients):
    organization = Organization.objects.get(pk=bench_clinic.organization)
    client = Client(headers={"Authorization": f"Bearer {new_key(organization)}"})
    listed = [patient for patient in patients if patient.status != Status.ARCHIVED]
    page = client.get(f"/api/v1/{organization.uuid}/patients?page_size=50").json()
    assert page["total"] == len(listed)
    found = client.get(f"/api/v1/{organization.uuid}/patients/search?q={listed[0].last_name}").json()
    assert str(listed[0].uuid) in {item["id"] for item in found["items"]}
    summary = client.get(f"/api/v1/{organization.uuid}/patients/{patients[0].uuid}/medical-summary")
    assert summary.status_code == 200
    assert Measurement.objects.filter(organization=organization).count() == 30


def test_the_rows_of_an_import_are_taken(bench_clinic):
    organization = Organization.objects.get(pk=bench_clinic.organization)
    client = Client(headers={"Authorization": f"Bearer {new_key(organization)}"})
    provider = Provider.objects.filter(organization=organization).first()
    rows = import_rows(5, random.Random(1), [str(provider.uuid)])
    answer = client.post(f"/api/v1/{organization.uuid}/patients/bulk", {"rows": rows}, content_type="application/json").json()
    assert answer["created"] == 5


def test_the_same_people_come_every_time(bench_clinic):
    first, again = (list(People(bench_clinic, random.Random(3)).patients(1, 20, 0.0, 1.0)) for _ in range(2))
    assert first == again


@pytest.mark.parametrize(("kind", "most_frequent"), [("last", "Smith"), ("female", "Mary"), ("male", "James")])
def test_names_are_as_frequent_as_in_the_census(kind, most_frequent):
    names, cumulated = distribution(kind)
    weights = [after - before for before, after in zip([0, *cumulated], cumulated, strict=False)]
    assert names[weights.index(max(weights))] == most_frequent
    assert len(names) > 500
