"""Rows a second and peak memory of the streamed measurements export, beside COPY of the same rows in the same run.

    DATABASE_URL=postgres://… python -m bench.export [--rows 1000000] [--rounds 3]

Needs an empty PostgreSQL database (bench.measurements fills it once, and it is kept) and Linux. The
product runs as in production: granian, key, scope, rate limit (raised, counting), audit; its answer
comes over HTTP and is thrown away. COPY writes the same columns of the same joins in the same order,
with the clocks of the organization: a first look holds the two against each other, byte by byte. It
joins all alerts there are, which few rows have to pay for. Sizes and sides are interleaved and medians
compared, so that what counts is the ratio. Memory is the peak of the largest worker while it answers,
as the kernel keeps it.

Two cores with other work on them, PostgreSQL 15 on the same machine, November 2026, three rounds:

       rows   csv rows/s   ndjson rows/s   COPY rows/s   csv of COPY   ndjson of COPY   peak MB of csv, ndjson
     10,845       20,600          31,700        14,500          1.43             2.19               89.5, 89.6
    101,256       27,300          39,000       101,700          0.27             0.38               89.6, 89.6
  1,000,000       27,600          33,700       177,400          0.16             0.19               89.4, 89.7
"""

import argparse
import datetime
import http.client
import json
import os
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from bench.measurements import DAYS, FIRST_DAY
from bench.read import RESULTS, filled, serving

SIZES = (10_000, 100_000, 1_000_000)
BLOCK = 1 << 16
COPY = """
COPY (
  SELECT patient.uuid, patient.first_name, patient.middle_name, patient.last_name, chart_number,
    care_group.name, program, protocol, to_char(measured_at AT TIME ZONE organization.timezone, %(local)s), instrument.name,
    coalesce(trim_scale(value_number)::text, value_choice), flag, initcap(type),
    to_char(alert.created_at AT TIME ZONE organization.timezone, %(local)s), processed_type, action,
    to_char(processed_at AT TIME ZONE organization.timezone, %(local)s), staff.uuid
  FROM clinical_measurement AS measurement
  JOIN accounts_organization AS organization ON organization.id = measurement.organization_id
  JOIN patients_patient AS patient ON patient.id = measurement.patient_id
  JOIN clinical_instrument AS instrument ON instrument.id = measurement.instrument_id
  LEFT JOIN accounts_caregroup AS care_group ON care_group.id = patient.care_group_id
  LEFT JOIN (
    SELECT DISTINCT ON (patient_id) patient_id, program.name AS program, protocol.name AS protocol
    FROM patients_enrolment AS enrolment
    JOIN patients_program AS program ON program.id = enrolment.program_id
    JOIN patients_protocol AS protocol ON protocol.id = enrolment.protocol_id
    ORDER BY patient_id, enrolment.id DESC
  ) AS enrolled ON enrolled.patient_id = patient.id
  LEFT JOIN (
    SELECT DISTINCT ON (measurement_id) measurement_id, flag, type, created_at, processed_type, action, processed_at,
      processed_by_id
    FROM clinical_monitoringalert
    ORDER BY measurement_id, array_position('{red,orange,grey}', flag::text), id
  ) AS alert ON alert.measurement_id = measurement.id
  LEFT JOIN accounts_user AS staff ON staff.id = processed_by_id
  WHERE organization.uuid = %(organization)s
    AND measurement.created_at >= %(first)s::date::timestamp AT TIME ZONE organization.timezone
    AND measurement.created_at < (%(last)s::date + 1)::timestamp AT TIME ZONE organization.timezone
  ORDER BY measurement.created_at, measurement.id
) TO STDOUT WITH CSV
"""


class Bench:
    """The server at `base`, its database, and who asks."""

    def __init__(self, base: str, organization: str, key: str):
        self.server = http.client.HTTPConnection(urlsplit(base).netloc)
        self.database = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)
        self.organization, self.key = organization, key

    def exported(self, form: str, last: datetime.date) -> Iterator[bytes]:
        """Yield the export up to the day `last` as it comes over HTTP; of CSV without its header."""
        path = f"/v1/export/measurements.{form}?startDate={FIRST_DAY}&endDate={last}"
        self.server.request("GET", path, headers={"Authorization": f"Bearer {self.key}"})
        answer = self.server.getresponse()
        if answer.status != 200:
            raise SystemExit(f"the export answered {answer.status}: {answer.read(500)!r}")
        if form == "csv":
            answer.readline()
        yield from iter(lambda: answer.read(BLOCK), b"")

    def csv(self, last: datetime.date) -> Iterator[bytes]:
        return self.exported("csv", last)

    def ndjson(self, last: datetime.date) -> Iterator[bytes]:
        return self.exported("ndjson", last)

    def copy(self, last: datetime.date) -> Iterator[bytes]:
        """Yield what COPY writes of the same rows."""
        asked = {"local": "YYYY-MM-DD HH24:MI:SS", "organization": self.organization, "first": FIRST_DAY, "last": last}
        with self.database.cursor() as cursor, cursor.copy(COPY, asked) as blocks:
            yield from blocks

    def check(self, last: datetime.date) -> None:
        """End the run unless export and COPY write the same."""
        if b"".join(self.csv(last)).replace(b"\r\n", b"\n") != b"".join(self.copy(last)):
            raise SystemExit("export and COPY differ")

    def took(self, side: Callable, last: datetime.date) -> dict[str, float]:
        """Throw away all that `side` yields; return its rows, seconds, and a worker's peak memory in MB meanwhile."""
        workers = list(_workers(os.getpid()))
        for worker in workers:
            (worker / "clear_refs").write_text("5")  # The peak begins anew from what is resident now.
        started = time.perf_counter()
        rows = sum(bytes(block).count(b"\n") for block in side(last))
        return {"rows": rows, "seconds": time.perf_counter() - started, "peak_mb": max(map(_peak, workers))}


def _workers(pid: int) -> Iterator[Path]:
    """Yield the /proc folders of the processes below `pid` that have none below themselves."""
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        below = list(_workers(int(child)))
        yield from below or [Path("/proc", child)]


def _peak(worker: Path) -> float:
    line = next(line for line in (worker / "status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def compare(bench: Bench, sizes: list[int], rows: int, rounds: int) -> dict:
    """Run all sizes on all sides, round by round in turn, and return the medians."""
    days = {size: FIRST_DAY + datetime.timedelta(days=DAYS * size // rows) for size in sizes}
    runs: dict[tuple[int, str], list] = defaultdict(list)
    bench.check(days[sizes[0]])
    for _ in range(rounds):
        for size, last in days.items():
            for side in (bench.csv, bench.ndjson, bench.copy):
                runs[size, side.__name__].append(bench.took(side, last))
    figures: dict[int, dict] = {size: {} for size in sizes}
    for (size, side), took in runs.items():
        medians = {name: statistics.median(run[name] for run in took) for name in took[0]}
        figures[size][side] = {**medians, "rows_a_second": medians["rows"] / medians["seconds"]}
    return figures


def show(figures: dict) -> None:
    """Print the table."""
    print(f"{'':>10} {'rows/s':^32} {'of COPY':^16} {'peak MB':^16}")
    print(f"{'rows':>10} {'csv':>10} {'ndjson':>10} {'COPY':>10} {'csv':>8} {'ndjson':>7} {'csv':>8} {'ndjson':>7}")
    for sides in figures.values():
        csv, ndjson, copy = sides["csv"], sides["ndjson"], sides["copy"]
        rates = [side["rows_a_second"] for side in (csv, ndjson, copy)]
        print(
            f"{csv['rows']:10.0f} {rates[0]:10.0f} {rates[1]:10.0f} {rates[2]:10.0f} {rates[0] / rates[2]:8.2f} "
            f"{rates[1] / rates[2]:7.2f} {csv['peak_mb']:8.1f} {ndjson['peak_mb']:7.1f}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=SIZES[-1])
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    if not os.environ.get("DATABASE_URL", "").startswith("postgres"):
        raise SystemExit("bench.export needs an empty PostgreSQL database in DATABASE_URL")
    organization, key = filled("measurements", asked.rows)
    with serving("anamnesis") as base:
        sizes = [size for size in SIZES if size <= asked.rows]
        figures = compare(Bench(base, organization, key), sizes, asked.rows, asked.rounds)
    show(figures)
    (RESULTS / "export.json").write_text(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
