"""Walks along a cursor while others write: what stayed in its place is seen once."""

import datetime
import itertools
import random
import threading
from collections.abc import Callable

import pytest
from django.db import transaction
from django.utils import timezone

from patients.models import Patient
from patients.search import derived_columns
from patients.services.patients import create_patient, update_patient
from tests.concurrency.threads import PATIENCE, Background, together
from tests.factories import SYSTEM, Clinic, archive

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
ROWS = 5000
PAGE = 97
MOST_PAGES = 500
WRITERS, TAIL_ROWS = 3, 400


def seed(clinic: Clinic) -> list[Patient]:
    """Make ROWS patients; fifty share each last name, five each creation time."""
    born = timezone.now() - datetime.timedelta(days=1)
    names = ({"first_name": f"First{number}", "last_name": f"Last{number % (ROWS // 50)}"} for number in range(ROWS))
    rows = (
        Patient(
            organization=clinic.organization,
            created_at=born + datetime.timedelta(milliseconds=number // 5),
            **values,
            **derived_columns(values, "US"),
        )
        for number, values in enumerate(names)
    )
    return Patient.objects.bulk_create(rows, batch_size=500)


class Disturbance:
    """Two writers who insert, archive and rename while somebody reads; they touch `touched` rows only."""

    def __init__(self, clinic: Clinic, rows: list[Patient]):
        self._dice = random.Random(1885)
        self.clinic = clinic
        self.touched = self._dice.sample(rows, len(rows) // 2)
        self._next = itertools.count()
        self.archived: set[str] = set()
        self.renamed: set[str] = set()

    def write(self, number: int) -> None:
        if number % 3 == 0:
            self._insert()
        change = next(self._next)
        if change < len(self.touched):
            (self._archive if change % 2 else self._rename)(self.touched[change])

    def _insert(self) -> None:
        values = {"first_name": "New", "last_name": self._name()}
        create_patient(actor=SYSTEM, organization=self.clinic.organization, values=values)

    def _archive(self, patient: Patient) -> None:
        archive(patient)
        self.archived.add(str(patient.uuid))

    def _rename(self, patient: Patient) -> None:
        update_patient(actor=SYSTEM, patient_id=patient.pk, base_version=None, changes={"last_name": self._name()})
        self.renamed.add(str(patient.uuid))

    def _name(self) -> str:
        return f"Last{self._dice.randrange(100)} moved"


def walk(fetch: Callable[[str | None], tuple[list[dict], str | None]]) -> list[str]:
    """Follow the cursors of `fetch(cursor) -> (items, next cursor)` to the end; return the ids in order."""
    seen, cursor = [], None
    for _ in range(MOST_PAGES):
        items, cursor = fetch(cursor)
        seen += [item["id"] for item in items]
        if cursor is None:
            return seen
    raise AssertionError("the walk does not end")


def practice_pages(client, clinic: Clinic, **query):
    """Return the fetch function of the practice list by cursor."""

    def fetch(cursor: str | None) -> tuple[list[dict], str | None]:
        given = {"first": PAGE, **query, **({"after": cursor} if cursor else {})}
        page = client.get(f"{clinic.base}/patients/cursor", given).json()
        return page["data"], page["page_info"]["end_cursor"] if page["page_info"]["has_next_page"] else None

    return fetch


def public_pages(client, per_page: int = PAGE):
    """Return the fetch function of the public list."""

    def fetch(cursor: str | None) -> tuple[list[dict], str | None]:
        page = client.get("/v1/patients", {"perPage": per_page, **({"cursor": cursor} if cursor else {})}).json()
        return page["data"], page["meta"]["nextCursor"]

    return fetch


def check(seen: list[str], rows: list[Patient], moved: set[str]) -> None:
    stayed = {str(row.uuid) for row in rows} - moved
    assert stayed <= set(seen)
    counted = [pk for pk in seen if pk in stayed]
    assert len(counted) == len(stayed)


def test_a_walk_by_last_name_sees_once_who_kept_the_name(clinic, api):
    rows = seed(clinic)
    disturbance = Disturbance(clinic, rows)

    with Background(disturbance.write, disturbance.write):
        seen = walk(practice_pages(api(), clinic, sort_by="last_name", sort_dir="desc"))

    assert disturbance.archived
    assert disturbance.renamed
    check(seen, rows, disturbance.archived | disturbance.renamed)


def test_a_walk_by_creation_sees_once_whoever_was_there_throughout(clinic, api):
    rows = seed(clinic)
    disturbance = Disturbance(clinic, rows)

    with Background(disturbance.write, disturbance.write):
        seen = walk(public_pages(api()))

    assert disturbance.renamed
    check(seen, rows, disturbance.archived)
    assert len(seen) == len(set(seen))


def test_a_row_that_is_committed_late_is_not_passed_over(clinic, api):
    early = [str(clinic.patient().uuid) for _ in range(5)]
    inserted, commit = threading.Event(), threading.Event()
    fetch = public_pages(api(), per_page=3)

    def insert_slowly() -> str:
        with transaction.atomic():
            patient = clinic.patient(first_name="Late")
            inserted.set()
            commit.wait(PATIENCE)
        return str(patient.uuid)

    def read() -> tuple[list[dict], list[str], list[dict]]:
        inserted.wait(PATIENCE)
        later = [str(clinic.patient().uuid) for _ in range(2)]
        first, cursor = fetch(None)
        before, end = fetch(cursor)
        assert end is None
        commit.set()
        return first + before, later, [cursor]

    late, (before, later, cursor) = together(insert_slowly, read)
    after, _ = fetch(cursor[0])

    assert [item["id"] for item in before] == early
    assert [item["id"] for item in after] == [*early[3:], late]
    assert walk(fetch) == [*early, late, *later]


@pytest.mark.parametrize("order", ["created_at", "updated_at"])
def test_a_reader_at_the_tail_misses_none_of_many_short_transactions(clinic, api, order):
    """The reader asks again and again from its last position while writers commit right before and after it."""
    writing = threading.Barrier(WRITERS + 1)
    over = threading.Event()

    def insert_and_change() -> set[tuple[str, int]]:
        rows = [insert_and_maybe_change(clinic, change=order == "updated_at") for _ in range(TAIL_ROWS)]
        writing.wait(PATIENCE)
        return set(rows)

    def tell_the_end() -> None:
        writing.wait(PATIENCE)
        over.set()

    def follow() -> set[tuple[str, int]]:
        client, seen, cursor = api(), [], None
        while True:
            last = over.is_set()
            given = {"first": PAGE, "sort_by": order, **({"after": cursor} if cursor else {})}
            page = client.get(f"{clinic.base}/patients/cursor", given).json()
            seen += [(item["id"], item["version"]) for item in page["data"]]
            cursor = page["page_info"]["end_cursor"] or cursor
            if last and not page["data"]:
                assert len(seen) == len(set(seen))
                return set(seen)

    *written, _, seen = together(*[insert_and_change] * WRITERS, tell_the_end, follow)

    assert len(set().union(*written)) == WRITERS * TAIL_ROWS
    assert set().union(*written) - seen == set()


def insert_and_maybe_change(clinic: Clinic, *, change: bool) -> tuple[str, int]:
    """Insert a row with as little work as can be, so that many transactions begin and end; return its id and version."""
    with transaction.atomic():
        row = Patient(organization=clinic.organization, first_name="A", last_name="B")
        row.save(force_insert=True)
    if change:
        with transaction.atomic():
            Patient.objects.change(row.pk, 1, "Patient", city="Hill Valley")
    return str(row.uuid), 2 if change else 1
