"""Alerts on charts: made, listed, changed, disabled by hand and by their day, and archived."""

import datetime
import uuid

import pytest

from accounts.models import Role
from clinical import serializer_fields
from clinical.models import Alert, AlertDefinition
from clinical.practice import alerts as practice_alerts
from tests.clinical.alert_lists import affected_patients, ids, listed, move, of, published
from tests.contracts.facts import table

A_DAY = datetime.timedelta(days=1)
# Time zones whose dates differ at every moment: UTC+14 and UTC-11.
EARLIEST, LATEST = "Pacific/Kiritimati", "Pacific/Niue"


@pytest.fixture
def patient(clinic):
    return clinic.patient(care_group_id=clinic.group.pk)


@pytest.fixture
def alerts(clinic, patient) -> str:
    return of(clinic, patient)


# --- made -------------------------------------------------------------------------------------------


def test_an_alert_is_made_with_all_it_names(clinic, api, patient, alerts):
    definition = clinic.row(AlertDefinition)
    body = {
        "alert_definition_uuid": str(definition.uuid),
        "alert_scope": "family",
        "is_urgent": True,
        "note": "Latex",
        "disable_on": "2999-12-31",
    }
    answer = api(Role.HC_PRIMARY).post(alerts, body)
    assert answer.status_code == 201, answer.content
    shown = answer.json()
    assert list(table("practice").faults("Alert", shown)) == []
    assert shown["alert_definition"] == {"uuid": str(definition.uuid), "name": definition.name}
    assert {name: shown[name] for name in body if name in shown} == {name: body[name] for name in body if name in shown}
    assert (shown["status"], shown["date_disabled"], shown["version"]) == ("active", None, 1)
    assert shown["created_by"] == clinic.users[Role.HC_PRIMARY].pk
    assert affected_patients("alert.create") == [{patient.pk}]
    assert published("created") == [shown["id"]]


@pytest.mark.parametrize("said", [{}, {"is_urgent": None, "alert_scope": None, "note": None, "disable_on": None}])
@pytest.mark.parametrize("urgent", [True, False])
def test_urgency_comes_from_the_definition_and_the_scope_does_not(clinic, api, alerts, said, urgent):
    definition = clinic.catalog(AlertDefinition, "Falls", default_is_urgent=urgent, default_scope="family")
    shown = api().post(alerts, {"alert_definition_uuid": str(definition.uuid), **said}).json()
    assert (shown["is_urgent"], shown["alert_scope"], shown["note"], shown["disable_on"]) == (urgent, "patient", None, None)


def test_what_the_body_says_of_urgency_is_kept(clinic, api, alerts):
    definition = clinic.catalog(AlertDefinition, "Falls", default_is_urgent=True)
    shown = api().post(alerts, {"alert_definition_uuid": str(definition.uuid), "is_urgent": False}).json()
    assert shown["is_urgent"] is False


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("alert_definition_uuid", None),
        ("alert_definition_uuid", "x"),
        ("alert_scope", "clan"),
        ("alert_scope", ""),
        ("alert_scope", "Family"),
        ("is_urgent", "urgent"),
        ("is_urgent", 1),
        ("note", 7),
        ("disable_on", "2030-02-30"),
        ("disable_on", "2030-01-01T00:00:01Z"),
    ],
)
def test_values_that_make_no_sense_are_named(clinic, api, alerts, field, value):
    body = {"alert_definition_uuid": str(clinic.row(AlertDefinition).uuid), field: value}
    answer = api().post(alerts, body)
    assert (answer.status_code, [problem["loc"] for problem in answer.json()["detail"]]) == (422, [["body", field]])
    assert not Alert.objects.exists()


def test_a_new_alert_is_active_whatever_else_the_body_says(clinic, api, alerts):
    body = {
        "alert_definition_uuid": str(clinic.row(AlertDefinition).uuid),
        "status": "archived",
        "version": 9,
        "created_by": 1,
        "date_disabled": "2020-01-01T00:00:00Z",
        "created_at": "2020-01-01T00:00:00Z",
        "id": str(uuid.uuid4()),
    }
    shown = api().post(alerts, body).json()
    assert (shown["status"], shown["version"], shown["date_disabled"]) == ("active", 1, None)
    assert shown["created_by"] == clinic.users[Role.HC_ADMIN].pk
    assert shown["created_at"] > "2020-01-02"
    assert shown["id"] != body["id"]


def test_an_archived_definition_is_unknown(clinic, api, alerts):
    definition = clinic.row(AlertDefinition)
    api().post(f"{clinic.base}/patient-alert-definitions/{definition.uuid}/archive", {"base_version": 1})
    answer = api().post(alerts, {"alert_definition_uuid": str(definition.uuid)})
    assert (answer.status_code, answer.json()) == (404, {"detail": "Alert definition not found"})
    assert not Alert.objects.exists()


# --- listed -----------------------------------------------------------------------------------------


def test_the_list_leaves_archived_alerts_out_unless_asked_for(clinic, api, patient, alerts):
    active, disabled, archived = (clinic.entry(Alert, patient, status=status) for status in ("active", "disabled", "archived"))
    assert listed(api, alerts) == ids(active, disabled)
    assert listed(api, alerts, status="active") == ids(active)
    assert listed(api, alerts, status="disabled") == ids(disabled)
    assert listed(api, alerts, status="archived") == ids(archived)
    assert api().get(f"{alerts}/{archived.uuid}").json()["status"] == "archived"


@pytest.mark.parametrize(
    "query",
    [{"status": "nope"}, {"status": " "}, {"status": ["active", "disabled"]}, {"include_family": "2"}, {"include_family": "ja"}],
)
def test_filters_take_no_other_words(api, alerts, query):
    answer = api().get(alerts, query)
    assert (answer.status_code, [problem["loc"] for problem in answer.json()["detail"]]) == (422, [["query", *query]])


@pytest.mark.parametrize("zone", [EARLIEST, LATEST])
@pytest.mark.parametrize("role", [Role.HC_ADMIN, Role.FC_ADMIN])
def test_an_alert_is_disabled_from_its_day_on_where_the_organization_is(clinic, api, patient, alerts, zone, role):
    today = move(clinic, zone)
    past, due, ahead = (clinic.entry(Alert, patient, disable_on=today + days * A_DAY) for days in (-1, 0, 1))
    gone = clinic.entry(Alert, patient, disable_on=today, status="archived")
    assert listed(api, alerts, role, status="active") == ids(ahead)
    assert listed(api, alerts, role, status="disabled") == ids(past, due)
    assert listed(api, alerts, role, status="archived") == ids(gone)
    assert listed(api, alerts, role) == ids(past, due, ahead)
    shown = {row.pk: api(role).get(f"{alerts}/{row.uuid}").json() for row in (past, due, ahead, gone)}
    assert [shown[row.pk]["status"] for row in (past, due, ahead, gone)] == ["disabled", "disabled", "active", "archived"]
    assert {answer["date_disabled"] for answer in shown.values()} == {None}, "nobody disabled it: disable_on tells since when"
    assert set(Alert.objects.values_list("status", "version")) == {("active", 1), ("archived", 1)}


def test_another_day_is_another_answer_of_the_same_statements(clinic, api, patient, alerts, monkeypatch):
    row = clinic.entry(Alert, patient, disable_on=datetime.date(2031, 5, 6))
    seen = []
    for day in (5, 6, 5):
        for module in (practice_alerts, serializer_fields):
            monkeypatch.setattr(module, "today_at", lambda zone, day=day: datetime.date(2031, 5, day))
        for query in ("", "?include_family=true"):
            status = api().get(f"{alerts}/{row.uuid}").json()["status"]
            active = api().get(f"{alerts}{query or '?'}&status=active").json()["total"]
            seen.append((day, status, active))
    assert seen == [(5, "active", 1)] * 2 + [(6, "disabled", 0)] * 2 + [(5, "active", 1)] * 2


# --- changed ----------------------------------------------------------------------------------------


def test_what_may_be_changed_is_changed_and_nothing_else(clinic, api, patient, alerts):
    row = clinic.entry(Alert, patient)
    changes = {
        "alert_scope": "family",
        "is_urgent": True,
        "status": "disabled",
        "note": "Now",
        "disable_on": "2999-01-01",
        "date_disabled": "2024-05-06T07:08:09Z",
    }
    other = clinic.catalog(AlertDefinition, "Other")
    fixed = {"alert_definition_uuid": str(other.uuid), "created_by": 7, "version": 70}
    answer = api(Role.HC_PRIMARY).patch(f"{alerts}/{row.uuid}", {"base_version": 1, **changes, **fixed})
    assert answer.status_code == 200, answer.content
    shown = answer.json()
    assert list(table("practice").faults("Alert", shown)) == []
    assert {name: shown[name] for name in changes} == changes
    assert (shown["version"], shown["created_by"]) == (2, None)
    assert shown["alert_definition"]["name"] == row.alert_definition.name
    assert (affected_patients("alert.update"), published("updated")) == ([{patient.pk}], [str(row.uuid)])


@pytest.mark.parametrize("version", [2, 10**18, 10**30])
def test_a_stale_version_changes_nothing(clinic, api, patient, alerts, version):
    row = clinic.entry(Alert, patient)
    for path, method in ((f"{alerts}/{row.uuid}", "PATCH"), (f"{alerts}/{row.uuid}/disable", "POST")):
        answer = api()(method, path, {"base_version": version, "note": "x"})
        assert (answer.status_code, answer.json()) == (409, {"detail": f"Version conflict: expected 1, got {version}"})
    assert list(Alert.objects.values_list("version", "note", "status")) == [(1, None, "active")]


@pytest.mark.parametrize("version", [None, True, "one", "1_0", 1.5, 0, -1, ...])
def test_a_version_is_a_number_from_one_on(clinic, api, patient, alerts, version):
    row = clinic.entry(Alert, patient)
    body = {} if version is ... else {"base_version": version}
    for path, method in ((f"{alerts}/{row.uuid}", "PATCH"), (f"{alerts}/{row.uuid}/disable", "POST")):
        answer = api()(method, path, body)
        assert (answer.status_code, answer.json()["detail"][0]["loc"]) == (422, ["body", "base_version"])


@pytest.mark.parametrize(
    ("field", "value"),
    [("status", "gone"), ("status", ""), ("alert_scope", "clan"), ("date_disabled", "2030-01-01"), ("note", 1)],
)
def test_changes_that_make_no_sense_are_named(clinic, api, patient, alerts, field, value):
    row = clinic.entry(Alert, patient)
    answer = api().patch(f"{alerts}/{row.uuid}", {"base_version": 1, field: value})
    assert (answer.status_code, [problem["loc"] for problem in answer.json()["detail"]]) == (422, [["body", field]])


def test_null_clears_what_can_be_null_and_leaves_the_rest(clinic, api, patient, alerts):
    moment = datetime.datetime(2024, 1, 2, tzinfo=datetime.UTC)
    row = clinic.entry(
        Alert,
        patient,
        alert_scope="family",
        is_urgent=True,
        status="disabled",
        note="x",
        disable_on=moment.date(),
        date_disabled=moment,
    )
    fields = ("alert_scope", "is_urgent", "status", "note", "disable_on", "date_disabled")
    shown = api().patch(f"{alerts}/{row.uuid}", {"base_version": 1, **dict.fromkeys(fields)}).json()
    assert [shown[name] for name in fields] == ["family", True, "disabled", None, None, None]


def test_a_change_of_status_keeps_the_time_of_disabling_in_step(clinic, api, patient, alerts):
    one = f"{alerts}/{clinic.entry(Alert, patient).uuid}"
    disabled = api().patch(one, {"base_version": 1, "status": "disabled"}).json()
    assert disabled["date_disabled"] is not None
    same = api().patch(one, {"base_version": 2, "status": "disabled", "note": "x"}).json()
    archived = api().patch(one, {"base_version": 3, "status": "archived"}).json()
    assert same["date_disabled"] == archived["date_disabled"] == disabled["date_disabled"]
    active = api().patch(one, {"base_version": 4, "status": "active"}).json()
    assert (active["status"], active["date_disabled"]) == ("active", None)


def test_an_alert_whose_day_has_come_is_active_again_when_the_day_goes(clinic, api, patient, alerts):
    today = move(clinic, EARLIEST)
    one = f"{alerts}/{clinic.entry(Alert, patient, disable_on=today).uuid}"
    still = api().patch(one, {"base_version": 1, "status": "active"}).json()
    assert (still["status"], still["disable_on"]) == ("disabled", today.isoformat())
    assert api().patch(one, {"base_version": 2, "disable_on": None}).json()["status"] == "active"


# --- disabled ---------------------------------------------------------------------------------------


def test_disabling_sets_status_and_time(clinic, api, patient, alerts):
    row = clinic.entry(Alert, patient)
    before = datetime.datetime.now(datetime.UTC)
    shown = api(Role.HC_PRIMARY).post(f"{alerts}/{row.uuid}/disable", {"base_version": 1}).json()
    moment = datetime.datetime.fromisoformat(shown["date_disabled"])
    assert before <= moment <= datetime.datetime.now(datetime.UTC)
    assert (shown["status"], shown["version"]) == ("disabled", 2)
    assert (affected_patients("alert.disable"), published("disabled")) == ([{patient.pk}], [str(row.uuid)])


def test_disabling_twice_changes_nothing_more_and_is_audited_all_the_same(clinic, api, patient, alerts):
    row = clinic.entry(Alert, patient)
    first = api().post(f"{alerts}/{row.uuid}/disable", {"base_version": 1}).json()
    again = api().post(f"{alerts}/{row.uuid}/disable", {"base_version": 2})
    assert (again.status_code, again.json()) == (200, first)
    assert (affected_patients("alert.disable"), published("disabled")) == ([{patient.pk}] * 2, [str(row.uuid)])


def test_an_alert_whose_day_has_come_can_be_disabled_for_good(clinic, api, patient, alerts):
    row = clinic.entry(Alert, patient, disable_on=move(clinic, EARLIEST))
    shown = api().post(f"{alerts}/{row.uuid}/disable", {"base_version": 1}).json()
    assert (shown["status"], shown["date_disabled"] is not None) == ("disabled", True)


def test_an_archived_alert_is_not_disabled(clinic, api, patient, alerts):
    row = clinic.entry(Alert, patient, status="archived")
    answer = api().post(f"{alerts}/{row.uuid}/disable", {"base_version": 1})
    assert (answer.status_code, answer.json()["detail"][0]["msg"]) == (422, "An archived alert cannot be disabled.")
    row.refresh_from_db()
    assert (row.status, row.version) == ("archived", 1)


# --- archived ---------------------------------------------------------------------------------------


def test_archiving_is_a_status_and_asks_for_no_version(clinic, api, patient, alerts):
    row = clinic.entry(Alert, patient)
    answer = api(Role.HC_PRIMARY)("POST", f"{alerts}/{row.uuid}/archive")
    assert (answer.status_code, answer.json()["status"], answer.json()["version"]) == (200, "archived", 2)
    assert (affected_patients("alert.archive"), published("archived")) == ([{patient.pk}], [str(row.uuid)])
    assert listed(api, alerts) == set()


def test_archiving_twice_changes_nothing_more_and_is_audited_all_the_same(clinic, api, patient, alerts):
    row = clinic.entry(Alert, patient)
    first, again = (api().post(f"{alerts}/{row.uuid}/archive") for _ in range(2))
    assert (again.status_code, again.json()) == (200, first.json())
    assert (affected_patients("alert.archive"), published("archived")) == ([{patient.pk}] * 2, [str(row.uuid)])


def test_an_archived_alert_is_still_changed_and_brought_back(clinic, api, patient, alerts):
    row = clinic.entry(Alert, patient, status="archived")
    shown = api().patch(f"{alerts}/{row.uuid}", {"base_version": 1, "note": "Kept"}).json()
    assert (shown["note"], shown["status"]) == ("Kept", "archived")
    assert api().patch(f"{alerts}/{row.uuid}", {"base_version": 2, "status": "active"}).json()["status"] == "active"
    assert listed(api, alerts) == ids(row)
