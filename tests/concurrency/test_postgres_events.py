"""The event stream while others write: none is skipped, however late it is committed."""

import random
import threading

import pytest
from django.db import connections, transaction

from accounts.models import OutboxEvent
from exports.metrics import outbox_metrics
from patients.models import Patient
from patients.services.patients import create_patient, update_patient
from tests.concurrency.threads import PATIENCE, together
from tests.factories import SYSTEM, Clinic

pytestmark = [pytest.mark.postgres, pytest.mark.django_db(transaction=True)]
WRITERS, WRITES = 3, 60


def make(clinic: Clinic) -> Patient:
    return create_patient(actor=SYSTEM, organization=clinic.organization, values={"first_name": "A", "last_name": "B"})


def test_an_event_that_is_committed_late_holds_back_what_is_newer(clinic, api):
    def read(**query) -> dict:
        return api().get(f"{clinic.base}/events", {"types": "patient.created", **query}).json()

    written, go_on = threading.Event(), threading.Event()

    def late() -> str:
        try:
            with transaction.atomic():
                patient = make(clinic)
                written.set()
                assert go_on.wait(PATIENCE)
            return str(patient.uuid)
        finally:
            connections.close_all()

    def early() -> tuple[str, str]:
        assert written.wait(PATIENCE)
        patient = make(clinic)
        page = read()
        assert page["data"] == []
        go_on.set()
        return str(patient.uuid), page["page_info"]["end_cursor"]

    first, (second, cursor) = together(late, early)
    assert [event["patient_uuid"] for event in read(after=cursor)["data"]] == [first, second]


def test_monitoring_sees_how_long_events_have_been_held_back(clinic):
    def held_back() -> float:
        (metric,) = outbox_metrics()
        return metric.samples[0].value

    written, seen = threading.Event(), threading.Event()

    def late() -> None:
        try:
            with transaction.atomic():
                make(clinic)
                written.set()
                assert seen.wait(PATIENCE)
        finally:
            connections.close_all()

    def watch() -> tuple[float, float]:
        assert written.wait(PATIENCE)
        nothing = held_back()
        make(clinic)
        something = held_back()
        seen.set()
        return nothing, something

    _, (nothing, something) = together(late, watch)
    assert nothing == 0, "what is not committed is seen by nobody"
    assert something > 0
    assert held_back() == 0


def test_who_follows_the_stream_sees_every_event_once_in_the_order_of_versions(clinic, api):
    patients = [make(clinic) for _ in range(5)]
    over = threading.Event()
    writing = threading.Barrier(WRITERS + 1)

    def write(seed: int) -> None:
        dice = random.Random(seed)
        for number in range(WRITES):
            with transaction.atomic():
                for patient in sorted(dice.sample(patients, 2), key=lambda one: one.pk):
                    changes = {"first_name": f"{seed} {number}"}
                    update_patient(actor=SYSTEM, patient_id=patient.pk, base_version=None, changes=changes)
                if dice.random() < 0.2:
                    transaction.set_rollback(True)
        writing.wait(PATIENCE)

    def tell_the_end() -> None:
        writing.wait(PATIENCE)
        over.set()

    def follow() -> list[dict]:
        client, seen, cursor = api(), [], None
        while True:
            last = over.is_set()
            given = {"first": 7, "types": "patient.updated", **({"after": cursor} if cursor else {})}
            page = client.get(f"{clinic.base}/events", given).json()
            seen += page["data"]
            cursor = page["page_info"]["end_cursor"]
            if last and not page["data"]:
                return seen

    *_, seen = together(*(lambda seed=seed: write(seed) for seed in range(WRITERS)), tell_the_end, follow)
    stored = OutboxEvent.objects.filter(type="patient.updated").values_list("uuid", flat=True)
    assert [event["id"] for event in seen] == list(dict.fromkeys(event["id"] for event in seen))
    assert {event["id"] for event in seen} == set(map(str, stored))
    for patient in patients:
        versions = [event["version"] for event in seen if event["patient_uuid"] == str(patient.uuid)]
        assert versions == sorted(versions)
        assert versions[-1:] == [Patient.objects.get(pk=patient.pk).version]
