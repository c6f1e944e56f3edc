"""Two clinics with a row of everything that the admin shows, for its sweeps: `made_once(…, furnished)`."""

from django.apps import apps

from accounts.audit import record_change
from accounts.models import ApiKey, AuditEvent, Organization, Role, User
from accounts.models.catalogs import Catalog
from clinical.models import Appointment
from patients.models import Patient, Protocol
from tests.factories import SYSTEM, Clinic, key_row
from tests.shared import ELM_STREET, HILL_VALLEY, clinic_named

CATALOGS = [model for model in apps.get_models() if issubclass(model, Catalog)]
MODELS = [ApiKey, Appointment, AuditEvent, *CATALOGS, Organization, Patient, User]

# What a form needs before it is saved.
MINIMUM = {
    Patient: {"first_name": "New", "last_name": "Patient"},
    ApiKey: {"description": "new"},
    Appointment: {"starts_at_0": "2030-01-01", "starts_at_1": "12:00:00"},
    Protocol: {"name": "new"},
    User: {"email": "new@example.org", "role": Role.HC_ADMIN},
}


def furnish(clinic):
    """Give a clinic a patient, an identifier and an audit event, all marked with its name."""
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
    record_change(SYSTEM, f"{name} action", patient, event=None)
    clinic.rows = {
        ApiKey: key_row(clinic.keys[Role.HC_ADMIN]),
        AuditEvent: AuditEvent.objects.filter(organization_id=clinic.organization.pk).latest("id"),
        Appointment: clinic.appointment(patient, provider_id=patient.primary_provider_id, note=f"{name} note"),
        Organization: clinic.organization,
        Patient: patient,
        User: clinic.users[Role.HC_ADMIN],
        **{model: clinic.row(model) for model in CATALOGS},
    }
    return clinic


def furnished() -> tuple[Clinic, Clinic]:
    return furnish(clinic_named(HILL_VALLEY)), furnish(clinic_named(ELM_STREET))
