"""What the chart page costs: `python -m bench.chart [--entries 400] [--rounds 30]`.

In an empty SQLite database it makes the demo clinic, gives its first patient as many entries as an import of Synthea does,
and asks for the page in this process, as an administrator. Prints the median of the processor time (budget: 120 ms on a
quiet machine), the number of SQL statements (20) and the size of the HTML before compression (100 KB), for the chart as the
demo has it and for the long one.
"""

import argparse
import os
import statistics
import tempfile
import time

import django

LIMITS = {"CPU ms": 120, "statements": 20, "KB": 100}


def main(entries: int, rounds: int) -> None:
    from django.core.management import call_command

    from patients.models import Patient

    with open(os.devnull, "w") as nowhere:
        # Pages name static files as they are collected.
        call_command("collectstatic", interactive=False, stdout=nowhere)
        call_command("demo", stdout=nowhere, stderr=nowhere)
    patient = Patient.objects.filter(organization__slug="riverside").earliest("pk")
    print(f"{'':18}" + "".join(f"{name:>12}" for name in LIMITS))
    print_line("at most", LIMITS)
    print_line("as in the demo", measured(patient, rounds))
    lengthen(patient, entries)
    print_line(f"{entries} entries more", measured(patient, rounds))


def print_line(title: str, figures: dict[str, float]) -> None:
    print(f"{title:18}" + "".join(f"{figures[name]:12.0f}" for name in LIMITS))


def measured(patient, rounds: int) -> dict[str, float]:
    """Return the figures of the page of `patient`, after a first request that fills the caches."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext
    from django.urls import reverse

    from accounts.models import Role, User

    client, address = Client(), reverse("admin:chart", args=[patient.pk])
    admin = User.objects.filter(organization=patient.organization, role=Role.HC_ADMIN).earliest("pk")
    client.force_login(admin, backend="accounts.authentication.StaffBackend")
    client.get(address)
    with CaptureQueriesContext(connection) as statements:
        page = client.get(address)
    count = len(statements)  # Later requests reset what was captured.
    times = []
    for _ in range(rounds):
        begun = time.process_time()
        client.get(address)
        times.append(time.process_time() - begun)
    return {
        "CPU ms": 1000 * statistics.median(times),
        "statements": count,
        "KB": len(page.content) / 1000,
    }


def lengthen(patient, entries: int) -> None:
    """Add medications, of which a quarter is current, and one problem to each five of them."""
    from clinical.models import Disease, DiseaseDefinition, Medication

    own = {"organization_id": patient.organization_id, "patient": patient}
    definition = DiseaseDefinition.objects.filter(organization_id=patient.organization_id).earliest("pk")
    problems = entries // 6
    Medication.objects.bulk_create(
        Medication(**own, med_descript=f"Drug {number} 100 MG Oral Tablet", status="completed" if number % 4 else "active")
        for number in range(entries - problems)
    )
    Disease.objects.bulk_create(Disease(**own, disease_definition=definition) for _ in range(problems))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=30)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        os.environ.update(
            DATA_DIR=directory,
            DJANGO_SETTINGS_MODULE="config.settings",
            RATE_LIMIT_PER_MINUTE="100000",
            ALLOWED_HOSTS="testserver",
            LOG_LEVEL="ERROR",
        )
        os.environ.pop("DATABASE_URL", None)
        django.setup()
        main(given.entries, given.rounds)
