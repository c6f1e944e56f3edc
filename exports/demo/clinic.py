"""Organizations, people and patients of the demo, the same on every run.

What exists is found by its natural key (slug, e-mail, name, chart number) and left alone, so that a
second run adds nothing but fresh keys and a fresh password.
"""

import random
import secrets
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.db import transaction

from accounts.authentication import actor_of_user
from accounts.models import ApiKey, CareGroup, Organization, Role, User, UserStatus
from accounts.scope import Actor, scope
from accounts.services.catalogs import create_catalog_row
from accounts.services.keys import issue_key, revoke_key
from accounts.services.organizations import create_organization
from accounts.services.users import change_user_status, create_user, update_user
from clinical.models import Workflow
from clinical.services.starter_catalog import install_starter_catalog
from config.core.orm import fold
from exports.demo.catalogs import CATALOGS, PROTOCOLS, WORKFLOW, WORKFLOW_DAYS
from exports.demo.charts import furnish_chart, furnish_history
from exports.demo.monitoring import COURSES, Monitoring, prescribe
from exports.demo.people import Person, people
from patients.models import (
    BillingType,
    Employer,
    FeeSchedule,
    Location,
    Patient,
    Program,
    Protocol,
    Provider,
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
        _leaver(main, users[Role.HC_ADMIN])
    _monitor(main, patients, users)
    main.admit(patients)
    child.admit(_PATIENTS_OF_CHILD)
    other.admit(_PATIENTS_OF_OTHER)
    with transaction.atomic():
        furnish_chart(_ACTOR, main.patient(1))
        for patient in (*map(main.patient, range(1, min(patients, _WITH_HISTORY) + 1)), other.patient(1)):
            furnish_history(_ACTOR, patient)
        for house in (child, other):
            prescribe(_ACTOR, house.organization)
        return _with_credentials(main, other, users)


def _monitor(main: "Furnished", patients: int, users: dict[str, User]) -> None:
    """Let the first of `patients` patients be monitored, before there are others whom the rounds would have to visit."""
    main.admit(min(patients, max(COURSES)), patient_user=users[Role.PATIENT])
    monitored = {number: main.patient(number) for number in COURSES if number <= patients}
    admin, nurse = (actor_of_user(users[role], route=_ACTOR.route) for role in (Role.HC_ADMIN, Role.HC_PRIMARY))
    with transaction.atomic():
        Monitoring(_ACTOR, admin, nurse, main.organization).furnish(monitored)


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


def _leaver(main: "Furnished", admin: User) -> None:
    """Make somebody who does not work here any more; who was brought back since stays."""
    if not _found("tessa.lund", main):
        user = _user(main, Role.HC_SECONDARY, "tessa.lund", "Tessa", "Lund")
        actor = actor_of_user(admin, route=_ACTOR.route)
        change_user_status(actor=actor, user=user, status=UserStatus.STOPPED, reason="Works elsewhere now")


def _user(main: "Furnished", role: str, mailbox: str, first_name: str, last_name: str) -> User:
    """Return the demo's user; caregivers belong to the first care group."""
    return _found(mailbox, main) or create_user(
        actor=_ACTOR,
        email=_address(mailbox, main),
        role=role,
        organization=None if role == Role.FC_ADMIN else main.organization,
        care_groups=main.groups[:1] if role in (Role.HC_PRIMARY, Role.HC_SECONDARY) else (),
        first_name=first_name,
        last_name=last_name,
    )


def _found(mailbox: str, main: "Furnished") -> User | None:
    return scope(_ACTOR, User.objects.filter(email_key=fold(_address(mailbox, main)))).first()


def _address(mailbox: str, main: "Furnished") -> str:
    return f"{mailbox}@{main.house.slug}.example"


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
            self._row(Workflow, name=f"{WORKFLOW}: {program.name}", program=program, days=[*WORKFLOW_DAYS])
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

    def _admit(self, person: Person, known: dict[str, int], user_id: int | None) -> int:
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
        enrolment = draw.choice(self.enrolments) if person.number % 3 == 2 else None
        return create_patient(actor=_ACTOR, organization=self.organization, values=values, enrolment=enrolment).pk

    def _care_group(self, person: Person) -> int | None:
        """Return the group of a person's household: of six, one is in no group, and the others take turns."""
        return None if person.household % 6 == 5 else self.groups[person.household % len(self.groups)].pk


def _organization(house: House) -> Organization:
    found = scope(_ACTOR, Organization.objects.filter(slug=house.slug)).first()
    parent = scope(_ACTOR, Organization.objects.filter(slug=house.parent)).first() if house.parent else None
    return found or create_organization(
        actor=_ACTOR, name=house.name, slug=house.slug, parent=parent, country="US", timezone="America/New_York"
    )
