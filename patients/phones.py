"""Phone numbers: what people write down, as a number that can be dialled from anywhere."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

import phonenumbers
from phonenumbers import CountryCodeSource, PhoneNumber, PhoneNumberFormat, PhoneNumberType, ValidationResult

from config.core.caching import cached

E164 = re.compile(r"\+[1-9]\d{1,14}", re.ASCII)
# The first number of a text: a slash with a blank behind it, a comma or a word ends it.
_FIRST_NUMBER = re.compile(r"[(+\uff0b]*\d(?:[\d\s().\u2010-\u2015-]|/(?!\s))*")
# Digits and the punctuation among them, which the parser takes away sign by sign.
_PUNCTUATED = re.compile(r"\+?[\d ().-]+", re.ASCII)
_PUNCTUATION = str.maketrans("", "", " ().-")
_NO_DIGITS = re.compile(r"\D")
_INTERNATIONAL = (CountryCodeSource.FROM_NUMBER_WITH_PLUS_SIGN, CountryCodeSource.FROM_NUMBER_WITH_IDD)


@lru_cache(maxsize=64)  # The columns of one record need the same number more than once.
def phone_of(text: str | None, country: str) -> PhoneNumber | None:
    """Return the number that `text` writes, dialled in `country` (ISO 3166-1); None for none.

    With its country code a number is one by its form: ranges are given out faster than lists of them are renewed. One
    without is a guess, which must be valid in `country` or be as long as mobile numbers there.
    """
    first = _FIRST_NUMBER.search(text or "")
    written = dict.fromkeys((text or "", first[0] if first else ""))
    numbers = [number for one in written if (number := _parse(one, country))]
    if len(numbers) == 1 and _is_plausible(numbers[0]):
        return numbers[0]  # Valid or not, which takes longer to tell.
    valid = next(filter(phonenumbers.is_valid_number, numbers), None)
    # What is not known to be valid is read without the words beside it, whose letters count as digits.
    return valid or next((number for number in numbers[-1:] if _is_plausible(number)), None)


def e164(text: str | None, country: str) -> str | None:
    """Return the number that `text` writes in E.164 (`+31612345678`), None for none. What is in E.164 stays as it is."""
    if text and E164.fullmatch(text):
        return text
    if number := phone_of(text, country):
        return phonenumbers.format_number(number, PhoneNumberFormat.E164)
    # No country is known to have its code.
    first = _FIRST_NUMBER.search(text or "")
    compact = re.sub(r"[^+\d]", "", first[0]) if first else ""
    return compact if E164.fullmatch(compact) else None


def dialled_digits(text: str, country: str) -> Iterator[str]:
    """Yield the digits of the number that `text` writes, as dialled from abroad and at home; nothing for none.

    Digits that are part of other ones are left out.
    """
    number = phone_of(text, country)
    if number is None:
        return
    significant = phonenumbers.national_significant_number(number)
    yield f"{number.country_code}{significant}"
    at_home = _home_of(number.country_code or 0)
    if number.extension or at_home.changes_digits:
        yield _NO_DIGITS.sub("", phonenumbers.format_number(number, PhoneNumberFormat.NATIONAL))
    # The national style leaves the prefix out where it does not know the range.
    yield at_home.prefix + significant


class _Home(NamedTuple):
    """How the numbers of a country are dialled in it."""

    prefix: str
    changes_digits: bool
    """Whether the national style of a number has other digits than the number itself, with or without the prefix."""


@cached
def _home_of(country_code: int) -> _Home:
    region = phonenumbers.region_code_for_country_code(country_code)
    prefix = phonenumbers.ndd_prefix_for_region(region, True) or ""
    metadata = phonenumbers.PhoneMetadata.metadata_for_region_or_calling_code(country_code, region)
    return _Home(prefix, metadata is None or any(_changes_digits(style, prefix) for style in metadata.number_format))


def _changes_digits(style: phonenumbers.NumberFormat, prefix: str) -> bool:
    groups = "".join(rf"\{number}" for number in range(1, re.compile(style.pattern or "").groups + 1))
    rule = re.sub(r"[^\d\\]", "", style.national_prefix_formatting_rule or "")
    return re.sub(r"[^\d\\]", "", style.format or "") != groups or rule not in ("", r"\1", rf"{prefix}\1")


def _parse(text: str, country: str) -> PhoneNumber | None:
    written = text.translate(_PUNCTUATION) if _PUNCTUATED.fullmatch(text) else text
    try:
        return phonenumbers.parse(written, country.upper() or None, keep_raw_input=True)
    except phonenumbers.NumberParseException:
        return None


def _is_plausible(number: PhoneNumber) -> bool:
    if number.country_code_source in _INTERNATIONAL:
        return E164.fullmatch(phonenumbers.format_number(number, PhoneNumberFormat.E164)) is not None
    length = phonenumbers.is_possible_number_for_type_with_reason(number, PhoneNumberType.MOBILE)
    return length == ValidationResult.IS_POSSIBLE
