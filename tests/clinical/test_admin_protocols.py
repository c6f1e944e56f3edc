"""The page of a protocol in the admin: rows in, the JSON of every door out; sentences and a trial of what is not saved yet."""

import datetime
import html
import json
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib import admin
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from accounts.models import AuditedPatient, AuditEvent, Organization, Role
from accounts.services.catalogs import archive_catalog_row
from clinical.admin.drawing import bar_chart
from clinical.models import Instrument, MonitoringAlert
from clinical.monitoring.rules import SHAPES
from clinical.services.instruments import GAUGES
from config.core.orm import MAX_OBJECTS
from patients.models import Enrolment, Program, Protocol
from tests.clinical.rules import BOTH, DAILY, HEAVY, LATE, MEAN, OVER_100, REMARK
from tests.factories import SYSTEM
from tests.pages import form_values, opened, row_inputs, sign_in, submit, url

EVERY = [HEAVY, OVER_100, BOTH, MEAN, LATE, REMARK]


@pytest.fixture
def client(ward, clinic):
    return sign_in(clinic.users[Role.HC_ADMIN])


def save(client, ward, *rules: dict, schedule: Sequence[dict] = (), keys: Sequence[str] | None = None, **changes: Any):
    """Send the form of the ward's protocol with these rows."""
    rows = row_inputs("rules", rules, keys) | row_inputs("schedule", schedule)
    return submit(client, Protocol, ward.protocol.pk, **rows, **changes)


def form_of(answer) -> Any:
    """Return the form of a page that refused."""
    assert answer.status_code == 200
    return answer.context["adminform"].form


def row_errors(answer, name: str = "rules") -> list[dict[str, list[str]]]:
    """Return what is wrong in each row of a refused form, by input."""
    return [dict(row.errors) for row in form_of(answer)[name].rows]


# --- saving ---------------------------------------------------------------------------------------
def test_every_kind_of_rule_is_saved_as_other_doors_write_it(client, ward):
    assert save(client, ward, *EVERY, schedule=[DAILY]).status_code == 302
    assert (ward.protocol.rules, ward.protocol.schedule, ward.protocol.version) == (EVERY, [DAILY], 2)
    assert AuditEvent.objects.filter(action="protocol.update", subject_id=ward.protocol.pk).count() == 1


def test_what_a_page_shows_is_what_it_saves(client, ward):
    ward.prescribe(*EVERY, schedule=[DAILY])
    answer = submit(client, Protocol, ward.protocol.pk)
    assert answer.status_code == 302
    assert (ward.protocol.rules, ward.protocol.schedule, ward.protocol.version) == (EVERY, [DAILY], 2)


def test_rows_are_saved_in_the_order_in_which_they_are_sent(client, ward):
    save(client, ward, REMARK, HEAVY, LATE, keys=["7", "0", "3"])
    assert ward.protocol.rules == [REMARK, HEAVY, LATE]
    save(client, ward, LATE, REMARK, keys=["3", "7"])
    assert ward.protocol.rules == [LATE, REMARK]
    save(client, ward)
    assert ward.protocol.rules == []


def test_inputs_that_a_kind_does_not_need_are_not_read(client, ward):
    hidden = {"rules-0-window_days": "many", "rules-0-grace_hours": "-1", "rules-0-all": ["x"], "rules-0-min_count": ""}
    assert save(client, ward, HEAVY, **hidden).status_code == 302
    assert ward.protocol.rules == [HEAVY]


def test_a_new_protocol_is_saved_with_its_rules(client, ward):
    rows = row_inputs("rules", [HEAVY]) | row_inputs("schedule", [DAILY])
    answer = submit(client, Protocol, name="Heart failure", program=ward.clinic.catalogs["program"].pk, **rows)
    assert answer.status_code == 302
    made = Protocol.objects.get(name="Heart failure")
    assert (made.rules, made.schedule) == ([HEAVY], [DAILY])


def test_a_gauge_is_made_when_a_rule_names_it_first(client, ward):
    code = next(iter(GAUGES.keys() - {"mood"}))
    assert save(client, ward, {**HEAVY, "instrument": code, "value": 3}).status_code == 302
    assert Instrument.objects.filter(organization=ward.clinic.organization, code=code).exists()


def test_somebody_elses_change_is_not_overwritten(client, ward):
    address, values = opened(client, Protocol, ward.protocol.pk)
    ward.prescribe(REMARK)
    answer = client.post(address, {**values, **row_inputs("rules", [HEAVY])})
    assert "Someone else changed this record" in form_of(answer).non_field_errors()[0]
    assert ward.protocol.rules == [REMARK]


def test_the_longest_list_of_rules_can_be_sent(client, ward):
    conditions = [{**HEAVY, "value": 50 + value} for value in range(20)]
    longest = [{**BOTH, "all": [{part: one[part] for part in ("instrument", "op", "value")} for one in conditions]}] * 100
    address, values = opened(client, Protocol, ward.protocol.pk)
    body = urlencode({**values, **row_inputs("rules", longest)}, doseq=True)
    assert client.post(address, body, content_type="application/x-www-form-urlencoded").status_code == 302
    assert ward.protocol.rules == longest


# --- what is wrong --------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("rule", "wrong"),
    [
        ({**HEAVY, "value": ""}, {"value": ["Enter a number."]}),
        ({**HEAVY, "value": "1_0"}, {"value": ["Enter a number."]}),
        ({**HEAVY, "instrument": ""}, {"instrument": ["Choose an instrument."]}),
        ({**HEAVY, "instrument": "height"}, {"instrument": ["Choose an instrument."]}),
        ({**HEAVY, "instrument": "mood"}, {"instrument": ["Choose an instrument that gives numbers."]}),
        ({**HEAVY, "op": "="}, {"op": ["Choose above or below."]}),
        ({**HEAVY, "instrument": "pulse", "value": 9000}, {"value": ["This must be between 1 and 350 a minute."]}),
        ({**MEAN, "min_count": ""}, {"min_count": ["Say how many values are needed: a whole number from 1 to 1,000."]}),
        ({**MEAN, "window_days": "91"}, {"window_days": ["Say over how many days: a whole number from 1 to 90."]}),
        ({**LATE, "grace_hours": "-1"}, {"grace_hours": ["Say how many hours late: a whole number from 0 to 720."]}),
        ({**BOTH, "all": BOTH["all"][:1]}, {"__all__": ["A combination needs 2 to 20 conditions."]}),
        ({**BOTH, "all": [*BOTH["all"], {}]}, {"__all__": ["Something is missing or wrong in a condition."]}),
    ],
)
def test_what_is_wrong_is_told_in_words_beside_the_row(client, ward, rule, wrong):
    answer = save(client, ward, REMARK, rule)
    assert row_errors(answer) == [{}, wrong]
    assert form_of(answer).errors == {"rules": ["Something is missing or wrong in rule 2."]}
    (words,) = next(iter(wrong.values()))
    assert escape(words) in answer.content.decode()
    assert (ward.protocol.rules, ward.protocol.version) == ([], 1)


def test_what_was_typed_stays_in_a_refused_form(client, ward):
    answer = save(client, ward, {**HEAVY, "value": "many"}, {**BOTH, "within_days": "0"}, schedule=[{**DAILY, "to_day": "x"}])
    values = form_values(answer.content.decode(), "protocol_form")
    assert (values["rules-0-value"], values["rules-1-within_days"], values["schedule-0-to_day"]) == (["many"], ["0"], ["x"])
    assert values["rules-1-all-1-instrument"] == ["pulse"]


def test_several_rows_are_named(client, ward):
    answer = save(client, ward, {}, REMARK, {}, {})
    assert form_of(answer).errors == {"rules": ["Something is missing or wrong in rules 1, 3 and 4."]}


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ({**DAILY, "every_days": "0"}, {"every_days": ["Say every how many days: a whole number from 1 to 3,650."]}),
        ({**DAILY, "from_day": 31}, {"from_day": ["The first day must not lie after the last one."]}),
    ],
)
def test_what_is_wrong_in_a_line_is_told_beside_it(client, ward, line, wrong):
    assert row_errors(save(client, ward, schedule=[line]), "schedule") == [wrong]


def test_what_is_wrong_between_lines_is_told_above_them(client, ward):
    answer = save(client, ward, schedule=[DAILY, DAILY])
    assert form_of(answer).errors == {"schedule": ["A line stands in the schedule twice."]}


@pytest.mark.parametrize("keys", [["x"], ["1_0"], ["0", "0"], ["9999999"], ["\ud800"], ["0\x00"]])
def test_rows_that_no_page_sends_are_refused(client, ward, keys):
    answer = submit(client, Protocol, ward.protocol.pk, rules=[key.encode("utf-8", "surrogatepass") for key in keys])
    assert form_of(answer).errors == {"rules": ["These rows cannot be read."]}


def test_no_more_rows_are_read_than_may_be(client, ward, monkeypatch):
    rules = admin.site._registry[Protocol].form.base_fields["rules"]
    assert rules.longest == MAX_OBJECTS
    monkeypatch.setattr(rules, "longest", 2)
    answer = submit(client, Protocol, ward.protocol.pk, rules=[str(key) for key in range(50)])
    assert form_of(answer).errors == {"rules": ["There may be 2 rows at most."]}
    assert len(form_of(answer)["rules"].rows) == 3


def test_an_archived_instrument_stays_visible_and_has_to_be_replaced(client, ward):
    ward.prescribe(HEAVY)
    archive_catalog_row(actor=SYSTEM, row=ward.instruments["weight"], base_version=1)
    address, values = opened(client, Protocol, ward.protocol.pk)
    assert values["rules-0-instrument"] == ["weight"]
    assert "weight (archived)" in client.get(address).content.decode()
    assert client.post(address, {**values, "name": "Renamed"}).status_code == 200
    assert client.post(address, {**values, "name": "Renamed", "rules-0-instrument": "pulse"}).status_code == 302


# --- what the page shows --------------------------------------------------------------------------
def test_a_rule_shows_the_inputs_that_its_kind_needs(client, ward):
    for rule in EVERY:
        ward.prescribe(rule)
        shown = client.get(url(Protocol, "change", ward.protocol.pk)).content.decode()
        row = shown[shown.index('data-row="rule"') : shown.index("<template")]
        parts = re.findall(r'<(?:span|div) [^>]*data-kinds="([^"]*)"([^>]*)>', row)
        assert len(parts) == 8
        assert [rule["kind"] in kinds.split() for kinds, _ in parts] == ["hidden" not in rest for _, rest in parts]


def test_all_parts_of_all_kinds_have_an_input():
    form = admin.site._registry[Protocol].form.base_fields["rules"].row_class
    assert set().union(*SHAPES.values()) - {"all"} | {"kind"} == set(form.base_fields)


def test_who_may_only_read_gets_sentences_and_no_inputs(ward, clinic):
    ward.prescribe(HEAVY, schedule=[DAILY])
    ward.patient()
    for role in (Role.HC_VIEW_ALL, Role.HC_PRIMARY):
        shown = sign_in(clinic.users[role]).get(url(Protocol, "change", ward.protocol.pk)).content.decode()
        for words in ("when weight is above 90", "Weight every day, from day 0 to day 30", "1 patient</b> follows"):
            assert words in shown
        assert "rules-0-flag" not in shown
        assert "protocols/draft" not in shown


def test_instruments_are_those_of_the_protocols_organization(client, ward, neighbour):
    neighbour.catalog(Instrument, "Head circumference", code="head")
    superadmin = sign_in(ward.clinic.users[Role.FC_ADMIN])
    for one in (client, superadmin):
        shown = one.get(url(Protocol, "change", ward.protocol.pk)).content.decode()
        assert ("Weight" in shown, "Head circumference" in shown) == (True, False)
    assert 'value="weight"' not in superadmin.get(url(Protocol, "add")).content.decode()
    given = {"organization": ward.clinic.organization.pk, "program": ward.clinic.catalogs["program"].pk, "name": "Of one"}
    assert submit(superadmin, Protocol, **given, **row_inputs("rules", [HEAVY])).status_code == 302
    assert Protocol.objects.get(name="Of one").rules == [HEAVY]


def test_own_rules_are_counted(client, ward):
    own = ward.patient()
    for _ in range(2):
        ward.patient()
    ward.own(own, "measurement", "weight", HEAVY)
    ward.own(own, "remark", None)
    shown = " ".join(client.get(url(Protocol, "change", ward.protocol.pk)).content.decode().split())
    assert "<b>3 patients</b> follow this protocol. 1 has own limits" in shown


# --- drafts ---------------------------------------------------------------------------------------
def draft(client, name: str, *rules: dict, protocol=None, schedule: Sequence[dict] = (), **sent: Any) -> str:
    """Return the fragment that answers a form that is not saved, without line ends."""
    about = {"protocol": protocol.pk} if protocol else {}
    answer = client.post(
        reverse(f"admin:{name}"), {**row_inputs("rules", rules), **row_inputs("schedule", schedule), **about, **sent}
    )
    assert answer.status_code == 200, answer.status_code
    return " ".join(answer.content.decode().split())


def test_a_draft_is_told_in_words(client, ward):
    told = draft(client, "protocol_words", *EVERY, schedule=[DAILY])
    for words in (
        'id="rules-0-words" hx-swap-oob="true"',
        "when weight is above 90.",
        "when within 2 days weight is above 90 and pulse is at or above 100.",
        "when the average weight of 3 values or more in 3 days is above 90.",
        "when weight has not been measured 12 hours after it was due.",
        "when the patient writes a remark.",
        "Weight every day, from day 0 to day 30.",
    ):
        assert words in told
    text = html.unescape(told.rpartition("<pre")[2].partition(">")[2].partition("</pre>")[0])
    assert json.loads(text) == {"rules": EVERY, "schedule": [DAILY]}


@pytest.mark.parametrize("rule", EVERY, ids=lambda rule: rule["kind"])
def test_what_is_missing_stands_as_an_ellipsis(client, ward, rule):
    bare = {part: "" for part in rule} | {"kind": rule["kind"], "flag": "red"}
    told = draft(client, "protocol_words", {**bare, "all": []} if "all" in rule else bare)
    assert ("…" in told) == (rule != REMARK)
    assert "Red" in told
    if "all" in rule:
        assert "within … days …" in told
        assert "… is above 5" in draft(client, "protocol_words", {**bare, "all": [{"op": ">", "value": 5}, {}]})


def test_a_draft_of_nothing_that_can_be_read_is_told_all_the_same(client, ward):
    nonsense = {"kind": "x", "flag": "blue", "op": "~", "value": "NaN", "instrument": "\0"}
    assert "…" in draft(client, "protocol_words", nonsense, schedule=[{"every_days": "9" * 5000}])
    draft(client, "protocol_trial", nonsense, protocol=ward.protocol)


def test_what_is_new_and_what_is_changed_is_marked(client, ward):
    ward.prescribe(HEAVY, MEAN, BOTH)
    _, values = opened(client, Protocol, ward.protocol.pk)
    other = {**BOTH, "all": [BOTH["all"][0], {**BOTH["all"][1], "value": 120}]}
    sent = row_inputs("rules", [REMARK, {**HEAVY, "value": 95}, MEAN, other], keys=["3", "0", "1", "2"])
    told = draft(client, "protocol_words", protocol=ward.protocol, base_version=values["base_version"], **sent)
    marks = re.findall(r'id="rules-(\d)-words".*?(?:blue">(\w+)</span>)?</p>', told)
    assert marks == [("3", "new"), ("0", "changed"), ("1", ""), ("2", "changed")]
    assert 'when weight is above 95. <span class="muted">Before: orange when weight is above 90.' in told
    stale = draft(client, "protocol_words", protocol=ward.protocol, base_version="1", **sent)
    assert "changed" not in stale


@pytest.fixture
def follower(ward):
    """Return a patient who has measured twice since long ago."""
    patient, now = ward.patient(), timezone.now()
    Enrolment.objects.filter(patient=patient).update(start_date=now.date() - datetime.timedelta(days=200))
    for days, weight in ((10, 95), (3, 110)):
        ward.stored(patient, weight, now - datetime.timedelta(days=days))
    return patient


def test_a_trial_compares_what_is_written_with_what_is_stored(client, ward, follower):
    ward.prescribe(HEAVY, OVER_100)
    told = draft(client, "protocol_trial", HEAVY, {**OVER_100, "value": 120}, {**HEAVY, "value": ""}, protocol=ward.protocol)
    assert "<b>0 red, 2 orange and 0 grey alerts in 1 of 1 patient</b>" in told
    counts = re.findall(r'</span></th><td class="number">(\d+)</td><td class="number"><b>(\d+)</b>', told)
    assert counts == [("1", "0"), ("1", "2"), ("0", "0")]
    assert "<b>1 patient would lose every red alert:</b>" in told
    assert f'/admin/patients/patient/{follower.pk}/">{follower.last_name}, {follower.first_name}</a>' in told
    assert AuditedPatient.objects.filter(patient_id=follower.pk, event__action="patient.search").exists()
    assert "Left out until finished: rule 3." in told
    assert 'aria-label="Alerts a week, ' in told
    assert "1. Orange when weight is above 90" in told
    assert not MonitoringAlert.objects.exists()


def test_a_trial_says_on_how_many_it_was_made(client, ward, follower, monkeypatch):
    ward.patient()
    monkeypatch.setattr("clinical.services.monitoring.trials.MOST_PATIENTS", 1)
    assert "Tried on 1 of 2 patients" in draft(client, "protocol_trial", HEAVY, protocol=ward.protocol)


def test_rules_that_nobody_follows_are_tried_on_the_program(client, ward, follower):
    fresh = ward.clinic.catalog(Protocol, "Fresh", program=ward.clinic.catalogs["program"])
    told = draft(client, "protocol_trial", HEAVY, protocol=fresh)
    assert "2 orange and 0 grey alerts in 1 of 1 patient" in told
    assert "tried on who is in its program" in told
    assert told.count("2 orange") == draft(client, "protocol_trial", HEAVY, program=fresh.program_id).count("2 orange")
    other = ward.clinic.catalog(Program, "Other")
    assert "Nobody is in this program yet" in draft(client, "protocol_trial", HEAVY, program=other.pk)


def test_a_draft_knows_nothing_of_the_neighbour(client, ward, neighbour):
    neighbour.catalog(Instrument, "Head circumference", code="head")
    neighbour.enrolled()
    theirs = neighbour.catalogs["protocol"]
    rule = {**HEAVY, "instrument": "head"}
    for about in ({"protocol": theirs}, {"program": theirs.program_id}):
        assert "head circumference" not in draft(client, "protocol_words", rule, **about)
        assert "Nobody is in this program yet" in draft(client, "protocol_trial", rule, **about)


@pytest.mark.parametrize("name", ["protocol_words", "protocol_trial"])
def test_drafts_are_for_who_may_write_protocols(ward, clinic, name):
    for role in (Role.HC_VIEW_ALL, Role.HC_PRIMARY):
        assert sign_in(clinic.users[role]).post(reverse(f"admin:{name}")).status_code == 403
    assert Organization.objects.count() > 1
    assert sign_in(clinic.users[Role.FC_ADMIN]).post(reverse(f"admin:{name}")).status_code == 204


def test_a_page_and_its_trial_cost_the_same_for_many_patients(client, ward, follower):
    ward.prescribe(*EVERY, schedule=[DAILY])
    address = url(Protocol, "change", ward.protocol.pk)

    def statements() -> list[int]:
        with CaptureQueriesContext(connection) as page:
            client.get(address)
        with CaptureQueriesContext(connection) as trial:
            draft(client, "protocol_trial", *EVERY, LATE, protocol=ward.protocol)
        return [len(page), len(trial)]

    statements()
    few = statements()
    for _ in range(3):
        ward.stored(ward.patient(), 105, timezone.now())
    assert statements() == few
    assert few[0] <= 17
    assert few[1] <= 19


def test_a_picture_tells_what_it_shows():
    days = datetime.date(2026, 9, 1), datetime.date(2026, 9, 14)
    drawn = bar_chart([{"red": 2, "grey": 1}, {"orange": 3}], label="Alerts", first=days[0], last=days[1])
    assert 'aria-label="Alerts, 1 Sep to 14 Sep, 2 red, 3 orange, 1 grey, at most 3 in one week"' in drawn
    heights = {flag: float(height) for flag, height in re.findall(r'class="bar (\w+)"[^>]* height="([\d.]+)"', drawn)}
    assert heights["red"] == pytest.approx(2 * heights["grey"], abs=0.2)
    assert heights["orange"] == pytest.approx(3 * heights["grey"], abs=0.2)
    assert "bar" not in bar_chart([{}, {}], label="", first=days[0], last=days[1]).replace("bar-chart", "")
