"""The organizations, users and patients of the demo, the same on every run.

Existing rows are found by their natural key (slug, e-mail, name, chart number) and left alone, so that a second run adds
only new keys and a new password.
"""

import random
import secrets
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.db import transaction

from accounts.authentication import actor_of_user
from accounts.models import ApiKey, CareGroup, Language, Organization, Role, User, UserStatus
from accounts.scope import Actor, scope
from accounts.services.catalogs import create_catalog_row
from accounts.services.keys import issue_key, revoke_key
from accounts.services.organizations import create_organization
from accounts.services.users import NewPassword, change_user_status, create_user, update_user
from clinical.models import Workflow
from clinical.services.starter_catalog import install_starter_catalog
from config.core.text import fold
from exports.demo.appointments import seed_appointments
from exports.demo.catalogs import CATALOGS, PROTOCOLS, WORKFLOW, WORKFLOW_DAYS
from exports.demo.charts import HEART_MEDICATIONS, HEART_PROBLEMS, seed_chart, seed_history, seed_problems
from exports.demo.families import HEART_PATIENT, seed_families, seed_family_alert, seed_heart_patient
from exports.demo.monitoring import COURSES, Monitoring, set_protocol_rules
from exports.demo.people import Person, people
from patients.models import (
    AllergyReviewStatus,
    BillingType,
    Employer,
    FeeSchedule,
    Location,
    Patient,
    Program,
    Protocol,
    Provider,
)
from patients.services.duplicates import compare_changed
from patients.services.patients import create_patient

DEFAULT_PATIENTS = 60
KEY_DESCRIPTION = "Demo clinic"
_ACTOR = Actor.system("manage.py demo")
_CHUNK = 500
# The number of patients of the first organization with a history. The first two patients are always adults.
_WITH_HISTORY = 2


class OrganizationSpec(NamedTuple):
    """One organization of the demo. `code` is the prefix of its chart numbers; `parent` is the slug of another one.

    Organizations with the same `seed` have the same patients.
    """

    slug: str
    name: str
    code: str
    groups: tuple[str, ...]
    seed: str
    parent: str = ""
    is_sandbox: bool = False


MAIN = OrganizationSpec("riverside", "Riverside Family Practice", "RV", ("General practice", "Diabetes team"), "riverside")
CHILD = OrganizationSpec(
    "riverside-children", "Riverside Children's Clinic", "RC", ("Paediatrics",), "riverside-children", parent="riverside"
)
OTHER = OrganizationSpec("northgate", "Northgate Health Centre", "NG", ("General practice",), "northgate")
_PATIENTS_OF_CHILD, _PATIENTS_OF_OTHER = 6, 12


@dataclass
class Demo:
    """What the command prints. The password and the keys are not shown again."""

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
            "organization": _names_of(self.organization),
            "other_organization": _names_of(self.other_organization),
            "keys": self.keys,
            "patient_uuid": str(self.patient.uuid),
            "other_patient_uuid": str(self.other_patient.uuid),
        }


def _names_of(organization: Organization) -> dict[str, str]:
    """Return what an organization is called: `org_id` by the addresses of the practice API, `slug` by commands."""
    return {"uuid": str(organization.uuid), "org_id": str(organization.uuid), "slug": organization.slug}


def make_demo(patients: int = DEFAULT_PATIENTS) -> Demo:
    """Create the demo clinic, with `patients` patients in its first organization, and issue new keys."""
    with transaction.atomic():
        main, other = DemoOrganization(MAIN, _ACTOR), DemoOrganization(OTHER, _ACTOR)
        child = DemoOrganization(CHILD, _ACTOR)
        users = make_users(main)
    fill(main, patients, users)
    child.create_missing_patients(_PATIENTS_OF_CHILD)
    other.create_missing_patients(_PATIENTS_OF_OTHER)
    with transaction.atomic():
        seed_history(_ACTOR, other.patient(1))
        for other_one in (child, other):
            set_protocol_rules(_ACTOR, other_one.organization)
        return _with_credentials(main, other, users)


def fill(main: "DemoOrganization", patients: int, users: dict[str, User]) -> None:
    """Give an organization so many `patients`, the charts of some of them, and a day of appointments, where they are missing."""
    _monitor(main, patients, users)
    main.create_missing_patients(patients)
    with transaction.atomic():
        seed_chart(main.actor, main.patient(1))
        for patient in map(main.patient, range(1, min(patients, _WITH_HISTORY) + 1)):
            seed_history(main.actor, patient)
        _families(main, patients, users)
        seed_appointments(main.actor, main.organization)
    compare_changed(organization_id=main.organization.pk)


def _monitor(main: "DemoOrganization", patients: int, users: dict[str, User]) -> None:
    """Monitor the first of `patients` patients, before there are others whom the batch jobs would have to process."""
    main.create_missing_patients(min(patients, max(COURSES)), patient_user=users[Role.PATIENT])
    monitored = {number: main.patient(number) for number in COURSES if number <= patients}
    admin, nurse = (actor_of_user(users[role], route=main.actor.route) for role in (Role.HC_ADMIN, Role.HC_PRIMARY))
    with transaction.atomic():
        Monitoring(main.actor, admin, nurse, main.organization).seed(monitored)


def _families(main: "DemoOrganization", patients: int, users: dict[str, User]) -> None:
    """Record families, and the chart of the patient with heart failure where there are so many `patients`."""
    seed_families(main.actor, main.organization)
    if patients >= HEART_PATIENT:
        patient = main.patient(HEART_PATIENT)
        seed_chart(main.actor, patient, HEART_MEDICATIONS)
        seed_problems(main.actor, patient, HEART_PROBLEMS)
        seed_heart_patient(main.actor, actor_of_user(users[Role.HC_PRIMARY], route=main.actor.route), patient)
        seed_family_alert(main.actor, main.patient(HEART_PATIENT - 1))


def _with_credentials(main: "DemoOrganization", other: "DemoOrganization", users: dict[str, User]) -> Demo:
    admin = _user(main, Role.HC_ADMIN, "admin", "Alex", "Moreau")
    password = secrets.token_hex(10)
    for user in (admin, *users.values()):
        if user.role != Role.PATIENT:
            update_user(actor=_ACTOR, user=user, changes={}, password=NewPassword.hashed(password))
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


def make_users(main: "DemoOrganization") -> dict[str, User]:
    """Return a user for each role, found or created, the first patient for theirs. A former employee is made, too.

    A sandbox has no superadmin: who is one is it everywhere.
    """
    first = next(people(main.spec.seed, 1)).values
    names = {**_STAFF_NAMES, Role.PATIENT: (first["first_name"], first["last_name"])}
    if main.spec.is_sandbox:
        del names[Role.FC_ADMIN]
    users = {role.value: _user(main, role, role.value.lower().replace("_", "."), *named) for role, named in names.items()}
    _former_employee(main, users[Role.HC_ADMIN])
    return users


def _former_employee(main: "DemoOrganization", admin: User) -> None:
    """Create a former employee, unless there is one, who may have been reactivated."""
    if not _found("tessa.lund", main):
        user = _user(main, Role.HC_SECONDARY, "tessa.lund", "Tessa", "Lund")
        actor = actor_of_user(admin, route=main.actor.route)
        change_user_status(actor=actor, user=user, status=UserStatus.STOPPED, reason="Works elsewhere now")


def _user(main: "DemoOrganization", role: str, mailbox: str, first_name: str, last_name: str) -> User:
    """Return the demo's user; caregivers belong to the first care group."""
    return _found(mailbox, main) or create_user(
        actor=main.actor,
        email=_address(mailbox, main),
        role=role,
        organization=None if role == Role.FC_ADMIN else main.organization,
        care_groups=main.groups[:1] if role in (Role.HC_PRIMARY, Role.HC_SECONDARY) else (),
        first_name=first_name,
        last_name=last_name,
    )


def _found(mailbox: str, main: "DemoOrganization") -> User | None:
    return scope(main.actor, User.objects.filter(email_key=fold(_address(mailbox, main)))).first()


def _address(mailbox: str, main: "DemoOrganization") -> str:
    return f"{mailbox}@{main.spec.slug}.example"


class DemoOrganization:
    """An organization of the demo with its groups and catalogs, found or created by `actor`."""

    def __init__(self, spec: OrganizationSpec, actor: Actor):
        self.spec, self.actor = spec, actor
        self.organization = _organization(spec, actor)
        self.groups = [self._row(CareGroup, name=name) for name in spec.groups]
        self.catalogs = {model: [self._row(model, **row) for row in rows] for model, rows in CATALOGS.items()}
        install_starter_catalog(actor=self.actor, organization=self.organization)
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
        found = scope(self.actor, rows).first()
        return found or create_catalog_row(actor=self.actor, model=model, organization=self.organization, name=name, **values)

    def patient(self, number: int) -> Patient:
        """Return the demo patient with this chart number."""
        return scope(self.actor, Patient.objects.filter(organization=self.organization)).get(chart_number=self._chart(number))

    def _chart(self, number: int) -> str:
        return f"{self.spec.code}-{number:05}"

    def create_missing_patients(self, count: int, patient_user: User | None = None) -> None:
        """Create those of the patients 1 to `count` who are missing; the first one has the login `patient_user`."""
        rows = scope(self.actor, Patient.objects.filter(organization=self.organization, chart_number__startswith=self.spec.code))
        known = dict(rows.values_list("chart_number", "pk"))
        missing = [person for person in people(self.spec.seed, count) if self._chart(person.number) not in known]
        for start in range(0, len(missing), _CHUNK):
            with transaction.atomic():
                for person in missing[start : start + _CHUNK]:
                    user_id = patient_user.pk if patient_user and person.number == 1 else None
                    known[self._chart(person.number)] = self._create_patient(person, known, user_id)

    def _create_patient(self, person: Person, known: dict[str, int], user_id: int | None) -> int:
        draw = random.Random(f"{self.spec.seed} record {person.number}")  # noqa: S311
        values = {
            **person.values,
            "chart_number": self._chart(person.number),
            "user_id": user_id,
            "care_group_id": self._care_group(person),
            "responsible_party_id": known[self._chart(person.guarantor)] if person.guarantor else None,
            "timezone": self.organization.timezone,
            # Of three charts one has never been asked about allergies.
            "allergy_review_status": AllergyReviewStatus.REVIEWED if person.number % 3 else AllergyReviewStatus.NOT_REVIEWED,
            "primary_provider_id": draw.choice(self.catalogs[Provider]).pk,
            "location_id": draw.choice(self.catalogs[Location]).pk,
            "fee_schedule_id": draw.choice(self.catalogs[FeeSchedule]).pk,
            "billing_type_id": draw.choice(self.catalogs[BillingType]).pk,
            "employer_id": None if person.guarantor else draw.choice(self.catalogs[Employer]).pk,
        }
        # Those whose monitoring is shown are enrolled with their course.
        enrolment = draw.choice(self.enrolments) if person.number % 3 == 2 and person.number not in COURSES else None
        return create_patient(actor=self.actor, organization=self.organization, values=values, enrolment=enrolment).pk

    def _care_group(self, person: Person) -> int | None:
        """Return the care group of a person's household. One household in six has none; the others alternate."""
        return None if person.household % 6 == 5 else self.groups[person.household % len(self.groups)].pk


def _organization(spec: OrganizationSpec, actor: Actor) -> Organization:
    found = scope(actor, Organization.objects.filter(slug=spec.slug)).first()
    parent = scope(actor, Organization.objects.filter(slug=spec.parent)).first() if spec.parent else None
    return found or create_organization(
        actor=actor,
        name=spec.name,
        slug=spec.slug,
        parent=parent,
        country="US",
        timezone="America/New_York",
        language=Language.EN_US,
        is_sandbox=spec.is_sandbox,
    )
