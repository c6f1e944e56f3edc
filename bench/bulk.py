"""Rows a second of POST /patients/bulk beside COPY of the same rows, on PostgreSQL in the same run.

    DATABASE_URL=postgres://… python -m bench.bulk [--rows 10000] [--rounds 3]

Needs an empty PostgreSQL database (it is migrated, and filled by the run). The product runs as in
production, in this process: key, scope, rate limit (raised, counting), every rule of the single
create, search columns, typeahead, audit, outbox. COPY then loads the very rows that the import has
made, all columns and nothing else, into a copy of the table with the same indexes and constraints
(but for foreign keys), from text that is ready. What counts is the ratio; rounds alternate and
medians are compared.
"""

import argparse
import io
import json
import os
import random
import statistics
import time
import uuid
from pathlib import Path

import django

RESULTS = Path(__file__).parent / "results"
COPY_OF_PATIENTS = "bench_copy_of_patients"
# VACUUM moves what earlier rounds left in the trigram index's list of pending entries, on both sides.
CLEAN = "VACUUM ANALYZE {}"


def rows(count: int, chance: random.Random, providers: list[str]) -> list[dict]:
    """Return `count` invented patients as integrators send them, with 14 fields each."""
    from bench.seed import FIRST, LAST

    return [
        {
            "first_name": chance.choice(FIRST) + str(chance.randrange(1000)),
            "last_name": chance.choice(LAST) + str(chance.randrange(10_000)),
            "date_of_birth": f"{chance.randrange(1930, 2020)}-{chance.randrange(1, 13):02}-{chance.randrange(1, 29):02}",
            "chart_number": uuid.UUID(int=chance.getrandbits(128)).hex[:12],
            "email": f"patient{number}@example.org",
            "mobile_phone": f"+1 212 {chance.randrange(200, 999)} {number % 10_000:04}",
            "home_phone": f"(212) {chance.randrange(200, 999)}-{number % 10_000:04}",
            "gender": chance.choice(("female", "male", "unknown")),
            "address_line1": f"{number} Main Street",
            "city": "Springfield",
            "state": "MA",
            "postal_code": "01101",
            "primary_provider_uuid": chance.choice(providers),
            "social_security_number": f"{chance.randrange(100, 999)}-{number % 100:02}-{number % 10_000:04}",
        }
        for number in range(count)
    ]


class Bench:
    """A clinic with providers and a key, and the table beside."""

    def __init__(self) -> None:
        from django.core.management import call_command
        from django.db import connection

        from accounts.models import Role
        from accounts.scope import Actor
        from accounts.services.keys import issue_key
        from accounts.services.organizations import create_organization
        from accounts.services.users import create_user
        from patients.models import Provider

        call_command("migrate", verbosity=0)
        system, name = Actor.system("bench"), f"bulk-{uuid.uuid4().hex[:8]}"
        self.connection = connection
        self.organization = create_organization(actor=system, name=name, slug=name, country="US")
        user = create_user(actor=system, email=f"{name}@example.org", role=Role.HC_ADMIN, organization=self.organization)
        self.key = issue_key(actor=system, user=user, description="bench")[1]
        made = [Provider.objects.create(organization=self.organization, name=f"Provider {number}") for number in range(20)]
        self.providers = [str(provider.uuid) for provider in made]
        self.sql(f"DROP TABLE IF EXISTS {COPY_OF_PATIENTS}")
        self.sql(f"CREATE TABLE {COPY_OF_PATIENTS} (LIKE patients_patient INCLUDING ALL)")

    def sql(self, statement: str) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(statement)

    def imported(self, body: bytes, count: int) -> float:
        """Import the rows in `body` and return the seconds it took."""
        from django.test import Client

        self.sql(CLEAN.format("patients_patient"))
        headers = {"Authorization": f"Bearer {self.key}", "Idempotency-Key": uuid.uuid4().hex}
        path = f"/api/v1/{self.organization.uuid}/patients/bulk"
        started = time.perf_counter()
        answer = Client().generic("POST", path, body, content_type="application/json", headers=headers)
        seconds = time.perf_counter() - started
        if answer.status_code != 200 or answer.json()["created"] != count:
            raise SystemExit(f"the import answered {answer.status_code}: {answer.content[:500]!r}")
        return seconds

    def copied(self, count: int) -> float:
        """Load the last `count` patients into the other table by COPY, and return the seconds it took."""
        newest = f"SELECT * FROM patients_patient ORDER BY id DESC LIMIT {count}"
        text = io.BytesIO()
        with self.connection.cursor() as cursor, cursor.copy(f"COPY ({newest}) TO STDOUT") as out:
            for block in out:
                text.write(block)
        self.sql(CLEAN.format(COPY_OF_PATIENTS))
        started = time.perf_counter()
        with self.connection.cursor() as cursor, cursor.copy(f"COPY {COPY_OF_PATIENTS} FROM STDIN") as into:
            into.write(text.getvalue())
        return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    asked = parser.parse_args()
    if not os.environ.get("DATABASE_URL", "").startswith("postgres"):
        raise SystemExit("bench.bulk needs a PostgreSQL database in DATABASE_URL")
    os.environ |= {"DJANGO_SETTINGS_MODULE": "config.settings", "RATE_LIMIT_PER_MINUTE": "100000000", "LOG_LEVEL": "ERROR"}
    os.environ.setdefault("ALLOWED_HOSTS", "testserver")
    django.setup()
    bench, chance = Bench(), random.Random(7)
    seconds: dict[str, list[float]] = {"bulk": [], "copy": []}
    for _ in range(asked.rounds):
        body = json.dumps({"rows": rows(asked.rows, chance, bench.providers)}).encode()
        seconds["bulk"].append(bench.imported(body, asked.rows))
        seconds["copy"].append(bench.copied(asked.rows))
    rates = {side: asked.rows / statistics.median(took) for side, took in seconds.items()}
    print(f"bulk {rates['bulk']:8.0f} rows/s\ncopy {rates['copy']:8.0f} rows/s\nratio {rates['bulk'] / rates['copy']:7.2f}")
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "bulk.json").write_text(json.dumps({"rows": asked.rows, "rows_a_second": rates, "seconds": seconds}, indent=2))


if __name__ == "__main__":
    main()
