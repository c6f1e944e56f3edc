"""The rules of monitoring without a database: their shapes, what is wrong with one, and which are in force."""

import pytest

from clinical.models import Flag, InstrumentKind, RuleKind
from clinical.monitoring import (
    FLAGS,
    KINDS,
    OPS,
    InstrumentFacts,
    Override,
    check_override,
    check_rules,
    check_schedule,
    codes_of,
    rule_key,
    rules_in_force,
)
from clinical.monitoring.rules import CONDITION, NUMERIC, SHAPES
from config.core.exceptions import Invalid
from tests.clinical import rules
from tests.clinical.rules import BOTH, DAILY, HEAVY, OVER_100, REMARK

INSTRUMENTS = {code: InstrumentFacts(kind) for code, kind in (("weight", "numeric"), ("pulse", "numeric"), ("mood", "choice"))}
MEAN = {**rules.MEAN, "min_count": 2}
LATE = {**rules.LATE, "instrument": "mood"}
ALL = [HEAVY, BOTH, MEAN, LATE, REMARK]


# --- shapes -----------------------------------------------------------------------------------------
def faults(rules, field: str = "rules", check=check_rules) -> list[str]:
    with pytest.raises(Invalid) as refusal:
        check(rules, INSTRUMENTS)
    assert list(refusal.value.errors) == [field]
    return refusal.value.errors[field]


def test_the_words_are_those_of_the_models():
    assert list(FLAGS) == Flag.values
    assert sorted(KINDS) == sorted(RuleKind.values)
    assert NUMERIC == InstrumentKind.NUMERIC


def test_the_documented_rules_are_taken():
    check_rules(ALL, INSTRUMENTS)
    check_rules([], INSTRUMENTS)
    check_rules([{**HEAVY, "op": op, "value": number} for op in OPS for number in (-1, 0, 36.6, 999999999.999)], INSTRUMENTS)


@pytest.mark.parametrize("rule", ALL, ids=lambda rule: rule["kind"])
def test_a_rule_has_exactly_the_keys_of_its_kind(rule):
    for name in rule:
        short = {key: held for key, held in rule.items() if key != name}
        assert f"Rule 1: {name} must be given." in faults([REMARK, short])
    assert faults([{**rule, "note": "x"}]) == [f"Rule 0: only {', '.join(['kind', *SHAPES[rule['kind']]])} can be given."]


@pytest.mark.parametrize("wrong", [None, {}, "rules", 7, [None], ["x"], [[]], [7], [REMARK] * 101])
def test_what_is_no_list_of_objects_is_refused(wrong):
    faults(wrong)
    faults(wrong, "schedule", check_schedule)


@pytest.mark.parametrize("kind", [None, "", "threshold", "REMARK", 7, [], {}, True])
def test_an_unknown_kind_is_refused_and_nothing_else_is_said(kind):
    (fault,) = faults([{**HEAVY, "kind": kind}])
    assert fault.startswith("Rule 0: kind must be one of")


WRONG = {
    "instrument": [None, "", "Weight", "height", 7, ["weight"], {}],
    "op": [None, "", "=", "==", "!=", "<>", "gt", 7, []],
    "flag": [None, "", "green", "RED", 2, []],
    "value": [None, "90", True, [], {}, float("nan"), float("inf"), -float("inf"), 0.0001, 1e-9, 10**9, -(10**9), 10**400, 1e300],
    "grace_hours": [None, "1", True, -1, 721, 1.5, 0.5, 10**30],
    "window_days": [None, 0, -1, 91, 1.5, "7", True],
    "min_count": [None, 0, 1001, 1.5, "7", True],
    "within_days": [None, 0, -1, 91, 2.5, "7", True],
    "all": [None, {}, [], BOTH["all"][:1], [None, None], ["weight", "pulse"], BOTH["all"] * 11],
}


@pytest.mark.parametrize(("rule", "name"), [(rule, name) for rule in ALL for name in rule if name != "kind"])
def test_a_wrong_value_is_named(rule, name):
    for wrong in WRONG[name]:
        assert all(fault.startswith(f"Rule 2: {name} ") for fault in faults([REMARK, REMARK, {**rule, name: wrong}])), wrong


@pytest.mark.parametrize("name", CONDITION)
def test_a_wrong_value_of_a_condition_is_named(name):
    for wrong in WRONG[name]:
        broken = [BOTH["all"][0], {**BOTH["all"][1], name: wrong}]
        assert all(fault.startswith(f"Rule 0: all condition 1: {name} ") for fault in faults([{**BOTH, "all": broken}]))
    (fault,) = faults([{**BOTH, "all": [*BOTH["all"], {**BOTH["all"][0], "flag": "red"}]}])
    assert fault == "Rule 0: all condition 2: only instrument, op, value can be given."


def test_numbers_are_compared_with_instruments_that_give_some():
    for rule in ({**HEAVY, "instrument": "mood"}, {**MEAN, "instrument": "mood"}):
        assert faults([rule]) == ["Rule 0: instrument must be the code of an instrument that gives numbers."]
    check_rules([LATE], INSTRUMENTS)  # A choice can be missing as well as a number.


def test_every_fault_is_told():
    assert len(faults([{**HEAVY, "op": "=", "flag": "blue"}, REMARK, {"kind": "remark"}])) == 3


def test_a_schedule_has_different_lines_whose_days_are_in_order():
    check_schedule([DAILY, {**DAILY, "every_days": 7}, {**DAILY, "from_day": 30}, {**DAILY, "instrument": "mood"}], INSTRUMENTS)
    check_schedule([], INSTRUMENTS)
    assert faults([{**DAILY, "from_day": 31}], "schedule", check_schedule) == ["Line 0: from_day must not lie after to_day."]
    assert faults([DAILY, dict(DAILY)], "schedule", check_schedule) == ["A line stands in the schedule twice."]


@pytest.mark.parametrize("name", DAILY)
def test_a_wrong_value_of_a_line_is_named(name):
    for wrong in (None, "", "1", -1, 1.5, True, 3_651, 10**30, [], {}):
        (fault,) = faults([{**DAILY, name: wrong}], "schedule", check_schedule)
        assert fault.startswith(f"Line 0: {name} ")
    assert faults([{**DAILY, "note": 1}], "schedule", check_schedule)


# --- own rules --------------------------------------------------------------------------------------
def test_own_rules_are_of_the_kind_and_instrument_that_they_say():
    check_override(Override("measurement", "weight", [HEAVY, OVER_100]), INSTRUMENTS)
    check_override(Override("remark", None, [REMARK]), INSTRUMENTS)
    check_override(Override("combination", None, []), INSTRUMENTS)


@pytest.mark.parametrize(
    ("override", "field"),
    [
        (Override("measurement", None, [HEAVY]), "instrument"),
        (Override("average", None, []), "instrument"),
        (Override("overdue", None, []), "instrument"),
        (Override("remark", "weight", [REMARK]), "instrument"),
        (Override("combination", "weight", []), "instrument"),
        (Override("measurement", "height", []), "instrument"),
        (Override("measurement", "pulse", [HEAVY]), "rules"),
        (Override("average", "weight", [HEAVY]), "rules"),
        (Override("remark", None, [BOTH]), "rules"),
        (Override("measurement", "weight", [HEAVY, {}]), "rules"),
        (Override("measurement", "weight", None), "rules"),
    ],
)
def test_own_rules_of_something_else_are_refused(override, field):
    with pytest.raises(Invalid) as refusal:
        check_override(override, INSTRUMENTS)
    assert list(refusal.value.errors) == [field]


def test_own_rules_replace_those_of_the_same_kind_and_instrument_and_no_others():
    pulse = {**HEAVY, "instrument": "pulse"}
    protocol = [HEAVY, OVER_100, pulse, MEAN, BOTH, REMARK]
    own = {**HEAVY, "value": 120}
    assert rules_in_force(protocol, []) == protocol
    assert rules_in_force(protocol, [Override("measurement", "weight", [own])]) == [pulse, MEAN, BOTH, REMARK, own]
    assert rules_in_force(protocol, [Override("measurement", "weight", [])]) == [pulse, MEAN, BOTH, REMARK]
    assert rules_in_force(protocol, [Override("combination", None, [])]) == [HEAVY, OVER_100, pulse, MEAN, REMARK]
    assert rules_in_force([], [Override("remark", None, [REMARK])]) == [REMARK]


def test_a_rule_key_is_the_kind_and_the_instruments_in_order():
    assert [rule_key(rule) for rule in ALL] == [
        "measurement:weight",
        "combination:pulse:weight",
        "average:weight",
        "overdue:mood",
        "remark",
    ]
    assert rule_key(BOTH) == rule_key({**BOTH, "all": BOTH["all"][::-1], "within_days": 9})
    long = {**BOTH, "all": [{"instrument": f"{number}" * 64} for number in range(9)]}
    assert len(rule_key(long)) <= 255
    assert rule_key(long) != rule_key({**long, "all": long["all"][1:]})
    assert codes_of(BOTH) == {"weight", "pulse"}
