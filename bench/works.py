"""What is measured: each kind of work, and the requests that it consists of."""

import json
import random
import uuid
from collections.abc import Callable
from typing import NamedTuple

from django.db.models import QuerySet

from accounts.models import Organization
from bench.load import Request
from bench.seed.charts import has_long_chart
from bench.seed.organizations import new_key
from patients.models import NameKey, Patient

SAMPLE, TYPED, WRITES = 1_000, 200, 4_000
ALL = ("product", "limit", "plain", "fastapi")


class Place(NamedTuple):
    """An organization to send requests to: its size without archived patients, a key, and samples of what is in it.

    `many` is a word that many of its patients contain, and how many; only `with_common_word` looks for one.
    """

    organization: int
    uuid: str
    size: int
    key: str
    patients: list[str]
    charts: list[str]
    typed: list[str]
    many: tuple[str, int] = ("", 0)

    def path(self, rest: str) -> str:
        return f"/api/v1/{self.uuid}/patients{rest}"

    def gets(self, *paths: str) -> list[Request]:
        return [Request("GET", path) for path in paths]


def place(organization: Organization) -> Place:
    """Return `organization` with samples, the same each time."""
    ids = list(listed(organization.pk).order_by("id").values_list("id", flat=True))
    chance = random.Random(organization.pk)
    named = chance.sample(ids, min(TYPED, len(ids)))
    keys = NameKey.objects.filter(organization=organization, patient_id__in=named).values_list("key", flat=True)
    return Place(
        organization.pk,
        str(organization.uuid),
        len(ids),
        new_key(organization),
        uuids(chance.sample(ids, min(SAMPLE, len(ids)))),
        uuids([pk for pk in ids if has_long_chart(pk)][:SAMPLE]),
        # Letters of names: digits begin chart numbers.
        sorted({key[:4] for key in keys if key[:4].isascii() and key[:4].isalpha()}),
    )


def listed(organization: int) -> QuerySet[Patient]:
    return Patient.objects.filter(organization_id=organization, deleted_at=None)


def uuids(ids: list[int]) -> list[str]:
    return [str(found) for found in Patient.objects.filter(id__in=ids).order_by("id").values_list("uuid", flat=True)]


# Fragments of names, from what many have to what few have.
FRAGMENTS = ("an", "ar", "er", "el", "ma", "son", "mar", "ann", "will", "john", "smith", "james", "garcia", "abbott")


def with_common_word(at: Place, hits: int) -> Place:
    """Return `at` with the fragment whose number of hits is nearest to `hits`."""
    counted = [(word, listed(at.organization).filter(search_text__contains=word).count()) for word in FRAGMENTS]
    return at._replace(many=min(counted, key=lambda found: abs(found[1] - hits)))


class Work(NamedTuple):
    """A kind of work: the requests, which sides do it, whether it writes, and how the key is sent."""

    requests: Callable[[Place], list[Request]]
    sides: tuple[str, ...] = ("product",)
    writes: bool = False
    header: str = "Authorization"

    def headers(self, key: str) -> dict[str, str]:
        return {self.header: f"Bearer {key}" if self.header == "Authorization" else key}


def changes(place: Place) -> list[Request]:
    """Return changes of phone and address, each of another patient, in the versions that are stored now."""
    rows = list(listed(place.organization).values_list("uuid", "version"))
    phone = f"+1 212 {random.randrange(200, 999)} {random.randrange(10_000):04}"
    return [
        Request("PATCH", place.path(f"/{found}"), json.dumps({"base_version": version, "mobile_phone": phone, "city": "Salem"}))
        for found, version in random.sample(rows, min(WRITES, len(rows)))
    ]


def creations(place: Place) -> list[Request]:
    """Return creates of patients whom nobody resembles."""
    return [Request("POST", place.path(""), json.dumps(newcomer())) for _ in range(WRITES)]


def newcomer() -> dict[str, str]:
    mark = uuid.uuid4().hex[:10]
    return {
        "first_name": "Ada",
        "last_name": f"Quist-{mark}",
        "date_of_birth": f"{random.randrange(1930, 2020)}-{random.randrange(1, 13):02}-{random.randrange(1, 29):02}",
        "chart_number": mark,
        "email": f"{mark}@example.org",
        "mobile_phone": f"+1 {random.randrange(201, 999)} {random.randrange(200, 999)} {random.randrange(10_000):04}",
        "address_line1": "12 Main Street",
        "city": "Springfield",
        "state": "MA",
        "postal_code": "01101",
        "gender": "female",
    }


WORKS = {
    "list": Work(lambda at: at.gets(at.path("?page_size=50")), ALL),
    "cursor": Work(lambda at: at.gets(at.path("/cursor?first=50&sort_by=last_name")), ALL),
    "public": Work(lambda at: at.gets("/v1/patients?perPage=50")),
    "general": Work(lambda at: at.gets("/general/v1/patients"), header="X-User-Token"),
    "one": Work(lambda at: at.gets(*(at.path(f"/{one}") for one in at.patients)), ALL),
    "typeahead": Work(
        # Two names for the parameter: Django REST framework has its own.
        lambda at: at.gets(*(at.path(f"/search?q={text}&search={text}") for text in at.typed)),
        ALL,
    ),
    "page": Work(lambda at: at.gets(at.path("?page_size=50&page=900")), ("product", "limit", "plain")),
    "counts": Work(lambda at: at.gets(at.path("/counts/by-location"))),
    "status": Work(lambda at: at.gets(at.path("?page_size=50&status=active"))),
    "search": Work(lambda at: at.gets(at.path(f"?page_size=50&search={at.many[0]}"))),
    "summary": Work(lambda at: at.gets(*(at.path(f"/{one}/medical-summary") for one in at.charts))),
    "patch": Work(changes, ("product", "plain"), writes=True),
    "create": Work(creations, ("product", "plain"), writes=True),
}
# What grows with an organization, or should not: asked by one caller.
GROWING = ("list", "cursor", "public", "one", "typeahead", "status", "counts", "summary")
