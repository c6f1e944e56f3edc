"""Names as people write them, in many scripts: one folding finds, compares and sorts them, by every door."""

import datetime
import unicodedata
from functools import partial
from typing import NamedTuple

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.models import Role
from accounts.scope import Actor
from patients.labels import label_of, name_of, phone_of
from patients.models import NameKey, Patient
from patients.names import match_key
from patients.services.lifecycle import record_death
from tests.factories import archive
from tests.pages import sign_in
from tests.patients.test_search import found, typed
from tests.shared import once_a_module

BORN = datetime.date(1961, 2, 3)


class Name(NamedTuple):
    """A name, and what finds it beside what is shown of it."""

    first: str
    last: str
    finds: tuple[str, ...] = ()


NAMES = [
    Name("Ludwig", "van der Beek", ("Beek, Ludwig", "beek;ludwig", "vanderbeek", "van-der-beek", "ludwig،beek")),
    Name("Renee", "O\u2019Brien", ("o'brien", "obrien", "o brien", "O\u02bcBrien", "brien", "O`BRIEN", "o\u2018brien, renee")),
    Name("Shea", "O'Neill", ("o\u2019neill", "oneill", "o\uff07neill", "neill shea")),
    Name(
        "Anna\u2011Lena", "Schmidt\u2010Weber", ("schmidt-weber", "anna-lena", "annalena", "schmidtweber", "weber, lena")
    )._replace(),
    Name("Jean-Luc", "Le Goff-Kerguélen", ("kerguelen", "jean luc", "jeanluc", "legoff", "le goff kerguelen", "luc goff")),
    Name("Noor", "Al Hamid", ("alhamid", "al-hamid", "Al\u2013Hamid")),
    Name("Sami", "Al-Rashid", ("al rashid", "alrashid")),
    Name("Tom", "Mcdonald", ("mc donald", "mc-donald")),
    Name("小明", "王", ("王小明", "小明王", "王 小明", "王\u3000小明", "王，小明", "王·小明")),
    Name("太郎", "佐々木", ("佐々木太郎", "太郎佐々木", "佐々木　太郎")),
    Name("ﾀﾛｳ", "ﾔﾏﾀﾞ", ("ヤマダタロウ", "やまだ", "ヤマダ・タロウ", "たろう")),
    Name("민수", "김", ("김민수", "민수김", unicodedata.normalize("NFD", "김민수"))),
    Name("علی", "یزدی", ("علي يزدي", "علی یزدی", "يزدى", "عـلـي")),
    Name("أحمد", "عبدالكريم", ("احمد", "عبدالکریم", "أَحْمَد")),
    Name("فاطمة", "الزهراء", ("فاطمه", "الزهراء، فاطمة")),
    Name(
        "Jürgen",
        "Müller-Lüdenscheidt",
        ("mueller", "muller", "MÜLLER", "juergen", "jurgen", "Mu\u0308ller", "muellerluedenscheidt"),
    ),
    Name("Goetz", "Kaestner", ("Götz", "Kästner", "kästner, götz")),
    Name("Åse", "Sørby", ("aase", "ase", "soerby", "sorby", "Sörby")),
    Name("Aage", "Straße", ("Åge", "strasse", "STRASSE", "åge straße")),
    Name("Νίκος", "Παπαδόπουλος", ("νικοσ", "ΠΑΠΑΔΟΠΟΥΛΟΣ")),
    Name("Пётр", "Щукин", ("петр", "ЩУКИН ПЁТР")),
    Name("İsmail", "Yıldız", ("ismail", "yildiz", "YILDIZ")),
    Name("राम", "शर्मा", ("शर्मा राम",)),
    Name("ʻAlohi", "Ka\u02bbai", ("alohi", "kaai", "ka'ai", "'alohi")),
    Name('\'Tina "Ti"', "'t Hart (Smit), Jr.", ("hart tina", "t hart", "smit", "jr", "\u201cti\u201d", "thart")),
    Name("St. John", "Saint-Just", ("st john", "stjohn", "saint just")),
    Name("Gal·la", "Puig i Cadafalch", ("galla", "gal\u2022la", "cadafalch")),
    Name("María de los Ángeles del Pilar", "Fernández de la Cruz y Gómez-Acebo", ("acebo", "pilar cruz")),
    Name("-", "Unknown-Person", ("unknown person",)),
    Name("علی\u200cرضا", "رضایی", ("علیرضا", "علی رضا")),
    Name("Mül\u00adler", "Ho\u200bward", ("howard",)),
    Name("Lee/Kim", "A & B", ("kim", "leekim", "lee-kim", "lee kim", "a&b", "a/b")),
    Name("Mary_Ann", "Katz\uff5eLevy", ("maryann", "mary-ann", "katzlevy", "katz\u301clevy", "katz levy")),
    Name("Nuala", "García O'Neill", ("oneill", "o neill", "garciaoneill")),
    Name("Omar", "Bin Al-Hamid", ("alhamid", "al hamid", "binalhamid")),
    Name("Eva", "von Schmidt-Weber", ("schmidtweber", "vonschmidtweber")),
    Name("Françoise-Élise", "de La Tour d’Aubigné", ("daubigne", "francoiseelise", "d\u275caubigne, elise")),
    Name("Käthe", "Müller-Lüders", ("mueller-luders", "muller-lueders", "mullerlueders", "muellerluders", "mueller luders")),
    Name("Ødegård", "Bjørnsen-Ås", ("Odegaard", "Oedegard", "bjornsen-aas", "bjoernsenas", "Bjoernsen-Ås")),
    Name("Joerg", "Mueller-Lüders", ("muller", "jorg", "mullerluders", "Müller-Lueders", "mueller-luders")),
    Name("Bjørn", "Åkerström Grønbæk Sjöström-Hägg", ("akerstroem", "groenbaek", "sjostroem-hagg", "sjoestromhagg")),
    Name("Ɗanladi", "Ɓaƙo", ("danladi", "bako", "ɗan ɓak")),
    Name("Əli", "Ŋkɔsɛ", ("eli", "nkose")),
    Name("髙広", "渡邉", ("高廣", "渡辺", "渡邊髙広", "高広渡邊")),
    Name("国华", "陈", ("陳國華", "國華", "陳")),
]


def make_people(clinic) -> list[Patient]:
    """Make one patient with each name; the chart numbers tell them apart."""
    return [
        clinic.patient(
            first_name=name.first,
            last_name=name.last,
            preferred_name=None,
            date_of_birth=BORN,
            mobile_phone="(212) 555-0123",
            chart_number=f"RV-{number:05}",
            care_group_id=clinic.group.pk,
        )
        for number, name in enumerate(NAMES, 1)
    ]


copied_people = once_a_module(make_people)


@pytest.fixture
def people(clinic, copied_people) -> list[Patient]:
    return copied_people()


@pytest.fixture
def client(clinic) -> Client:
    return sign_in(clinic.users[Role.HC_ADMIN])


def shown(patient: Patient) -> list[str]:
    """Return what lists, pickers and titles show for a patient: the name in either order, the label, the number."""
    label = label_of(patient, timezone.localdate())
    return [name_of(patient), patient.full_name, label, f"{name_of(patient)}, {patient.chart_number}", str(patient.chart_number)]


@pytest.mark.parametrize("number", range(len(NAMES)), ids=[f"{name.first} {name.last}" for name in NAMES])
def test_what_is_shown_for_a_patient_and_what_people_type_find_them(clinic, api, general, people, number):
    patient = people[number]
    for text in (*shown(patient), *NAMES[number].finds):
        assert str(patient.uuid) in found(api, clinic, text), text
        assert str(patient.uuid) in typed(api, clinic, text), text
    listed = general().get("/general/v1/patients", {"search": NAMES[number].last}).json()
    assert patient.pk in [item["id"] for item in listed]


LETTERS = "abcäöüøåßéOÆ -'\u2019\u2010\u2013.,;·\u02bb`\"()&\u200b\xa0\u3000王小明々ヤﾔﾞや・김민علیيكأةـабйάςराम्א\u05f3٣5😀"
ANY_NAME = st.text(st.sampled_from(LETTERS), min_size=1, max_size=14).filter(lambda text: any(map(str.isalnum, text)))


@pytest.mark.sweep
@settings(max_examples=25, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=ANY_NAME, last=ANY_NAME)
def test_any_name_is_found_as_it_is_shown(neighbour, api, first, last):
    number = f"N-{Patient.objects.count():05}"
    patient = neighbour.patient(first_name=first, last_name=last, date_of_birth=BORN, chart_number=number)
    for text in shown(patient):
        for search in (found, typed):
            assert str(patient.uuid) in search(partial(api, clinic=neighbour), neighbour, text), text
    archive(patient)


def test_a_name_finds_nobody_else(clinic, api, people):
    for number in (0, 1, 3, 8, 12, 15):
        assert (
            found(api, clinic, name_of(people[number]))
            == typed(api, clinic, name_of(people[number]))
            == [str(people[number].uuid)]
        )


@pytest.mark.parametrize("number", [1, 8, 15])
def test_every_search_of_the_admin_finds_the_same(client, people, number):
    patient = people[number]
    named = {"app_label": "patients", "model_name": "patient", "field_name": "responsible_party"}
    for text in (label_of(patient, timezone.localdate()), *NAMES[number].finds):
        listed = client.get(reverse("admin:patients_patient_changelist"), {"q": text}).context["cl"].result_list
        assert patient.pk in [row.pk for row in listed], text
        picked = client.get("/admin/autocomplete/", {**named, "term": text}).json()["results"]
        assert str(patient.pk) in [row["id"] for row in picked], text
        for page in ("find", "search"):
            assert patient.pk in [
                row.pk for row in client.get(reverse(f"admin:{page}"), {"q": text}).context["found"].patients
            ], text


@pytest.mark.parametrize("text", ["sue", "joe", "mue", "baa", "a-", "Ada'Mubarak"])
def test_another_spelling_finds_no_plain_letters(clinic, api, text):
    """Who is typing Sue does not mean Suarez, and who is typing A- does not mean Ada."""
    plain = [clinic.patient(first_name="Suarez", last_name="Jonas"), clinic.patient(first_name="Mubarak", last_name="Ada")]
    for answer in (found(api, clinic, text), typed(api, clinic, text)):
        assert not {str(patient.uuid) for patient in plain} & {*answer}


@pytest.mark.parametrize(
    "text", ["02/03/1961", "2/3/1961", "03-02-1961", "3 Feb 1961", "Feb. 3, 1961", "February 3rd, 1961", "1961-02-03"]
)
def test_the_date_of_birth_is_found_as_people_write_it(clinic, api, people, text):
    assert len(found(api, clinic, f"{text} beek")) == 1


def test_the_label_of_an_infant_and_of_somebody_dead_find_them(clinic, api):
    today = timezone.localdate()
    dead = clinic.patient(last_name="Gone", date_of_birth=datetime.date(1940, 5, 5))
    record_death(actor=Actor.system("tests"), patient_id=dead.pk, at=datetime.datetime(2000, 6, 1, tzinfo=datetime.UTC))
    dead.refresh_from_db()
    for patient, age in ((dead, 60), (clinic.patient(last_name="New", date_of_birth=today - datetime.timedelta(2)), 0)):
        assert f", {age}" in label_of(patient, today)
        assert found(api, clinic, label_of(patient, today)) == typed(api, clinic, label_of(patient, today)) == [str(patient.uuid)]


@pytest.mark.parametrize("text", ["00001", "rv 00001", "RV\u201300001", "rv00001", "٠٠٠٠١"])
def test_the_digits_of_a_chart_number_find_it(clinic, api, people, text):
    assert found(api, clinic, text) == typed(api, clinic, text) == [str(people[0].uuid)]


def test_the_phone_as_it_is_shown_finds_its_owner(clinic, api, people):
    assert len(found(api, clinic, phone_of(people[0]))) == len(NAMES)


def test_the_typeahead_reads_its_index(clinic, api, people):
    """Each of the forms of a word is a range of the index of names."""
    with CaptureQueriesContext(connection) as captured:
        typed(api, clinic, "Müller-Lüdenscheidt, Jürgen")
    statement = next(query["sql"] for query in captured if '"patients_namekey"."key" >=' in query["sql"])
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {'QUERY PLAN' if connection.vendor == 'sqlite' else ''} {statement}")
        plan = "\n".join(str(row) for row in cursor.fetchall())
    assert "name_key_prefix" in plan
    assert "SCAN patients_namekey" not in plan


def test_keys_fit_their_column(clinic):
    patient = clinic.patient(first_name="김" * 255, last_name="ﷺ" * 255)
    assert max(len(key) for key in NameKey.objects.filter(patient=patient).values_list("key", flat=True)) <= 255


# --- sorting ------------------------------------------------------------------------------------------
def test_names_are_sorted_without_regard_to_their_signs(neighbour, api):
    order = ["O'Neil", "O\u2019Neill", "O'Neill", "O\u02bcNeillson", "Schmidt\u2010Weber", "Schmidt-Weber", "Schmidt\u2013Webern"]
    for last in reversed(order):
        neighbour.patient(last_name=last)
    same = {"O'Neill": "O\u2019Neill", "Schmidt-Weber": "Schmidt\u2010Weber"}
    walked, cursor = [], {}
    while len(walked) < len(order):
        page = api(Role.HC_ADMIN, neighbour).get(
            f"{neighbour.base}/patients/cursor", {"sort_by": "last_name", "page_size": 2, **cursor}
        )
        walked += [item["last_name"] for item in page.json()["data"]]
        cursor = {"cursor": page.json()["page_info"]["end_cursor"]}
    assert [same.get(last, last) for last in walked] == [same.get(last, last) for last in order]


# --- duplicates ---------------------------------------------------------------------------------------
DUPLICATES = [
    ("D'Angelo", "D\u2019Angelo"),
    ("García López", "Garcia\u2011Lopez"),
    ("García López", "GarciaLopez"),
    ("Müller", "Mueller"),
    ("Müller", "Muller"),
    ("Sørensen", "Soerensen"),
    ("van der Berg", "Vanderberg"),
    ("St. John", "St John"),
    ("یزدی", "يزدي"),
    ("ﾔﾏﾀﾞ", "ヤマダ"),
    ("Łukasz", "lukasz"),
    ("Ɗanladi", "Danladi"),
    ("齋藤", "斉藤"),
    ("Katz/Levy", "Katz-Levy"),
]


@pytest.mark.parametrize(("stored", "sent"), DUPLICATES)
def test_the_same_last_name_in_another_spelling_is_a_possible_duplicate(clinic, api, stored, sent):
    other = clinic.patient(first_name="Other", last_name="Somebody", date_of_birth=BORN)
    for one, two in ((stored, sent), (sent, stored)):
        known = clinic.patient(first_name="Ann", last_name=one, date_of_birth=BORN)
        body = {"last_name": two, "date_of_birth": BORN.isoformat()}
        checked = api().post(f"{clinic.base}/patients/check-duplicates", body).json()["items"]
        assert str(known.uuid) in [item["id"] for item in checked]
        created = api().post(f"{clinic.base}/patients", {"first_name": "Bea", **body}).json()["potential_duplicates"]
        assert str(known.uuid) in [item["id"] for item in created]
        assert str(other.uuid) not in [item["id"] for item in (*checked, *created)]


def test_names_of_signs_alone_are_not_all_one():
    assert len({match_key(name) for name in ("-", "?", ".", "Ada")}) == 4


def test_registration_compares_names_without_their_signs(clinic, client):
    clinic.patient(first_name="Jean-Luc", last_name="D\u2019Angelo", date_of_birth=BORN)
    sent = {"first_name": "Jean Luc", "last_name": "D'Angelo", "date_of_birth": "3 Feb 1961"}
    (alike,) = client.post(reverse("admin:register_alike"), sent).context["alike"]
    assert alike.same == ["first name", "last name", "date of birth"]
    assert alike.is_very_likely
