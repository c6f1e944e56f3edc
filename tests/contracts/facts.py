"""The contract tables, and what it means that a document or a value agrees with them."""

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

import yaml

FOLDER = Path(__file__).parent / "tables"
FORMATS = ("date", "date-time", "time", "uuid")


@dataclass(frozen=True)
class Operation:
    """One operation as a table has it. `body` and `answer` name schemas of the table."""

    table: "Table"
    method: str
    path: str
    status: int
    answer: str
    body: str | None
    query: dict[str, dict]
    headers: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class Table:
    """The contract table of one dialect."""

    name: str
    schemas: dict[str, dict[str, dict]]
    operations: dict[str, dict]

    def operation(self, route: str) -> Operation:
        """Return one operation by `METHOD path`."""
        fact = self.operations[route]
        method, path = route.split(" ", 1)
        return Operation(
            table=self,
            method=method,
            path=path,
            status=fact["status"],
            answer=fact["answer"],
            body=fact.get("body"),
            query=fact.get("query", {}),
            headers=tuple(fact.get("headers", ())),
        )

    # --- values -----------------------------------------------------------------------------------
    def faults(self, kind: str, value: Any, place: str = "$") -> Iterator[str]:
        """Yield where `value` is not of the type `kind`: wrong type, missing or additional key, null where never."""
        if kind.endswith("[]"):
            if not isinstance(value, list):
                yield f"{place} is no list"
                return
            for index, item in enumerate(value):
                yield from self.faults(kind[:-2], item, f"{place}[{index}]")
        elif kind[0].isupper():
            yield from self._object_faults(kind, value, place)
        elif not _is(kind, value):
            yield f"{place} is no {kind}: {value!r}"

    def _object_faults(self, kind: str, value: Any, place: str) -> Iterator[str]:
        fields = self.schemas[kind]
        kept = {name for name, fact in fields.items() if not fact.get("left_out")}
        if not isinstance(value, dict) or not kept <= value.keys() <= fields.keys():
            yield f"{place} has not the keys of {kind}: {sorted(set(fields) ^ set(value))}"
            return
        for name, fact in ((name, fact) for name, fact in fields.items() if name in value):
            inner = f"{place}.{name}"
            if value[name] is None:
                if fact.get("required") or fact.get("left_out"):
                    yield f"{inner} is null"
            elif fact["type"] == "enum":
                if value[name] not in fact["enum"]:
                    yield f"{inner} is none of {fact['enum']}"
            else:
                yield from self.faults(fact["type"], value[name], inner)


def _is(kind: str, value: Any) -> bool:
    checks = {
        "string": lambda: isinstance(value, str),
        "integer": lambda: type(value) is int,
        "boolean": lambda: isinstance(value, bool),
        "object": lambda: isinstance(value, dict),
        "any": lambda: True,
        "string (uuid)": lambda: str(UUID(value)) == value,
        "string (date)": lambda: datetime.date.fromisoformat(value) and len(value) == 10,
        "string (time)": lambda: re.match(r"\d\d:\d\d:\d\d", value) and datetime.time.fromisoformat(value).tzinfo is None,
        "string (date-time)": lambda: re.search(r"T.*(Z|[+-]\d\d:\d\d)$", value) and datetime.datetime.fromisoformat(value),
    }
    try:
        return bool(checks[kind]())
    except (ValueError, TypeError, AttributeError):
        return False


@cache
def table(name: str) -> Table:
    """Return the table of the dialect `name`: all files `name*.yaml`, and what we have added to schemas and queries."""
    files = [yaml.safe_load(path.read_text()) for path in sorted(FOLDER.glob(f"{name}*.yaml"))]
    schemas, operations = (
        {key: fact for file in files for key, fact in file[part].items()} for part in ("schemas", "operations")
    )
    additions = yaml.safe_load((FOLDER / "own-additions.yaml").read_text())
    for schema, fields in additions[name].items():
        schemas[schema] = {**schemas[schema], **fields}
    for parameter, added in additions["queries"][name].items():
        for operation in added["operations"]:
            operations[operation].setdefault("query", {})[parameter] = added["fact"]
    return Table(name, schemas, operations)


def all_operations() -> list[Operation]:
    """Return the operations of all tables."""
    tables = [table(name) for name in ("practice", "public", "general")]
    return [found.operation(route) for found in tables for route in found.operations]
