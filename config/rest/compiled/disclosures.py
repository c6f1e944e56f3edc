"""What goes with the rows of a response: the rows that they refer to, and the audit event of the read.

Where the database can, all of it is the statement that fetches the rows. Where it cannot, only the rows are
fetched here: whoever builds the response loads and audits then.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from accounts.audit import ReadEvent
from accounts.scope import Actor
from config.core import page_statements
from config.core.caching import cached
from config.core.compiled_queries import BoundQuery, PageKeys, fetch_together
from config.core.exceptions import Unavailable
from config.core.metrics import AUDIT_FAILURES, audit_failures_counted
from config.core.page_statements import PAGE
from config.rest.compiled.loaders import Loader
from config.rest.compiled.plans import ResponsePlan


class DisclosedRows(list[tuple]):
    """Rows, what their loaders would find as far as it came with them, and whether they were audited when they were fetched."""

    def __init__(self, rows: Sequence[tuple], found: Mapping[Loader, Mapping], *, are_audited: bool):
        super().__init__(rows)
        self.found, self.are_audited = found, are_audited

    def __getitem__(self, index: Any) -> Any:
        # A part of the rows is as audited as the whole.
        part = super().__getitem__(index)
        return DisclosedRows(part, self.found, are_audited=self.are_audited) if isinstance(index, slice) else part


def found_with(rows: list[tuple]) -> Mapping[Loader, Mapping]:
    """Return what loaders would find for `rows`, as far as it came with them."""
    return rows.found if isinstance(rows, DisclosedRows) else {}


@dataclass(frozen=True)
class Disclosure:
    """How rows of a `plan` leave: to whom, and with which event; None where they leave none, or the caller audits.

    Where a row is `needed` and there is none, there is no event, since the read is refused. Nor is there one where the
    long texts have more than `most_characters`, which is refused, too.
    """

    plan: ResponsePlan
    actor: Actor
    event: ReadEvent | None
    needed: bool = False
    most_characters: int | None = None

    def fetch(self, page: BoundQuery, leaving: int | None = None) -> list[tuple]:
        """Fetch the rows of `page`, of which so many leave as `leaving` says, None for all."""
        if not page.sql or not page_statements.are_possible(page.query.using):
            return page.fetch()
        queries = _link_queries({PAGE: self.plan}, self.actor)
        try:
            addition = self.event.addition(self._condition(leaving), leaving) if self.event else None
            rows, links = page_statements.fetch_page(page, [query.bind() for query in queries.values()], addition)
        except Exception as error:
            if self.event:
                AUDIT_FAILURES.labels("read").inc()
            # Without the event nothing leaves.
            raise Unavailable from error
        found = _values(queries, links, {PAGE: self.plan}, {PAGE: rows})
        return DisclosedRows(rows, found, are_audited=self.event is not None)

    def _condition(self, leaving: int | None) -> str:
        conditions = [f"EXISTS (SELECT FROM {PAGE})" if self.needed else "TRUE"]
        if self.most_characters is not None and self.plan.notes:
            lengths = " + ".join(f"coalesce(length(c{index}), 0)" for index in self.plan.notes)
            leave = f"{PAGE} LIMIT {leaving}" if leaving is not None else PAGE
            total = f"SELECT coalesce(sum({lengths}), 0) FROM (SELECT * FROM {leave}) AS leaving"  # noqa: S608 - numbers
            conditions.append(f"({total}) <= {self.most_characters}")
        return " AND ".join(conditions)


def fetch_disclosed(
    pages: Mapping[str, BoundQuery], plans: Mapping[str, ResponsePlan], actor: Actor, event: ReadEvent, needed: str
) -> tuple[dict[str, list[tuple]], dict[Loader, Mapping]]:
    """Fetch several pages whose rows leave together, and audit that unless the page `needed` is empty.

    Returns their rows, and what the loaders of `plans`, which are those of some of the pages, find for all of them.
    """
    queries = _link_queries(plans, actor)
    if page_statements.are_possible():
        try:
            with audit_failures_counted("read"):
                addition = event.addition(f"EXISTS (SELECT FROM {needed})")
                rows, links = page_statements.fetch_pages(pages, [query.bind() for query in queries.values()], addition)
        except Exception as error:
            raise Unavailable from error
        return rows, _values(queries, links, plans, rows)
    rows = dict(zip(pages, fetch_together(list(pages.values())), strict=True))
    if rows[needed]:
        try:
            with audit_failures_counted("read"):
                event.record(rows)
        except Exception as error:
            raise Unavailable from error
    return rows, {loader: loader.load(keys, actor) for loader in queries if (keys := _keys(loader, plans, rows))}


def _link_queries(plans: Mapping[str, ResponsePlan], actor: Actor) -> dict[Loader, Any]:
    """Return the queries of the rows that pages refer to, by their loaders; not of those that are cached."""
    found = {loader: loader.query(keys, actor) for loader, keys in _page_keys(tuple(plans.items())).items()}
    return {loader: query for loader, query in found.items() if query is not None}


@cached
def _page_keys(plans: tuple[tuple[str, ResponsePlan], ...]) -> dict[Loader, PageKeys]:
    """Return the keys of each loader in all pages. They are made once, as each request compares the queries that hold them."""
    places: dict[Loader, list] = {}
    for page, plan in plans:
        for loader, indexes in plan.loads.items():
            places.setdefault(loader, []).extend((page, index) for index in indexes)
    return {loader: PageKeys(*found) for loader, found in places.items()}


def _values(
    queries: Mapping[Loader, Any],
    links: Sequence[list[tuple]],
    plans: Mapping[str, ResponsePlan],
    pages: Mapping[str, Sequence[tuple]],
) -> dict[Loader, Mapping]:
    """Return what the loaders of `queries` make of the rows that were found for the keys in `pages`."""
    return {
        loader: loader.values_of(rows, _keys(loader, plans, pages))
        for (loader, _), rows in zip(queries.items(), links, strict=True)
    }


def _keys(loader: Loader, plans: Mapping[str, ResponsePlan], pages: Mapping[str, Sequence[tuple]]) -> set:
    return {key for page, plan in plans.items() for key in plan.keys_of(loader, pages[page])}
