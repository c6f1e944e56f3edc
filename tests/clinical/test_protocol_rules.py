"""Schedules and rules as administrators write them, on protocols and for one patient, and what is refused by name."""

import pytest

from accounts.models import Role
from accounts.services.catalogs import archive_catalog_row
from clinical.models import Instrument, RuleOverride
from clinical.services.instruments import GAUGES
from patients.models import Protocol
from tests.clinical.rules import BOTH, DAILY, HEAVY, LATE, MEAN, OVER_100, REMARK
from tests.contracts.facts import table
from tests.factories import SYSTEM

EVERY = [HEAVY, OVER_100, BOTH, MEAN, LATE, REMARK]
NOT_RULES = [
    {},
    "x",
    7,
    True,
    [None],
    ["remark"],
    [[]],
    [{}],
    [{"kind": "remark"}],
    [{**REMARK, "x": 1}],
    [{**HEAVY, "instrument": "height"}],
    [{**HEAVY, "op": "="}],
    [{**HEAVY, "value": "90"}],
    [{**HEAVY, "value": 0.0001}],
    [{**HEAVY, "value": 10**12}],
    [{**HEAVY, "flag": "green"}],
    [{**HEAVY, "instrument": "mood"}],
    [{**BOTH, "all": BOTH["all"][:1]}],
    [{**LATE, "grace_hours": -1}],
    [{**MEAN, "min_count": 0}],
    [REMARK] * 101,
]
NOT_SCHEDULES = [
    {},
    "x",
    [None],
    [{}],
    [{**DAILY, "every_days": 0}],
    [{**DAILY, "from_day": 31}],
    [{**DAILY, "instrument": "height"}],
    [{**DAILY, "hour": 9}],
    [DAILY, DAILY],
]


def names(answer) -> set[tuple]:
    """Return where the faults of a 422 lie."""
    assert answer.status_code == 422, answer.content
    return {tuple(one["loc"]) for one in answer.json()["detail"]}


# --- protocols --------------------------------------------------------------------------------------
@pytest.fixture
def protocols(ward, clinic) -> str:
    return f"{clinic.base}/protocols"


@pytest.fixture
def body(clinic) -> dict:
    return {"name": "Heart failure", "program_uuid": str(clinic.catalogs["program"].uuid)}


def test_a_protocol_keeps_its_schedule_and_rules_as_they_were_sent(protocols, body, api):
    practice, client = table("practice"), api()
    made = client.post(protocols, {**body, "schedule": [DAILY], "rules": EVERY})
    assert (made.status_code, made.json()["schedule"], made.json()["rules"]) == (201, [DAILY], EVERY)
    one = f"{protocols}/{made.json()['id']}"
    changed = client.patch(one, {"base_version": 1, "rules": [REMARK]})
    assert (changed.json()["schedule"], changed.json()["rules"], changed.json()["version"]) == ([DAILY], [REMARK], 2)
    for answer in (made, changed, client.get(one)):
        assert list(practice.faults("Protocol", answer.json())) == []
    assert list(practice.faults("ProtocolPage", client.get(protocols).json())) == []


def test_a_protocol_needs_neither_and_null_leaves_them(protocols, body, api):
    bare = api().post(protocols, body).json()
    assert (bare["schedule"], bare["rules"]) == ([], [])
    full = api().post(protocols, {**body, "schedule": [DAILY], "rules": EVERY}).json()
    kept = api().patch(f"{protocols}/{full['id']}", {"base_version": 1, "schedule": None, "rules": None}).json()
    assert (kept["schedule"], kept["rules"]) == ([DAILY], EVERY)
    assert api().post(protocols, {**body, "rules": None}).json()["rules"] == []


@pytest.mark.parametrize(
    ("name", "wrong"), [*(("rules", wrong) for wrong in NOT_RULES), *(("schedule", wrong) for wrong in NOT_SCHEDULES)]
)
def test_what_are_no_rules_is_refused_by_name_and_changes_nothing(protocols, body, ward, api, name, wrong):
    assert names(api().post(protocols, {**body, name: wrong})) == {("body", name)}
    stored = ward.protocol
    answer = api().patch(f"{protocols}/{stored.uuid}", {"base_version": stored.version, name: wrong})
    assert names(answer) == {("body", name)}
    assert Protocol.objects.filter(organization=ward.clinic.organization).count() == 1
    assert ward.protocol.version == stored.version


@pytest.mark.parametrize("text", ["\x00", "\ud800"])
def test_text_that_no_database_keeps_is_refused_in_rules_too(protocols, body, api, text):
    for rule in ({**HEAVY, "instrument": text}, {**REMARK, text: 1}):
        assert all(where[:2] == ("body", "rules") for where in names(api().post(protocols, {**body, "rules": [rule]})))


def test_instruments_of_others_and_archived_ones_are_unknown(protocols, body, ward, neighbour, api):
    neighbour.catalog(Instrument, "Height", code="height")
    archive_catalog_row(actor=SYSTEM, row=ward.instruments["pulse"], base_version=1)
    for code in ("height", "pulse"):
        assert names(api().post(protocols, {**body, "rules": [{**HEAVY, "instrument": code}]})) == {("body", "rules")}


def test_a_gauge_that_comes_with_the_product_can_be_named_before_it_is_used(protocols, body, clinic, api):
    gauge = next(code for code in GAUGES if code != "mood")
    rule = {**HEAVY, "instrument": gauge, "value": 3}
    assert api().post(protocols, {**body, "rules": [rule]}).status_code == 201
    shipped = Instrument.objects.get(organization=clinic.organization, code=gauge)
    archive_catalog_row(actor=SYSTEM, row=shipped, base_version=1)
    assert names(api().post(protocols, {**body, "rules": [rule]})) == {("body", "rules")}
    refused = {**BOTH, "all": [{**HEAVY, "instrument": list(GAUGES)[-1]}] * 2}
    assert names(api().post(protocols, {**body, "rules": [refused]})) == {("body", "rules")}
    assert not Instrument.objects.filter(code=list(GAUGES)[-1]).exists(), "what is refused leaves nothing"


def test_administrators_write_rules_and_caregivers_do_not(protocols, body, api):
    assert api(Role.HC_PRIMARY).post(protocols, {**body, "rules": [REMARK]}).status_code == 403
    assert api(Role.HC_VIEW_ALL).get(protocols).status_code == 200


# --- own rules --------------------------------------------------------------------------------------
@pytest.fixture
def patient(ward):
    return ward.patient()


@pytest.fixture
def own(clinic, patient) -> str:
    return f"{clinic.base}/patients/{patient.uuid}/monitoring-rules"


BODY = {"kind": "measurement", "instrument": "weight", "rules": [HEAVY, OVER_100]}


def test_own_rules_are_made_read_changed_and_archived(own, patient, clinic, api):
    practice, client = table("practice"), api(Role.HC_PRIMARY)
    made = client.post(own, BODY)
    assert made.status_code == 201, made.content
    assert {name: made.json()[name] for name in BODY} == BODY
    one = f"{own}/{made.json()['id']}"
    changed = client.patch(one, {"base_version": 1, "rules": []})
    assert (changed.json()["rules"], changed.json()["version"]) == ([], 2)
    remark = client.post(own, {"kind": "remark", "rules": [REMARK]})
    for answer in (made, changed, remark, client.get(one), client.post(f"{one}/archive")):
        assert list(practice.faults("MonitoringRules", answer.json())) == []
    assert list(practice.faults("MonitoringRulesPage", client.get(own).json())) == []
    assert [row["kind"] for row in client.get(own).json()["items"]] == ["remark"]
    assert RuleOverride.objects.get(kind="remark").created_by == clinic.users[Role.HC_PRIMARY]


@pytest.mark.parametrize(("body", "field"), [(BODY, "instrument"), ({"kind": "remark", "rules": []}, "kind")])
def test_of_one_kind_and_instrument_a_patient_has_own_rules_once(own, ward, clinic, api, body, field):
    first = api().post(own, body).json()
    again = api().post(own, body)
    assert (again.status_code, again.json()) == (409, {"detail": "The patient has rules of this kind and instrument already."})
    assert RuleOverride.objects.count() == 1
    elsewhere = f"{clinic.base}/patients/{ward.patient().uuid}/monitoring-rules"
    assert api().post(elsewhere, body).status_code == 201
    api().post(f"{own}/{first['id']}/archive")
    assert api().post(own, body).status_code == 201


@pytest.mark.parametrize("wrong", [wrong for wrong in NOT_RULES if wrong != [REMARK]])
def test_what_are_no_own_rules_is_refused_by_name(own, api, wrong):
    assert names(api().post(own, {**BODY, "rules": wrong})) == {("body", "rules")}
    made = api().post(own, BODY).json()
    assert names(api().patch(f"{own}/{made['id']}", {"base_version": 1, "rules": wrong})) == {("body", "rules")}
    assert RuleOverride.objects.get().rules == BODY["rules"]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"kind": "threshold"}, "kind"),
        ({"kind": None}, "kind"),
        ({"kind": 1}, "kind"),
        ({"instrument": "height"}, "instrument"),
        ({"instrument": None}, "instrument"),
        ({"instrument": 7}, "instrument"),
        ({"kind": "remark"}, "instrument"),
        ({"kind": "combination"}, "instrument"),
        ({"instrument": "pulse"}, "rules"),
        ({"kind": "average"}, "rules"),
        ({"rules": None}, "rules"),
        ({"rules": [REMARK]}, "rules"),
    ],
)
def test_own_rules_are_of_the_kind_and_instrument_that_they_name(own, api, changed, field):
    assert names(api().post(own, {**BODY, **changed})) == {("body", field)}
    assert not RuleOverride.objects.exists()


def test_the_kind_and_the_instrument_of_own_rules_stay(own, api):
    made = api().post(own, BODY).json()
    changed = api().patch(f"{own}/{made['id']}", {"base_version": 1, "kind": "remark", "instrument": "pulse", "rules": [HEAVY]})
    assert (changed.status_code, changed.json()["kind"], changed.json()["instrument"]) == (200, "measurement", "weight")


@pytest.mark.parametrize("name", ["kind", "rules"])
def test_a_kind_and_rules_must_be_given(own, api, name):
    assert names(api().post(own, {key: value for key, value in BODY.items() if key != name})) == {("body", name)}
