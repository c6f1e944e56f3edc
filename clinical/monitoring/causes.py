"""Causes of alerts, and rules, in words: "Systolic blood pressure 160 mmHg on 8 Nov, limit 150".

Days are written as "8 Nov", without the year, which stands beside an alert where it matters. Instruments are anything
with a name and a UCUM unit, by their codes; one that is not among them is called by its code.

Sentences, days and numbers are in the current language: only pages show them.
"""

import datetime
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from itertools import takewhile
from types import MappingProxyType
from typing import Any

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext_lazy

from clinical.monitoring.days import A_DAY
from clinical.monitoring.rule_matches import met
from clinical.monitoring.rules import AVERAGE, COMBINATION, MEASUREMENT, OVERDUE, REMARK, Rule
from clinical.scales import written_unit
from config.core.written_numbers import in_language

# As choices, and as what a condition says of a value.
COMPARISONS: Mapping[str, str | Promise] = MappingProxyType(
    {
        "<": gettext_lazy("below"),
        "<=": gettext_lazy("at or below"),
        ">": gettext_lazy("above"),
        ">=": gettext_lazy("at or above"),
    }
)
_IS: Mapping[str, str | Promise] = MappingProxyType(
    {
        "<": gettext_lazy("is below %(value)s"),
        "<=": gettext_lazy("is at or below %(value)s"),
        ">": gettext_lazy("is above %(value)s"),
        ">=": gettext_lazy("is at or above %(value)s"),
    }
)
_FLAGS: Mapping[str, str | Promise] = MappingProxyType(
    {
        "grey": pgettext_lazy("flag", "grey"),
        "orange": pgettext_lazy("flag", "orange"),
        "red": pgettext_lazy("flag", "red"),
    }
)
# Alerts whose rule is not known.
_KINDS: Mapping[str, str | Promise] = MappingProxyType(
    {
        MEASUREMENT: gettext_lazy("Measurement alert"),
        COMBINATION: gettext_lazy("Combination alert"),
        AVERAGE: gettext_lazy("Average alert"),
        OVERDUE: gettext_lazy("Overdue alert"),
        REMARK: gettext_lazy("Remark alert"),
    }
)
# What stands in a sentence for what nobody has said yet.
UNKNOWN = "…"
REMARK_LENGTH = 120
MEAN_PLACES = 1
# A day has 25 hours when the clocks are set back.
_LONGEST_DAY = A_DAY + datetime.timedelta(hours=1)

Instruments = Mapping[str, Any]
# A value and when it was measured.
Measured = tuple[Decimal, datetime.datetime]
_NONE: Instruments = MappingProxyType({})


# --- causes -----------------------------------------------------------------------------------------
def cause_in_words(alert: Any, instruments: Instruments = _NONE) -> str:
    """Return why `alert`, a MonitoringAlert, was raised.

    Its `instrument` is read, and for a remark its `measurement`, so lists select both. A combination looks at several
    instruments, which only `instruments` can name. Days of measurements are the organization's; that of a missed one is
    in the current time zone.
    """
    if "rule" not in alert.cause:
        return str(_KINDS[alert.type])
    known = {**instruments, alert.instrument.code: alert.instrument} if alert.instrument else instruments
    return _CAUSES[alert.type](alert, known)


def _by_threshold(alert: Any, instruments: Instruments) -> str:
    rule, (value,) = alert.cause["rule"], alert.cause["values"]
    return _("%(reading)s on %(day)s, limit %(limit)s") % {
        "reading": _reading(value, instruments),
        "day": _day_of_window(alert),
        "limit": number(rule["value"]),
    }


def _by_combination(alert: Any, instruments: Instruments) -> str:
    limits = {condition["instrument"]: condition["value"] for condition in alert.cause["rule"]["all"]}
    values = sorted(alert.cause["values"], key=lambda value: list(limits).index(value["instrument"]))
    parts = [
        _("%(reading)s (limit %(limit)s)")
        % {"reading": _reading(value, instruments), "limit": number(limits[value["instrument"]])}
        for value in values
    ]
    readings = listed([parts[0], *map(inside, parts[1:])])
    return _("%(readings)s on %(day)s") % {"readings": readings, "day": _day_of_window(alert)}


def _by_average(alert: Any, instruments: Instruments) -> str:
    rule = alert.cause["rule"]
    mean = round(Decimal(str(alert.cause["mean"])), MEAN_PLACES)
    return _("Average %(name)s %(mean)s over %(days)s to %(day)s, limit %(limit)s") % {
        "name": inside(name_of(rule["instrument"], instruments)),
        "mean": _with_unit(mean, rule["instrument"], instruments),
        "days": _days(rule["window_days"]),
        "day": _day_of_window(alert),
        "limit": number(rule["value"]),
    }


def _by_missing(alert: Any, instruments: Instruments) -> str:
    begins, ends = (datetime.datetime.fromisoformat(alert.cause["window"][end]) for end in ("from", "to"))
    name = name_of(alert.cause["rule"]["instrument"], instruments)
    # The day of a patient in another time zone is where most of it lies.
    if ends - begins <= _LONGEST_DAY:
        return _("%(name)s not measured on %(day)s") % {"name": name, "day": day(begins + (ends - begins) / 2)}
    return _("%(name)s not measured from %(first)s to %(last)s") % {"name": name, "first": day(begins), "last": day(ends)}


def _by_remark(alert: Any, instruments: Instruments) -> str:
    text = " ".join((getattr(alert.measurement, "comment", None) or "").split())
    short = text if len(text) <= REMARK_LENGTH else f"{text[:REMARK_LENGTH].rstrip()}…"
    if short:
        return _("Remark: “%(text)s”") % {"text": short}
    return _("Remark on %(day)s") % {"day": _day_of_window(alert)}


_CAUSES: dict[str, Callable[[Any, Instruments], str]] = {
    MEASUREMENT: _by_threshold,
    COMBINATION: _by_combination,
    AVERAGE: _by_average,
    OVERDUE: _by_missing,
    REMARK: _by_remark,
}


# --- what became of it --------------------------------------------------------------------------------
def course_in_words(alert: Any, values: Sequence[Measured], instruments: Instruments = _NONE) -> str:
    """Return what is worth knowing beside the cause: how long the limit has been passed, or that it no longer is.

    `values` are the last ones of the instrument, oldest first; "" where they tell nothing. See `cause_in_words`.
    """
    if "rule" not in alert.cause:
        return ""
    known = {**instruments, alert.instrument.code: alert.instrument} if alert.instrument else instruments
    return _COURSES[alert.type](alert, values, known)


def _since(alert: Any, values: Sequence[Measured], instruments: Instruments) -> str:
    rule = alert.cause["rule"]
    passed = list(takewhile(lambda value: met(rule, value[0]), reversed(values)))
    if not values:
        return ""
    if not passed:
        return _("Back to %(value)s on %(day)s") % _told(values[-1])
    if len(passed) > 1:
        return (_("Above it since %(day)s") if ">" in rule["op"] else _("Below it since %(day)s")) % _told(passed[-1])
    return _("Before it %(value)s on %(day)s") % _told(values[-2]) if len(values) > 1 else _("The first value")


def _told(measured: Measured) -> dict[str, str]:
    return {"value": number(measured[0]), "day": day(measured[1])}


def _together(alert: Any, values: Sequence[Measured], instruments: Instruments) -> str:
    rule = alert.cause["rule"]
    return (_("Both within %(days)s") if len(rule["all"]) == 2 else _("All within %(days)s")) % {
        "days": _days(rule["within_days"])
    }


def _enough(alert: Any, values: Sequence[Measured], instruments: Instruments) -> str:
    return _("%(values)s, at least %(count)s are needed") % {
        "values": _values(alert.cause["count"]),
        "count": alert.cause["rule"]["min_count"],
    }


def _last_one(alert: Any, values: Sequence[Measured], instruments: Instruments) -> str:
    return _("The last one %(value)s on %(day)s") % _told(values[-1]) if values else ""


def _written_with(alert: Any, values: Sequence[Measured], instruments: Instruments) -> str:
    (value,) = alert.cause["values"]
    return _("Written with %(reading)s on %(day)s") % {
        "reading": inside(_reading(value, instruments)),
        "day": _day_of_window(alert),
    }


_COURSES: dict[str, Callable[[Any, Sequence[Measured], Instruments], str]] = {
    MEASUREMENT: _since,
    COMBINATION: _together,
    AVERAGE: _enough,
    OVERDUE: _last_one,
    REMARK: _written_with,
}


# --- rules ------------------------------------------------------------------------------------------
def rule_in_words(rule: Rule, instruments: Instruments = _NONE) -> str:
    """Return a rule as the end of a sentence: "red when glucose is above 250 mg/dL".

    What is not known yet of a rule that somebody writes stands as UNKNOWN in it, and in the sentence.
    """
    return _("%(flag)s when %(condition)s") % {"flag": flag_word(rule["flag"]), "condition": _when(rule, instruments)}


def condition_in_words(rule: Rule, instruments: Instruments = _NONE) -> str:
    """Return a rule without its flag, which stands before it as a mark: "when glucose is above 250 mg/dL"."""
    return _("when %(condition)s") % {"condition": _when(rule, instruments)}


def _when(rule: Rule, instruments: Instruments) -> str:
    return _RULES[rule["kind"]](rule, instruments)


def _condition(condition: Rule, instruments: Instruments) -> str:
    name = inside(name_of(condition["instrument"], instruments))
    # In some languages the verb follows the value.
    return _("%(name)s %(is_above)s") % {"name": name, "is_above": _limit(condition, instruments)}


def _limit(condition: Rule, instruments: Instruments) -> str:
    value = _with_unit(condition["value"], condition["instrument"], instruments)
    if condition["op"] in _IS:
        return str(_IS[condition["op"]]) % {"value": value}
    return _("is %(comparison)s %(value)s") % {"comparison": UNKNOWN, "value": value}


def _average(rule: Rule, instruments: Instruments) -> str:
    return _("the average %(name)s of %(values)s or more in %(days)s %(is_above)s") % {
        "name": inside(name_of(rule["instrument"], instruments)),
        "values": _values(rule["min_count"]),
        "days": _days(rule["window_days"]),
        "is_above": _limit(rule, instruments),
    }


def _combination(rule: Rule, instruments: Instruments) -> str:
    conditions = [_condition(one, instruments) for one in rule["all"]] or [UNKNOWN]
    return _("within %(days)s %(conditions)s") % {"days": _days(rule["within_days"]), "conditions": listed(conditions)}


def _overdue(rule: Rule, instruments: Instruments) -> str:
    name, hours = inside(name_of(rule["instrument"], instruments)), rule["grace_hours"]
    if not hours:
        return _("%(name)s has not been measured in time") % {"name": name}
    late = ngettext(
        "%(name)s has not been measured %(hours)s hour after it was due",
        "%(name)s has not been measured %(hours)s hours after it was due",
        _plural(hours),
    )
    return late % {"name": name, "hours": hours}


_RULES: dict[str, Callable[[Rule, Instruments], str]] = {
    MEASUREMENT: _condition,
    COMBINATION: _combination,
    AVERAGE: _average,
    OVERDUE: _overdue,
    REMARK: lambda rule, instruments: _("the patient writes a remark"),
}


def line_in_words(line: Rule, instruments: Instruments = _NONE) -> str:
    """Return a line of a schedule as a sentence: "Body weight every 7 days, from day 0 to day 180"."""
    every = line["every_days"]
    often = ngettext(
        "%(name)s every day, from day %(first)s to day %(last)s",
        "%(name)s every %(count)s days, from day %(first)s to day %(last)s",
        _plural(every),
    )
    days = {"first": line["from_day"], "last": line["to_day"]}
    return often % {"name": name_of(line["instrument"], instruments), "count": every, **days}


# --- words ------------------------------------------------------------------------------------------
def name_of(code: str, instruments: Instruments) -> str:
    """Return the name of an instrument: "Systolic blood pressure"."""
    found = instruments.get(code)
    return found.name if found else code.replace("_", " ").capitalize()


def unit_of(code: str, instruments: Instruments) -> str:
    """Return the unit of an instrument as people write it, "" where it has none."""
    return written_unit(getattr(instruments.get(code), "unit", None))


def flag_word(flag: str) -> str:
    """Return the name of a flag as it stands inside a sentence: "red"."""
    return str(_FLAGS[flag]) if flag in _FLAGS else flag


def number(value: Any) -> str:
    """Return a number with separated thousands and no zeros at its end; a choice as it is."""
    if isinstance(value, str):
        return value
    text = f"{Decimal(str(value)):,f}"
    return in_language(text.rstrip("0").rstrip(".") if "." in text else text)


def day(moment: datetime.datetime) -> str:
    """Return the day of a moment in the current time zone: "8 Nov"."""
    return _short(timezone.localtime(moment).date())


def inside(name: str) -> str:
    """Return a name as it stands inside a sentence: "body weight", but "SpO2"."""
    first = name.partition(" ")[0]
    return name[:1].lower() + name[1:] if first[1:].islower() else name


def _reading(value: Mapping[str, Any], instruments: Instruments) -> str:
    return f"{name_of(value['instrument'], instruments)} {_with_unit(value['value'], value['instrument'], instruments)}"


def _with_unit(value: Any, code: str, instruments: Instruments) -> str:
    return f"{number(value)} {unit_of(code, instruments)}".rstrip()


def _day_of_window(alert: Any) -> str:
    return _short(datetime.date.fromisoformat(alert.window))


def _short(date: datetime.date) -> str:
    return date_format(date, "MONTH_DAY_FORMAT")


def _days(count: int) -> str:
    return ngettext("%(count)s day", "%(count)s days", _plural(count)) % {"count": count}


def _values(count: int) -> str:
    return ngettext("%(count)s value", "%(count)s values", _plural(count)) % {"count": count}


def _plural(count: int | str) -> int:
    """Return the number that chooses between singular and plural: a number of a rule may be UNKNOWN yet."""
    return count if isinstance(count, int) else 2


def listed(parts: list[str]) -> str:
    """Return parts of a sentence as a list: "weight, pulse and SpO2"."""
    if len(parts) < 2:
        return "".join(parts)
    return _("%(first_ones)s and %(last_one)s") % {"first_ones": ", ".join(parts[:-1]), "last_one": parts[-1]}
