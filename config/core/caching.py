"""functools.cache with a type that keeps the signature: mypy does not take a class for Hashable."""

from collections.abc import Callable
from functools import cache
from typing import TypeVar, cast

Function = TypeVar("Function", bound=Callable)


def cached(function: Function) -> Function:
    """Return `function` with its results kept by their arguments, for as long as the process lives."""
    return cast(Function, cache(function))
