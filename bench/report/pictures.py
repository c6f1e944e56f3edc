"""The figures of a run as SVG, readable on a light page and on a dark one."""

import math
from collections.abc import Iterator
from html import escape

from bench.report.tables import number
from bench.targets import Figures
from bench.titles import SIDES, TITLES

COLOURS = {"product": "#0d9488", "limit": "#94a3b8", "plain": "#d97706", "fastapi": "#8b5cf6"}
LINES = ("#0d9488", "#d97706", "#8b5cf6", "#3b82f6", "#db2777", "#65a30d", "#94a3b8", "#dc2626")
COMPARED = ("list", "cursor", "one", "typeahead", "page", "patch", "create")
STYLE = """
<style>
text { font: 13px system-ui, sans-serif; fill: #1f2937 }
.small { font-size: 11px } .title { font-weight: 600 } .axis { stroke: #94a3b8; stroke-width: 1; opacity: .5 }
@media (prefers-color-scheme: dark) { text { fill: #e5e7eb } }
</style>
"""
WIDTH = 760


def text(x: float, y: float, said: str, kind: str = "", anchor: str = "start") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" class="{kind}" text-anchor="{anchor}">{escape(said)}</text>'


def picture(height: float, title: str, parts: Iterator[str]) -> str:
    """Return an SVG of this height around `parts`; `title` is for those who cannot see it."""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(title)}">'
    return "\n".join([head, STYLE.strip(), *parts, "</svg>"]) + "\n"


def rates(figures: Figures) -> str:
    """Requests a second of all sides: a group of bars for each kind of work, each group in a scale of its own."""
    groups = {work: figures["rates"][work] for work in COMPARED if work in figures["rates"]}
    bar, gap, left, room = 17, 34, 120, WIDTH - 120 - 80

    def parts() -> Iterator[str]:
        y = 0.0
        for work, sides in groups.items():
            y += gap
            yield text(0, y - 8, TITLES[work], "title")
            fastest = max(side["rate"] for side in sides.values()) or 1
            for side, figure in sides.items():
                length = max(room * figure["rate"] / fastest, 1)
                yield text(0, y + 12, SIDES[side], "small")
                yield f'<rect x="{left}" y="{y:.0f}" width="{length:.0f}" height="{bar - 4}" fill="{COLOURS[side]}" rx="2"/>'
                yield text(left + length + 6, y + 11, f"{number(figure['rate'])} / s", "small")
                y += bar

    height = sum(gap + bar * len(sides) for sides in groups.values()) + 8
    return picture(height, "Requests a second by kind of work and side", parts())


def growth(figures: Figures) -> str:
    """The median that one caller waits for, by the size of the organization; both axes are logarithmic."""
    curves = {work: sorted((int(size), ms) for size, ms in by_size.items() if ms) for work, by_size in figures["growth"].items()}
    sizes = [size for size, _ in max(curves.values(), key=len)]
    waits = [ms for curve in curves.values() for _, ms in curve]
    left, right, top, bottom = 50, WIDTH - 250, 12, 360
    x_of = _scale(min(sizes), max(sizes), left, right)
    y_of = _scale(min(waits) / 1.3, max(waits) * 1.3, bottom, top)

    def parts() -> Iterator[str]:
        for size in sizes:
            yield f'<path d="M{x_of(size):.0f} {top}V{bottom}" class="axis"/>'
            yield text(x_of(size), bottom + 18, f"{size:,}", "small", "middle")
        for ms in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000):
            if min(waits) / 1.3 <= ms <= max(waits) * 1.3:
                yield f'<path d="M{left} {y_of(ms):.0f}H{right}" class="axis"/>'
                yield text(left - 8, y_of(ms) + 4, f"{ms:,} ms", "small", "end")
        ends = _apart({work: y_of(curve[-1][1]) for work, curve in curves.items()})
        for colour, (work, curve) in zip(LINES, curves.items(), strict=False):
            points = " ".join(f"{x_of(size):.0f},{y_of(ms):.0f}" for size, ms in curve)
            yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>'
            yield f'<path d="M{right} {y_of(curve[-1][1]):.0f}L{right + 14} {ends[work]:.0f}" stroke="{colour}"/>'
            yield text(right + 18, ends[work] + 4, f"{TITLES[work]}", "small")

    return picture(bottom + 28, "Median wait of one caller by number of patients in the organization", parts())


def _scale(least: float, most: float, start: float, end: float):
    """Return a function from values to places, logarithmic."""
    span = math.log(most / least) or 1
    return lambda value: start + (end - start) * math.log(value / least) / span


def _apart(places: dict[str, float], least: float = 16) -> dict[str, float]:
    """Move labels so that none covers another one."""
    moved: dict[str, float] = {}
    before = -math.inf
    for name, place in sorted(places.items(), key=lambda item: item[1]):
        before = moved[name] = max(place, before + least)
    return moved


PICTURES = {"bench-rates.svg": rates, "bench-growth.svg": growth}
