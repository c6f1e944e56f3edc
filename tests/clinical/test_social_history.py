"""Social history: one entry a category, and the patient's smoking status follows the one about tobacco."""

import pytest

from accounts.models import AuditEvent, OutboxEvent, Role
from clinical.models import SocialHistory, SocialHistoryCategory
from patients.models import Patient
from tests.contracts.facts import table

# Stand for codes of SNOMED CT.
SMOKER, FORMER, DAILY = "1111111", "2222222", "333333333333333333"
TABLE = table("practice")


@pytest.fixture
def patient(clinic) -> Patient:
    return clinic.patient(care_group_id=clinic.group.pk)


@pytest.fixture
def history(clinic, patient) -> str:
    return f"{clinic.base}/patients/{patient.uuid}/social-history"


@pytest.fixture
def smoking(clinic, api, patient):
    """Return a function that gives the patient's smoking status and version, as the practice dialect shows them."""

    def shown() -> tuple[str | None, int]:
        answer = api().get(f"{clinic.base}/patients/{patient.uuid}").json()
        return answer["smoking_snomed"], answer["version"]

    return shown


def places(answer) -> list:
    assert answer.status_code == 422, answer.content
    return [problem["loc"] for problem in answer.json()["detail"]]


# --- entries ----------------------------------------------------------------------------------------


def test_an_entry_is_recorded_with_all_it_says(api, history, patient):
    body = {
        "category": "tobacco",
        "value": "Ten a day",
        "snomed_code": SMOKER,
        "date_start": "1999-05-01",
        "date_stop": "2020-02-29",
        "note": " Tried to stop\ntwice ",
    }
    assert body.keys() == TABLE.schemas["NewSocialHistory"].keys()
    answer = api(Role.HC_SECONDARY).post(history, body)
    shown = answer.json()
    assert answer.status_code == 201, answer.content
    assert {name: shown[name] for name in body} == body
    assert (shown["version"], shown["deleted_at"], shown["patient"]["uuid"]) == (1, None, str(patient.uuid))
    assert OutboxEvent.objects.filter(type="social_history_entry.created", subject_uuid=shown["id"]).count() == 1
    event = AuditEvent.objects.get(action="social_history_entry.create")
    assert event.changed_fields == "category,date_start,date_stop,note,snomed_code,value"
    assert "Ten a day" not in str(vars(event))


def test_a_category_and_a_value_are_enough(api, history):
    shown = api().post(history, {"category": "diet", "value": "Vegan"}).json()
    assert list(TABLE.faults("SocialHistory", shown)) == []
    assert [shown[name] for name in ("snomed_code", "date_start", "date_stop", "note")] == [None] * 4
    assert places(api().post(history, {})) == [["body", "category"], ["body", "value"]]


def test_the_list_has_one_entry_a_category_the_last_recorded_first(clinic, api, history, patient):
    words = [category.value for category in reversed(SocialHistoryCategory)]
    for word in words:
        clinic.entry(SocialHistory, patient, category=word)
    page = api().get(history).json()
    assert list(TABLE.faults("SocialHistoryPage", page)) == []
    assert [entry["category"] for entry in page["items"]] == words[::-1]
    assert api().get(history, {"page": 2, "page_size": 3}).json()["items"] == page["items"][3:6]


def test_a_category_that_has_an_entry_is_a_conflict(clinic, api, history, patient):
    first = api().post(history, {"category": "alcohol", "value": "None"}).json()
    other = api().post(history, {"category": "diet", "value": "Vegan"}).json()
    again = api().post(history, {"category": "alcohol", "value": "Wine"})
    moved = api().patch(f"{history}/{other['id']}", {"base_version": 1, "category": "alcohol"})
    for answer in (again, moved):
        assert (answer.status_code, answer.json()) == (409, {"detail": "This category has an entry already."})
    assert api().get(history).json()["items"] == [other, first], "nothing was written"
    somebody = clinic.patient()
    assert api().post(f"{clinic.base}/patients/{somebody.uuid}/social-history", {"category": "alcohol", "value": "None"})
    assert SocialHistory.objects.filter(patient=somebody).count() == 1


def test_an_archived_entry_leaves_its_category_free(api, history):
    first = api().post(history, {"category": "housing", "value": "Flat"}).json()
    assert api().post(f"{history}/{first['id']}/archive").json()["deleted_at"] is not None
    second = api().post(history, {"category": "housing", "value": "House"})
    assert second.status_code == 201
    assert [entry["value"] for entry in api().get(history).json()["items"]] == ["House"]
    assert api().get(f"{history}/{first['id']}").json()["value"] == "Flat"


def test_an_entry_is_corrected_by_version(api, history):
    made = api().post(history, {"category": "diet", "value": "Vegan", "note": "Says the partner"}).json()
    one = f"{history}/{made['id']}"
    changes = {
        "category": "exercise",
        "value": "Runs",
        "snomed_code": None,
        "date_start": "2020-01-01",
        "date_stop": None,
        "note": None,
    }
    assert {"base_version", *changes} == TABLE.schemas["ChangedSocialHistory"].keys()
    answer = api().patch(one, {"base_version": 1, **changes})
    assert answer.status_code == 200, answer.content
    shown = answer.json()
    assert {name: shown[name] for name in changes} == changes
    assert (shown["version"], shown["created_at"]) == (2, made["created_at"])
    stale = api().patch(one, {"base_version": 1, "value": "Swims"})
    assert (stale.status_code, stale.json()) == (409, {"detail": "Version conflict: expected 2, got 1"})
    assert places(api().patch(one, {"value": "Swims"})) == [["body", "base_version"]]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("category", None),
        ("category", "smoking"),
        ("category", "Tobacco"),
        ("value", None),
        ("value", ""),
        ("value", "x" * 256),
        ("value", 10),
        ("note", ["x"]),
        ("date_start", "2020-02-30"),
        ("date_stop", "01-02-2020"),
        ("snomed_code", ""),
        ("snomed_code", "12345"),
        ("snomed_code", "1" * 19),
        ("snomed_code", "2222222x"),
        ("snomed_code", " 2222222"),
        ("snomed_code", "2222222\n"),
        ("snomed_code", "٢٢٢٢٢٢٢"),
        ("snomed_code", 2222222),
        ("snomed_code", "-2222222"),
    ],
)
def test_values_that_make_no_sense_are_named(clinic, api, history, patient, field, value):
    assert {tuple(place) for place in places(api().post(history, {"category": "diet", "value": "Vegan", field: value}))} == {
        ("body", field)
    }
    assert not SocialHistory.objects.exists()
    entry = clinic.entry(SocialHistory, patient)
    if value is not None:
        answer = api().patch(f"{history}/{entry.uuid}", {"base_version": 1, field: value})
        assert {tuple(place) for place in places(answer)} == {("body", field)}
        assert SocialHistory.objects.get().version == 1


@pytest.mark.parametrize("code", ["123456", "9" * 18])
def test_the_shortest_and_the_longest_code_are_taken(api, history, code):
    assert api().post(history, {"category": "diet", "value": "Vegan", "snomed_code": code}).json()["snomed_code"] == code


def test_the_end_is_not_before_the_beginning(api, history):
    body = {"category": "tobacco", "value": "Pipe", "date_start": "2020-02-29", "date_stop": "2020-02-28"}
    assert places(api().post(history, body)) == [["body", "date_stop"]]
    made = api().post(history, {**body, "date_stop": "2020-02-29"})
    assert made.status_code == 201, "one day is long enough"
    moved = api().patch(f"{history}/{made.json()['id']}", {"base_version": 1, "date_start": "2020-03-01"})
    assert places(moved) == [["body", "date_stop"]]
    assert SocialHistory.objects.get().version == 1


def test_text_is_kept_to_the_byte(api, history):
    text = ' Łódź "ø" 👩‍⚕️ e\u0301 <b>&amp;\u202e\t\n'
    shown = api().post(history, {"category": "other", "value": text, "note": text}).json()
    assert (shown["value"], shown["note"]) == (text, text)
    assert api().get(f"{history}/{shown['id']}").json() == shown


# --- the smoking status of the patient --------------------------------------------------------------


def test_the_smoking_status_is_the_code_of_the_tobacco_entry(api, history, smoking):
    assert smoking() == (None, 1)
    made = api().post(history, {"category": "tobacco", "value": "Ten a day", "snomed_code": SMOKER}).json()
    one = f"{history}/{made['id']}"
    assert smoking() == (SMOKER, 1)
    api().patch(one, {"base_version": 1, "snomed_code": FORMER})
    assert smoking() == (FORMER, 1)
    api().patch(one, {"base_version": 2, "value": "Stopped"})
    assert smoking() == (FORMER, 1), "a correction of something else leaves it"
    api().patch(one, {"base_version": 3, "snomed_code": None})
    assert smoking() == (None, 1)
    api().patch(one, {"base_version": 4, "snomed_code": DAILY})
    api().post(f"{one}/archive")
    assert smoking() == (None, 1)


def test_the_smoking_status_follows_an_entry_to_and_from_tobacco(api, history, smoking):
    made = api().post(history, {"category": "other", "value": "Ten a day", "snomed_code": SMOKER}).json()
    one = f"{history}/{made['id']}"
    assert smoking()[0] is None
    api().patch(one, {"base_version": 1, "category": "tobacco"})
    assert smoking()[0] == SMOKER
    api().patch(one, {"base_version": 2, "category": "drugs"})
    assert smoking()[0] is None


def test_other_entries_leave_the_smoking_status(api, history, smoking):
    api().post(history, {"category": "tobacco", "value": "Ten a day", "snomed_code": SMOKER})
    other = api().post(history, {"category": "drugs", "value": "None", "snomed_code": FORMER}).json()
    api().patch(f"{history}/{other['id']}", {"base_version": 1, "snomed_code": DAILY})
    api().post(f"{history}/{other['id']}/archive")
    assert smoking()[0] == SMOKER


def test_what_is_refused_leaves_the_smoking_status(clinic, api, history, smoking):
    made = api().post(history, {"category": "tobacco", "value": "Ten a day", "snomed_code": SMOKER}).json()
    other = api().post(history, {"category": "drugs", "value": "None", "snomed_code": FORMER}).json()
    refused = [
        api().post(history, {"category": "tobacco", "value": "Pipe", "snomed_code": DAILY}),
        api().patch(f"{history}/{made['id']}", {"base_version": 7, "snomed_code": DAILY}),
        api().patch(f"{history}/{other['id']}", {"base_version": 1, "category": "tobacco"}),
        api(Role.HC_VIEW_ALL).post(f"{history}/{made['id']}/archive"),
    ]
    assert [answer.status_code for answer in refused] == [409, 409, 409, 403]
    assert smoking() == (SMOKER, 1)


def test_a_patients_open_form_does_not_become_stale_but_the_change_can_be_followed(clinic, api, history, patient):
    before = Patient.objects.get(pk=patient.pk)
    api().post(history, {"category": "diet", "value": "Vegan", "snomed_code": FORMER})
    assert Patient.objects.get(pk=patient.pk).updated_at == before.updated_at
    api().post(history, {"category": "tobacco", "value": "Ten a day", "snomed_code": SMOKER})
    after = Patient.objects.get(pk=patient.pk)
    assert after.version == before.version
    assert after.updated_at > before.updated_at
    saved = api().patch(f"{clinic.base}/patients/{patient.uuid}", {"base_version": before.version, "city": "Hill Valley"})
    assert (saved.status_code, saved.json()["smoking_snomed"]) == (200, SMOKER)


def test_a_smoking_status_is_not_written_by_a_body(clinic, api, patient):
    answer = api().patch(f"{clinic.base}/patients/{patient.uuid}", {"base_version": 1, "smoking_snomed": SMOKER})
    assert (answer.status_code, answer.json()["smoking_snomed"]) == (200, None)


def test_a_patient_reads_the_own_history_and_writes_none(clinic, api):
    own = clinic.own_patient
    entry = clinic.entry(SocialHistory, own, note="Says so")
    path = f"{clinic.base}/patients/{own.uuid}/social-history"
    assert [shown["note"] for shown in api(Role.PATIENT).get(path).json()["items"]] == ["Says so"]
    for method, where in (("POST", path), ("PATCH", f"{path}/{entry.uuid}"), ("POST", f"{path}/{entry.uuid}/archive")):
        assert api(Role.PATIENT)(method, where, {"category": "diet", "value": "x", "base_version": 1}).status_code == 403
