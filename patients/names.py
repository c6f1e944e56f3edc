"""The forms in which names are stored, searched and compared, whatever stands between their letters. Pure functions."""

import re
from collections.abc import Mapping
from typing import Any

from config.core.text import fold, spelled_out

_NO_LETTERS_OR_DIGITS = re.compile(r"[\W_]")
# Folded signs that people leave out of a name, or write a blank for.
_SIGNS = re.compile(r"[-/&_'\".·\s]")
# What separates the parts of a folded name: blanks, and signs of ASCII and of Arabic, Chinese and Japanese.
_BETWEEN_PARTS = re.compile(r"[\s!-/:-@\[-`{-~·،؛、。]+")
# The spellings of ä, ö, ü and å in two letters, in folded text.
_TWO_LETTERS = re.compile("([aou]e|aa)")
# So many of them in a text are each read both ways: each one doubles the number of forms.
_MAX_BOTH_WAYS = 3
# Folded names in Hangul, kana and Han are written without a blank between.
_WITHOUT_BLANKS = re.compile("[\u1100-\u11ff\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]")


def bare(text: str) -> str:
    """Return the letters and digits of `text`: of UX-0017 and ux0017 the same."""
    return text if text.isalnum() else _NO_LETTERS_OR_DIGITS.sub("", text)


def joined(name: str) -> str:
    """Return a folded name without blanks, apostrophes, hyphens, slashes and points: oneill, jeanluc."""
    return name if name.isalnum() else _SIGNS.sub("", name)


def spellings(name: str | None) -> list[str]:
    """Return the different forms in which `name` is searched: folded, with each umlaut in one letter or two, and these joined.

    Where a name has many umlauts, only its words have each of the forms.
    """
    if not name:
        return []
    folded, spelled = fold(name), spelled_out(name)
    forms = [folded] if folded == spelled else [folded, spelled]
    if umlauts := _TWO_LETTERS.findall(spelled):
        texts = [spelled] if len(umlauts) <= _MAX_BOTH_WAYS else spelled.split()
        forms += [form for text in texts for form in _both_ways(text)]
    return list(filter(None, dict.fromkeys([*forms, *map(joined, forms)])))


def _both_ways(spelled: str) -> list[str]:
    """Return the forms of a text that is spelled out, with two letters and with one for its first umlauts: mueller, muller."""
    others, umlauts = _TWO_LETTERS.split(spelled)[::2], _TWO_LETTERS.findall(spelled)
    forms = others[:1]
    for number, (umlaut, following) in enumerate(zip(umlauts, others[1:], strict=True)):
        written = (umlaut, umlaut[0]) if number < _MAX_BOTH_WAYS else (umlaut,)
        forms = [form + letters + following for form in forms for letters in written]
    return forms


def parts(name: str) -> list[str]:
    """Return the parts of a folded name: jean and luc of jean-luc."""
    return list(filter(None, _BETWEEN_PARTS.split(name)))


def match_key(name: str | None) -> str:
    """Return `name` as it is compared for duplicates: its letters and digits alone, with one spelling of ä, ö, ü and å."""
    folded = fold(name)
    return _TWO_LETTERS.sub(lambda found: found[0][0], bare(folded)) or folded


def full_names(values: Mapping[str, Any]) -> list[str]:
    """Return the folded full names that are written without a blank, family or given name first; of other names none."""
    given, family = (joined(fold(values.get(name))) for name in ("first_name", "last_name"))
    together = _WITHOUT_BLANKS.search(given) and _WITHOUT_BLANKS.search(family)
    return [family + given, given + family] if together else []
