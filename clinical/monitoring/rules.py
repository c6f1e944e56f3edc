"""Monitoring rules: their JSON shapes, how they are validated, and which of them apply to a patient.

A rule is a JSON object with exactly the keys of its kind:

    {"kind": "measurement", "instrument": code, "op": op, "value": number, "flag": flag}
    {"kind": "combination", "all": [condition, condition, …], "within_days": days, "flag": flag}
    {"kind": "average", "instrument": code, "window_days": days, "min_count": count, "op": op, "value": number, "flag": flag}
    {"kind": "overdue", "instrument": code, "grace_hours": hours, "flag": flag}
    {"kind": "remark", "flag": flag}

A condition is {"instrument": code, "op": op, "value": number}, and a line of a schedule
{"instrument": code, "every_days": days, "from_day": day, "to_day": day}, where day 0 is the day on
which the enrolment begins. Instruments are named by their codes; comparisons need a numeric instrument.
"""

import hashlib
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any, NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clinical.scales import Scale
from config.core.exceptions import Invalid
from config.core.orm import MAX_OBJECTS

MEASUREMENT, COMBINATION, REMARK, OVERDUE, AVERAGE = "measurement", "combination", "remark", "overdue", "average"
# Least first.
FLAGS = ("grey", "orange", "red")
OPS: Mapping[str, Callable[[Any, Any], bool]] = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
# The kind of the instruments whose values are numbers.
NUMERIC = "numeric"
# The kinds whose rules look at one instrument.
OF_ONE_INSTRUMENT = frozenset({MEASUREMENT, AVERAGE, OVERDUE})

MAX_CONDITIONS = 20
# How far back a rule looks.
MAX_DAYS = 90
MAX_COUNT = 1_000
MAX_GRACE_HOURS = 30 * 24
MAX_PLANNED_DAY = 3_650
# Before and after the point: as many as measurements have.
DIGITS, PLACES = 9, 3
KEY_LENGTH = 255

Rule = Mapping[str, Any]


class InstrumentFacts(NamedTuple):
    """What a rule needs to know of an instrument: the kind of its values, and between which they lie."""

    kind: str
    scale: Scale = Scale()


# Code -> facts of the instruments of an organization.
Instruments = Mapping[str, InstrumentFacts]
# Yields what is wrong with a value.
Check = Callable[[Any, Instruments], Iterator[str]]


class Fault(NamedTuple):
    """What is wrong with a part of a rule, a condition or a line: `text` goes on where its `name` ends the subject.

    A fault of the whole, such as a missing part, has no name.
    """

    name: str
    text: str

    def __str__(self) -> str:
        return f"{self.name} {self.text}".lstrip()


class Override(NamedTuple):
    """A patient's own rules of one `kind`, of one `instrument` (its code) where the kind looks at one."""

    kind: str
    instrument: str | None
    rules: list[Rule]


# --- shapes -----------------------------------------------------------------------------------------
def _word(words: Iterable[str]) -> Check:
    allowed = tuple(words)

    def check(value: Any, instruments: Instruments) -> Iterator[str]:
        if not isinstance(value, str) or value not in allowed:
            yield _("must be one of %(words)s") % {"words": ", ".join(allowed)}

    return check


def _whole(least: int, most: int) -> Check:
    def check(value: Any, instruments: Instruments) -> Iterator[str]:
        if type(value) is not int or not least <= value <= most:
            yield _("must be a whole number from %(least)s to %(most)s") % {"least": least, "most": most}

    return check


def _code(value: Any, instruments: Instruments) -> Iterator[str]:
    if not isinstance(value, str) or value not in instruments:
        yield _("must be the code of an instrument of the organization")


def _numeric_code(value: Any, instruments: Instruments) -> Iterator[str]:
    yield from _code(value, instruments)
    if isinstance(value, str) and value in instruments and instruments[value].kind != NUMERIC:
        yield _("must be the code of an instrument that gives numbers")


def _number(value: Any, instruments: Instruments) -> Iterator[str]:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not _fits(Decimal(str(value))):
        yield _("must be a number of at most %(digits)s digits before the point and %(places)s after it") % {
            "digits": DIGITS,
            "places": PLACES,
        }


def _fits(number: Decimal) -> bool:
    return number.is_finite() and abs(number) < 10**DIGITS and number == round(number, PLACES)


def _conditions(value: Any, instruments: Instruments) -> Iterator[str]:
    if not isinstance(value, list) or not 2 <= len(value) <= MAX_CONDITIONS:
        yield _("must be a list of 2 to %(most)s conditions") % {"most": MAX_CONDITIONS}
        return
    for index, condition in enumerate(value):
        for fault in condition_faults(condition, instruments):
            yield _("condition %(number)s: %(fault)s") % {"number": index, "fault": fault}


CONDITION: Mapping[str, Check] = {"instrument": _numeric_code, "op": _word(OPS), "value": _number}
_FLAG = _word(FLAGS)
# What a rule of each kind holds beside its kind.
SHAPES: Mapping[str, Mapping[str, Check]] = {
    MEASUREMENT: {**CONDITION, "flag": _FLAG},
    COMBINATION: {"all": _conditions, "within_days": _whole(1, MAX_DAYS), "flag": _FLAG},
    REMARK: {"flag": _FLAG},
    OVERDUE: {"instrument": _code, "grace_hours": _whole(0, MAX_GRACE_HOURS), "flag": _FLAG},
    AVERAGE: {**CONDITION, "window_days": _whole(1, MAX_DAYS), "min_count": _whole(1, MAX_COUNT), "flag": _FLAG},
}
KINDS = tuple(SHAPES)
LINE: Mapping[str, Check] = {
    "instrument": _code,
    "every_days": _whole(1, MAX_PLANNED_DAY),
    "from_day": _whole(0, MAX_PLANNED_DAY),
    "to_day": _whole(0, MAX_PLANNED_DAY),
}


# --- what is wrong ----------------------------------------------------------------------------------
def check_rules(rules: Any, instruments: Instruments) -> None:
    """Raise Invalid, field `rules`, where this is no list of rules over `instruments`; each message tells which rule."""
    _check_all("rules", gettext_lazy("Rule %(number)s: %(fault)s."), rules, lambda rule: rule_faults(rule, instruments))


def check_schedule(schedule: Any, instruments: Instruments) -> None:
    """Raise Invalid, field `schedule`, where this is no list of different lines of a schedule over `instruments`."""
    _check_all("schedule", gettext_lazy("Line %(number)s: %(fault)s."), schedule, lambda line: line_faults(line, instruments))
    if any(line in schedule[:index] for index, line in enumerate(schedule)):
        raise Invalid(_("A line stands in the schedule twice."), "schedule")


def check_override(override: Override, instruments: Instruments) -> None:
    """Raise Invalid where a patient's own rules are not of the kind and instrument that they are said to be of.

    The fault is the field `instrument` or `rules`.
    """
    if (override.kind in OF_ONE_INSTRUMENT) != (override.instrument is not None):
        message = _("Rules of the kind %(kind)s have no one instrument.")
        if override.instrument is None:
            message = _("Rules of the kind %(kind)s need an instrument.")
        raise Invalid(message % {"kind": override.kind}, "instrument")
    if override.instrument is not None and override.instrument not in instruments:
        raise Invalid(_("This must be the code of an instrument of the organization."), "instrument")
    check_rules(override.rules, instruments)
    for index, rule in enumerate(override.rules):
        if (rule["kind"], rule.get("instrument")) != override[:2]:
            raise Invalid(_("Rule %(number)s: it is of another kind or instrument.") % {"number": index}, "rules")


def _check_all(field: str, told: Any, items: Any, faults_of: Callable[[Any], Iterator[Fault]]) -> None:
    if not isinstance(items, list) or len(items) > MAX_OBJECTS:
        raise Invalid(_("This must be a list of at most %(most)s objects.") % {"most": MAX_OBJECTS}, field)
    faults = [told % {"number": index, "fault": fault} for index, item in enumerate(items) for fault in faults_of(item)]
    if faults:
        raise Invalid({field: faults})


def rule_faults(rule: Any, instruments: Instruments) -> Iterator[Fault]:
    """Yield what is wrong with a rule."""
    kind = rule.get("kind") if isinstance(rule, dict) else None
    shape = SHAPES.get(kind) if isinstance(kind, str) else None
    yield from _faults(rule, {"kind": _word(KINDS), **(shape or {})}, instruments, strict=shape is not None)


def condition_faults(condition: Any, instruments: Instruments) -> Iterator[Fault]:
    """Yield what is wrong with a condition of a combination."""
    yield from _faults(condition, CONDITION, instruments)


def line_faults(line: Any, instruments: Instruments) -> Iterator[Fault]:
    """Yield what is wrong with a line of a schedule."""
    found = list(_faults(line, LINE, instruments))
    yield from found or ([Fault("from_day", _("must not lie after to_day"))] if line["from_day"] > line["to_day"] else [])


def _faults(item: Any, shape: Mapping[str, Check], instruments: Instruments, *, strict: bool = True) -> Iterator[Fault]:
    if not isinstance(item, dict):
        yield Fault("", _("it must be an object"))
        return
    if missing := [name for name in shape if name not in item]:
        yield Fault("", _("%(names)s must be given") % {"names": ", ".join(missing)})
    if strict and item.keys() - shape.keys():
        yield Fault("", _("only %(names)s can be given") % {"names": ", ".join(shape)})
    checked = [(name, check) for name, check in shape.items() if name in item]
    found = [Fault(name, text) for name, check in checked for text in check(item[name], instruments)]
    yield from found or (_outside(item, instruments) if "value" in shape else ())


def _outside(comparison: Rule, instruments: Instruments) -> Iterator[Fault]:
    """Yield that nothing which is measured can reach the value that a rule compares with."""
    if "instrument" in comparison and "value" in comparison:
        scale = instruments[comparison["instrument"]].scale
        if not scale.holds(Decimal(str(comparison["value"]))):
            yield Fault("value", _("must be %(scale)s") % {"scale": scale.words})


# --- which hold -------------------------------------------------------------------------------------
def rules_in_force(protocol_rules: Iterable[Rule], overrides: Iterable[Override]) -> list[Rule]:
    """Return the rules that hold for a patient: their own, and the protocol's of all other kinds and instruments.

    Own rules of a kind and instrument replace the protocol's even where there are none of them left.
    """
    own = {(override.kind, override.instrument): override.rules for override in overrides}
    kept = [rule for rule in protocol_rules if (rule["kind"], rule.get("instrument")) not in own]
    return [*kept, *(rule for rules in own.values() for rule in rules)]


def codes_of(rule: Rule) -> frozenset[str]:
    """Return the codes of the instruments that a rule or a line looks at."""
    parts = [rule, *rule.get("all", ())]
    return frozenset(part["instrument"] for part in parts if "instrument" in part)


def rule_key(rule: Rule) -> str:
    """Return what rules of one kind over the same instruments share: their matches are about one thing."""
    key = ":".join([rule["kind"], *sorted(codes_of(rule))])
    return key if len(key) <= KEY_LENGTH else f"{rule['kind']}:{hashlib.sha256(key.encode()).hexdigest()}"
