"""Which parameters of a sweep belong to `make test`, and which to `make test-sweeps` alone."""

from collections.abc import Callable, Collection, Iterable
from typing import Any

import pytest
from _pytest.mark import ParameterSet


def swept(names: str | tuple[str, ...], rows: Iterable[Any], examples: Collection[Any], ids: Callable | None = None):
    """Return what parametrizes a test of a sweep: all `rows` but those with one of `examples` in them are marked `sweep`.

    `rows` and `ids` are those of `pytest.mark.parametrize`. An example that no row has is an error.
    """

    def marked(row: Any):
        given = row if isinstance(row, ParameterSet) else pytest.param(*row) if isinstance(row, tuple) else pytest.param(row)
        found = [value for value in examples if value in given.values]
        missing.difference_update(map(str, found))
        return given if found else pytest.param(*given.values, id=given.id, marks=[*given.marks, pytest.mark.sweep])

    missing = set(map(str, examples))
    parameters = [marked(row) for row in rows]
    if missing:
        raise ValueError(f"No row of the sweep has {sorted(missing)}")
    return pytest.mark.parametrize(names, parameters, ids=ids)
