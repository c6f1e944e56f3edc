"""The cast: a clinic with its people, a neighbour that must never be seen, and the rows they own.

Everything is made through the services, as the product makes it.
"""

import datetime
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any

from accounts.authentication import actor_of_user
from accounts.models import ApiKey, CareGroup, Organization, Role, User
from accounts.scope import Actor
from accounts.services.catalogs import create_catalog_row
from accounts.services.key_texts import split_key
from accounts.services.keys import issue_key
from accounts.services.organizations import create_organization
from accounts.services.users import create_user
from clinical.models import (
    Alert,
    AlertDefinition,
    Allergy,
    AllergyDefinition,
    Appointment,
    CommunicationLog,
    Disease,
    DiseaseDefinition,
    Instrument,
    Measurement,
    Medication,
    MonitoringAlert,
    PlannedAction,
    RuleOverride,
    SocialHistory,
    StarRating,
    VitalSigns,
    Workflow,
    WorkflowFiring,
)
from exports.models import WebhookEndpoint
from exports.services import create_endpoint
from patients.import_options import Match, Mode, OnError
from patients.import_runs import Upload, upload_import
from patients.models import (
    BillingType,
    ChartEntry,
    DuplicatePair,
    Employer,
    FeeSchedule,
    FieldDefinition,
    FieldValue,
    Location,
    OverriddenWarning,
    Patient,
    PatientImport,
    PatientMutation,
    PatientTag,
    Program,
    Protocol,
    Provider,
    ReferralAttribution,
    Relationship,
    SettingChange,
    TagDefinition,
)
from patients.services.charts import create_entry
from patients.services.lifecycle import archive_patient
from patients.services.locking import find_patients
from patients.services.patients import create_patient, update_patient

SYSTEM = Actor.system("tests")
_numbers = itertools.count(1)

CATALOGS = {
    "provider": Provider,
    "location": Location,
    "fee_schedule": FeeSchedule,
    "billing_type": BillingType,
    "employer": Employer,
    "tag_definition": TagDefinition,
    "program": Program,
}

NOON = datetime.datetime(2030, 1, 1, 12, tzinfo=datetime.UTC)


def make_patient(organization: Organization, **values) -> Patient:
    """Make a patient with a name of their own, in another time zone than the clinic; `values` as in create_patient."""
    number = next(_numbers)
    named = {"first_name": f"First{number}", "last_name": f"Last{number}", "timezone": "Europe/Amsterdam", **values}
    enrolment = named.pop("enrolment", None)
    identifiers = named.pop("identifiers", ())
    made = create_patient(actor=SYSTEM, organization=organization, values=named, enrolment=enrolment, identifiers=identifiers)
    return find_patients([made.pk])[made.pk]


def archive(patient: Patient) -> Patient:
    """Archive a patient."""
    archive_patient(actor=SYSTEM, patient_id=patient.pk)
    patient.refresh_from_db()
    return patient


@dataclass
class Clinic:
    """An organization with two care groups, one user and key a role, and a row in every catalog."""

    name: str
    parent: Organization | None = None
    is_sandbox: bool = False
    keys: dict[str, str] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    catalogs: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        slug = f"{self.name.lower().replace(' ', '-')}-{next(_numbers)}"
        self.organization = create_organization(
            actor=SYSTEM,
            name=self.name,
            slug=slug,
            parent=self.parent,
            country="US",
            timezone="America/New_York",
            is_sandbox=self.is_sandbox,
        )
        self.group = self.catalog(CareGroup, f"{self.name} Team A")
        self.other_group = self.catalog(CareGroup, f"{self.name} Team B")
        for name, model in CATALOGS.items():
            self.catalogs[name] = self.catalog(model, f"{self.name} {name}")
        self.catalogs["protocol"] = self.catalog(Protocol, f"{self.name} protocol", program=self.catalogs["program"])
        for role in Role.values:
            self.add_user(role)

    def catalog(self, model, name: str, **values):
        """Add a catalog row."""
        return create_catalog_row(actor=SYSTEM, model=model, organization=self.organization, name=name, **values)

    def row(self, model):
        """Return the clinic's row in the catalog `model`, made when it is first asked for."""
        found = next((row for row in (self.group, *self.catalogs.values()) if type(row) is model), None)
        if found is None:
            name = model._meta.verbose_name
            found = self.catalogs[name.replace(" ", "_")] = self.catalog(model, f"{self.name} {name}", **self.least(model))
        return found

    def least(self, model) -> dict[str, Any]:
        """Return what a new row of a catalog needs beside its name."""
        needed = {
            FieldDefinition: {"field_type": "text"},
            Instrument: {"code": f"code-{next(_numbers)}"},
            Protocol: {"program": self.catalogs["program"]},
            Workflow: {"program": self.catalogs["program"]},
        }
        return needed.get(model, {})

    def endpoint(self, url: str = "https://hooks.clinic.example/anamnesis", **values: Any) -> WebhookEndpoint:
        """Make a webhook endpoint."""
        given = {"description": "Test", **values}
        return create_endpoint(actor=SYSTEM, organization=self.organization, url=url, **given)[0]

    def appointment(self, patient: Patient, **values) -> Appointment:
        """Make an appointment of a patient."""
        return self.entry(Appointment, patient, **values)

    def entry(self, model: type[ChartEntry], patient: Patient, **values) -> Any:
        """Add an entry to the chart of a patient."""
        given = {**self.least_entry(model), **values}
        made = create_entry(actor=SYSTEM, model=model, patient_id=patient.pk, **given)
        return model._base_manager.get(pk=made.pk)

    def least_entry(self, model: type[ChartEntry]) -> dict[str, Any]:
        """Return what a new entry of a chart needs."""
        needed: dict[type[ChartEntry], Callable[[], dict[str, Any]]] = {
            Alert: lambda: {"alert_definition_id": self.row(AlertDefinition).pk},
            Allergy: lambda: {"allergy_definition_id": self.row(AllergyDefinition).pk},
            Appointment: lambda: {"starts_at": NOON},
            CommunicationLog: lambda: {"communication_datetime": NOON},
            Disease: lambda: {"disease_definition_id": self.row(DiseaseDefinition).pk},
            FieldValue: lambda: {"field_definition_id": self.row(FieldDefinition).pk, "value": "blue"},
            Measurement: lambda: {
                "instrument_id": self.row(Instrument).pk,
                "value_number": Decimal(7),
                "measured_at": NOON,
            },
            MonitoringAlert: lambda: {
                "type": "remark",
                "flag": "grey",
                "rule_key": f"remark {next(_numbers)}",
                "window": "2030-01-01",
                "cause": {},
            },
            Medication: lambda: {"med_descript": "Herbal tea"},
            OverriddenWarning: lambda: {
                "subject": "medication",
                "subject_id": 1,
                "warnings": ["drug_allergy.high"],
                "reason": "Tolerated before",
            },
            PatientMutation: lambda: {"type": "group", "name": "Team A"},
            PlannedAction: lambda: {
                "program_action": self.organization.uuid,
                "instrument_id": self.row(Instrument).pk,
                "not_before": NOON,
                "expires_at": NOON + datetime.timedelta(days=1),
                "timezone": "Europe/Amsterdam",
            },
            SettingChange: lambda: {"key": "timezone", "value": "Europe/Berlin"},
            StarRating: lambda: {"score": 450},
            WorkflowFiring: lambda: {
                "workflow_id": self.row(Workflow).pk,
                "trigger_day": NOON.date(),
                "trigger_count": 1,
            },
            PatientTag: lambda: {"tag_definition_id": self.row(TagDefinition).pk},
            ReferralAttribution: lambda: {"provider_id": self.row(Provider).pk},
            Relationship: lambda: {"to_patient_id": self.relative.pk, "relationship_type": "sibling"},
            RuleOverride: lambda: {"kind": "remark", "rules": [{"kind": "remark", "flag": "red"}]},
            SocialHistory: lambda: {"category": "tobacco", "value": "Never smoked"},
            VitalSigns: lambda: {"date_taken": datetime.date(2024, 2, 29), "pulse": 72},
        }
        return needed[model]()

    @cached_property
    def relative(self) -> Patient:
        """Somebody whom relationships lead to."""
        return self.patient(care_group_id=self.group.pk)

    def add_user(self, role: str) -> User:
        """Make a user of `role` with a key; caregivers belong to the first group."""
        caregiver = role in (Role.HC_PRIMARY, Role.HC_SECONDARY)
        user = create_user(
            actor=SYSTEM,
            email=f"{role.lower()}.{next(_numbers)}@{self.organization.slug}.test",
            role=role,
            organization=None if role == Role.FC_ADMIN else self.organization,
            care_groups=[self.group] if caregiver else [],
        )
        self.users[role] = user
        self.keys[role] = new_key(user)
        return user

    @property
    def base(self) -> str:
        """The address of the organization in the practice dialect."""
        return f"/api/v1/{self.organization.uuid}"

    def patient(self, **values) -> Patient:
        """Make a patient of this clinic."""
        return make_patient(self.organization, **values)

    def upload(
        self, content: str | bytes = "first_name,last_name\nAda,Lee\n", role: str = Role.HC_ADMIN, **given
    ) -> PatientImport:
        """Upload a file of patients, of which no row is checked yet."""
        settings = {"file_name": "people.csv", "mode": Mode.CREATE, "match_on": Match.CHART_NUMBER, "on_error": OnError.CONTINUE}
        upload = Upload(content=content.encode() if isinstance(content, str) else content, **{**settings, **given})
        return upload_import(actor=self.actor(Role.HC_ADMIN), organization=self.organization, upload=upload)

    def pair(self, patient: Patient) -> DuplicatePair:
        """Make a record that may be of the same person as `patient`, as their e-mail is the same, and return the pair."""
        email = f"pair{next(_numbers)}@example.test"
        update_patient(actor=SYSTEM, patient_id=patient.pk, base_version=None, changes={"email": email})
        other = self.patient(email=email)
        return DuplicatePair.objects.create(organization=self.organization, patient=patient, other=other, weight=3)

    def actor(self, role: str) -> Actor:
        """Return the clinic's user of `role` as services take one."""
        return actor_of_user(self.users[role], route="tests")

    def enrolled(self, **values) -> Patient:
        """Make a patient who is enrolled in the clinic's program."""
        return self.patient(enrolment=(self.catalogs["program"], self.catalogs["protocol"]), **values)

    def tag(self, patient: Patient) -> PatientTag:
        """Put the clinic's tag on a patient."""
        return PatientTag.objects.create(
            organization=self.organization, patient=patient, tag_definition=self.catalogs["tag_definition"]
        )

    @cached_property
    def own_patient(self) -> Patient:
        """The patient who the PATIENT user is."""
        return self.patient(user_id=self.users[Role.PATIENT].pk, care_group_id=self.group.pk)


def new_key(user: User, **values) -> str:
    """Issue a key and return it; without another wish it never expires, since tests move the clock."""
    return issue_key(actor=SYSTEM, user=user, description="tests", **{"expires_at": None, **values})[1]


def key_row(raw: str) -> ApiKey:
    """Return the row of a key."""
    return ApiKey.objects.get(key_id=split_key(raw.strip()).key_id)


__all__ = ["SYSTEM", "CareGroup", "Clinic", "archive", "key_row", "make_patient", "new_key"]
