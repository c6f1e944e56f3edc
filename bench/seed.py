"""Fill a database with invented patients: `python -m bench.seed 200000`. Deterministic; refuses a database with patients."""

import datetime
import random
import sys

import django

ORGANIZATIONS = 4
CHUNK = 2_000
FIRST = [
    "Emma",
    "Liam",
    "Olivia",
    "Noah",
    "Ava",
    "Lucas",
    "Mia",
    "Ethan",
    "Sofia",
    "Daan",
    "Zoë",
    "Søren",
    "Łukasz",
    "José",
    "Anaïs",
    "Yusuf",
    "Mei",
    "Priya",
    "Kwame",
    "Ingrid",
]
LAST = [
    "Smith",
    "Jansen",
    "de",
    "Vries",
    "Müller",
    "García",
    "Nguyen",
    "Kowalski",
    "O'Brien",
    "Schmidt",
    "Rossi",
    "Dubois",
    "Andersen",
    "Okafor",
    "Patel",
    "Kim",
    "Silva",
]


def main(count: int) -> None:
    """Make `count` patients over ORGANIZATIONS organizations, a key and catalogs for each, and print the first key."""
    from accounts.models import Role
    from accounts.scope import Actor
    from accounts.services.keys import issue_key
    from accounts.services.organizations import create_organization
    from accounts.services.users import create_user
    from patients.models import Patient

    if Patient.objects.exists():
        raise SystemExit("The database holds patients already: the benchmark wants one of its own.")
    system = Actor.system("bench")
    for number in range(ORGANIZATIONS):
        organization = create_organization(actor=system, name=f"Clinic {number}", slug=f"clinic-{number}", country="US")
        user = create_user(actor=system, email=f"bench{number}@example.org", role=Role.HC_ADMIN, organization=organization)
        _, key = issue_key(actor=system, user=user, description="bench")
        _patients(organization, count // ORGANIZATIONS, random.Random(number))
        print(f"{organization.uuid} {key}", flush=True)


def _patients(organization, count: int, chance: random.Random) -> None:
    from accounts.scope import Actor
    from accounts.services.catalogs import create_catalog_row
    from patients.models import BillingType, Employer, FeeSchedule, Location, NameKey, Patient, Provider
    from patients.search import name_keys

    system = Actor.system("bench")

    def catalog(model, size: int) -> list[int]:
        rows = [
            create_catalog_row(actor=system, model=model, organization=organization, name=f"{model.__name__} {number}")
            for number in range(size)
        ]
        return [row.pk for row in rows]

    ids = {
        "primary_provider_id": catalog(Provider, 20),
        "secondary_provider_id": catalog(Provider, 5),
        "location_id": catalog(Location, 6),
        "fee_schedule_id": catalog(FeeSchedule, 4),
        "billing_type_id": catalog(BillingType, 4),
        "employer_id": catalog(Employer, 30),
    }
    guarantor: int | None = None
    for start in range(0, count, CHUNK):
        rows = [_patient(organization, number, ids, guarantor, chance) for number in range(start, min(count, start + CHUNK))]
        Patient.objects.bulk_create(rows, batch_size=500)  # PostgreSQL takes 65,535 parameters a statement
        NameKey.objects.bulk_create(
            [NameKey(organization=organization, patient=row, key=key) for row in rows for key in sorted(name_keys(row.__dict__))],
            batch_size=5_000,
        )
        guarantor = rows[0].pk


def _patient(organization, number: int, ids: dict, guarantor: int | None, chance: random.Random):
    from patients.models import Patient
    from patients.search import derived_columns

    values = {
        "first_name": chance.choice(FIRST) + str(chance.randrange(1000)),
        "last_name": chance.choice(LAST) + str(chance.randrange(10_000)),
        "preferred_name": chance.choice((None, "Sam", "Alex", "Robin")),
        "date_of_birth": datetime.date(1930, 1, 1) + datetime.timedelta(days=chance.randrange(33_000)),
        "chart_number": f"C{number:07}",
        "email": f"patient{number}@example.org",
        "mobile_phone": f"+1 212 {chance.randrange(200, 999)} {number % 10_000:04}",
    }
    return Patient(
        organization=organization,
        **values,
        **derived_columns(values, organization.country),
        **{name: chance.choice(choices) for name, choices in ids.items()},
        responsible_party_id=guarantor,
        address_line1=f"{number} Main Street",
        city="Springfield",
        state="MA",
        postal_code="01101",
        country="US",
        gender=chance.choice(("female", "male", "unknown")),
        medical_urgent_note="Latex" if number % 50 == 0 else None,
        treatment_notes="Prefers mornings. " * 3,
    )


if __name__ == "__main__":
    import os

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    main(int(sys.argv[1]))
