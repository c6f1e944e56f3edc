"""A run of the bench: all servers up at once, and the work done by one after the other, round by round, so that the machine's
moods meet all sides. Figures are medians of the rounds."""

import contextlib
import http.client
import json
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

from django.db import connection

from accounts.models import Organization
from bench import load
from bench.copying import Exporting, Importing
from bench.load import Request
from bench.sides.servers import Server, serving
from bench.titles import SIDES, TITLES
from bench.wire import relay
from bench.works import GROWING, WORKS, Place, Work, place, with_common_word

WARM_UP, COUNTED = 10, 10
# So many patients are asked for with "many hits": a tenth of the first organization, and in the largest one for one caller.
FEW_HITS, MANY_HITS = 5_000, 50_000
DEEP_PAGE = 10_000
# What a load sent last is still at work when it ends: the slowest requests take a minute. The database is free when nothing
# runs on it for so many looks, each so many seconds after the other.
LOOKS, BETWEEN_LOOKS, LONGEST_WAIT = 4, 0.1, 300
AT_WORK = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND backend_type = 'client backend' AND state <> 'idle' AND pid <> pg_backend_pid()
"""
# Drivers would encrypt, and the relay could not read.
READABLE = {"PGSSLMODE": "disable", "PGGSSENCMODE": "disable"}
# Where sides answer a few requests a second, they need longer to say how many.
SLOW_WORKS, SLOW_SIDES, LONGER = {"list", "cursor", "page"}, {"plain", "fastapi"}, 2


class Run:
    """One run on the database with the address `database`; `say` shows how far it is."""

    def __init__(self, database: str, seconds: float, rounds: int, say: Callable[[str], None]):
        self.database, self.seconds, self.rounds, self.say = database, seconds, rounds, say
        with connection.cursor() as cursor:
            # Of the bench's own connection; the product keeps its limit.
            cursor.execute("SET statement_timeout = 0")
        organizations = list(Organization.objects.order_by("id"))
        # Reads are asked of the first, writes of the second, which grows; the others show how figures grow.
        places = [place(organization) for organization in organizations]
        self.largest = with_common_word(max(places, key=lambda found: found.size), MANY_HITS)
        first, self.writing, *others = places
        self.reading = with_common_word(first, FEW_HITS)
        self.growing = [self.reading, *others]

    def place_of(self, work: Work) -> Place:
        return self.writing if work.writes else self.reading

    def figures(self) -> dict[str, Any]:
        """Return all that is measured, ready for JSON."""
        with contextlib.ExitStack() as stack:
            servers = {side: stack.enter_context(serving(side, self.database)) for side in SIDES}
            self.check(servers)
            figures = {
                "rates": self.rates(servers),
                "copies": self.copies(servers["product"]),
                "growth": self.growth(servers["product"]),
                "alone": self.alone(servers["product"]),
            }
        return figures | {"wire": self.wire()}

    # --- requests a second --------------------------------------------------------------------------
    def rates(self, servers: dict[str, Server]) -> dict[str, dict[str, dict[str, float]]]:
        runs: dict[tuple[str, str], list[dict]] = defaultdict(list)
        for number in range(1, self.rounds + 1):
            for name, work in WORKS.items():
                self.say(f"round {number} of {self.rounds}: {TITLES[name]}")
                for side in work.sides:
                    runs[name, side].append(self.rate(servers[side], work, self.time(name, side), number == 1))
        figures: dict[str, dict[str, dict[str, float]]] = {name: {} for name in WORKS}
        for (name, side), found in runs.items():
            figures[name][side] = medians(found)
        return figures

    def time(self, name: str, side: str) -> float:
        return self.seconds * (LONGER if name in SLOW_WORKS and side in SLOW_SIDES else 1)

    def rate(self, server: Server, work: Work, seconds: float, warm_up: bool) -> dict[str, float]:
        at = self.place_of(work)
        wait_until_free()
        headers, requests = work.headers(at.key), work.requests(at)
        if warm_up:
            before, requests = halves(requests)
            load.send(server.address, before, headers, 1)
        server.clear_peaks()
        found = load.send(server.address, requests, headers, seconds)
        return {**found._asdict(), "peak_mb": server.peak_mb()}

    # --- beside COPY ----------------------------------------------------------------------------------
    def copies(self, server: Server) -> dict[str, dict[str, dict[str, float]]]:
        importing, exporting = Importing(self.writing), Exporting(self.reading)
        exporting.check(server)
        runs: dict[tuple[str, str], list[dict]] = defaultdict(list)
        for number in range(1, self.rounds + 1):
            self.say(f"round {number} of {self.rounds}: import and export")
            for name, sides in (("import", importing), ("export", exporting)):
                runs[name, "product"].append(sides.product(server)._asdict())
                runs[name, "copy"].append(sides.copy(server)._asdict())
        return {name: {side: medians(runs[name, side]) for side in ("product", "copy")} for name in ("import", "export")}

    # --- one caller -----------------------------------------------------------------------------------
    def growth(self, server: Server) -> dict[str, dict[int, float | None]]:
        """Return the median ms of a caller who is alone, by kind of work and number of patients in the organization."""
        return {name: self.by_size(server, name) for name in GROWING}

    def by_size(self, server: Server, name: str) -> dict[int, float | None]:
        self.say(f"growth: {TITLES[name]}")
        runs: dict[int, list[dict]] = defaultdict(list)
        for _ in range(self.rounds):
            for at in self.growing:
                sent = load.send(server.address, WORKS[name].requests(at), WORKS[name].headers(at.key), 1, connections=1)
                runs[at.size].append(sent._asdict())
        return {size: medians(found).get("p50") for size, found in runs.items()}

    def alone(self, server: Server) -> dict[str, Any]:
        """Return what one caller of the largest organization waits for a search with many hits, and for a page far down."""
        self.say("search and page far down in the largest organization")
        at, (word, hits) = self.largest, self.largest.many
        found: dict[str, Any] = {"patients": at.size, "hits": hits, "search_ms": waited(server, at, f"search={word}")}
        if at.size >= DEEP_PAGE * 50:
            found["deep_page_ms"] = waited(server, at, f"page={DEEP_PAGE}")
        return found

    # --- statements and round trips -------------------------------------------------------------------
    def wire(self) -> dict[str, dict[str, dict[str, float]]]:
        figures: dict[str, dict[str, dict[str, float]]] = {name: {} for name in WORKS}
        for side in SIDES:
            self.say(f"statements and round trips: {SIDES[side]}")
            with relay(self.database) as wire, serving(side, wire.address, workers=1, **READABLE) as server:
                for name, work in WORKS.items():
                    if side in work.sides:
                        at = self.place_of(work)
                        requests = iter(work.requests(at) * (WARM_UP + COUNTED))
                        ask(server, work.headers(at.key), [next(requests) for _ in range(WARM_UP)])
                        wire.reset()
                        ask(server, work.headers(at.key), [next(requests) for _ in range(COUNTED)])
                        counts = {"statements": wire.statements, "round_trips": wire.round_trips}
                        figures[name][side] = {what: count / COUNTED for what, count in counts.items()}
        return figures

    # --- the same answers -----------------------------------------------------------------------------
    def check(self, servers: dict[str, Server]) -> None:
        """End the bench unless all sides answer alike: the limit with the same values, the others about the same patients."""
        for name in ("list", "cursor", "one"):
            [request, *_] = WORKS[name].requests(self.reading)
            headers = WORKS[name].headers(self.reading.key)
            answers = {side: rows(ask(server, headers, [request])[0]) for side, server in servers.items()}
            if answers["limit"] != answers["product"]:
                raise SystemExit(f"{request.path}: product and limit answer different things")
            for side, found in answers.items():
                expected = [(set(row), row["id"]) for row in answers["product"]]
                if [(set(row), row["id"]) for row in found] != expected:
                    raise SystemExit(f"{request.path}: {side} answers with other fields or patients")


def rows(answer: Any) -> list[dict]:
    """Return the patients in an answer, whatever is around them."""
    if isinstance(answer, list):
        return answer
    found = next((answer[key] for key in ("items", "data", "results") if key in answer), None)
    return [answer] if found is None else found


def ask(server: Server, headers: dict[str, str], requests: Iterable[Request]) -> list[Any]:
    """Send requests one after the other, and return the answers' JSON."""
    link = http.client.HTTPConnection(server.address, timeout=60)
    answers = []
    for method, path, body in requests:
        link.request(method, path, body or None, {**headers, "Content-Type": "application/json"})
        answer = link.getresponse()
        said = answer.read()
        if answer.status >= 300:
            raise SystemExit(f"{method} {path} answered {answer.status}: {said[:500]!r}")
        answers.append(json.loads(said))
    return answers


def waited(server: Server, at: Place, query: str) -> float:
    """Return the median ms of a practice list of 50 with `query`, one request after the other, however long they take."""
    requests, headers = at.gets(at.path(f"?page_size=50&{query}")), WORKS["list"].headers(at.key)
    ask(server, headers, requests)
    waits = []
    for _ in range(COUNTED):
        began = time.perf_counter()
        ask(server, headers, requests)
        waits.append(1000 * (time.perf_counter() - began))
    return statistics.median(waits)


def halves(requests: list[Request]) -> tuple[list[Request], list[Request]]:
    """Return different requests for the warm-up and for what is measured, as a write can be sent once; one request for both."""
    middle = len(requests) // 2
    return (requests[:middle], requests[middle:]) if middle else (requests, requests)


def wait_until_free() -> None:
    """Wait until the load before has ended in the servers too: it would take their time, or change versions read by now."""
    quiet, until = 0, time.monotonic() + LONGEST_WAIT
    while quiet < LOOKS:
        if time.monotonic() > until:
            raise SystemExit("The database is still at work for the load before.")
        time.sleep(BETWEEN_LOOKS)
        with connection.cursor() as cursor:
            cursor.execute(AT_WORK)
            quiet = 0 if cursor.fetchone()[0] else quiet + 1


def medians(runs: list[dict[str, float | None]]) -> dict[str, float]:
    """Return the median of each figure over the runs that have it; a figure that none has is left out."""
    known = {name: [run[name] for run in runs if run[name] is not None] for name in runs[0]}
    return {name: statistics.median(values) for name, values in known.items() if values}
