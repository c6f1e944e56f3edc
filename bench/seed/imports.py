"""Rows as integrators send them to POST /patients/bulk."""

import random
import uuid

from bench.seed.names import drawn


def import_rows(count: int, chance: random.Random, providers: list[str]) -> list[dict]:
    """Return `count` invented patients with 14 fields each; `providers` are UUIDs."""
    first, last = drawn("female", chance), drawn("last", chance)
    return [
        {
            "first_name": next(first),
            "last_name": next(last),
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
