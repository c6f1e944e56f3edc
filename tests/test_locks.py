"""Locked dependencies: each lock is complete by itself, agrees with the others, and says nothing about where it was made.

`pip install --no-deps` looks for nothing that a lock leaves out, so a lock must hold all that is needed. What is needed
is read from pyproject.toml and from the metadata of the installed packages, without a package index.
"""

import json
import re
import tomllib
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PROJECT = PYPROJECT["project"]
LOCKS = {
    "requirements.txt": Requirement("anamnesis"),
    "requirements-extras.txt": Requirement("anamnesis[parquet,redis]"),
    "requirements-dev.txt": Requirement("anamnesis[dev]"),
}
# In an environment of its own, where `pip check` tells whether it is complete.
SDK_LOCK = "requirements-sdk.txt"
# name==version, a marker where it has one, hashes; then who asked for it. No options, addresses or paths.
ENTRY = re.compile(
    r"(?P<pin>[a-z0-9-]+==[\w.]+)(?P<marker> ; [^\\\n]+)?"
    r"(?P<hashes>(?: \\\n    --hash=sha256:[0-9a-f]{64})+)\n"
    r"    # via(?: [^/\n]+| *\n(?:    #   [^/\n]+\n?)+)\n?"
)


def entries(lock: str) -> list[re.Match[str]]:
    return list(ENTRY.finditer((ROOT / lock).read_text(encoding="utf-8")))


def pins(lock: str) -> dict[str, str]:
    """Return the versions that a lock installs on this machine, by name."""
    found = (Requirement(entry["pin"] + (entry["marker"] or "")) for entry in entries(lock))
    return {pin.name: next(iter(pin.specifier)).version for pin in found if pin.marker is None or pin.marker.evaluate()}


def asked_by(requirement: Requirement) -> Iterator[Requirement]:
    """Yield what a package, with the extras that are asked for, needs on this machine."""
    if requirement.name == PROJECT["name"]:
        lines = [*PROJECT["dependencies"]]
        for extra in requirement.extras:
            lines += PROJECT["optional-dependencies"][extra]
    else:
        lines = metadata.requires(requirement.name) or []
    for needed in map(Requirement, lines):
        if needed.marker is None or any(needed.marker.evaluate({"extra": extra}) for extra in ("", *requirement.extras)):
            yield needed


def needed_for(requirement: Requirement) -> dict[str, Requirement]:
    """Return everything needed, directly and indirectly, by its text."""
    found: dict[str, Requirement] = {}
    queue = [requirement]
    while queue:
        for needed in asked_by(queue.pop()):
            if str(needed) not in found:
                found[str(needed)] = needed
                queue.append(needed)
    return found


@pytest.mark.parametrize(("lock", "requirement"), LOCKS.items())
def test_a_lock_holds_exactly_what_is_needed(lock, requirement):
    needed = {canonicalize_name(each.name) for each in needed_for(requirement).values()} - {PROJECT["name"]}
    assert needed == pins(lock).keys()


@pytest.mark.parametrize(("lock", "requirement"), LOCKS.items())
def test_a_lock_keeps_to_the_ranges_that_are_asked_for(lock, requirement):
    locked = pins(lock)
    needed = [each for each in needed_for(requirement).values() if each.name != PROJECT["name"]]
    assert [str(each) for each in needed if not each.specifier.contains(locked[canonicalize_name(each.name)])] == []


@pytest.mark.parametrize("lock", [*LOCKS, SDK_LOCK])
def test_a_lock_is_pins_with_hashes_and_nothing_else(lock):
    assert ENTRY.sub("", (ROOT / lock).read_text(encoding="utf-8")) == ""


@pytest.mark.parametrize("lock", ["requirements.txt", "requirements-extras.txt"])
def test_a_lock_has_the_same_pins_as_the_one_for_development(lock):
    development = {(entry["pin"], entry["hashes"]) for entry in entries("requirements-dev.txt")}
    assert {(entry["pin"], entry["hashes"]) for entry in entries(lock)} - development == set()


def test_the_lock_of_the_generators_keeps_to_the_ranges_that_are_asked_for():
    locked = pins(SDK_LOCK)
    asked = [Requirement(line) for line in PYPROJECT["dependency-groups"]["sdk"]]
    assert [str(each) for each in asked if not each.specifier.contains(locked[each.name])] == []


def test_the_npm_lock_is_versions_with_hashes_of_what_is_asked_for():
    asked, lock = (json.loads((ROOT / "tests" / "sdk" / name).read_text()) for name in ("package.json", "package-lock.json"))
    packages = lock["packages"]
    assert packages.pop("")["dependencies"] == asked["dependencies"]
    assert {name: packages[f"node_modules/{name}"]["version"] for name in asked["dependencies"]} == asked["dependencies"]
    assert all(package["integrity"].startswith("sha512-") and "resolved" not in package for package in packages.values())
