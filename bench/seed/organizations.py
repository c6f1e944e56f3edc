"""The organizations of a bench: catalogs, care groups, and somebody who holds a key; made by the product's own services."""

from collections.abc import Mapping
from typing import NamedTuple

from accounts.models import CareGroup, Organization, Role, User
from accounts.scope import Actor
from accounts.services.catalogs import create_catalog_row
from accounts.services.keys import issue_key
from accounts.services.organizations import create_organization
from accounts.services.users import create_user
from clinical.models import AllergyDefinition, DiseaseDefinition, Instrument, MedicationDefinition
from exports.demo.catalogs import CATALOGS
from patients.models import BillingType, Employer, FeeSchedule, Location, Program, Protocol, Provider

ACTOR = Actor.system("bench")
# Rows of each catalog, as a group of practices has them.
SIZES = {
    Provider: 24,
    Location: 8,
    CareGroup: 6,
    FeeSchedule: 4,
    BillingType: 4,
    Employer: 200,
    AllergyDefinition: 40,
    MedicationDefinition: 300,
    DiseaseDefinition: 200,
}
# The instruments that patients measure with at home.
MEASURED = ("bp_systolic", "bp_diastolic", "heart_rate", "weight", "glucose", "mood")


class Clinic(NamedTuple):
    """An organization, and the ids of its catalog rows by the name of their model; plain values, for other processes."""

    organization: int
    country: str
    catalogs: dict[str, list[int]]


def create_clinic(name: str, sizes: Mapping[type, int] = SIZES) -> Clinic:
    """Create an organization with catalogs of these sizes, a program with its protocol, and an administrator."""
    slug = name.lower().replace(" ", "-")
    organization = create_organization(actor=ACTOR, name=name, slug=slug, country="US")
    create_user(actor=ACTOR, email=f"{slug}@example.org", role=Role.HC_ADMIN, organization=organization)
    catalogs = {
        model.__name__: [_row(model, organization, name=f"{model._meta.verbose_name} {number}") for number in range(1, size + 1)]
        for model, size in sizes.items()
    }
    rows = {row["code"]: row for row in CATALOGS[Instrument]}
    catalogs["Instrument"] = [_row(Instrument, organization, **rows[code]) for code in MEASURED]
    program = _row(Program, organization, name="Measuring at home")
    catalogs["Program"] = [program]
    catalogs["Protocol"] = [_row(Protocol, organization, name="Three times a week", program_id=program)]
    return Clinic(organization.pk, organization.country, catalogs)


def _row(model: type, organization: Organization, **values) -> int:
    return create_catalog_row(actor=ACTOR, model=model, organization=organization, **values).pk


def new_key(organization: Organization) -> str:
    """Issue a key for the administrator of `organization`, and return it. It is stored nowhere."""
    user = User.objects.get(organization=organization, role=Role.HC_ADMIN)
    return issue_key(actor=ACTOR, user=user, description="bench")[1]
