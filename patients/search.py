"""Patient search: the folded text of a record, and the patterns of a query."""

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
_SEARCHED_WORDS = (*_NAMES, "email", "chart_number")
_FOLDED = (*_SEARCHED_WORDS, "account_name")
# The columns that derived columns depend on.
SEARCHED = frozenset({*_NAMES, *_PHONES, "email", "chart_number", "date_of_birth", "account_name", "country"})

# The columns that the typeahead searches.
TYPED = ("first_name", "last_name", "preferred_name", "chart_number")

_DIGITS_AND_PUNCTUATION = re.compile(r"[\d+()./\-]*\d[\d+()./\-]*", re.ASCII)


def query_patterns(text: str) -> list[dict[str, str]]:
    """Return the patterns of the query `text`: a record matches if it contains one pattern of each word.

    Only the first MAX_WORDS words count. A word is searched as typed (folded) and, if it is a number, as bare digits too.
    The keys are unique parameter names.
    """
    patterns = []
    for index, word in enumerate(fold(text).split()[:MAX_WORDS]):
        forms = {f"search.{index}": contains_pattern(word)}
        if _DIGITS_AND_PUNCTUATION.fullmatch(word) and not word.isdigit():
            forms[f"search.{index}.digits"] = contains_pattern(re.sub(r"\D", "", word))
        patterns.append(forms)
    return patterns


def containing(patterns: Iterable[Mapping[str, Any]]) -> Q:
    """Return the condition that a record contains one of the patterns (or placeholders) of each word."""
    every = Q()
    for forms in patterns:
        every &= reduce(or_, (Q(search_text__matches=pattern) for pattern in forms.values()))
    return every


@lru_cache(maxsize=64)  # The columns of one record need the same number more than once.
def phone_of(text: str | None, country: str) -> phonenumbers.PhoneNumber | None:
    """Parse `text` as a phone number dialled in `country` (ISO 3166-1). Returns None if it is not valid."""
    try:
        number = phonenumbers.parse(text or "", country.upper() or None)
    except phonenumbers.NumberParseException:
        return None
    return number if phonenumbers.is_valid_number(number) else None


def e164(text: str | None, country: str) -> str | None:
    """Return `text` in E.164 (`+31612345678`), or None if it is no valid number."""
    number = phone_of(text, country)
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164) if number else None


def region_of(values: Mapping[str, Any], organization_country: str) -> str:
    """Return the country for a patient's phone numbers without a country code."""
    country = values.get("country") or ""
    return country if re.fullmatch("[A-Za-z]{2}", country) else organization_country


def derived_columns(values: Mapping[str, Any], organization_country: str) -> dict[str, Any]:
    """Return the derived columns: sort keys, E.164, the search text."""
    region = region_of(values, organization_country)
    born = values.get("date_of_birth")
    folded = {name: fold(values.get(name)) for name in _FOLDED}
    phones = [form for name in _PHONES for form in _phone_forms(values.get(name), region)]
    dates = [born.isoformat(), born.strftime("%Y%m%d")] if born else []
    searched = [*filter(None, (folded[name] for name in _SEARCHED_WORDS)), *phones, *dates]
    return {
        "first_name_key": folded["first_name"][:255],
        "last_name_key": folded["last_name"][:255],
        "chart_number_key": folded["chart_number"][:64],
        "email_key": folded["email"][:254],
        "account_name_key": folded["account_name"][:150] or None,
        "date_of_birth_key": born.isoformat() if born else "",
        "mobile_e164": e164(values.get("mobile_phone"), region),
        "search_text": " ".join(dict.fromkeys(searched)),
    }


def name_keys(values: Mapping[str, Any]) -> set[str]:
    """Return the folded texts of the typeahead's index: whole names and each of their words."""
    keys: set[str] = set()
    for text in [fold(values.get(name))[:255] for name in TYPED]:
        keys.update((text, *text.split()[:MAX_WORDS]))
    return keys - {""}


def _phone_forms(text: str | None, region: str) -> Iterator[str]:
    """Yield the digits of a number in the forms that people search for: international and national."""
    if not text:
        return
    number = phone_of(text, region)
    if number is None:
        yield re.sub(r"\D", "", text) or fold(text)
        return
    for style in (phonenumbers.PhoneNumberFormat.E164, phonenumbers.PhoneNumberFormat.NATIONAL):
        yield re.sub(r"\D", "", phonenumbers.format_number(number, style))
