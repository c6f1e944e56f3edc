"""functools.cache with a type that keeps the signature: mypy does not take a class for Hashable. And one for slow makers."""

from collections.abc import Callable
from functools import cache, wraps
from threading import RLock
from typing import Any, TypeVar, cast

Function = TypeVar("Function", bound=Callable)


def cached(function: Function) -> Function:
    """Return `function` with its results kept by their arguments, for as long as the process lives."""
    return cast(Function, cache(function))


def cached_once(function: Function) -> Function:
    """Return `function` like `cached`, called by one thread at a time, whatever the arguments, while others wait."""
    lock, kept = RLock(), cache(function)

    @wraps(function)
    def locked(*args: Any) -> Any:
        with lock:
            return kept(*args)

    vars(locked)["cache_clear"] = kept.cache_clear
    return cast(Function, locked)
