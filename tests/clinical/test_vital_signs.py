"""Vital signs: recorded, judged, corrected, listed and archived."""

import datetime
from decimal import Decimal

import pytest
from django.db import IntegrityError

from accounts.models import AuditEvent, OutboxEvent, Role
from accounts.services.catalogs import archive_catalog_row
from clinical.models import VitalSigns
from clinical.practice.vital_signs import PracticeVitalSignsIn
from clinical.vitals import POSSIBLE
from config.core.dates import today_at, years_before
from config.rest import fields
from patients.models import Patient, Provider
from tests.contracts.facts import table
from tests.factories import SYSTEM, archive
from tests.rest.test_bad_values import BAD, kind_of

PRACTICE = table("practice")
DAY = "2024-03-04"
A_DAY = datetime.timedelta(days=1)


@pytest.fixture
def patient(clinic):
    return clinic.patient(care_group_id=clinic.group.pk)


@pytest.fixture
def chart(clinic, patient) -> str:
    return f"{clinic.base}/patients/{patient.uuid}/vital-signs"


@pytest.fixture
def record(api, chart):
    """Return a function that records vital signs, with a value that is normal at every age, and returns the answer's object."""

    def post(path: str = chart, **values) -> dict:
        answer = api().post(path, {"date_taken": DAY, "oxygen_saturation": 98, **values})
        assert answer.status_code == 201, answer.content
        return answer.json()

    return post


@pytest.fixture
def correct(api, chart):
    """Return a function that changes vital signs, from the version shown, and returns the answer's object."""

    def patch(shown: dict, path: str = chart, **changes) -> dict:
        answer = api().patch(f"{path}/{shown['id']}", {"base_version": shown["version"], **changes})
        assert answer.status_code == 200, answer.content
        return answer.json()

    return patch


def named(answer) -> set[str]:
    """Return the fields that a 422 names."""
    assert answer.status_code == 422, answer.content
    return {problem["loc"][-1] for problem in answer.json()["detail"]}


def severities(shown: dict) -> dict[str, str]:
    return {flag["vital"]: flag["severity"] for flag in shown["abnormal_flags"]}


def child(clinic, **values) -> tuple[Patient, str]:
    """Make a child of ten years on DAY, and return them with the address of their vital signs."""
    made = clinic.patient(**{"date_of_birth": datetime.date(2014, 3, 4), "sex": "male", **values})
    return made, f"{clinic.base}/patients/{made.uuid}/vital-signs"


# --- what is taken, and how it is shown ---------------------------------------------------------------
FULL = {
    "date_taken": DAY,
    "time_taken": "09:05",
    "bp_systolic": 118,
    "bp_diastolic": 76,
    "pulse": 64,
    "respiration_rate": 14,
    "oxygen_saturation": 98,
    "temperature_f": 98.6,
    "height_inches": 70.25,
    "weight_lbs": 160.5,
    "weight_code": " 27113001 ",
    "bmi": 22.5,
    "bmi_percentile": 50,
    "has_followup_plan": True,
    "note": "At rest\r\n",
}


def test_everything_that_is_promised_is_taken_and_shown(clinic, api, chart, patient):
    provider = clinic.catalogs["provider"]
    body = {**FULL, "provider_uuid": str(provider.uuid)}
    assert body.keys() == PRACTICE.schemas["NewVitalSigns"].keys()
    answer = api(Role.HC_PRIMARY).post(chart, body)
    assert answer.status_code == 201, answer.content
    shown = answer.json()
    assert list(PRACTICE.faults("VitalSigns", shown)) == []
    decimals = {"temperature_f": "98.6", "height_inches": "70.25", "weight_lbs": "160.50", "bmi": "22.50"}
    assert {name: shown[name] for name in FULL} == {**FULL, **decimals, "time_taken": "09:05:00"}
    assert shown["created_by"] == clinic.users[Role.HC_PRIMARY].pk
    assert shown["provider"] == {"uuid": str(provider.uuid), "name": provider.name}
    assert shown["patient"] == {"uuid": str(patient.uuid), "name": patient.full_name}
    assert (shown["abnormal_flags"], shown["is_procedure_blocking"], shown["version"]) == ([], False, 1)
    assert api().get(f"{chart}/{shown['id']}").json() == shown
    page = api().get(chart).json()
    assert (page["items"], list(PRACTICE.faults("VitalSignsPage", page))) == ([shown], [])


def test_a_date_and_one_value_are_enough_and_null_is_nothing(api, chart, record):
    bare = record(pulse=64)
    assert list(PRACTICE.faults("VitalSigns", bare)) == []
    given = {"pulse": 64, "oxygen_saturation": 98}
    nothing = record(**{**dict.fromkeys(PRACTICE.schemas["NewVitalSigns"].keys() - {"date_taken"}), **given})
    moving = ("id", "created_at", "updated_at")
    assert {**nothing, **dict.fromkeys(moving)} == {**bare, **dict.fromkeys(moving)}
    assert (bare["has_followup_plan"], bare["bmi"], bare["abnormal_flags"]) == (False, None, [])
    assert named(api().post(chart, {})) == named(api().post(chart, {"date_taken": None})) == {"date_taken"}


@pytest.mark.parametrize("values", [{}, dict.fromkeys(POSSIBLE), {"note": "Refused", "has_followup_plan": True}])
def test_a_recording_of_nothing_is_refused_and_hides_nothing(api, chart, record, values):
    record(date_taken="2024-03-03", bp_systolic=190, bp_diastolic=125)
    answer = api().post(chart, {"date_taken": DAY, **values})
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body"])
    latest = api().get(chart.replace("vital-signs", "medical-summary")).json()["latest_vitals"]
    assert (latest["date_taken"], latest["is_procedure_blocking"]) == ("2024-03-03", True)


@pytest.mark.parametrize("values", [{"pulse": 60}, {"height_inches": 65, "weight_lbs": 150}])
def test_a_recording_is_archived_and_not_cleared(api, chart, record, values):
    """The body mass index that was worked out would go with height and weight."""
    shown = record(**values, oxygen_saturation=None)
    answer = api().patch(f"{chart}/{shown['id']}", {"base_version": 1, **dict.fromkeys(values)})
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body"])
    assert api().get(f"{chart}/{shown['id']}").json() == shown


def test_the_documents_own_example_is_taken(record, correct):
    """Values of 1 are those of somebody dying, and no fault of form."""
    example = {"bmi": None, "bmi_percentile": 1, "bp_diastolic": 1, "bp_systolic": 1}
    shown = record(date_taken="2025-01-15", **example)
    assert severities(shown) == {"bp_systolic": "critical"}
    assert correct(shown, **example)["version"] == 2


@pytest.mark.parametrize(("sent", "shown"), [
    ("98.6", "98.6"), ("98", "98.0"), ("98.60", "98.6"), ('"98.6"', "98.6"), ("9.86e1", "98.6"), ("100", "100.0"),
])  # fmt: skip
def test_a_decimal_is_kept_exactly_however_it_is_written(api, chart, sent, shown):
    answer = api()("POST", chart, raw=f'{{"date_taken": "{DAY}", "temperature_f": {sent}}}'.encode())
    assert (answer.status_code, answer.json()["temperature_f"]) == (201, shown)
    assert VitalSigns.objects.get().temperature_f == Decimal(shown)


@pytest.mark.parametrize(("sent", "shown"), [
    ("00:00", "00:00:00"), ("23:59:59", "23:59:59"), ("09:05:00.5", "09:05:00.500000"), ("09:05:00.000001", "09:05:00.000001"),
])  # fmt: skip
def test_a_time_of_day_is_shown_as_it_is_stored(api, chart, record, sent, shown):
    made = record(time_taken=sent)
    assert made["time_taken"] == api().get(f"{chart}/{made['id']}").json()["time_taken"] == shown


def test_what_the_server_works_out_cannot_be_sent(api, chart, record, correct):
    extra = {
        "id": 7,
        "version": 9,
        "abnormal_flags": [{}],
        "is_procedure_blocking": True,
        "created_by": 1,
        "patient": 1,
        "deleted_at": "2001-01-01T00:00:00Z",
        "created_at": "2001-01-01T00:00:00Z",
        "organization_id": 1,
    }
    plain, shown = record(), record(**extra)
    kept = {name: value for name, value in plain.items() if name not in ("id", "created_at", "updated_at")}
    assert {name: shown[name] for name in kept} == kept
    changed = correct(shown, **{name: value for name, value in extra.items() if name != "version"})
    assert {name: changed[name] for name in kept} == kept


# --- what is refused ----------------------------------------------------------------------------------
KINDS = sorted({kind_of(field) for field in PracticeVitalSignsIn().fields.values()}, key=lambda kind: kind.__name__)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_value_that_only_resembles_is_refused_and_named(api, chart, record, kind):
    declared = PracticeVitalSignsIn().fields.items()
    mine = {name for name, field in declared if kind_of(field) is kind}
    stored = record()
    for value in BAD[kind]:
        body = {"date_taken": DAY, **dict.fromkeys(mine, value)}
        assert {problem["loc"][1] for problem in api().post(chart, body).json()["detail"]} == mine, value
        answer = api().patch(f"{chart}/{stored['id']}", {"base_version": 1, **dict.fromkeys(mine, value)})
        assert {problem["loc"][1] for problem in answer.json()["detail"]} == mine, value
        assert answer.status_code == 422
    assert api().get(chart).json()["items"] == [stored]


def test_all_kinds_of_fields_are_tried():
    assert {fields.Date, fields.Time, fields.Decimal, fields.Integer, fields.Boolean, fields.Text, fields.ScopedRelation} == set(
        KINDS
    )


@pytest.mark.parametrize("name", POSSIBLE)
def test_values_that_nobody_alive_has_are_refused_and_those_beside_them_taken(api, chart, record, name):
    least, most = POSSIBLE[name]
    for value in (-1, float(least) - 0.1 if isinstance(least, Decimal) else least - 1, most + 1):
        assert named(api().post(chart, {"date_taken": DAY, name: value})) == {name}
    assert not VitalSigns.objects.exists()
    for value in (least, most):
        assert Decimal(record(**{name: float(value) if isinstance(value, Decimal) else value})[name]) == value


def test_what_a_unit_conversion_gives_is_rounded_half_up(record, correct):
    """82 kg, 36.7 °C and 180 cm, on create and on change."""
    sent = {"weight_lbs": 180.77884, "temperature_f": 98.06, "height_inches": 70.86614173228346, "pulse": 72.0}
    kept = {"weight_lbs": "180.78", "temperature_f": "98.1", "height_inches": "70.87", "pulse": 72, "bmi": "25.30"}
    made = record(**sent)
    assert {name: made[name] for name in kept} == kept
    changed = correct(made, weight_lbs="181.005", bmi=24.1251)
    assert (changed["weight_lbs"], changed["bmi"]) == ("181.01", "24.13")


@pytest.mark.parametrize("values", [
    {"temperature_f": "NaN"}, {"temperature_f": 1e308}, {"temperature_f": 0.001}, {"temperature_f": 120.06},
    {"temperature_f": 37}, {"temperature_f": 37.5}, {"weight_lbs": -1}, {"height_inches": 0}, {"height_inches": 1.8},
    {"height_inches": 180}, {"pulse": 900}, {"oxygen_saturation": 101}, {"bmi_percentile": 101}, {"bmi": 0},
    {"time_taken": "24:00"}, {"date_taken": "2999-01-01"}, {"date_taken": "1893-01-01"}, {"note": 7},
    {"bp_diastolic": 120, "bp_systolic": 80}, {"weight_lbs": 900, "height_inches": 20},
])  # fmt: skip
def test_what_cannot_be_is_refused_and_nothing_is_stored(api, chart, patient, values):
    assert named(api().post(chart, {"date_taken": DAY, **values})) == {next(iter(values))}
    assert not VitalSigns.objects.exists()
    assert Patient.objects.get(pk=patient.pk).latest_vitals_date is None
    assert api().get(chart).json()["total"] == 0


def test_a_number_that_is_none_is_no_json(api, chart):
    answer = api()("POST", chart, raw=f'{{"date_taken": "{DAY}", "temperature_f": NaN}}'.encode())
    assert answer.status_code == 400


def test_the_date_is_judged_in_the_time_zone_of_the_organization_and_by_the_birth_date(clinic, api):
    today = today_at(clinic.organization.timezone)
    patient, chart = child(clinic, date_of_birth=years_before(today, 3))
    days = {today + A_DAY: 201, today + 2 * A_DAY: 422, patient.date_of_birth: 201, patient.date_of_birth - A_DAY: 422}
    for day, status in days.items():
        answer = api().post(chart, {"date_taken": day.isoformat(), "pulse": 100})
        assert answer.status_code == status, day
        assert status == 201 or named(answer) == {"date_taken"}


def test_the_database_refuses_swapped_pressures_by_itself(clinic, patient):
    with pytest.raises(IntegrityError, match="vital_signs_pressures_in_order"):
        clinic.entry(VitalSigns, patient, bp_systolic=80, bp_diastolic=120)


# --- what is worked out -------------------------------------------------------------------------------
def test_the_body_mass_index_follows_height_and_weight(record, correct):
    shown = record(height_inches=65, weight_lbs=150)
    assert shown["bmi"] == "24.96"
    shown = correct(shown, weight_lbs=160)
    assert shown["bmi"] == "26.62"
    shown = correct(shown, height_inches=70)
    assert shown["bmi"] == "22.96"
    shown = correct(shown, note="Shoes on")
    assert shown["bmi"] == "22.96"
    assert correct(shown, weight_lbs=None)["bmi"] is None


def test_a_body_mass_index_that_is_sent_wins(record, correct):
    shown = record(height_inches=65, weight_lbs=150, bmi=30)
    assert shown["bmi"] == "30.00"
    shown = correct(shown, note="By the scale itself", height_inches=65.00, weight_lbs="150")
    assert shown["bmi"] == "30.00", "a height that is sent as it stands is no change"
    shown = correct(shown, weight_lbs=160, bmi=31.5)
    assert shown["bmi"] == "31.50"
    shown = correct(shown, bmi=None)
    assert shown["bmi"] is None
    assert correct(shown, weight_lbs=150)["bmi"] == "24.96"


def test_a_body_mass_index_that_height_and_weight_contradict_is_flagged(record, correct):
    shown = record(height_inches=45, weight_lbs=44.1, bmi=99, bmi_percentile=50)
    contradiction = "Body mass index of 99 kg/m²: height and weight give 15.31"
    assert contradiction in [flag["message"] for flag in shown["abnormal_flags"] if flag["vital"] == "bmi"]
    assert not shown["is_procedure_blocking"]
    for rounded in (24.9, 25.9):
        assert correct(record(height_inches=65, weight_lbs=150), bmi=rounded)["abnormal_flags"] == [
            flag for flag in record(bmi=rounded)["abnormal_flags"]
        ]


def test_a_body_mass_index_without_height_stays_when_a_weight_comes(record, correct):
    shown = correct(record(bmi=30), weight_lbs=150)
    assert shown["bmi"] == "30.00"
    assert correct(shown, height_inches=65)["bmi"] == "24.96"


def test_null_at_the_first_recording_is_not_known_and_worked_out(record):
    assert record(height_inches=65, weight_lbs=150, bmi=None)["bmi"] == "24.96"


def test_the_percentile_of_a_child_follows_the_body_mass_index_and_the_date(clinic, record, correct):
    _, chart = child(clinic)
    shown = record(chart, bmi=16.63)
    assert (shown["bmi_percentile"], severities(shown)) == (50, {})
    shown = correct(shown, chart, bmi=22.3)
    assert (shown["bmi_percentile"], severities(shown)) == (95, {"bmi_percentile": "warning"})
    shown = correct(shown, chart, date_taken="2018-03-04")
    assert shown["bmi_percentile"] == 100
    shown = correct(shown, chart, bmi_percentile=60)
    assert (shown["bmi_percentile"], shown["bmi"]) == (60, "22.30")
    shown = correct(shown, chart, note="As it was")
    assert shown["bmi_percentile"] == 60
    shown = correct(shown, chart, height_inches=50, weight_lbs=60)
    assert (shown["bmi"], shown["bmi_percentile"]) == ("16.87", 84)
    assert correct(shown, chart, bmi=None)["bmi_percentile"] is None


@pytest.mark.parametrize(("values", "percentile"), [
    ({"sex": "female"}, 46), ({"sex": None, "gender": "female"}, 46), ({"sex": "male", "gender": "female"}, 50),
    ({"sex": None, "gender": "non_binary"}, None), ({"sex": None}, None), ({"date_of_birth": None}, None),
    ({"date_of_birth": datetime.date(2004, 3, 4)}, None), ({"date_of_birth": datetime.date(2022, 3, 5)}, None),
])  # fmt: skip
def test_a_percentile_needs_age_and_sex_and_takes_the_gender_for_an_unknown_sex(clinic, record, values, percentile):
    _, chart = child(clinic, **values)
    assert record(chart, bmi=16.63)["bmi_percentile"] == percentile


def test_a_percentile_that_is_sent_stays_where_none_can_be_worked_out(clinic, record, correct):
    _, chart = child(clinic, sex=None)
    shown = record(chart, bmi=16.63, bmi_percentile=50)
    assert correct(shown, chart, date_taken="2024-03-05")["bmi_percentile"] == 50


def test_flags_are_worked_out_of_all_values_at_every_change(record, correct):
    shown = record(bp_systolic=185, bp_diastolic=95, oxygen_saturation=95)
    assert severities(shown) == {"bp_systolic": "critical", "bp_diastolic": "warning", "oxygen_saturation": "warning"}
    assert shown["is_procedure_blocking"] is True
    assert list(PRACTICE.faults("VitalSigns", shown)) == []
    shown = correct(shown, bp_systolic=135)
    assert severities(shown) == {"bp_systolic": "warning", "bp_diastolic": "warning", "oxygen_saturation": "warning"}
    assert shown["is_procedure_blocking"] is False
    shown = correct(shown, oxygen_saturation=93, bp_systolic=None, bp_diastolic=None)
    assert (severities(shown), shown["is_procedure_blocking"]) == ({"oxygen_saturation": "critical"}, True)


def test_flags_go_by_the_age_on_the_day_it_was_taken(clinic, record, correct):
    _, chart = child(clinic, date_of_birth=datetime.date(2014, 3, 4))
    shown = record(chart, date_taken="2014-06-01", pulse=150)
    assert severities(shown) == {}
    assert severities(correct(shown, chart, date_taken="2024-06-01")) == {"pulse": "warning"}
    assert severities(record(pulse=150)) == {"pulse": "critical"}, "nobody knows how old this one is"


# --- corrections --------------------------------------------------------------------------------------
@pytest.mark.parametrize(("changes", "field"), [
    ({"bp_diastolic": 121}, "bp_diastolic"), ({"bp_systolic": 79}, "bp_systolic"), ({"height_inches": 20}, "height_inches"),
    ({"date_taken": "1949-12-31"}, "date_taken"),
])  # fmt: skip
def test_a_correction_is_judged_with_what_stands(clinic, api, record, changes, field):
    _, chart = child(clinic, date_of_birth=datetime.date(1950, 1, 1))
    shown = record(chart, bp_systolic=120, bp_diastolic=80, height_inches=65, weight_lbs=200)
    assert named(api().patch(f"{chart}/{shown['id']}", {"base_version": 1, **changes})) == {field}
    assert api().get(f"{chart}/{shown['id']}").json() == shown


def test_what_stands_against_a_rule_hinders_no_other_correction(clinic, correct, patient):
    old = clinic.entry(VitalSigns, patient, height_inches=20, weight_lbs=900, date_taken=datetime.date(1800, 1, 1))
    shown = {"id": str(old.uuid), "version": 1}
    changed = correct(shown, note="From the old books", date_taken="1800-01-01", weight_lbs=900, pulse=60)
    assert (changed["note"], changed["pulse"], changed["bmi"]) == ("From the old books", 60, None)


def test_null_leaves_the_date_and_the_follow_up_as_they_are(record, correct):
    shown = record(has_followup_plan=True, pulse=60, note="x", time_taken="09:00")
    changed = correct(shown, date_taken=None, has_followup_plan=None, pulse=None, note=None, time_taken=None)
    assert (changed["date_taken"], changed["has_followup_plan"]) == (DAY, True)
    assert (changed["pulse"], changed["note"], changed["time_taken"]) == (None, None, None)


def test_the_audit_names_what_was_changed_and_no_value(clinic, api, record, correct):
    shown = correct(record(pulse=60), pulse=140, note="Ran up the stairs")
    event = AuditEvent.objects.get(action="vital_signs.update")
    assert {"pulse", "note", "abnormal_flags"} <= set(event.changed_fields.split(","))
    assert "stairs" not in str(vars(event))
    told = OutboxEvent.objects.filter(subject_uuid=shown["id"]).order_by("id").values_list("type", flat=True)
    assert list(told) == ["vital_signs.created", "vital_signs.updated"]


@pytest.mark.parametrize("kind", ["unknown", "foreign", "archived"])
def test_a_provider_who_is_not_there_is_an_unknown_reference(clinic, neighbour, api, chart, record, kind):
    provider = (neighbour if kind == "foreign" else clinic).catalog(Provider, "Dr. Away")
    uuid = "9890ed24-5b3e-7c5a-9d51-0e3f2a9c4b10" if kind == "unknown" else str(provider.uuid)
    if kind == "archived":
        archive_catalog_row(actor=SYSTEM, row=provider, base_version=1)
    shown = record()
    made = api().post(chart, {"date_taken": DAY, "provider_uuid": uuid})
    changed = api().patch(f"{chart}/{shown['id']}", {"base_version": 1, "provider_uuid": uuid})
    assert [(answer.status_code, answer.json()) for answer in (made, changed)] == [(404, {"detail": "Provider not found"})] * 2
    assert VitalSigns.objects.get().version == 1


def test_an_unknown_recording_is_called_by_its_name(clinic, api, chart):
    other = clinic.entry(VitalSigns, clinic.patient())
    answer = api().get(f"{chart}/{other.uuid}")
    assert (answer.status_code, answer.json()) == (404, {"detail": "Vital signs not found"})


# --- the list -----------------------------------------------------------------------------------------
def days(answer) -> list[str]:
    return [row["date_taken"] for row in answer.json()["items"]]


@pytest.mark.parametrize(
    ("asked", "order"), [({}, (2, 0, 3, 1)), ({"sort_dir": "desc"}, (2, 0, 3, 1)), ({"sort_dir": "asc"}, (1, 3, 0, 2))]
)
def test_the_list_is_by_date_and_then_by_time_of_recording_the_newest_first(api, chart, record, asked, order):
    made = [record(date_taken=day) for day in ("2024-03-05", "2024-03-04", "2024-03-06", "2024-03-04")]
    expected = [made[index]["id"] for index in order]
    assert [row["id"] for row in api().get(chart, asked).json()["items"]] == expected
    pages = [api().get(chart, {"page": page, "page_size": 2, **asked}).json()["items"] for page in (1, 2)]
    assert [row["id"] for page in pages for row in page] == expected


@pytest.mark.parametrize("direction", ["up", "DESC"])
def test_a_direction_is_one_of_two_words(api, chart, direction):
    answer = api().get(chart, {"sort_dir": direction})
    assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["query", "sort_dir"])


@pytest.mark.parametrize(("asked", "found"), [
    ({"date_from": "2024-03-05"}, [5, 6]), ({"date_to": "2024-03-05"}, [4, 5]),
    ({"date_from": "2024-03-05", "date_to": "2024-03-05"}, [5]), ({"date_from": "2024-03-06", "date_to": "2024-03-04"}, []),
    ({"date_from": "2024-03-07"}, []), ({"page_size": 1, "page": 2, "date_from": "2024-03-05"}, [6]),
])  # fmt: skip
def test_the_list_is_bounded_by_dates_both_included(api, chart, record, asked, found):
    for day in (4, 5, 6):
        record(date_taken=f"2024-03-0{day}")
    assert days(api().get(chart, {"sort_dir": "asc", **asked})) == [f"2024-03-0{day}" for day in found]


@pytest.mark.parametrize("name", ["date_from", "date_to"])
@pytest.mark.parametrize("value", ["2024-02-30", "2024-03-04T09:00:00Z", "04-03-2024", "nope", ["2024-03-04", "2024-03-04"]])
def test_a_bound_that_is_no_date_is_refused(api, chart, name, value):
    assert named(api().get(chart, {name: value})) == {name}


# --- the patient --------------------------------------------------------------------------------------
def test_the_patient_keeps_the_date_of_the_latest_vital_signs(api, chart, patient, record, correct):
    def latest() -> str | None:
        return api().get(chart.removesuffix("/vital-signs")).json()["latest_vitals_date"]

    assert latest() is None
    first = record(date_taken="2024-03-04")
    assert latest() == "2024-03-04"
    old = record(date_taken="2020-01-01")
    assert latest() == "2024-03-04"
    first = correct(first, date_taken="2019-01-01")
    assert latest() == "2020-01-01"
    assert api().post(f"{chart}/{old['id']}/archive").status_code == 200
    assert latest() == "2019-01-01"
    assert api().post(f"{chart}/{first['id']}/archive").status_code == 200
    assert latest() is None
    assert Patient.objects.get(pk=patient.pk).version == 1


def test_a_measurement_makes_no_open_form_stale_and_tells_who_follows_changes(api, chart, patient, record, correct):
    shown = record()
    seen = Patient.objects.get(pk=patient.pk)
    assert (seen.version, seen.updated_at > patient.updated_at) == (1, True)
    correct(shown, pulse=60)
    assert Patient.objects.get(pk=patient.pk).updated_at == seen.updated_at, "the latest date is the same"
    assert api().patch(chart.removesuffix("/vital-signs"), {"base_version": 1, "city": "Utrecht"}).status_code == 200


def test_a_refused_correction_leaves_the_patients_date(api, chart, patient, record):
    shown = record()
    stale = api().patch(f"{chart}/{shown['id']}", {"base_version": 2, "date_taken": "2020-01-01"})
    assert stale.status_code == 409
    assert Patient.objects.get(pk=patient.pk).latest_vitals_date.isoformat() == DAY


def test_the_vital_signs_of_an_archived_patient_are_read_only(clinic, api, chart, patient, record):
    shown = record()
    archive(patient)
    assert days(api().get(chart)) == [DAY]
    for answer in (
        api().post(chart, {"date_taken": DAY}),
        api().patch(f"{chart}/{shown['id']}", {"base_version": 1, "pulse": 60}),
        api().post(f"{chart}/{shown['id']}/archive"),
    ):
        assert (answer.status_code, answer.json()) == (404, {"detail": "Patient not found"})
