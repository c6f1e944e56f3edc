"""Calls every operation of a generated client that reads."""

import inspect
import json
import pkgutil
from collections.abc import Iterator
from datetime import datetime
from http import HTTPStatus
from importlib import import_module
from typing import Any
from uuid import UUID


def called(client: Any, **known: Any) -> int:
    """Call each operation of the client's package that reads, and whose required parameters are `known`; return how many.

    An operation that reads one row of a list takes the first one that the list had. Raises AssertionError where
    an answer is not 200 or its model does not hold what it does.
    """
    first_ids: dict[str, Any] = {}
    calls = 0
    # A list is called before what reads one of its rows.
    for module in sorted(operations(client), key=lambda module: len(required(module))):
        given = arguments(module, known, first_ids)
        if given is None or (request := module._get_kwargs(**given))["method"] != "get":
            continue
        first_ids[request["url"]] = first_id(call(module, client, given))
        calls += 1
    return calls


def operations(client: Any) -> Iterator[Any]:
    """Yield the modules of the client's package that are an operation each."""
    api = import_module(f"{type(client).__module__.rpartition('.')[0]}.api")
    for found in pkgutil.walk_packages(api.__path__, f"{api.__name__}."):
        if not found.ispkg:
            yield import_module(found.name)


def required(module: Any) -> list[str]:
    """Return the names of the parameters without which an operation cannot be called."""
    parameters = inspect.signature(module._get_kwargs).parameters.values()
    return [parameter.name for parameter in parameters if parameter.default is parameter.empty]


def arguments(module: Any, known: dict[str, Any], first_ids: dict[str, Any]) -> dict[str, Any] | None:
    """Return what an operation is called with, or None where it has a body, or nothing is known that it could read."""
    names = required(module)
    given = {name: known[name] for name in names if name in known}
    unknown = [name for name in names if name not in known]
    if "body" in unknown or len(unknown) > 1:
        return None
    for name in unknown:
        of_list = module._get_kwargs(**given, **{name: ""})["url"].rstrip("/")
        given[name] = first_ids.get(of_list)
    return None if None in given.values() else given


def call(module: Any, client: Any, given: dict[str, Any]) -> Any:
    """Call one operation; return the body of its answer: what its JSON holds, or text."""
    answer = module.sync_detailed(client=client, **given)
    assert answer.status_code == HTTPStatus.OK, module
    assert answer.parsed is not None, module
    body = json.loads(answer.content) if answer.headers["Content-Type"] == "application/json" else answer.content.decode()
    assert comparable(as_json(answer.parsed)) == comparable(body), module
    return body


def first_id(body: Any) -> UUID | int | None:
    """Return the id of the first row of a list, None where the body is none or an empty one."""
    rows = body.get("items") or body.get("data") if isinstance(body, dict) else body
    if not isinstance(rows, list) or not rows or "id" not in rows[0]:
        return None
    found = rows[0]["id"]
    return found if isinstance(found, int) else UUID(found)


def as_json(model: Any) -> Any:
    """Return what a model, or a list of them, would be sent as; text stays as it is."""
    if isinstance(model, list):
        return [row.to_dict() for row in model]
    return model if isinstance(model, str) else model.to_dict()


def comparable(value: Any) -> Any:
    """Return `value` with its moments as such: the same one can be written in several ways."""
    if isinstance(value, dict):
        return {name: comparable(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [comparable(inner) for inner in value]
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return value
