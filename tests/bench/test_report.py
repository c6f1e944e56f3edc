"""The tables, the pictures and the document are made of the figures of a run."""

from xml.etree import ElementTree

import pytest

from bench.report import ROOT
from bench.report.documents import MARKED, renewed
from bench.report.pictures import PICTURES
from bench.report.tables import PARTS, table, targets, text
from bench.targets import TARGETS
from bench.titles import TITLES
from bench.works import ALL, WORKS

SIDE = {"rate": 100.0, "p50": 10.0, "p99": 30.0, "generator": 0.02, "peak_mb": 90.0}
SLOW = {**SIDE, "rate": 20.0}


@pytest.fixture
def figures():
    sides = {"product": SIDE, "limit": {**SIDE, "rate": 200.0}, "plain": SLOW, "fastapi": SLOW}
    return {
        "machine": {
            "date": "2026-01-01",
            "processor": "A processor",
            "cores": 2,
            "memory_gb": 24,
            "load": 0.1,
            "python": "3.11",
            "postgresql": "15",
            "settings": {"fsync": "on"},
            "packages": {"django": "5.2"},
        },
        "sizes": [50_000, 10_000],
        "seconds": 2.0,
        "rounds": 3,
        "took_seconds": 300.0,
        "rates": {name: {side: sides[side] for side in work.sides} for name, work in WORKS.items()},
        "wire": {name: {side: {"statements": 4.0, "round_trips": 3.0} for side in work.sides} for name, work in WORKS.items()},
        "copies": {
            name: {"product": {"rate": 5_000.0, "peak_mb": 130.0}, "copy": {"rate": 10_000.0}} for name in ("import", "export")
        },
        "growth": {
            name: {"50000": 2.0, "200000": 3.0}
            for name in ("list", "cursor", "public", "one", "typeahead", "status", "counts", "summary")
        },
        "alone": {"patients": 190_000, "hits": 48_000, "search_ms": 80.0},
    }


def rows(markdown: str) -> dict[str, list[str]]:
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in markdown.splitlines()]
    return {cells[0]: cells[1:] for cells in lines[2:]}


def test_every_target_has_a_row_with_what_was_asked_and_measured(figures):
    shown = rows(targets(figures))
    assert list(shown) == [target.title for target in TARGETS]
    assert shown["one patient, of the limit"] == ["at least 0.4", "0.50", "yes"]
    assert shown["one patient, of plain DRF"] == ["at least 8", "5.0", "no"]
    assert shown["search with about 50,000 hits, one caller"] == ["at most 100 ms", "80 ms", "yes"]
    assert shown["growth of the median with the organization: one patient"] == ["at most 1.3", "1.50", "no"]


def test_what_a_run_did_not_measure_is_said(figures):
    assert rows(targets(figures))["page 10,000 of a million patients, one caller"] == ["at most 150 ms", "-", "not measured"]
    figures["alone"]["deep_page_ms"] = 120.0
    assert rows(targets(figures))["page 10,000 of a million patients, one caller"] == ["at most 150 ms", "120 ms", "yes"]


def test_a_side_that_answered_nothing_in_time_has_no_ratio(figures):
    figures["rates"]["one"]["plain"] = {"rate": 0.0, "generator": 0.01, "peak_mb": 90.0}
    figures["growth"]["one"]["200000"] = None
    assert rows(targets(figures))["one patient, of plain DRF"] == ["at least 8", "-", "not measured"]
    assert rows(targets(figures))["growth of the median with the organization: one patient"][1:] == ["-", "not measured"]
    assert "one patient" in text(figures)
    assert all(picture(figures) for picture in PICTURES.values())


def test_every_kind_of_work_is_named_and_shown(figures):
    assert {*WORKS, "import", "export"} == set(TITLES)
    assert all(TITLES[name] in text(figures) for name in TITLES)
    assert set(ALL) >= {side for work in WORKS.values() for side in work.sides}


def test_the_columns_of_a_table_stand_below_each_other():
    lines = table(["what", "n"], [["one", "1"], ["eleven", "11"]]).splitlines()
    assert lines == ["| what   |  n |", "| ------ | -: |", "| one    |  1 |", "| eleven | 11 |"]


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_an_svg_with_a_title_that_follows_the_page_into_the_dark(figures, name):
    drawn = PICTURES[name](figures)
    root = ElementTree.fromstring(drawn)  # noqa: S314  # our own
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("aria-label")
    assert "prefers-color-scheme: dark" in drawn
    assert "NaN" not in drawn


def test_only_what_stands_between_markers_is_renewed(figures):
    document = "before\n<!-- bench: machine -->\nold\n<!-- /bench -->\nbetween\n<!-- bench: copies -->\n<!-- /bench -->\nafter\n"
    once = renewed(document, figures)
    assert once.startswith("before\n<!-- bench: machine -->\n\n- 2026-01-01: A processor")
    assert "old" not in once
    assert "\n<!-- /bench -->\nbetween\n<!-- bench: copies -->\n\n| rows a second" in once
    assert once.endswith("\n<!-- /bench -->\nafter\n")
    assert renewed(once, figures) == once


def test_the_document_has_each_table_and_picture_once():
    document = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")
    assert sorted(found[0] for found in MARKED.findall(document)) == sorted(PARTS)
    for name in PICTURES:
        assert document.count(f"(images/{name})") == 1
        assert (ROOT / "docs" / "images" / name).exists()
