"""Names as they are distributed among people.

names.csv holds the 4,000 most frequent last names and the 500 most frequent first names of women and men in the United States,
with how many of 100,000 people have them: the census of 1990, which is in the public domain. Names that are written with other
letters come beside them, so that folding and sorting have something to do.
"""

import csv
import random
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from itertools import accumulate
from pathlib import Path

# So many of 100,000 people have each of these.
FOREIGN_WEIGHT = 120
FOREIGN = {
    "female": ("Zoë", "Anaïs", "Sofía", "Márta", "Małgorzata", "Şeyma", "Đurđica", "Anne-Sophie", "Ngọc Anh"),
    "male": ("José", "Søren", "Łukasz", "Jürgen", "François", "Đorđe", "İbrahim", "Jean-Luc", "Þór"),
    "last": ("Müller", "García", "de Vries", "van der Berg", "O'Brien", "Kowalczyk-Nowak", "Nguyễn", "Ångström", "Yıldız"),
}
BLOCK = 10_000


@cache
def distribution(kind: str) -> tuple[list[str], list[int]]:
    """Return the names of a `kind` (female, male, last) and their cumulated weights."""
    weights: dict[str, dict[str, int]] = defaultdict(dict)
    with (Path(__file__).parent / "names.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            weights[row["kind"]][row["name"]] = int(row["weight"])
    found = weights[kind] | dict.fromkeys(FOREIGN[kind], FOREIGN_WEIGHT)
    return list(found), list(accumulate(found.values()))


def drawn(kind: str, chance: random.Random) -> Iterator[str]:
    """Yield names of a `kind` without end, each as often as people have it."""
    names, weights = distribution(kind)
    while True:
        yield from chance.choices(names, cum_weights=weights, k=BLOCK)
