"""Patient search: the folded text of a record, and the patterns of a query."""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from itertools import accumulate, pairwise
from operator import or_
from typing import Any

from django.db.models import Q
from django.utils import timezone

from config.core.databases import contains_pattern
from config.core.dates import age_on
from config.core.text import fold, spelled_out
from patients.names import bare, full_names, joined, match_key, parts, spellings
from patients.phones import dialled_digits, e164
from patients.written_dates import written_dates

MAX_WORDS = 8
# How many words and parts of a name the typeahead's index has, and how long they are.
MAX_NAME_WORDS, KEY_LENGTH = 24, 255
_NAMES = ("first_name", "middle_name", "last_name", "preferred_name")
_PHONES = ("home_phone", "mobile_phone", "work_phone")
_FOLDED = ("first_name", "last_name", "email", "chart_number", "account_name")
# The columns that derived columns depend on.
SEARCHED = frozenset(
    {*_NAMES, *_PHONES, "email", "chart_number", "date_of_birth", "date_time_deceased", "account_name", "country"}
)

# The columns that the typeahead searches.
TYPED = ("first_name", "last_name", "preferred_name", "chart_number")

# The commas and semicolons of every script.
_COMMAS = ",;،؛、，；"
_SEPARATORS = re.compile(rf"[\s{_COMMAS}]+")
_DIGITS, _NO_DIGITS = re.compile(r"\d+"), re.compile(r"\D")
# A chart number, a phone number or a date, with its punctuation.
_NUMBER = re.compile(r"[\w\-./:#+()]*\d[\w\-./:#+()]*")
_AGE = re.compile(r"0|[1-9]\d?|1[0-2]\d|130", re.ASCII)
# The age at death, between signs that no query looks for by chance.
_AGED = "†{}†"
# A word is compared with so many patterns, so that few different statements serve all queries.
_NUMBERS_OF_FORMS = (1, 2, 4)


def query_words(text: str) -> list[str]:
    """Return the first MAX_WORDS words of the query `text`, folded; see `query_forms`."""
    return [forms[0] for forms in query_forms(text)]


def query_forms(text: str) -> list[tuple[str, ...]]:
    """Return the forms of the first MAX_WORDS words of the query `text`: the folded word first, then how else it is written.

    Commas and semicolons separate words, as in "Abernathy, Hugo". Signs that names may lack are no words of their own.
    """
    folded, spelled = _SEPARATORS.split(fold(text)), _SEPARATORS.split(spelled_out(text))
    words = [(word, other) for word, other in zip(folded, spelled, strict=True) if word]
    words = [pair for pair in words if joined(pair[0])] or words or [(word, word) for word in fold(text).split()]
    return [_forms(word, other) for word, other in words[:MAX_WORDS]]


def _forms(word: str, spelled: str) -> tuple[str, ...]:
    """Return a folded `word` of a query, and without its signs; of a number no other spelling, but its letters and digits."""
    if _NUMBER.fullmatch(word):
        return tuple(dict.fromkeys((word, bare(word))))
    # A single letter is too little: who searches for A- does not mean Ada.
    plain = [form for form in (joined(word), joined(spelled)) if len(form) > 1]
    return tuple(dict.fromkeys((word, spelled, *plain)))


def is_age(word: str, text: str) -> bool:
    """Tell whether `word` of the query `text` may be an age: a label of the admin ("Abernathy, Hugo, 69, RV-00017") has one."""
    return any(sign in text for sign in _COMMAS) and _AGE.fullmatch(word) is not None


def query_patterns(text: str) -> list[tuple[str, ...]]:
    """Return the LIKE patterns of the query `text`: a record matches if it contains one pattern of each word.

    Only the first MAX_WORDS words count. A word is searched as typed (folded), without its signs, and with its umlauts spelled
    out; as part of a date also as the ISO dates that may be meant, and as an age as the years of birth.
    """
    forms_of_words = query_forms(text)
    words = [forms[0] for forms in forms_of_words]
    patterns = [list(map(contains_pattern, forms)) for forms in forms_of_words]
    for index, dates in _dates_by_word(words).items():
        patterns[index].extend(dates)
    for word, forms in zip(words, patterns, strict=True):
        if is_age(word, text) and len(forms) == 1:
            forms.extend(_patterns_of_age(int(word)))
    return [padded(tuple(dict.fromkeys(forms))) for forms in patterns]


def _dates_by_word(words: list[str]) -> dict[int, list[str]]:
    """Return the patterns of the dates that words are part of, by the index of the word."""
    starts = [0, *accumulate(len(word) + 1 for word in words)]
    dates: dict[int, list[str]] = {}
    for date in written_dates(" ".join(words)):
        for index, start in enumerate(starts[:-1]):
            if date.start <= start < date.end:
                dates.setdefault(index, []).extend(date.patterns)
    return dates


def _patterns_of_age(age: int) -> list[str]:
    """Return the patterns of the two years in which people of that age were born, and of those who died at it."""
    return [*(f"%{timezone.now().year - age - before}-__-__%" for before in (0, 1)), contains_pattern(_AGED.format(age))]


def padded(forms: tuple[str, ...]) -> tuple[str, ...]:
    """Return `forms` in one of few numbers, the last one repeated or left out."""
    size = next((size for size in _NUMBERS_OF_FORMS if size >= len(forms)), _NUMBERS_OF_FORMS[-1])
    return (forms + forms[-1:] * size)[:size]


def containing(patterns: Iterable[Iterable[Any]]) -> Q:
    """Return the condition that a search entry contains one of the patterns (or placeholders) of each word."""
    every = Q()
    for forms in patterns:
        every &= contains_any(forms)
    return every


def contains_any(patterns: Iterable[Any]) -> Q:
    """Return the condition that a search entry contains one of the patterns (or placeholders)."""
    return reduce(or_, (Q(search_text__matches=pattern) for pattern in patterns))


def region_of(values: Mapping[str, Any], organization_country: str) -> str:
    """Return the country for a patient's phone numbers without a country code."""
    country = values.get("country") or ""
    return country if re.fullmatch("[A-Za-z]{2}", country) else organization_country


def derived_columns(values: Mapping[str, Any], organization_country: str) -> dict[str, Any]:
    """Return the derived columns: sort keys, the key of duplicates, E.164, the search text."""
    region = region_of(values, organization_country)
    born = values.get("date_of_birth")
    folded = {name: fold(values.get(name)) for name in _FOLDED}
    phones = [form for name in _PHONES for form in _phone_forms(values.get(name), region)]
    iso = born.isoformat() if born else ""
    dates = [iso, iso.replace("-", "")]
    if born and (died := values.get("date_time_deceased")):
        dates.append(_AGED.format(max(age_on(died.date(), born), 0)))
    names = [form for name in _NAMES for form in spellings(values.get(name))]
    numbers = [folded["chart_number"], *phones, *dates, bare(folded["chart_number"])]
    searched = [*names, *full_names(values), folded["email"], *numbers]
    return {
        "first_name_key": folded["first_name"][:255],
        "last_name_key": folded["last_name"][:255],
        "last_name_match_key": match_key(values.get("last_name"))[:255],
        "chart_number_key": folded["chart_number"][:64],
        "email_key": folded["email"][:254],
        "account_name_key": folded["account_name"][:150] or None,
        "date_of_birth_key": iso,
        "mobile_e164": e164(values.get("mobile_phone"), region),
        "search_text": " ".join(filter(None, dict.fromkeys(searched))),
    }


def name_keys(values: Mapping[str, Any]) -> list[tuple[str, int]]:
    """Return the folded texts of the typeahead's index, whose beginnings find a patient, in order.

    Beside each stands how many characters it has in common with the one before it.

    These are names and the chart number, in each spelling, and their words, as written and joined, and parts; the letters and
    digits of the chart number, and its digits; and full names that are written without a blank.
    """
    chart = fold(values.get("chart_number"))
    texts = {bare(chart), *_DIGITS.findall(chart), *full_names(values)}
    for form in [form for name in TYPED for form in spellings(values.get(name))]:
        if form.isalnum():  # One word, of one part.
            texts.add(form)
            continue
        words = _SEPARATORS.split(form)[:MAX_NAME_WORDS]
        texts.update((form, *words, *map(joined, words), *parts(form)[:MAX_NAME_WORDS]))
    keys = sorted({text[:KEY_LENGTH] for text in texts} - {""})
    # Who looks for the beginning of jean finds jean-luc: a key that begins another one is not needed.
    kept = [key for key, following in pairwise([*keys, ""]) if not following.startswith(key)]
    return [(key, _shared(before, key)) for before, key in pairwise(["", *kept])]


def _shared(before: str, key: str) -> int:
    """Return with how many characters both texts begin."""
    return next((index for index, (one, other) in enumerate(zip(before, key, strict=False)) if one != other), len(before))


def _phone_forms(text: str | None, region: str) -> Iterator[str]:
    """Yield a number in the forms that people search for: its digits as written, as international and as national ones."""
    if not text:
        return
    folded = fold(text)
    yield _NO_DIGITS.sub("", folded) or folded
    yield from dialled_digits(text, region)
