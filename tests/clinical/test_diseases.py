"""Diseases and other problems: recorded, moved between statuses, corrected and listed."""

import datetime
import itertools

import pytest
from django.db import IntegrityError

from accounts.models import AuditEvent, OutboxEvent, Role
from accounts.services.catalogs import archive_catalog_row
from clinical.models import Disease, DiseaseDefinition, FunctionStatus, ProblemStatus
from clinical.practice.diseases import PracticeDiseaseIn
from tests.clock import moment
from tests.contracts.facts import table
from tests.factories import SYSTEM
from tests.rest.test_bad_values import BAD, kind_of

PRACTICE = table("practice")


@pytest.fixture
def patient(clinic):
    return clinic.patient(care_group_id=clinic.group.pk)


@pytest.fixture
def chart(clinic, patient) -> str:
    return f"{clinic.base}/patients/{patient.uuid}/diseases"


@pytest.fixture
def asthma(clinic) -> DiseaseDefinition:
    return clinic.catalog(DiseaseDefinition, "Asthma", concept_code="195967001", concept_system="snomed_ct")


@pytest.fixture
def record(api, chart, asthma):
    """Return a function that records a problem and returns the answer's object."""

    def post(**values) -> dict:
        answer = api().post(chart, {"disease_definition_uuid": str(asthma.uuid), **values})
        assert answer.status_code == 201, answer.content
        return answer.json()

    return post


@pytest.fixture
def correct(api, chart):
    """Return a function that changes a problem, from the version shown, and returns the answer."""

    def patch(shown: dict, **changes):
        return api().patch(f"{chart}/{shown['id']}", {"base_version": shown["version"], **changes})

    return patch


def named(answer) -> set[str]:
    """Return the fields that a 422 names."""
    assert answer.status_code == 422, answer.content
    return {problem["loc"][-1] for problem in answer.json()["detail"]}


def ids(answer) -> list[str]:
    return [row["id"] for row in answer.json()["items"]]


FULL = {
    "problem_status": "inactive",
    "function_status": "cognitive_problem",
    "snomed_problem_type": "55607006",
    "date_start": "2020-02-29",
    "date_stop": "2024-03-04",
    "patient_note": " Since school\r\n",
}


def test_everything_that_is_promised_is_taken_and_shown(api, chart, asthma, patient):
    body = {**FULL, "disease_definition_uuid": str(asthma.uuid)}
    assert body.keys() == PRACTICE.schemas["NewDisease"].keys()
    answer = api(Role.HC_SECONDARY).post(chart, body)
    assert answer.status_code == 201, answer.content
    shown = answer.json()
    assert list(PRACTICE.faults("Disease", shown)) == []
    assert {name: shown[name] for name in FULL} == FULL
    assert shown["disease_definition"] == {"uuid": str(asthma.uuid), "name": "Asthma"}
    assert shown["patient"] == {"uuid": str(patient.uuid), "name": patient.full_name}
    assert (shown["version"], shown["deleted_at"]) == (1, None)
    page = api().get(chart).json()
    assert (page["items"], page["total"], list(PRACTICE.faults("DiseasePage", page))) == ([shown], 1, [])


def test_a_problem_alone_is_active_and_a_problem(api, chart, record):
    for shown in (record(), record(**dict.fromkeys(FULL))):
        assert list(PRACTICE.faults("Disease", shown)) == []
        assert (shown["problem_status"], shown["function_status"]) == ("active", "problem")
        assert [shown[name] for name in ("snomed_problem_type", "date_start", "date_stop", "patient_note")] == [None] * 4
    assert named(api().post(chart, {})) == {"disease_definition_uuid"}


@pytest.mark.parametrize(("before", "after"), list(itertools.product(ProblemStatus.values, repeat=2)))
def test_any_status_may_follow_any(record, correct, before, after):
    """A problem may come back."""
    answer = correct(record(problem_status=before), problem_status=after)
    assert (answer.status_code, answer.json()["problem_status"], answer.json()["version"]) == (200, after, 2)


@pytest.mark.parametrize("word", FunctionStatus.values)
def test_a_problem_is_any_of_the_promised_kinds(record, word):
    assert record(function_status=word)["function_status"] == word


KINDS = sorted({kind_of(field) for field in PracticeDiseaseIn().fields.values()}, key=lambda kind: kind.__name__)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_value_that_only_resembles_is_refused_and_named(api, chart, asthma, record, correct, kind):
    mine = {name for name, field in PracticeDiseaseIn().fields.items() if kind_of(field) is kind}
    stored = record()
    for value in BAD[kind]:
        wrong = dict.fromkeys(mine, value)
        for answer in (api().post(chart, {"disease_definition_uuid": str(asthma.uuid), **wrong}), correct(stored, **wrong)):
            assert {problem["loc"][1] for problem in answer.json()["detail"]} == mine, value
            assert answer.status_code == 422
    assert api().get(chart).json()["items"] == [stored]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("problem_status", "recurrent"),
        ("function_status", "Problem"),
        ("snomed_problem_type", "1" * 19),
    ],
)
def test_words_and_lengths_are_those_of_the_contract(api, chart, asthma, record, correct, field, value):
    assert named(api().post(chart, {"disease_definition_uuid": str(asthma.uuid), field: value})) == {field}
    assert named(correct(record(), **{field: value})) == {field}


# --- dates ----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("start", "stop", "fits"),
    [
        ("2024-03-04", "2024-03-04", True),
        ("2024-03-04", "2024-03-05", True),
        ("2024-03-04", "2024-03-03", False),
        (None, "2024-03-04", True),
        ("2024-03-04", None, True),
        ("0001-01-01", "9999-12-31", True),
    ],
)
def test_a_problem_ends_on_or_after_the_day_it_began(api, chart, asthma, start, stop, fits):
    answer = api().post(chart, {"disease_definition_uuid": str(asthma.uuid), "date_start": start, "date_stop": stop})
    assert answer.status_code == (201 if fits else 422)
    assert fits or named(answer) == {"date_stop"}
    assert Disease.objects.count() == fits


@pytest.mark.parametrize("changes", [{"date_start": "2024-03-06"}, {"date_stop": "2024-03-03"}])
def test_dates_are_held_to_those_that_stand(api, chart, record, correct, changes):
    shown = record(date_start="2024-03-04", date_stop="2024-03-05")
    assert named(correct(shown, **changes)) == {"date_stop"}
    assert api().get(f"{chart}/{shown['id']}").json() == shown
    assert correct(shown, date_stop=None, date_start="2024-03-06").json()["date_stop"] is None


def test_the_database_refuses_dates_in_the_wrong_order_by_itself(clinic, patient):
    day = datetime.date(2024, 3, 4)
    with pytest.raises(IntegrityError, match="disease_dates_in_order"):
        clinic.entry(Disease, patient, date_start=day, date_stop=day - datetime.timedelta(days=1))


# --- the definition ---------------------------------------------------------------------------------------
@pytest.mark.parametrize("kind", ["unknown", "foreign", "archived"])
def test_a_definition_that_is_not_there_is_an_unknown_reference(clinic, neighbour, api, chart, record, correct, kind):
    row = (neighbour if kind == "foreign" else clinic).catalog(DiseaseDefinition, "Gout")
    uuid = "9890ed24-5b3e-7c5a-9d51-0e3f2a9c4b10" if kind == "unknown" else str(row.uuid)
    if kind == "archived":
        archive_catalog_row(actor=SYSTEM, row=row, base_version=1)
    shown = record()
    answers = [api().post(chart, {"disease_definition_uuid": uuid}), correct(shown, disease_definition_uuid=uuid)]
    assert [(answer.status_code, answer.json()) for answer in answers] == [(404, {"detail": "Disease definition not found"})] * 2
    assert Disease.objects.get().version == 1


def test_the_definition_can_be_corrected_and_null_leaves_it(clinic, record, correct):
    gout = clinic.catalog(DiseaseDefinition, "Gout")
    moved = correct(record(), disease_definition_uuid=str(gout.uuid)).json()
    assert moved["disease_definition"] == {"uuid": str(gout.uuid), "name": "Gout"}
    assert correct(moved, disease_definition_uuid=None).json()["disease_definition"]["name"] == "Gout"


def test_a_problem_keeps_a_definition_that_is_archived_later(clinic, api, chart, asthma, record, correct):
    shown = record()
    archive_catalog_row(actor=SYSTEM, row=asthma, base_version=1)
    assert api().get(f"{chart}/{shown['id']}").json()["disease_definition"]["name"] == "Asthma"
    assert correct(shown, problem_status="resolved").json()["disease_definition"]["name"] == "Asthma"


def test_the_same_problem_may_stand_twice(api, chart, record):
    """It was there, went, and came again."""
    made = [record(problem_status="resolved"), record()]
    assert ids(api().get(chart)) == [row["id"] for row in reversed(made)]


# --- the list -----------------------------------------------------------------------------------------
def test_the_list_is_filtered_by_status(api, chart, record):
    recorded = {word: [record(problem_status=word)["id"] for _ in range(2)] for word in ProblemStatus.values}
    made = {word: rows[::-1] for word, rows in reversed(recorded.items())}
    for word, rows in made.items():
        answer = api().get(chart, {"problem_status": word})
        assert (ids(answer), answer.json()["total"]) == (rows, 2)
    assert ids(api().get(chart)) == [row for rows in made.values() for row in rows]
    assert ids(api().get(chart, {"problem_status": "active", "page_size": 1, "page": 2})) == made["active"][1:]


@pytest.mark.parametrize("value", [" ", "ACTIVE", "archived", "nope", ["active", "active"], ["active", "resolved"]])
def test_a_status_that_is_none_is_refused(api, chart, value):
    assert named(api().get(chart, {"problem_status": value})) == {"problem_status"}


def test_an_archived_problem_leaves_every_list(api, chart, record):
    gone, kept = record(), record()
    archived = api().post(f"{chart}/{gone['id']}/archive").json()
    assert list(PRACTICE.faults("Disease", archived)) == []
    assert (archived["deleted_at"] is not None, archived["problem_status"]) == (True, "active")
    assert ids(api().get(chart)) == ids(api().get(chart, {"problem_status": "active"})) == [kept["id"]]


# --- corrections --------------------------------------------------------------------------------------
def test_only_what_is_sent_changes(record, correct):
    shown = record(**FULL)
    changed = correct(shown, patient_note="Better", snomed_problem_type=None).json()
    expected = {**shown, "patient_note": "Better", "snomed_problem_type": None, "version": 2}
    assert {**changed, "updated_at": None} == {**expected, "updated_at": None}
    assert moment(changed["updated_at"]) > moment(shown["updated_at"])


def test_the_audit_names_what_was_changed_and_no_value(record, correct):
    shown = record()
    correct(shown, problem_status="resolved", patient_note="Gone since spring")
    event = AuditEvent.objects.get(action="disease.update")
    assert set(event.changed_fields.split(",")) == {"problem_status", "patient_note"}
    assert "spring" not in str(vars(event))
    told = OutboxEvent.objects.filter(subject_uuid=shown["id"]).order_by("id").values_list("type", flat=True)
    assert list(told) == ["disease.created", "disease.updated"]


def test_a_problem_of_another_patient_is_unknown(clinic, api, chart):
    other = clinic.entry(Disease, clinic.patient(care_group_id=clinic.group.pk))
    for answer in (
        api().get(f"{chart}/{other.uuid}"),
        api().patch(f"{chart}/{other.uuid}", {"base_version": 1, "problem_status": "resolved"}),
        api().post(f"{chart}/{other.uuid}/archive"),
    ):
        assert (answer.status_code, answer.json()) == (404, {"detail": "Disease not found"})
    other.refresh_from_db()
    assert (other.version, other.deleted_at) == (1, None)
