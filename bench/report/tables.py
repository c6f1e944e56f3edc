"""The figures of a run as tables: Markdown, which a terminal shows as well."""

from collections.abc import Iterable, Sequence
from typing import Any

from bench.targets import TARGETS, Figures
from bench.titles import SIDES, TITLES

NONE = "-"
BUSY = "- **The machine had other work meanwhile:** the figures are too low, and even the ratios are rough."


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table whose columns stand below each other; the first one is text, the others are numbers."""
    lines = [list(head), *map(list, rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(head))]
    ruler = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    padded = [
        [
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ]
        for line in (lines[0], ruler, *lines[1:])
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in padded)


def number(value: float | None) -> str:
    """Return a figure with two to three places that count."""
    if value is None:
        return NONE
    places = 2 if abs(value) < 2 else 1 if abs(value) < 10 else 0
    return f"{value:,.{places}f}"


def rates(figures: Figures) -> str:
    """Requests a second of all sides, and the product's median, 99th percentile and peak memory."""
    rows = []
    for work, sides in figures["rates"].items():
        product = sides["product"]
        others = [sides.get(side) for side in SIDES if side != "product"]
        cells = [
            product["rate"],
            *(side and side["rate"] for side in others),
            product.get("p50"),
            product.get("p99"),
            product["peak_mb"],
        ]
        rows.append([TITLES[work], *map(number, cells)])
    return table(["requests a second", *SIDES.values(), "p50 ms", "p99 ms", "peak MB"], rows)


def ratios(figures: Figures) -> str:
    """The product's rate as a multiple of that of the others."""
    rows = []
    for work, sides in figures["rates"].items():
        others = [sides.get(side, {}).get("rate") for side in SIDES if side != "product"]
        if any(others):
            rows.append([TITLES[work], *(number(sides["product"]["rate"] / rate if rate else None) for rate in others)])
    return table(["Anamnesis is so many times as fast as", *list(SIDES.values())[1:]], rows)


def latencies(figures: Figures) -> str:
    """Median and 99th percentile of the other sides."""
    rows = []
    for work, sides in figures["rates"].items():
        if len(sides) > 1:
            rows.append([TITLES[work], *(_pair(sides.get(side)) for side in SIDES)])
    return table(["p50 / p99 ms", *SIDES.values()], rows)


def _pair(side: dict[str, float] | None) -> str:
    return f"{number(side.get('p50'))} / {number(side.get('p99'))}" if side else NONE


def wire(figures: Figures) -> str:
    """SQL statements and round trips of a request."""
    rows = [[TITLES[work], *(_counts(sides.get(side)) for side in SIDES)] for work, sides in figures["wire"].items()]
    return table(["statements / round trips", *SIDES.values()], rows)


def _counts(side: dict[str, float] | None) -> str:
    return f"{side['statements']:.0f} / {side['round_trips']:.0f}" if side else NONE


def copies(figures: Figures) -> str:
    """Rows a second beside COPY."""
    rows = []
    for work, sides in figures["copies"].items():
        product, copy = sides["product"], sides["copy"]
        cells = [product["rate"], copy["rate"], product["rate"] / copy["rate"], product["peak_mb"]]
        rows.append([TITLES[work], *map(number, cells)])
    return table(["rows a second", "Anamnesis", "COPY", "ratio", "peak MB"], rows)


def growth(figures: Figures) -> str:
    """What one caller waits for, by the size of the organization."""
    sizes = sorted({int(size) for by_size in figures["growth"].values() for size in by_size})
    rows = [[TITLES[work], *(number(by_size[str(size)]) for size in sizes)] for work, by_size in figures["growth"].items()]
    return table(["median ms, one caller", *(f"{size:,} patients" for size in sizes)], rows)


def targets(figures: Figures) -> str:
    """What was asked, and what was measured."""
    rows = []
    for target in TARGETS:
        measured, sign = target.measure(figures), "at most" if target.at_most else "at least"
        verdict = "not measured" if measured is None else "yes" if target.met(measured) else "no"
        unit = target.unit if measured is not None else ""
        rows.append([target.title, f"{sign} {target.asked:g}{target.unit}", number(measured) + unit, verdict])
    return table(["target", "asked", "measured", "met"], rows)


def alone(figures: Figures) -> str:
    """What one caller of the largest organization waits for."""
    found = figures["alone"]
    lines = [f"In the largest organization ({found['patients']:,} patients), one caller, median: a search with"]
    lines.append(f"{found['hits']:,} hits takes {number(found['search_ms'])} ms")
    if "deep_page_ms" in found:
        lines.append(f", page 10,000 takes {number(found['deep_page_ms'])} ms")
    return " ".join(lines[:2]) + "".join(lines[2:]) + "."


def machine(figures: Figures) -> str:
    """What it was measured on."""
    known: dict[str, Any] = figures["machine"]
    settings = ", ".join(f"{name} {value}" for name, value in known["settings"].items())
    packages = ", ".join(f"{name} {value}" for name, value in known["packages"].items())
    sizes = ", ".join(f"{size:,}" for size in figures["sizes"])
    generator = max(side["generator"] for sides in figures["rates"].values() for side in sides.values())
    return "\n".join(
        [
            f"- {known['date']}: {known['processor']}, {known['cores']} cores, {known['memory_gb']} GB; load when it began: "
            f"{known['load']:.1f}.",
            f"- PostgreSQL {known['postgresql']} on the same machine ({settings}).",
            f"- Python {known['python']}, {packages}.",
            f"- Organizations with {sizes} patients. {figures['rounds']} rounds of {figures['seconds']:g} s each, medians; the "
            f"run took {figures['took_seconds'] / 60:.1f} minutes.",
            f"- The load generator took {generator:.2f} of a core at most.",
            *([BUSY] if known["load"] > 1 else []),
        ]
    )


PARTS = {
    "machine": machine,
    "targets": targets,
    "rates": rates,
    "ratios": ratios,
    "latencies": latencies,
    "wire": wire,
    "copies": copies,
    "growth": growth,
    "alone": alone,
}


def text(figures: Figures) -> str:
    """Return all tables for a terminal."""
    return "\n\n".join(part(figures) for part in PARTS.values())
