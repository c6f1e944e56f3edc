"""Which passwords are refused: those that are put together from what others guess first."""

import math
import re
from collections.abc import Collection
from typing import Any

from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from config.core.text import fold

# Bits. Three words of the list have 43; two of them, a sign between, only 34; twelve random characters 42 or more.
LEAST = 36.0
# Characters that are judged, from the first: the time that this takes grows with the cube of their number.
LONGEST = 64
SHORTEST_WORD = 3

_DIGITS = "0123456789"
_ROWS = (
    *(_DIGITS * 2, "1234567890-=", "02468", "13579", "abcdefghijklmnopqrstuvwxyz"),
    *("qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./", "qwertzuiop", "yxcvbnm", "azertyuiop", "qsdfghjklm", "wxcvbn"),
    *("!@#$%^&*()_+", "1qaz", "2wsx", "3edc", "4rfv", "5tgb", "6yhn", "7ujm", "8ik,", "9ol."),
)
_STRAIGHT = "\n".join((*_ROWS, *(row[::-1] for row in _ROWS)))
_SPELLINGS = tuple(str.maketrans("@40!3$57+" + "1", "aaoiesstt" + letter) for letter in "il")
_DOUBLED = re.compile(r"(.)\1+")
_YEAR = re.compile(r"(19|20)\d\d")
_OF_THE_PERSON = ("email", "user_name", "first_name", "middle_name", "last_name")

# What it takes to guess one part, in bits.
_WORD, _KNOWN, _YEARS, _AGAIN, _GOES_ON = math.log2(20_000), 2.0, 7.0, 3.0, 3.0


class PredictablePasswordValidator(CommonPasswordValidator):
    """Refuses common passwords, and passwords made of parts that are easy to guess.

    Parts are common passwords (20,000 of them, also backwards or spelled as in `p@ssw0rd`), names and
    addresses of the person and their organization, years, repeats, sequences and neighbours on a
    keyboard. A password is worth the cheapest way to put it together, and needs LEAST bits.
    """

    def validate(self, password: str, user: Any = None) -> None:
        """Raise ValidationError for a password that is too easy to guess. `user` may be unsaved, or None."""
        super().validate(password, user)
        if strength(password, self.passwords, words_about(user)) < LEAST:
            raise ValidationError(
                _("This password is too easy to guess: it is made of common words, names, dates, repeats or sequences."),
                code="password_predictable",
            )

    def get_help_text(self) -> str:
        return _(
            "Your password can’t be made of common words, names, dates, repeats or sequences only. "
            "Four words that have nothing to do with each other are a good one."
        )


def words_about(user: Any) -> frozenset[str]:
    """Return the folded words that others know of `user`: names, e-mail address, organization, and this product's name."""
    texts = ["anamnesis", *(getattr(user, name, "") or "" for name in _OF_THE_PERSON)]
    if organization := getattr(user, "organization", None):
        texts += [organization.name, organization.slug]
    words = {word for text in texts for word in re.split(r"[\W_]+", fold(text))}
    return frozenset(word for word in words if len(word) >= SHORTEST_WORD)


def strength(password: str, common: Collection[str], known: Collection[str] = ()) -> float:
    """Return how many bits the cheapest way takes to put the start of `password` together from parts."""
    text = fold(password)[:LONGEST]
    # aabbcc as abc, and a1b2c3 as abc123.
    arranged = (_DOUBLED.sub(r"\1", text), text[::2] + text[1::2])
    return min([_bits(text, common, known), *(_bits(other, common, known) + _GOES_ON for other in arranged)])


def _bits(text: str, common: Collection[str], known: Collection[str]) -> float:
    cheapest = [0.0]
    for end in range(1, len(text) + 1):
        ways = [cheapest[start] + _bits_of(text, start, end, common, known) for start in range(end - 1)]
        cheapest.append(min([*ways, cheapest[-1] + _bits_of_one(text[end - 1])]))
    return cheapest[-1]


def _bits_of(text: str, start: int, end: int, common: Collection[str], known: Collection[str]) -> float:
    """Return the bits of `text[start:end]`, at least two characters, as one whole; infinity where nothing predicts it."""
    part = text[start:end]
    if len(set(part)) == 1 or (len(part) >= SHORTEST_WORD and part in _STRAIGHT):
        return _bits_of_one(part[0]) + _GOES_ON
    if len(part) < SHORTEST_WORD:
        return math.inf
    spelled = _spellings(part)
    if any(word in known for word in spelled):
        return _KNOWN
    if part in text[:start] or part[::-1] in text[:start]:
        return _AGAIN
    if _YEAR.fullmatch(part):
        return _YEARS
    return _WORD if any(word in common for word in spelled) else math.inf


def _spellings(part: str) -> list[str]:
    """Return the words that `part` may stand for: itself, with letters for signs, and each of them backwards."""
    plain = [part, *(part.translate(table) for table in _SPELLINGS)]
    return [*plain, *(word[::-1] for word in plain)]


def _bits_of_one(character: str) -> float:
    return math.log2(10 if character in _DIGITS else 26 if character.isalpha() else 32)
