"""What is asked of the product, as ratios of figures of one run, and what a run has measured."""

from collections.abc import Callable
from typing import Any, NamedTuple

Figures = dict[str, Any]


class Target(NamedTuple):
    """A target: `measure` returns the figure, None where the run did not measure it."""

    title: str
    asked: float
    measure: Callable[[Figures], float | None]
    unit: str = ""
    at_most: bool = False

    def met(self, measured: float) -> bool:
        return measured <= self.asked if self.at_most else measured >= self.asked


def rates(work: str, side: str, of: str = "") -> Callable[[Figures], float | None]:
    """Return how to measure the product's rate of `work` as a multiple of the rate of `side`, in the work `of` if another one."""

    def measure(figures: Figures) -> float | None:
        base = figures["rates"][of or work][side]["rate"]
        return figures["rates"][work]["product"]["rate"] / base if base else None

    return measure


def copy(name: str) -> Callable[[Figures], float | None]:
    return lambda figures: figures["copies"][name]["product"]["rate"] / figures["copies"][name]["copy"]["rate"]


def growth(work: str) -> Callable[[Figures], float | None]:
    def measure(figures: Figures) -> float | None:
        by_size = sorted((int(size), ms) for size, ms in figures["growth"][work].items())
        first, last = by_size[0][1], by_size[-1][1]
        return last / first if first and last else None

    return measure


def alone(name: str) -> Callable[[Figures], float | None]:
    return lambda figures: figures["alone"].get(name)


TARGETS = (
    Target("practice list with total, of the limit without COUNT", 0.45, rates("list", "limit", "cursor")),
    Target("practice list by cursor, of the limit without COUNT", 0.45, rates("cursor", "limit")),
    Target("public list, of the limit without COUNT", 0.45, rates("public", "limit", "cursor")),
    Target("general list, of the limit without COUNT", 0.45, rates("general", "limit", "cursor")),
    Target("one patient, of the limit", 0.40, rates("one", "limit")),
    Target("one patient, of plain DRF", 8, rates("one", "plain")),
    Target("one patient, of FastAPI", 3, rates("one", "fastapi")),
    Target("typeahead, of the plain query without a framework", 1.5, rates("typeahead", "limit")),
    Target("typeahead, of plain DRF", 20, rates("typeahead", "plain")),
    Target("page 900, of page 1", 0.7, rates("page", "product", "list")),
    Target("medical summary of a long chart, of one patient", 0.35, rates("summary", "product", "one")),
    Target(
        "statements of a medical summary", 4, lambda figures: figures["wire"]["summary"]["product"]["statements"], at_most=True
    ),
    Target("change of a patient, of plain DRF with the same rules", 3, rates("patch", "plain")),
    Target("creation of a patient, of plain DRF with the same rules", 3, rates("create", "plain")),
    Target("import, of COPY", 0.3, copy("import")),
    Target("CSV export, of COPY", 0.6, copy("export")),
    *(
        Target(f"growth of the median with the organization: {title}", 1.3, growth(work), at_most=True)
        for work, title in {
            "list": "list with total",
            "cursor": "list by cursor",
            "public": "public list",
            "one": "one patient",
            "typeahead": "typeahead",
            "status": "list of active patients",
            "counts": "counts by location",
            "summary": "medical summary",
        }.items()
    ),
    Target("search with about 50,000 hits, one caller", 100, alone("search_ms"), " ms", at_most=True),
    Target("page 10,000 of a million patients, one caller", 150, alone("deep_page_ms"), " ms", at_most=True),
)
