"""Finding patients while somebody types: by the beginnings of names and chart numbers, through an index."""

from dataclasses import dataclass
from typing import Any

from django.db.models import BigIntegerField, CharField, Exists, Min, OuterRef, Q, QuerySet

from accounts.scope import Actor, Viewer, viewer_of, visible
from config.core.compiled_queries import Compilable, QueryDefinition, parameter
from config.core.orm import fold
from patients.models import NameKey
from patients.search import MAX_WORDS

_TEXT = CharField()
_HIGHEST_CHARACTER = "\U0010ffff"


@dataclass(frozen=True)
class Prefix(Compilable):
    """The keys that begin with a word, as a range."""

    start: Any = parameter(_TEXT)
    end: Any = parameter(_TEXT)

    @classmethod
    def of(cls, word: str) -> "Prefix":
        """Return the range of the keys that begin with `word`."""
        return cls(word, word + _HIGHEST_CHARACTER)

    @property
    def condition(self) -> Q:
        """The condition that a key is in the range."""
        return Q(key__gte=self.start, key__lt=self.end)


@dataclass(frozen=True)
class PrefixMatches(QueryDefinition):
    """Patients who have a key for each of `prefixes`, and how many there are, in the order of what the first one found."""

    wrapper_sql = "SELECT patient_id, count(*) OVER () FROM ({}) AS found ORDER BY first_key, patient_id"

    viewer: Viewer
    prefixes: tuple[Prefix, ...]
    organization_id: int = parameter(BigIntegerField())

    def queryset(self) -> QuerySet:
        first, *others = self.prefixes
        rows = NameKey.objects.filter(first.condition, organization_id=self.organization_id)
        rows = rows.filter(visible(self.viewer, NameKey))
        for prefix in others:
            rows = rows.filter(Exists(NameKey.objects.filter(prefix.condition, patient=OuterRef("patient"))))
        return rows.order_by().values("patient_id").annotate(first_key=Min("key")).values_list("patient_id", "first_key")


def typeahead(text: str, actor: Actor, organization_id: int, limit: int) -> tuple[list[int], int]:
    """Return the ids of the first `limit` patients whom `text` may mean, and how many there are.

    Each of its words must begin a name, a preferred name, a chart number or a word in one. The
    longest word, which few patients share, leads the search through the index.
    """
    words = sorted(fold(text).split()[:MAX_WORDS], key=len, reverse=True)
    matches = PrefixMatches(viewer_of(actor), tuple([Prefix.of(word) for word in words]), organization_id)
    rows = matches.fetch(f" LIMIT {limit}")
    return [row[0] for row in rows], rows[0][1] if rows else 0
