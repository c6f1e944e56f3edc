"""Fills an empty database with invented organizations, patients, charts and measurements. The same every time.

Needs Django to be set up. Rows go into the tables themselves, most of them by COPY, so the services' checks are not run; derived
columns and keys of the typeahead are made by the product's own functions.
"""

import random
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import NamedTuple

from django.db import connections

from bench.seed.charts import COLUMNS, Charts
from bench.seed.loading import advance_ids, load, without_indexes
from bench.seed.measurements import A_PATIENT, measure_at_home
from bench.seed.organizations import Clinic, create_clinic
from bench.seed.people import People
from clinical.models import Measurement, MonitoringAlert
from patients.models import Enrolment, NameKey, Patient, SearchEntry
from patients.search import derived_columns, name_keys

CHUNK = 10_000


class Part(NamedTuple):
    """Patients of a clinic that one process makes: ids from `first` on, and their share of the years that it is open."""

    clinic: Clinic
    first: int
    count: int
    share_before: float
    share: float


def fill(sizes: list[int], measurements: int = 0, processes: int = 1) -> list[Clinic]:
    """Make a clinic of so many patients for each of `sizes`; patients of the first one have made `measurements` at home."""
    if Patient.objects.exists():
        raise SystemExit("The database holds patients already: the bench wants one of its own.")
    clinics = [create_clinic(f"Bench {size}") for size in sizes]
    parts = list(_parts(clinics, sizes))
    with without_indexes(Patient, SearchEntry, NameKey, *COLUMNS, Enrolment, Measurement, MonitoringAlert):
        _make_all(parts, processes)
        advance_ids(Patient, sum(sizes))
        if measurements:
            at_home = list(range(1, min(max(measurements // A_PATIENT, 1), sizes[0]) + 1))
            measure_at_home(clinics[0], at_home, measurements, random.Random(0))
    return clinics


def _parts(clinics: list[Clinic], sizes: list[int]) -> Iterator[Part]:
    first = 1
    for clinic, size in zip(clinics, sizes, strict=True):
        for start in range(0, size, CHUNK):
            count = min(CHUNK, size - start)
            yield Part(clinic, first + start, count, start / size, count / size)
        first += size


def _make_all(parts: list[Part], processes: int) -> None:
    if processes == 1:
        for part in parts:
            make(part)
        return
    # A process must not go on with a connection of this one.
    connections.close_all()
    with ProcessPoolExecutor(processes, mp_context=get_context("fork")) as pool:
        list(pool.map(make, parts))


def make(part: Part) -> None:
    """Store the patients of `part` with their charts."""
    chance = random.Random(part.first)
    patients = list(People(part.clinic, chance).patients(*part[1:]))
    for patient in patients:
        patient |= derived_columns(patient, part.clinic.country)
    load(Patient, tuple(patients[0]), map(tuple, map(dict.values, patients)))
    load(NameKey, ("organization_id", "patient_id", "key", "shared"), _keys(patients))
    charts, owners = Charts(part.clinic, chance), [(patient["id"], patient["created_at"]) for patient in patients]
    for model, columns in COLUMNS.items():
        load(model, columns, charts.entries(model, owners))


def _keys(patients: list[dict]) -> Iterator[tuple]:
    for patient in patients:
        if patient["deleted_at"] is None:
            for key, shared in name_keys(patient):
                yield patient["organization_id"], patient["id"], key, shared
