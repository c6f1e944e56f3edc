"""Finding a patient: by any fragment of the record in lists, by beginnings in the typeahead."""

import datetime

import pytest

from accounts.models import Role
from patients.models import Patient
from patients.phones import e164
from patients.search import MAX_WORDS, query_patterns
from tests.factories import Clinic, archive
from tests.shared import once_a_module

BORN = datetime.date(1980, 5, 17)


def make_ada(clinic: Clinic) -> Patient:
    """Make a patient with something to find in every searched column, among others who share none of it."""
    clinic.patient(first_name="Boris", last_name="Other", email="boris@elsewhere.test", chart_number="Q-1")
    clinic.patient(first_name="100%", last_name="under_score", chart_number="back\\slash")
    return clinic.patient(
        first_name="Zoë-Ada",
        middle_name="Łucja",
        last_name="Sørensen von Æblegård",
        preferred_name="İpek",
        chart_number="MRN-0042",
        email="Zoe.Ada+x@Example.TEST",
        date_of_birth=BORN,
        home_phone="(020) 624 1111",
        mobile_phone="+31 6 12345678",
        work_phone="ext. seven",
        country="NL",
        care_group_id=clinic.group.pk,
    )


copied_ada = once_a_module(make_ada)


@pytest.fixture
def ada(clinic, copied_ada) -> Patient:
    return copied_ada()


FRAGMENTS = [
    "Zoë-Ada",
    "zoe-ada",
    "ZOË",
    "zoe",
    "oe-a",  # case, accents, parts
    "Łucja",
    "lucja",
    "UCJ",
    "Sørensen",
    "sorensen",
    "SØREN",
    "von",
    "Æblegård",
    "aeblegard",
    "AEBLE",
    "İpek",
    "ipek",
    "Zoe\u0308",
    "\u200bzoe",  # a combining mark, and a sign of no width
    "MRN-0042",
    "mrn-0042",
    "0042",
    "MRN",
    "zoe.ada+x@example.test",
    "EXAMPLE.TEST",
    "ada+x",
    "@example",
    "1980-05-17",
    "19800517",
    "1980",
    "05-17",
    "0517",
    "(020) 624 1111",
    "0206241111",
    "020-624",
    "+31206241111",
    "31206241111",
    "6241111",
    "+31 6 12345678",
    "+31612345678",
    "0612345678",
    "06-12345678",
    "612345678",
    "(06)123",
    "345678",
    "ext. seven",
    "seven",
    "sorensen zoe",
    "zoe 1980-05-17",
    "lucja mrn 0042 example",
    "  zoe   sorensen  ",
    "1111 5678",
]


def found(api, clinic, text: str, role: str = Role.HC_ADMIN) -> list[str]:
    response = api(role).get(f"{clinic.base}/patients", {"search": text})
    assert response.status_code == 200, response.content
    assert response.json()["total"] == len(response.json()["items"])
    return [item["id"] for item in response.json()["items"]]


@pytest.mark.parametrize("text", FRAGMENTS)
def test_a_patient_is_found_by_any_fragment(clinic, api, ada, text):
    assert found(api, clinic, text) == [str(ada.uuid)]


ABSENT = ["nobody", "zoe boris", "1980-05-18", "0612345679", "ö42", "zoe%", "z_e", "mrn*", "1980-05-17 1981"]


@pytest.mark.parametrize("text", ABSENT)
def test_what_a_record_does_not_hold_does_not_find_it(clinic, api, ada, text):
    assert found(api, clinic, text) == []


@pytest.mark.parametrize("text", ["%", "0%", "_", "r_s", "\\", "k\\s"])
def test_wildcards_are_letters(clinic, api, ada, text):
    (one,) = found(api, clinic, text)
    assert Patient.objects.get(uuid=one).first_name == "100%"


@pytest.mark.parametrize("text", ["%%", "_%", "\\\\", "%_\\", "' OR 1=1 --", '"', "[a-z]", "(?:x)", "*", "$1", "%s", "%(x)s"])
def test_signs_of_other_languages_find_nothing_and_break_nothing(clinic, api, ada, text):
    assert found(api, clinic, text) == []


@pytest.mark.parametrize("text", ["", "   ", "\u200b", "\u0301"])
def test_an_empty_search_is_no_filter(clinic, api, ada, text):
    assert len(found(api, clinic, text)) == 3


def test_at_most_eight_words_count(clinic, api, ada):
    assert found(api, clinic, "zoe " * MAX_WORDS + "nobody") == [str(ada.uuid)]
    assert found(api, clinic, "zoe " * (MAX_WORDS - 1) + "nobody") == []
    assert len(query_patterns("a " * 50)) == MAX_WORDS


def test_every_dialect_with_a_search_finds_the_same(clinic, general, ada):
    listed = general().get("/general/v1/patients", {"search": "sorensen 0612345678"})
    assert [item["id"] for item in listed.json()] == [ada.pk]
    assert listed["X-Total"] == "1"


def test_a_change_is_found_by_what_is_new_and_not_by_what_was(clinic, api, ada):
    changes = {"last_name": "Ågesen", "mobile_phone": None, "chart_number": "N-1", "date_of_birth": "1990-01-02"}
    assert api().patch(f"{clinic.base}/patients/{ada.uuid}", {"base_version": 1, **changes}).status_code == 200
    for text in ("agesen", "n-1", "19900102"):
        assert found(api, clinic, text) == [str(ada.uuid)]
    for text in ("sorensen", "12345678", "mrn", "19800517"):
        assert found(api, clinic, text) == []
    assert typed(api, clinic, "agesen") == [str(ada.uuid)]
    assert typed(api, clinic, "sorensen") == []


def test_a_number_is_read_in_the_country_of_the_patient(clinic, api):
    """The clinic is in the US; who lives in the Netherlands dials otherwise."""
    dutch = clinic.patient(mobile_phone="0687654321", country="NL")
    american = clinic.patient(mobile_phone="(202) 555-0123")
    assert [dutch.mobile_e164, american.mobile_e164] == ["+31687654321", "+12025550123"]
    assert found(api, clinic, "+31687654321") == [str(dutch.uuid)]
    assert found(api, clinic, "+12025550123") == found(api, clinic, "202-555-0123") == [str(american.uuid)]


NUMBERS = {
    # With its country code a number is one by its form, whether or not its range is given out today.
    "+31698765432": "+31698765432",
    "+1-555-123-4567": "+15551234567",
    "+999 12 345-678": "+99912345678",
    "+123456789012345": "+123456789012345",
    "+12": "+12",
    "+310612345678": "+310612345678",
    "+31 (0)6 98765432": "+31698765432",
    "0031 6 98765432": "+31698765432",
    # Without one it is of the country, if it could be.
    "06-12345678": "+31612345678",
    "0698765432": "+31698765432",
    "030/1234567": "+31301234567",
    # What else is written beside it is not dialled.
    "+31 6 1234 5678 mom": "+31612345678",
    "mobile: 06 12345678 (mother)": "+31612345678",
    "06 12345678 / 06 87654321": "+31612345678",
    "+1-555-123-4567 ext. 89": "+15551234567",
}


@pytest.mark.parametrize(("text", "number"), NUMBERS.items())
def test_what_can_be_dialled_has_an_international_form(text, number):
    assert e164(text, "NL") == number


@pytest.mark.parametrize(
    "text", [None, "", "x", "12", "112", "12345", "555-123-4567", "+", "+0612345678", "+1234567890123456", "call me"]
)
def test_what_is_no_number_has_no_international_form(text):
    assert e164(text, "NL") is None


@pytest.mark.parametrize("stored", ["+31698765432", "0698765432", "+31 (0)6 98765432"])
@pytest.mark.parametrize("text", ["+31698765432", "0698765432", "06-98765432", "698765432"])
def test_a_number_of_a_new_range_is_found_however_it_is_written(clinic, api, stored, text):
    patient = clinic.patient(mobile_phone=stored, country="NL")
    assert found(api, clinic, text) == [str(patient.uuid)]


def test_the_search_of_a_caregiver_ends_at_their_groups(clinic, api, ada):
    clinic.patient(last_name="Sorensen", care_group_id=clinic.other_group.pk)
    assert found(api, clinic, "sorensen", Role.HC_PRIMARY) == [str(ada.uuid)]
    assert len(found(api, clinic, "sorensen")) == 2


def test_archived_patients_are_found_by_status_archived_only(clinic, api, ada):
    archive(ada)
    assert found(api, clinic, "sorensen") == []
    assert typed(api, clinic, "sorensen") == []
    listed = api().get(f"{clinic.base}/patients", {"search": "sorensen", "status": "archived"}).json()
    assert [item["id"] for item in listed["items"]] == [str(ada.uuid)]


# --- the typeahead ----------------------------------------------------------------------------------


def typed(api, clinic, text: str, role: str = Role.HC_ADMIN, **query) -> list[str]:
    response = api(role).get(f"{clinic.base}/patients/search", {"q": text, **query})
    assert response.status_code == 200, response.content
    return [item["id"] for item in response.json()["items"]]


BEGINNINGS = [
    "z",
    "zoe",
    "ZOË-A",
    "sor",
    "Sørensen",
    "sorensen von",
    "aeble",
    "von",
    "ip",
    "İpek",
    "mrn",
    "MRN-00",
    "zoe sor",
    "sor zoe",
    "zoe mrn",
    "ipek von zoe",
    "0042",
    "ada",
    "soerensen",
    "zoeada",
]


@pytest.mark.parametrize("text", BEGINNINGS)
def test_beginnings_in_any_order_find_a_patient(clinic, api, ada, text):
    assert typed(api, clinic, text) == [str(ada.uuid)]


@pytest.mark.parametrize("text", ["oe", "042", "example", "1980", "lucja", "zoe boris", "z%", "_oe", "nobody"])
def test_the_middle_of_a_name_or_another_column_does_not(clinic, api, ada, text):
    assert typed(api, clinic, text) == []


@pytest.mark.parametrize("text", ["", "   ", "\u200b", "\u0301\u0308"])
def test_an_empty_question_has_no_answers(clinic, api, ada, text):
    assert api().get(f"{clinic.base}/patients/search", {"q": text}).json() == {"items": [], "total": 0}
    assert api().get(f"{clinic.base}/patients/search").json() == {"items": [], "total": 0}


def test_the_total_counts_past_the_limit(clinic, api):
    for _ in range(7):
        clinic.patient(last_name="Same", first_name="Same")
    answer = api().get(f"{clinic.base}/patients/search", {"q": "same", "limit": 3}).json()
    assert (len(answer["items"]), answer["total"]) == (3, 7)
    assert len(typed(api, clinic, "same")) == 7


def test_no_more_than_twenty_come_unless_asked(clinic, api):
    for _ in range(25):
        clinic.patient(last_name="Same")
    assert (len(typed(api, clinic, "same")), len(typed(api, clinic, "same", limit=100))) == (20, 25)


@pytest.mark.parametrize("limit", ["0", "-1", "101", "1e9", "ten", " "])
def test_a_limit_out_of_bounds_is_refused(clinic, api, limit):
    response = api().get(f"{clinic.base}/patients/search", {"q": "a", "limit": limit})
    assert response.status_code == 422
    assert response.json()["detail"][0]["loc"] == ["query", "limit"]


def test_items_hold_what_tells_people_apart_and_no_more(clinic, api, ada):
    (item,) = api().get(f"{clinic.base}/patients/search", {"q": "zoe"}).json()["items"]
    assert set(item) == {
        "id",
        "first_name",
        "middle_name",
        "last_name",
        "preferred_name",
        "date_of_birth",
        "status",
        "mobile_phone",
        "home_phone",
        "email",
        "chart_number",
    }


def test_the_typeahead_of_a_caregiver_ends_at_their_groups(clinic, api, ada):
    hidden = clinic.patient(last_name="Sorensen", care_group_id=clinic.other_group.pk)
    assert typed(api, clinic, "sor", Role.HC_SECONDARY) == [str(ada.uuid)]
    assert typed(api, clinic, "sor", Role.PATIENT) == []
    assert set(typed(api, clinic, "sor")) == {str(ada.uuid), str(hidden.uuid)}
