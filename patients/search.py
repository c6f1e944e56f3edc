"""Finding patients: the folded text a record is searched by, and what a query asks of it."""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache, reduce
from operator import or_
from typing import Any

import phonenumbers
from django.db.models import Q

from config.core.databases import contains_pattern
from config.core.orm import fold

MAX_WORDS = 8
_NAMES = ("first_name", "middle_name", "last_name", "preferred_name")
_PHONES = ("home_phone", "mobile_phone", "work_phone")
# The columns that the derived ones are made from: a change of one makes them anew.
SEARCHED = frozenset({*_NAMES, *_PHONES, "email", "chart_number", "date_of_birth", "account_name", "country"})

# The columns that the typeahead looks at.
TYPED = ("first_name", "last_name", "preferred_name", "chart_number")

_DIGITS_AND_PUNCTUATION = re.compile(r"[\d+()./\-]*\d[\d+()./\-]*", re.ASCII)


def query_patterns(text: str) -> list[dict[str, str]]:
    """Return what a record must contain to be found by the query `text`: one of the patterns of each of its words.

    There are at most MAX_WORDS words. A word is looked for as typed (folded) and, where it is a number, as bare
    digits too; each pattern stands under a name of its own.
    """
    patterns = []
    for index, word in enumerate(fold(text).split()[:MAX_WORDS]):
        forms = {f"search.{index}": contains_pattern(word)}
        if _DIGITS_AND_PUNCTUATION.fullmatch(word) and not word.isdigit():
            forms[f"search.{index}.digits"] = contains_pattern(re.sub(r"\D", "", word))
        patterns.append(forms)
    return patterns


def containing(patterns: Iterable[Mapping[str, Any]]) -> Q:
    """Return the condition that a record contains one of the patterns (or of their markers) of each word."""
    every = Q()
    for forms in patterns:
        every &= reduce(or_, (Q(search_text__matches=pattern) for pattern in forms.values()))
    return every


@lru_cache(maxsize=64)  # A record's number is asked for more than once while its columns are made.
def phone_of(text: str | None, country: str) -> phonenumbers.PhoneNumber | None:
    """Read `text` as a phone number dialled in `country` (ISO 3166-1); None where it is no valid number."""
    try:
        number = phonenumbers.parse(text or "", country.upper() or None)
    except phonenumbers.NumberParseException:
        return None
    return number if phonenumbers.is_valid_number(number) else None


def e164(text: str | None, country: str) -> str | None:
    """Return `text` in E.164 (`+31612345678`), None where it is no valid number."""
    number = phone_of(text, country)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) if number else None


def region_of(values: Mapping[str, Any], organization_country: str) -> str:
    """Return the country in which a patient's numbers without a country code are read."""
    country = values.get("country") or ""
    return country if re.fullmatch("[A-Za-z]{2}", country) else organization_country


def derived_columns(values: Mapping[str, Any], organization_country: str) -> dict[str, Any]:
    """Return the columns that follow from the stored ones: sort keys, E.164, the text that is searched."""
    region = region_of(values, organization_country)
    born = values.get("date_of_birth")
    return {
        "first_name_key": fold(values["first_name"])[:255],
        "last_name_key": fold(values["last_name"])[:255],
        "chart_number_key": fold(values.get("chart_number"))[:64],
        "email_key": fold(values.get("email"))[:254],
        "account_name_key": fold(values.get("account_name"))[:150] or None,
        "date_of_birth_key": born.isoformat() if born else "",
        "mobile_e164": e164(values.get("mobile_phone"), region),
        "search_text": " ".join(dict.fromkeys(_searched(values, region))),
    }


def name_keys(values: Mapping[str, Any]) -> set[str]:
    """Return the folded beginnings by which the typeahead finds a patient: whole names and each of their words."""
    folded = [fold(values.get(name))[:255] for name in TYPED]
    return {key for text in folded for key in (text, *text.split()[:MAX_WORDS]) if key}


def _searched(values: Mapping[str, Any], region: str) -> Iterator[str]:
    for name in (*_NAMES, "email", "chart_number"):
        if folded := fold(values.get(name)):
            yield folded
    for name in _PHONES:
        yield from _phone_forms(values.get(name), region)
    if born := values.get("date_of_birth"):
        yield from (born.isoformat(), born.strftime("%Y%m%d"))


def _phone_forms(text: str | None, region: str) -> Iterator[str]:
    """Yield the digits by which people look a number up: international, and as dialled at home."""
    if not text:
        return
    number = phone_of(text, region)
    if number is None:
        yield re.sub(r"\D", "", text) or fold(text)
        return
    for style in (phonenumbers.PhoneNumberFormat.E164, phonenumbers.PhoneNumberFormat.NATIONAL):
        yield re.sub(r"\D", "", phonenumbers.format_number(number, style))
