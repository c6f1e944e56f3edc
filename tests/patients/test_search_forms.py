"""Finding a patient as people write: labels of the admin, dates in any order, chart numbers in any punctuation."""

import datetime
import importlib
from types import SimpleNamespace

import pytest
from django.apps import apps
from django.db import connection
from django.db.models import F
from django.utils import timezone

from patients.finding import containing_words
from patients.models import NameKey, Patient, Provider
from patients.search import query_patterns
from patients.written_dates import written_dates
from tests.factories import SYSTEM, archive
from tests.patients.test_search import found, typed
from tests.shared import once_a_module

catalogs = importlib.import_module("clinical.migrations.0007_fold_names_of_catalogs_anew")
migration = importlib.import_module("patients.migrations.0006_fold_names_anew")


def make_hugo(clinic) -> Patient:
    """Make a patient among others who differ in the name, the day, the month, the year or the number."""
    born = datetime.date(1957, 1, 4)
    clinic.patient(first_name="Joan", last_name="Abernathy", date_of_birth=born.replace(month=2), chart_number="RV-00016")
    clinic.patient(first_name="Hugo", last_name="Jones", date_of_birth=born.replace(day=14), chart_number="QX.170")
    clinic.patient(first_name="Maria", last_name="Mei", date_of_birth=born.replace(year=1985), chart_number="UX0017")
    return clinic.patient(first_name="Hugo", last_name="Abernathy", date_of_birth=born, chart_number="RV-00017")


copied_hugo = once_a_module(make_hugo)


@pytest.fixture
def hugo(clinic, copied_hugo) -> Patient:
    return copied_hugo()


LABELS = ["Abernathy, Hugo", "abernathy,hugo", "Hugo; Abernathy", "Abernathy, Hugo, RV-00017"]
NUMBERS = ["RV-00017", "rv00017", "rv 00017", "RV/00017", "rv.00017", "#rv_00017"]
DATES = [
    "1957-01-04", "1957/1/4", "1957.01.04", "04-01-1957", "4-1-1957", "4.1.1957", "4/1/1957", "1/4/1957", "04011957", "01041957",
    "4-1-57", "4 jan 1957", "4 January 1957", "4 januari 1957", "4-jan-1957", "4 jan. 1957", "4 jan 57",
    "Jan 4, 1957", "January 4 1957", "4 JAN 1957, abernathy", "hugo 4 jan 1957",
]  # fmt: skip


@pytest.mark.parametrize("text", [*LABELS, *NUMBERS, *DATES])
def test_a_patient_is_found_as_people_write(clinic, api, hugo, text):
    assert found(api, clinic, text) == [str(hugo.uuid)]


@pytest.mark.parametrize("text", [*LABELS, *NUMBERS])
def test_the_typeahead_finds_labels_and_numbers_too(clinic, api, hugo, text):
    assert typed(api, clinic, text) == [str(hugo.uuid)]


@pytest.mark.parametrize("text", ["ux-0017", "UX 0017", "ux0017"])
def test_a_number_without_punctuation_is_found_with_it(clinic, api, hugo, text):
    assert found(api, clinic, text) == typed(api, clinic, text) == [str(Patient.objects.get(chart_number="UX0017").uuid)]


@pytest.mark.parametrize(("age", "finds"), [(69, True), (68, True), (71, False), (67, False)])
def test_a_label_with_an_age_finds_who_was_or_becomes_that_old_this_year(clinic, api, hugo, monkeypatch, age, finds):
    monkeypatch.setattr(timezone, "now", lambda: datetime.datetime(2026, 11, 29, tzinfo=datetime.UTC))
    assert Patient.objects.filter(containing_words(SYSTEM, f"Abernathy, Hugo, {age}, RV-00017")).exists() is finds
    assert typed(api, clinic, f"Abernathy, Hugo, {age}, RV-00017") == [str(hugo.uuid)]


@pytest.mark.parametrize(
    ("text", "count"), [("jan 1957", 2), ("mei", 1), ("4 feb 1957", 1), ("4 jan", 2), ("01/1957", 2), ("feb 1958", 0)]
)
def test_a_date_without_a_day_or_a_year_finds_every_one_that_fits(clinic, api, hugo, text, count):
    assert len(found(api, clinic, text)) == count


PATTERNS = {
    "3-4-1957": {"%1957-03-04%", "%1957-04-03%"},
    "13-4-1957": {"%1957-04-13%"},
    "29 feb 1957": set(),
    "29 feb 57": {"%__57-02-29%"},
    "31/31/1957": set(),
    "0-0-0000": set(),
    "99999999": set(),
    "may 2000": {"%2000-05-__%"},
    "mrt 2000": {"%2000-03-__%"},
    "okt 2000": {"%2000-10-__%"},
    "3 zebra 2000": set(),
    "12345 jan 2000": {"%2000-01-__%"},
    "4 jan 123": {"%____-01-04%"},
}


@pytest.mark.parametrize(("text", "patterns"), PATTERNS.items())
def test_only_days_that_exist_are_dates(text, patterns):
    assert {pattern for date in written_dates(text) for pattern in date.patterns} == patterns


def test_few_shapes_serve_all_queries():
    texts = [*LABELS, *NUMBERS, *DATES, *PATTERNS, "Abernathy, 69", "a-1", "06-08-59, x", "1 2 1957, 3"]
    assert {len(forms) for text in texts for forms in query_patterns(text)} == {1, 2, 4}


def test_signs_alone_stay_a_search(clinic, api, hugo):
    assert found(api, clinic, ",") == typed(api, clinic, ",") == []


def test_a_migration_derives_anew_for_patients_who_exist(clinic, api, hugo):
    clinic.patient(last_name="Smith,Jr", chart_number="S 1")
    archived = archive(clinic.patient(last_name="O\u2019Neill", first_name="Gone"))
    columns = ("pk", "search_text", "last_name_key", "last_name_match_key", "chart_number_key")
    rows, keys = set(Patient.objects.values_list(*columns)), set(NameKey.objects.values_list("patient_id", "key"))
    assert archived.pk not in {patient for patient, _ in keys}
    NameKey.objects.exclude(patient=hugo.pk).delete()
    NameKey.objects.update(key="of before")
    Patient.objects.update(search_text="of before", last_name_key="b", last_name_match_key="", chart_number_key=F("id"))
    assert found(api, clinic, "rv00017") == typed(api, clinic, "smith,jr") == []
    for _ in range(2):
        migration.derive(apps, SimpleNamespace(connection=connection))
        assert set(Patient.objects.values_list(*columns)) == rows
        assert set(NameKey.objects.values_list("patient_id", "key")) == keys


def test_of_two_numbers_that_have_become_one_the_second_keeps_its_key(clinic):
    one, two = clinic.patient(chart_number="A-1"), clinic.patient(chart_number="A-2")
    Patient.objects.filter(pk=two.pk).update(chart_number="A\u20111", chart_number_key="a\u20111")
    migration.derive(apps, SimpleNamespace(connection=connection))
    keys = dict(Patient.objects.values_list("pk", "chart_number_key"))
    assert (keys[one.pk], keys[two.pk]) == ("a-1", "a\u20111")


def test_a_migration_derives_the_keys_of_catalogs_anew(clinic):
    provider = clinic.catalog(Provider, "Dr O\u2019Neill")
    Provider.objects.filter(pk=provider.pk).update(name_key="dr o\u2019neill")
    catalogs.derive(apps, SimpleNamespace(connection=connection))
    assert Provider.objects.get(pk=provider.pk).name_key == "dr o'neill"
