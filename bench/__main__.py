"""`python -m bench`: measure the product beside others, and print the table.

    DATABASE_URL=postgres://… python -m bench [--large] [--seconds 2] [--rounds 3]

Needs a PostgreSQL database that is empty, or that an earlier run has filled with the same number of patients; wrk; and .bench,
which `make bench` makes. Writes bench/results/bench.json.
"""

import argparse
import json
import os
import sys
import time

import django

from bench.keys import KEYS
from bench.report import RESULTS
from bench.report.tables import text

# Patients by organization. Reads are asked of the first, writes of the second; the others show how figures grow.
SIZES = [50_000, 10_000, 140_000]
LARGE = [50_000, 10_000, 200_000, 1_000_000]
MEASUREMENTS = 100_000


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def fill_once(sizes: list[int]) -> float | None:
    """Fill the database unless it is; return the seconds, None where it was full. Ends the bench if it holds something else."""
    from django.core.management import call_command

    from accounts.models import Organization
    from bench.seed import fill

    call_command("migrate", verbosity=0)
    names = list(Organization.objects.order_by("id").values_list("slug", flat=True))
    wanted = [f"bench-{size}" for size in sizes]
    if names == wanted:
        return None
    if names:
        raise SystemExit("The database holds something else. The bench wants an empty one.")
    began = time.perf_counter()
    say(f"making {sum(sizes):,} patients")
    fill(sizes, MEASUREMENTS, processes=os.cpu_count() or 1)
    return time.perf_counter() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--large", action="store_true", help="beside others, an organization of a million patients")
    parser.add_argument("--seconds", type=float, default=2, help="that each work of each side is measured in a round")
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    database = os.environ.get("DATABASE_URL", "")
    if not database.startswith("postgres"):
        raise SystemExit("The bench needs an empty PostgreSQL database in DATABASE_URL.")
    os.environ |= {"DJANGO_SETTINGS_MODULE": "config.settings", "LOG_LEVEL": "ERROR", **KEYS}
    django.setup()
    from bench.load import check_tool
    from bench.machine import machine
    from bench.run import Run

    check_tool()
    began, sizes = time.perf_counter(), LARGE if asked.large else SIZES
    figures = {"machine": machine(), "sizes": sizes, "seconds": asked.seconds, "rounds": asked.rounds}
    figures["seed_seconds"] = fill_once(sizes)
    figures |= Run(database, asked.seconds, asked.rounds, say).figures()
    figures["took_seconds"] = time.perf_counter() - began
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print(text(json.loads(RESULTS.read_text(encoding="utf-8"))))


if __name__ == "__main__":
    main()
