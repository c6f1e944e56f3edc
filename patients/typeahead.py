"""Finding patients while somebody types: by the beginnings of names and chart numbers, through an index."""

from dataclasses import dataclass
from typing import Any

from django.db.models import BigIntegerField, CharField, IntegerField, Q, QuerySet

from accounts.scope import Actor, Viewer, viewer_of, visible
from config.core.compiled_queries import Compilable, QueryDefinition, fetch_together, parameter
from patients.models import NameKey
from patients.names import bare, joined
from patients.search import KEY_LENGTH, is_age, padded, query_forms

_TEXT = CharField()
_HIGHEST_CHARACTER = "\U0010ffff"


@dataclass(frozen=True)
class Prefix(Compilable):
    """The keys that begin with a text, as a range: of each patient the first one."""

    start: Any = parameter(_TEXT)
    end: Any = parameter(_TEXT)
    length: Any = parameter(IntegerField())

    @classmethod
    def of(cls, text: str) -> "Prefix":
        """Return the range of the keys that begin with `text`."""
        return cls(text, text + _HIGHEST_CHARACTER, len(text))

    @property
    def condition(self) -> Q:
        """The condition that a key is in the range, and the first of its patient there."""
        return Q(key__gte=self.start, key__lt=self.end, shared__lt=self.length)


@dataclass(frozen=True)
class Word(Compilable):
    """The keys that begin with one of the forms of a word."""

    forms: tuple[Prefix, ...]


@dataclass(frozen=True)
class KeyMatches(QueryDefinition):
    """The keys by which patients are found who have one for each of `words`, or one of `whole`.

    Each range of the index is read by itself, and never as a condition with OR: then the index alone has all that is asked.
    """

    viewer: Viewer
    words: tuple[Word, ...]
    whole: tuple[Prefix, ...]
    organization_id: int = parameter(BigIntegerField())

    @property
    def keys(self) -> QuerySet:
        """The keys for the first word of patients who have one for the others, too, and those of `whole`."""
        first, *others = self.words
        visible_keys = self._all.filter(visible(self.viewer, NameKey))
        found = visible_keys
        for word in others:
            found = found.filter(patient__in=_united([self._all.filter(form.condition).values("patient") for form in word.forms]))
        ranges = [found.filter(form.condition) for form in first.forms]
        ranges += [visible_keys.filter(form.condition) for form in self.whole]
        return _united([rows.values_list("patient_id", "key") for rows in ranges])

    @property
    def _all(self) -> QuerySet:
        return NameKey.objects.filter(organization_id=self.organization_id).order_by()


@dataclass(frozen=True)
class PatientsInOrder(KeyMatches):
    """The patients of a single prefix, in the order of their keys, as the index gives them."""

    def queryset(self) -> QuerySet:
        return self.keys.order_by("key", "patient_id")


@dataclass(frozen=True)
class NumberOfPatients(KeyMatches):
    """How many patients a single prefix has."""

    wrapper_sql = "SELECT count(*) FROM ({}) AS found"

    def queryset(self) -> QuerySet:
        return self.keys


@dataclass(frozen=True)
class PatientsWithTotal(KeyMatches):
    """Patients, whom several prefixes may find by several keys, and how many there are, in the order of the first one."""

    wrapper_sql = (
        "SELECT patient_id, count(*) OVER () FROM (SELECT patient_id, min(key) AS first_key FROM ({}) AS found"
        " GROUP BY patient_id) AS grouped ORDER BY first_key, patient_id"
    )

    def queryset(self) -> QuerySet:
        return self.keys


def _united(parts: list[QuerySet]) -> QuerySet:
    """Return the rows of all `parts`."""
    return parts[0].union(*parts[1:], all=True) if len(parts) > 1 else parts[0]


def typeahead(text: str, actor: Actor, organization_id: int, limit: int) -> tuple[list[int], int]:
    """Return the ids of the first `limit` patients whom `text` may mean, and how many there are.

    Each of its words must begin a name, a preferred name, a chart number in any punctuation or a part of one; or all of them
    together do, without what is between them. An age in a label is passed over. The longest word, which few patients share,
    leads the search through the index.
    """
    words = query_forms(text)
    words = [forms for forms in words if not is_age(forms[0], text)] or words
    whole = "".join(joined(forms[0]) for forms in words) if len(words) > 1 else ""
    whole = bare(whole) if any(map(str.isdigit, whole)) else whole
    longest_first = sorted(words, key=lambda forms: len(forms[0]), reverse=True)
    wholes = (Prefix.of(whole[:KEY_LENGTH]),) if whole else ()
    matched = viewer_of(actor), tuple(map(_word_of, longest_first)), wholes, organization_id
    if [len(forms) for forms in words] == [1]:
        # What somebody types first, one letter or two, finds many: they are read in order, and only counted.
        page, number = PatientsInOrder(*matched).bind(f" LIMIT {limit}"), NumberOfPatients(*matched).bind()
        rows, counted = fetch_together([page, number])
        return [row[0] for row in rows], counted[0][0] if counted else 0
    rows = PatientsWithTotal(*matched).fetch(f" LIMIT {limit}")
    return [row[0] for row in rows], rows[0][1] if rows else 0


def _word_of(forms: tuple[str, ...]) -> Word:
    """Return the keys for a word of a query."""
    return Word(tuple([Prefix.of(form[:KEY_LENGTH]) for form in padded(forms)]))
