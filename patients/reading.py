"""What the dialects share in reading patients: the search filter, the typeahead, numbers that are masked, age."""

import datetime
from collections.abc import Mapping
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import models
from django.db.models import Q, QuerySet

from accounts.permissions import READS_IDENTITY_NUMBERS, READS_MASKED_NUMBERS
from accounts.scope import Actor
from config.databases import Param, contains_pattern
from config.encryption import unseal
from config.orm import fold
from config.rest.cursors import Keyset
from config.rest.parameters import Parameter, WordParameter
from config.rest.reading import Criterion, Computed
from patients.models import Status
from patients.search import Word, query_words
from patients.services.rules import age_on

TEXT = models.CharField()
SORTS = {
    "chart_number": Keyset("chart_number_key", TEXT),
    "created_at": Keyset("created_at", models.DateTimeField(), by_creation=True),
    "date_of_birth": Keyset("date_of_birth_key", TEXT),
    "first_name": Keyset("first_name_key", TEXT),
    "last_name": Keyset("last_name_key", TEXT),
    "status": Keyset("status", TEXT),
}
"""How patients can be ordered. Missing values sort first, as empty text does."""
CHANGES = Keyset("updated_at", models.DateTimeField(), by_creation=True)

NOT_ARCHIVED = Criterion("not archived", lambda rows: rows.filter(deleted_at=None))


class SearchParameter(Parameter):
    """Words that the record must all contain, each as typed or, where it is a number, as digits."""

    def criterion(self, name: str, value: str) -> Criterion:
        words = query_words(value)
        shape = tuple(_has_two_forms(word) for word in words)

        def apply(rows: QuerySet) -> QuerySet:
            for index, two in enumerate(shape):
                found = Q(search_text__matches=Param(f"search.{index}"))
                if two:
                    found |= Q(search_text__matches=Param(f"search.{index}.digits"))
                rows = rows.filter(found)
            return rows

        return Criterion((name, shape), apply, _patterns(words))


def _has_two_forms(word: Word) -> bool:
    return word.digits is not None and word.digits != word.typed


def _patterns(words: list[Word]) -> Mapping[str, str]:
    patterns = {f"search.{index}": contains_pattern(word.typed) for index, word in enumerate(words)}
    digits = {f"search.{index}.digits": contains_pattern(word.digits) for index, word in enumerate(words) if word.digits}
    return patterns | digits


class StatusParameter(WordParameter):
    """A patient's status; archived rows are found by `archived` only."""

    column = models.CharField()

    def __init__(self) -> None:
        super().__init__(Status, field_name="status")

    def criterion(self, name: str, value: str) -> Criterion:
        if value == Status.ARCHIVED:
            return Criterion((name, value), lambda rows: rows.filter(deleted_at__isnull=False))
        return Criterion(name, lambda rows: rows.filter(deleted_at=None, status=Param("status", TEXT)), {"status": value})


_KEYS = ("last_name_key", "first_name_key", "preferred_name_key", "chart_number_key")
_HIGHEST = "\U0010ffff"


def typeahead(text: str) -> Criterion:
    """Return the condition that a name, preferred name or chart number begins so.

    Every word must begin one of the four, or all of them together the beginning of one. Ranges
    over the folded keys read the indexes that lists are sorted by.
    """
    whole = fold(text)
    words = whole.split()[:8]
    starts = [*words, whole] if len(words) > 1 else words

    def begins(index: int) -> Q:
        low, high = Param(f"from.{index}", TEXT), Param(f"below.{index}", TEXT)
        found = Q()
        for key in _KEYS:
            found |= Q(**{f"{key}__gte": low, f"{key}__lt": high})
        return found

    def apply(rows: QuerySet) -> QuerySet:
        every = Q()
        for index in range(len(words)):
            every &= begins(index)
        return rows.filter(every | begins(len(words)) if len(words) > 1 else every)

    values: dict[str, Any] = {f"from.{index}": start for index, start in enumerate(starts)}
    values |= {f"below.{index}": start + _HIGHEST for index, start in enumerate(starts)}
    return Criterion(("typeahead", len(words)), apply, values)


class IdentityNumber(Computed):
    """A sealed number: in clear, its last four places, or null, as the caller's role allows."""

    def __init__(self, name: str, **kwargs):
        self.name = name
        columns = (f"{name}_sealed", "uuid")
        super().__init__(self._shown, columns, schema={"type": "string", "nullable": True}, **kwargs)

    def _shown(self, actor: Actor, sealed: bytes | None, uuid: UUID) -> str | None:
        if sealed is None or actor.role not in READS_IDENTITY_NUMBERS | READS_MASKED_NUMBERS:
            return None
        number = unseal(sealed, f"patient.{self.name}", uuid)
        return number if actor.role in READS_IDENTITY_NUMBERS else masked(number)


def masked(number: str) -> str:
    """Return `number` with all but its last four places hidden; a short one entirely."""
    return "*" * (len(number) - 4) + number[-4:] if len(number) > 4 else "*" * len(number)


def age_today(actor: Actor, born: datetime.date | None, zone: str) -> int | None:
    """Return the age in whole years today, in the organization's time zone."""
    return age_on(datetime.datetime.now(ZoneInfo(zone)).date(), born) if born else None


class Age(Computed):
    """Age in whole years."""

    def __init__(self, **kwargs):
        columns = ("date_of_birth", "organization__timezone")
        super().__init__(age_today, columns, schema={"type": "integer", "nullable": True}, **kwargs)
