"""The examples of the documented APIs: what is sent, and how an answer differs from the one that a document shows."""

import datetime
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import yaml

from tests.contracts.facts import FOLDER

EXAMPLES = FOLDER.parent / "examples"
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


@dataclass(frozen=True)
class Example:
    """One example: the request, and what the document shows of its answer. `by` is who sends it, if not an administrator."""

    name: str
    send: str
    status: int
    answer: Any
    body: Any = None
    by: str = "HC_ADMIN"
    report: str = ""
    further: int = 0
    """How many rows there are beside those that the answer shows."""
    deactivated: bool = False
    """Whether who sends it has left."""

    def __str__(self) -> str:
        return self.name

    def request(self, **ids: Any) -> tuple[str, str, Any]:
        """Return method, path and body, with `ids` in place of the names in braces."""
        method, _, path = self.send.partition(" ")
        return method, path.format(**ids), filled(self.body, ids)


def filled(value: Any, ids: dict[str, Any]) -> Any:
    """Return `value` with `ids` in place of the texts that only hold their names in braces."""
    if isinstance(value, dict):
        return {name: filled(inner, ids) for name, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, ids) for inner in value]
    return ids.get(value[1:-1], value) if isinstance(value, str) and value.startswith("{") else value


def examples(name: str) -> list[Example]:
    """Return the examples of one document."""
    found = yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text())
    return [Example(**{"name": f"a row of {one.get('report')}", **one}) for one in found]


def _parses(parse: Callable[[str], Any]) -> Callable[[Any], bool]:
    def check(value: Any) -> bool:
        try:
            return isinstance(value, str) and bool(parse(value))
        except ValueError:
            return False

    return check


def _matches(pattern: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


MARKS: dict[str, Callable[[Any], bool]] = {
    "<uuid>": _parses(lambda text: str(UUID(text)) == text),
    "<moment>": _parses(lambda text: MOMENT.fullmatch(text) and datetime.datetime.fromisoformat(text)),
    "<date>": _parses(lambda text: len(text) == 10 and datetime.date.fromisoformat(text)),
    "<local time>": _parses(lambda text: datetime.datetime.strptime(text, "%Y-%m-%d %H:%M:%S")),
    "<number>": lambda value: type(value) is int,
    "<text>": lambda value: isinstance(value, str) and value != "",
    "<cursor>": lambda value: isinstance(value, str) and re.fullmatch(r"[\w.~-]{10,}", value) is not None,
    "<path>": lambda value: isinstance(value, str) and re.match(r"/v1/\w+\?.*\bcursor=", value) is not None,
    "<address>": lambda value: (
        isinstance(value, str) and re.match(r"https?://[^/]+/v1/export/\w+\?.*\bcursor=", value) is not None
    ),
}
"""What stands in an example for a value that only the server knows -> whether a value is of that form."""


def differences(shown: Any, answer: Any, place: str = "$") -> Iterator[str]:
    """Yield where `answer` is not what a document has `shown`. It may have more keys: other examples show them."""
    if isinstance(shown, dict) and isinstance(answer, dict):
        for name, value in shown.items():
            if name not in answer:
                yield f"{place}.{name} is missing"
            else:
                yield from differences(value, answer[name], f"{place}.{name}")
    elif isinstance(shown, list) and isinstance(answer, list):
        if len(shown) != len(answer):
            yield f"{place} has {len(answer)} items, not {len(shown)}"
        for index, (value, given) in enumerate(zip(shown, answer, strict=False)):
            yield from differences(value, given, f"{place}[{index}]")
    elif not same(shown, answer):
        yield f"{place} is {answer!r}, not {shown!r}"


def same(shown: Any, answer: Any) -> bool:
    """Tell whether a value is the one that is shown: of its form if that is a mark, the same moment if it is one."""
    if isinstance(shown, str) and shown in MARKS:
        return MARKS[shown](answer)
    if isinstance(shown, str) and isinstance(answer, str) and MOMENT.fullmatch(shown) and MOMENT.fullmatch(answer):
        return datetime.datetime.fromisoformat(shown) == datetime.datetime.fromisoformat(answer)
    return type(shown) is type(answer) and shown == answer
