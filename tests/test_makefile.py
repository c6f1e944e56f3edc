"""What the Makefile promises and no run of it would show."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def test_nothing_is_installed_but_locks_and_the_pinned_resolver():
    lines = re.findall(r"pip install (.*)", (ROOT / "Makefile").read_text(encoding="utf-8"))
    assert sorted(line.removesuffix(" \\") for line in lines) == [
        "--quiet --disable-pip-version-check $(UV)",
        "--quiet --disable-pip-version-check --no-deps --require-hashes -r $<",
    ]


@pytest.mark.parametrize("marker", ["browser", "fuzz", "sdk"])
def test_a_marked_test_is_in_the_folder_where_its_target_looks(marker):
    marked = [path for path in ROOT.glob("tests/**/*.py") if re.search(rf"mark\.{marker}\b", path.read_text(encoding="utf-8"))]
    assert {path.parent for path in marked} == {ROOT / "tests" / marker}


def test_what_is_tried_every_time_is_what_pytest_runs_by_itself_without_sweeps():
    by_itself = re.search(r"-m '([^']+)'", (ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    quick = re.search(r"^QUICK := not \((.+)\)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert by_itself
    assert quick
    assert {*quick[1].split(" or ")} == {*by_itself[1].removeprefix("not ").split(" and not "), "sweep"}
