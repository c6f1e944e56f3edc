"""Two clinics with a row of everything that the admin shows, for its sweeps: `made_once(…, furnished)`."""

from collections.abc import Collection, Hashable

from django.apps import apps
from django.contrib import admin
from django.db.models import Model

from accounts.models import ApiKey, Organization, Role, User
from accounts.models.catalogs import Catalog
from clinical.models import Appointment
from exports.models import WebhookEndpoint
from patients.models import Patient, Protocol, Provider
from tests.factories import Clinic, key_row
from tests.shared import ELM_STREET, HILL_VALLEY, clinic_named

CATALOGS = [model for model in apps.get_models() if issubclass(model, Catalog)]
MODELS = [ApiKey, Appointment, *CATALOGS, Organization, Patient, User, WebhookEndpoint]
EXAMPLES = [Patient, Provider]
"""What the sweeps of the admin ask in `make test`: pages with code of their own, and those of a catalog."""

# What an admin page declares of names and looks, and what Django derives for each class.
NAMES = {"place", "icon", "hint", "list_display", "search_fields", "fieldsets", "constraint_fields", "media"}


def rules_of(model: type[Model]) -> Hashable:
    """Return what makes the admin pages of `model` unlike those of others: code, declarations, references and scope."""
    found = type(admin.site._registry[model])
    declared = {name: getattr(found, name) for name in dir(found) if not name.startswith("__") and name not in NAMES}
    references = [field.name for field in model._meta.concrete_fields if field.is_relation]
    paths = [name for name in (*found.list_display, *found.search_fields) if "__" in str(name)]
    return repr((declared, references, paths, model.scope))


def inputs_of(model: type[Model]) -> Hashable:
    """Return the kinds of columns that the form of `model` shows."""
    shown = str(admin.site._registry[model].fieldsets)
    return frozenset(type(field) for field in model._meta.concrete_fields if f"'{field.name}'" in shown)


def unlike(models: Collection[type[Model]], *, inputs: bool = False) -> list[type[Model]]:
    """Return one of those `models` whose pages have the same rules, or the same rules and `inputs`."""
    found: dict[Hashable, type[Model]] = {}
    for model in models:
        found.setdefault((rules_of(model), inputs and inputs_of(model)), model)
    return list(found.values())


# What a form needs before it is saved.
MINIMUM = {
    Patient: {"first_name": "New", "last_name": "Patient"},
    ApiKey: {"description": "new"},
    Protocol: {"name": "new"},
    User: {"email": "new@example.org", "role": Role.HC_ADMIN},
    WebhookEndpoint: {"description": "new", "url": "https://hooks.example/new"},
}


def furnish(clinic):
    """Give a clinic a patient and an identifier, all marked with its name."""
    name = clinic.name
    patient = clinic.enrolled(
        first_name=name,
        last_name=f"{name} Last",
        medical_summary=f"{name} notes",
        care_group_id=clinic.group.pk,
        primary_provider_id=clinic.catalogs["provider"].pk,
        identifiers=[{"system": name, "value": name}],
    )
    User.objects.filter(organization=clinic.organization).update(first_name=name, last_name=name)
    ApiKey.objects.filter(organization=clinic.organization).update(description=f"{name} key")
    clinic.rows = {
        ApiKey: key_row(clinic.keys[Role.HC_ADMIN]),
        Appointment: clinic.appointment(patient, provider_id=patient.primary_provider_id, note=f"{name} note"),
        Organization: clinic.organization,
        Patient: patient,
        User: clinic.users[Role.HC_ADMIN],
        WebhookEndpoint: clinic.endpoint(description=f"{name} endpoint"),
        **{model: clinic.row(model) for model in CATALOGS},
    }
    return clinic


def furnished() -> tuple[Clinic, Clinic]:
    return furnish(clinic_named(HILL_VALLEY)), furnish(clinic_named(ELM_STREET))
