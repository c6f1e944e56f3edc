"""The demo clinic: organizations, people and patients that belong to nobody, the same on every run.

What exists is found by its natural key (slug, e-mail, name, chart number) and left alone, so that a
second run adds nothing but fresh keys and a fresh password.
"""

import datetime
import random
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.db import transaction

from accounts.models import ApiKey, CareGroup, Organization, Role, User
from accounts.scope import Actor, scope
from accounts.services.catalogs import create_catalog_row
from accounts.services.keys import issue_key, revoke_key
from accounts.services.organizations import create_organization
from accounts.services.users import create_user, update_user
from clinical.models import Workflow
from clinical.services.starter_catalog import install_starter_catalog
from config.orm import fold
from exports.demo_catalogs import CATALOGS, PROTOCOLS, WORKFLOW
from exports.demo_charts import furnish_chart, furnish_history
from patients.models import (
    BillingType,
    Employer,
    FeeSchedule,
    Location,
    MaritalStatus,
    Patient,
    Program,
    Protocol,
    Provider,
    Sex,
    Status,
)
from patients.services.patients import create_patient

DEFAULT_PATIENTS = 60
KEY_DESCRIPTION = "Demo clinic"
_ACTOR = Actor.system("manage.py demo")
_CHUNK = 500
_WITH_HISTORY = 2
"""So many patients of the first organization have a history: the first two of all are adults."""


class House(NamedTuple):
    """One organization of the demo. `code` begins its chart numbers; `parent` is another house's slug."""

    slug: str
    name: str
    code: str
    groups: tuple[str, ...]
    parent: str = ""


MAIN = House("riverside", "Riverside Family Practice", "RV", ("General practice", "Diabetes team"))
CHILD = House("riverside-children", "Riverside Children's Clinic", "RC", ("Paediatrics",), parent="riverside")
OTHER = House("northgate", "Northgate Health Centre", "NG", ("General practice",))
_PATIENTS_OF_CHILD, _PATIENTS_OF_OTHER = 6, 12

_FIRST_NAMES = {
    Sex.FEMALE: ("Amelia", "Beatriz", "Chloé", "Dina", "Elena", "Fatima", "Grace", "Hannah", "Ines", "Joan", "Keiko", "Søs"),
    Sex.MALE: ("Adam", "Bruno", "Carlos", "Daniel", "Émile", "Farid", "George", "Hugo", "Ivan", "Jonas", "Kenji", "Łukasz"),
}
_LAST_NAMES = (
    "Abernathy", "Bergström", "Calloway", "Delacroix", "Eriksen", "Fontaine", "García", "Hollis", "Ibrahim", "Jansen", "Kowalski",
    "Lindgren", "Müller", "Nakamura", "O'Connell", "Pereira", "Quinn", "Rosenthal", "Sørensen", "Tanaka", "Underhill", "van Dijk",
)  # fmt: skip
_STREETS = ("Alder Lane", "Birch Road", "Cedar Street", "Dogwood Avenue", "Elm Court", "Foundry Street", "Garden Terrace")
_TOWNS = (
    ("Boston", "02108", "617"), ("Worcester", "01608", "508"), ("Springfield", "01103", "413"), ("Lowell", "01852", "978"),
    ("Salem", "01970", "978"), ("Quincy", "02169", "617"), ("Newton", "02458", "617"),
)  # fmt: skip


@dataclass
class Demo:
    """What the command shows: the only time that the password and the keys are seen."""

    password: str
    admin: User
    organization: Organization
    other_organization: Organization
    patient: Patient
    other_patient: Patient
    users: dict[str, User] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return {
            "admin": {"email": self.admin.email, "password": self.password},
            "organization": {"uuid": str(self.organization.uuid), "slug": self.organization.slug},
            "other_organization": {"uuid": str(self.other_organization.uuid), "slug": self.other_organization.slug},
            "keys": self.keys,
            "patient_uuid": str(self.patient.uuid),
            "other_patient_uuid": str(self.other_patient.uuid),
        }


def make_demo(patients: int = DEFAULT_PATIENTS) -> Demo:
    """Bring the demo clinic to `patients` patients in its first organization, and issue fresh keys."""
    with transaction.atomic():
        main, other = Furnished(MAIN), Furnished(OTHER)
        child = Furnished(CHILD)
        users = _users(main)
    main.admit(patients, patient_user=users[Role.PATIENT])
    child.admit(_PATIENTS_OF_CHILD)
    other.admit(_PATIENTS_OF_OTHER)
    with transaction.atomic():
        furnish_chart(_ACTOR, main.patient(1))
        for patient in (*map(main.patient, range(1, min(patients, _WITH_HISTORY) + 1)), other.patient(1)):
            furnish_history(_ACTOR, patient)
        return _with_credentials(main, other, users)


def _with_credentials(main: "Furnished", other: "Furnished", users: dict[str, User]) -> Demo:
    admin = _user(main, Role.HC_ADMIN, "admin", "Alex", "Moreau")
    password = secrets.token_hex(10)
    for user in (admin, *users.values()):
        if user.role != Role.PATIENT:
            update_user(actor=_ACTOR, user=user, changes={}, password=password)
    return Demo(
        password=password,
        admin=admin,
        organization=main.organization,
        other_organization=other.organization,
        patient=main.patient(1),
        other_patient=other.patient(1),
        users=users,
        keys={role: _fresh_key(user) for role, user in users.items()},
    )


def _fresh_key(user: User) -> str:
    for key in scope(_ACTOR, ApiKey.objects.filter(user=user, description=KEY_DESCRIPTION, revoked_at=None)):
        revoke_key(actor=_ACTOR, key=key)
    return issue_key(actor=_ACTOR, user=user, description=KEY_DESCRIPTION)[1]


_STAFF_NAMES = {
    Role.FC_ADMIN: ("Robin", "Achterberg"),
    Role.HC_ADMIN: ("Noor", "Haddad"),
    Role.HC_VIEW_ALL: ("Viktor", "Alvarez"),
    Role.HC_PRIMARY: ("Paula", "Prescott"),
    Role.HC_SECONDARY: ("Samir", "Sood"),
}


def _users(main: "Furnished") -> dict[str, User]:
    first = next(people(main.house.slug, 1)).values
    names = {**_STAFF_NAMES, Role.PATIENT: (first["first_name"], first["last_name"])}
    return {role.value: _user(main, role, role.value.lower().replace("_", "."), *named) for role, named in names.items()}


def _user(main: "Furnished", role: str, mailbox: str, first_name: str, last_name: str) -> User:
    """Return the demo's user; caregivers belong to the first care group."""
    email = f"{mailbox}@{main.house.slug}.example"
    found = scope(_ACTOR, User.objects.filter(email_key=fold(email))).first()
    return found or create_user(
        actor=_ACTOR,
        email=email,
        role=role,
        organization=None if role == Role.FC_ADMIN else main.organization,
        care_groups=main.groups[:1] if role in (Role.HC_PRIMARY, Role.HC_SECONDARY) else (),
        first_name=first_name,
        last_name=last_name,
    )


class Furnished:
    """A house of the demo with its groups and catalogs, found or made."""

    def __init__(self, house: House):
        self.house = house
        self.organization = _organization(house)
        self.groups = [self._row(CareGroup, name=name) for name in house.groups]
        self.catalogs = {model: [self._row(model, **row) for row in rows] for model, rows in CATALOGS.items()}
        install_starter_catalog(actor=_ACTOR, organization=self.organization)
        self.enrolments = [
            (program, self._row(Protocol, name=name, program=program))
            for program in self.catalogs[Program]
            for name in PROTOCOLS[program.name]
        ]
        self.workflows = [
            self._row(Workflow, name=f"{WORKFLOW}: {program.name}", program=program, days=[1, 7, 28])
            for program in self.catalogs[Program]
        ]

    def _row(self, model: Any, *, name: str, **values: Any) -> Any:
        rows = model.objects.filter(organization=self.organization, name=name, deleted_at=None)
        found = scope(_ACTOR, rows).first()
        return found or create_catalog_row(actor=_ACTOR, model=model, organization=self.organization, name=name, **values)

    def patient(self, number: int) -> Patient:
        """Return the demo patient with this chart number."""
        return scope(_ACTOR, Patient.objects.filter(organization=self.organization)).get(chart_number=self._chart(number))

    def _chart(self, number: int) -> str:
        return f"{self.house.code}-{number:05}"

    def admit(self, count: int, patient_user: User | None = None) -> None:
        """Make the patients 1 to `count` who are not there yet; the first one is `patient_user`."""
        rows = scope(_ACTOR, Patient.objects.filter(organization=self.organization, chart_number__startswith=self.house.code))
        known = dict(rows.values_list("chart_number", "pk"))
        missing = [person for person in people(self.house.slug, count) if self._chart(person.number) not in known]
        for start in range(0, len(missing), _CHUNK):
            with transaction.atomic():
                for person in missing[start : start + _CHUNK]:
                    user_id = patient_user.pk if patient_user and person.number == 1 else None
                    known[self._chart(person.number)] = self._admit(person, known, user_id)

    def _admit(self, person: "Person", known: dict[str, int], user_id: int | None) -> int:
        draw = random.Random(f"{self.house.slug} record {person.number}")  # noqa: S311
        values = {
            **person.values,
            "chart_number": self._chart(person.number),
            "user_id": user_id,
            "care_group_id": self._care_group(person),
            "responsible_party_id": known[self._chart(person.guarantor)] if person.guarantor else None,
            "timezone": self.organization.timezone,
            "primary_provider_id": draw.choice(self.catalogs[Provider]).pk,
            "location_id": draw.choice(self.catalogs[Location]).pk,
            "fee_schedule_id": draw.choice(self.catalogs[FeeSchedule]).pk,
            "billing_type_id": draw.choice(self.catalogs[BillingType]).pk,
            "employer_id": None if person.guarantor else draw.choice(self.catalogs[Employer]).pk,
        }
        enrolment = draw.choice(self.enrolments) if person.number % 3 == 1 else None
        return create_patient(actor=_ACTOR, organization=self.organization, values=values, enrolment=enrolment).pk

    def _care_group(self, person: "Person") -> int | None:
        """Return the group of a person's household: of six, one is in no group, and the others take turns."""
        return None if person.household % 6 == 5 else self.groups[person.household % len(self.groups)].pk


def _organization(house: House) -> Organization:
    found = scope(_ACTOR, Organization.objects.filter(slug=house.slug)).first()
    parent = scope(_ACTOR, Organization.objects.filter(slug=house.parent)).first() if house.parent else None
    return found or create_organization(
        actor=_ACTOR, name=house.name, slug=house.slug, parent=parent, country="US", timezone="America/New_York"
    )


class Person(NamedTuple):
    """An invented patient: number in the organization, household, number of the guarantor (None: pays alone)."""

    number: int
    household: int
    guarantor: int | None
    values: dict[str, Any]


def people(seed: str, count: int) -> Iterator[Person]:
    """Yield `count` people, household by household; the same for the same `seed`, and for a greater count the same first."""
    number = household = 0
    while number < count:
        draw = random.Random(f"{seed} household {household}")  # noqa: S311
        shared = _home(draw)
        guarantor = number + 1
        for place in range(min(draw.randint(1, 5), count - number)):
            number += 1
            values = {**shared, **_person(draw, number, place, shared["last_name"])}
            yield Person(number, household, guarantor if place else None, values)
        household += 1


def _home(draw: random.Random) -> dict[str, Any]:
    """Return what a household shares. Numbers of the form 555-01xx are set aside for fiction."""
    city, postal_code, area = draw.choice(_TOWNS)
    return {
        "last_name": draw.choice(_LAST_NAMES),
        "address_line1": f"{draw.randint(1, 240)} {draw.choice(_STREETS)}",
        "city": city,
        "state": "Massachusetts",
        "postal_code": postal_code,
        "country": "US",
        "home_phone": f"({area}) 555-01{draw.randint(0, 99):02}",
    }


def _person(draw: random.Random, number: int, place: int, last_name: str) -> dict[str, Any]:
    """Return one member of a household: first two adults, then children."""
    adult = place < 2
    sex = draw.choice(list(Sex))
    first_name = draw.choice(_FIRST_NAMES[sex])
    born = _day(draw, 1945, 1995) if adult else _day(draw, 2008, 2023)
    mailbox = fold(f"{first_name}.{last_name}").replace(" ", "").replace("'", "")
    person = {
        "first_name": first_name,
        "date_of_birth": born,
        "sex": sex,
        "gender": sex.value,
        "preferred_language": "English",
        **(_status(draw) if number > 1 else {}),
    }
    if adult:
        person |= {
            "title": "Ms." if sex == Sex.FEMALE else "Mr.",
            "marital_status": draw.choice([MaritalStatus.MARRIED, MaritalStatus.SINGLE, MaritalStatus.DIVORCED]),
            "email": f"{mailbox}.{number}@mail.example",
            "mobile_phone": f"({draw.choice(_TOWNS)[2]}) 555-01{draw.randint(0, 99):02}",
            "receives_email": True,
            # No such number is ever issued: the first three digits are never 000.
            "social_security_number": f"000-{draw.randint(1, 99):02}-{draw.randint(1, 9999):04}",
        }
    return person


def _day(draw: random.Random, first_year: int, last_year: int) -> datetime.date:
    return datetime.date(draw.randint(first_year, last_year), 1, 1) + datetime.timedelta(days=draw.randrange(365))


def _status(draw: random.Random) -> dict[str, Any]:
    """Return a state of life: four in five are active."""
    status = draw.choices([Status.ACTIVE, Status.PROSPECTIVE, Status.INACTIVE, Status.DECEASED], [80, 8, 8, 4])[0]
    if status != Status.DECEASED:
        return {"status": status}
    died = datetime.datetime(2024, draw.randint(1, 12), draw.randint(1, 28), 9, 30, tzinfo=datetime.UTC)
    return {"status": status, "date_time_deceased": died}
