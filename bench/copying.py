"""Import and export beside COPY of the same rows: rows a second, over HTTP and all rules, against the database alone."""

import datetime
import http.client
import io
import json
import os
import random
import time
import uuid
from collections.abc import Iterator
from typing import NamedTuple

import psycopg
from django.db import connection

from bench.seed.imports import import_rows
from bench.seed.measurements import FIRST_DAY
from bench.seed.people import LAST_DAY
from bench.sides.servers import Server
from bench.works import Place
from patients.models import Provider

IMPORTED = 10_000
BLOCK = 1 << 16
PATIENCE = 300
COPY_OF_PATIENTS = "bench_copy_of_patients"
EXPORT = f"/v1/export/measurements.csv?startDate={FIRST_DAY}&endDate={LAST_DAY - datetime.timedelta(days=1)}"

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
  WHERE organization.id = %(organization)s
    AND measurement.created_at >= %(first)s::date::timestamp AT TIME ZONE organization.timezone
    AND measurement.created_at < %(end)s::date::timestamp AT TIME ZONE organization.timezone
  ORDER BY measurement.created_at, measurement.id
) TO STDOUT WITH CSV
"""


class Copied(NamedTuple):
    """Rows a second of one side, and the peak memory of a worker meanwhile in MB, where it is the product's."""

    rate: float
    peak_mb: float | None = None


class Importing:
    """POST /patients/bulk, and COPY of the rows that it has made into a table with the same indexes and checks.

    Foreign keys are not checked there. VACUUM before each moves what earlier rounds left in the list of pending entries of the
    trigram index, on both sides.
    """

    def __init__(self, place: Place):
        self.place, self.chance = place, random.Random(place.organization)
        providers = Provider.objects.filter(organization_id=place.organization)
        self.providers = [str(found) for found in providers.order_by("id").values_list("uuid", flat=True)]
        self.sql(f"DROP TABLE IF EXISTS {COPY_OF_PATIENTS}")
        self.sql(f"CREATE TABLE {COPY_OF_PATIENTS} (LIKE patients_patient INCLUDING ALL)")

    def sql(self, statement: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute(statement)

    def product(self, server: Server) -> Copied:
        rows = import_rows(IMPORTED, self.chance, self.providers)
        # Chart numbers of earlier runs are taken.
        body = json.dumps({"rows": [{**row, "chart_number": uuid.uuid4().hex[:12]} for row in rows]})
        self.sql("VACUUM ANALYZE patients_patient")
        headers = {"Authorization": f"Bearer {self.place.key}", "Content-Type": "application/json"}
        link = http.client.HTTPConnection(server.address, timeout=PATIENCE)
        server.clear_peaks()
        began = time.perf_counter()
        link.request("POST", self.place.path("/bulk"), body, headers)
        answer = link.getresponse()
        said = answer.read()
        seconds = time.perf_counter() - began
        if answer.status != 200 or json.loads(said)["created"] != IMPORTED:
            raise SystemExit(f"the import answered {answer.status}: {said[:500]!r}")
        return Copied(IMPORTED / seconds, server.peak_mb())

    def copy(self, server: Server) -> Copied:
        newest = f"SELECT * FROM patients_patient ORDER BY id DESC LIMIT {IMPORTED}"
        text = io.BytesIO()
        with connection.cursor() as cursor, cursor.copy(f"COPY ({newest}) TO STDOUT") as out:
            for block in out:
                text.write(block)
        self.sql(f"VACUUM ANALYZE {COPY_OF_PATIENTS}")
        began = time.perf_counter()
        with connection.cursor() as cursor, cursor.copy(f"COPY {COPY_OF_PATIENTS} FROM STDIN") as into:
            into.write(text.getvalue())
        return Copied(IMPORTED / (time.perf_counter() - began))


class Exporting:
    """GET /v1/export/measurements.csv, and COPY of the same columns of the same joins in the same order."""

    def __init__(self, place: Place):
        self.place = place
        self.database = psycopg.connect(os.environ["DATABASE_URL"], autocommit=True)

    def check(self, server: Server) -> None:
        """End the bench unless both write the same."""
        if b"".join(self.exported(server)).replace(b"\r\n", b"\n") != b"".join(self.written()):
            raise SystemExit("export and COPY differ")

    def product(self, server: Server) -> Copied:
        server.clear_peaks()
        rate = _rate(self.exported(server))
        return Copied(rate, server.peak_mb())

    def copy(self, server: Server) -> Copied:
        return Copied(_rate(self.written()))

    def exported(self, server: Server) -> Iterator[bytes]:
        """Yield the export as it comes over HTTP, without its header."""
        link = http.client.HTTPConnection(server.address, timeout=PATIENCE)
        link.request("GET", EXPORT, headers={"Authorization": f"Bearer {self.place.key}"})
        answer = link.getresponse()
        if answer.status != 200:
            raise SystemExit(f"the export answered {answer.status}: {answer.read(500)!r}")
        answer.readline()
        yield from iter(lambda: answer.read(BLOCK), b"")

    def written(self) -> Iterator[bytes]:
        """Yield what COPY writes of the same rows."""
        asked = {
            "local": "YYYY-MM-DD HH24:MI:SS",
            "organization": self.place.organization,
            "first": FIRST_DAY,
            "end": LAST_DAY,
        }
        with self.database.cursor() as cursor, cursor.copy(COPY, asked) as blocks:
            yield from map(bytes, blocks)


def _rate(blocks: Iterator[bytes]) -> float:
    began = time.perf_counter()
    rows = sum(block.count(b"\n") for block in blocks)
    return rows / (time.perf_counter() - began)
