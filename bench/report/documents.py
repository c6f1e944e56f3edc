"""Puts tables between markers of a document: `<!-- bench: NAME -->` and `<!-- /bench -->`, each on a line of its own."""

import re

from bench.report.tables import PARTS
from bench.targets import Figures

MARKED = re.compile(r"(?<=^<!-- bench: )(\w+)( -->\n).*?(?=^<!-- /bench -->$)", re.MULTILINE | re.DOTALL)


def renewed(document: str, figures: Figures) -> str:
    """Return `document` with what stands between its markers made anew. Raises KeyError for a name that no table has."""
    return MARKED.sub(lambda found: f"{found[1]}{found[2]}\n{PARTS[found[1]](figures)}\n\n", document)
