"""What generated requests must know to meet anything: rows that references may name, and rows that paths lead to."""

from collections.abc import Iterator
from typing import Any

from rest_framework import serializers

from accounts.models import CareGroup, Role
from accounts.models.catalogs import Catalog
from clinical.models import Alert, Instrument, InstrumentKind, MonitoringAlert
from config.rest.fields import ScopedRelation
from config.rest.filters import ReferenceFilter
from exports.models import WebhookDelivery, WebhookEndpoint
from patients.models import ChartEntry, Patient
from tests import policy
from tests.cast import VIEWS, model_of
from tests.clinical.merging import merge
from tests.declared import body_serializers
from tests.factories import Clinic, archive, new_key
from tests.policy import Dialect
from tests.test_tenancy_sweep import CATALOG_SAMPLE

PRACTICE = {f"/{route.replace('<', '{').replace('>', '}')}": route for route in VIEWS if route.startswith(Dialect.PRACTICE)}
"""Path, as the document writes it -> route."""

LIKE_A_NEW_PATIENT = ("/patients/{patient_uuid}", "/patients/bulk")
"""What takes the fields of a new patient: at its boundaries these are tried when one is made."""
ALIKE = {"phases": {"coverage": {"enabled": False}}, "generation": {"max-examples": 30}}

REPORT_SAMPLE = ("/v1/export/measurements", "/v1/export/patients")
"""All reports are one view set: these stand for them, one that is asked for with days and one that is not."""
FEW = {
    "phases": {"coverage": {"enabled": False}, "stateful": {"enabled": False}},
    "generation": {"max-examples": 6, "mode": "positive"},
}
"""What the others are asked with."""
USED_UP = 60
"""So many alerts are there to be processed, and keys to be revoked."""


def sampled(described: dict) -> dict:
    """Return the document without the catalogs that others stand for: all catalogs are one view set."""
    kept = (None, *CATALOG_SAMPLE)
    paths = {path: found for path, found in described["paths"].items() if policy.catalog_of(PRACTICE[path]) in kept}
    return {**described, "paths": paths}


class KnownRows:
    """Rows of one clinic. What entries are added to is the chart of one patient, on which what bodies name stands too.

    What else a path leads to is its own, so that a row that one operation archives is there for all others.
    """

    def __init__(self, clinic: Clinic):
        self.clinic, self.patient, self.relative = clinic, clinic.patient(), clinic.patient()

    # --- references -------------------------------------------------------------------------------
    def references(self) -> dict[str, list]:
        """Return what each reference of the practice dialect's bodies and filters may name."""
        found = {name: [str(row.uuid) for row in self._rows(model)] for name, model in self._referenced()}
        alerts = [str(self.clinic.entry(Alert, self.patient).uuid) for _ in range(3)]
        # Whoever is merged into another record is referred to no more.
        twice = [str(self.clinic.patient().uuid) for _ in range(USED_UP)]
        return {**found, "alert_uuids": [alerts[:1], alerts, []], "other_patient_uuid": twice}

    def _referenced(self) -> Iterator[tuple[str, type]]:
        for route in PRACTICE.values():
            view = VIEWS[route].cls
            for serializer_class in body_serializers(view).values():
                yield from _relations(serializer_class())
            for name, declared in getattr(view.filterset_class, "base_filters", {}).items():
                if isinstance(declared, ReferenceFilter):
                    yield name, declared.referenced

    def _rows(self, model: type) -> list[Any]:
        if model is CareGroup:
            return [self.clinic.group, self.clinic.other_group]
        if issubclass(model, ChartEntry):
            return [self.clinic.entry(model, self.patient)]
        return [self.relative if model is Patient else self.clinic.row(model)]

    # --- paths ------------------------------------------------------------------------------------
    def pinned(self, described: dict) -> list[dict]:
        """Return, for each path of the document, the parameters that lead to rows of its own."""
        pinned = [{"include-path": path, "parameters": self._pins(path)} for path in described["paths"] if "{" in path]
        return [found | ALIKE if found["include-path"].endswith(LIKE_A_NEW_PATIENT) else found for found in pinned]

    def _pins(self, path: str) -> dict[str, str]:
        route = PRACTICE[path]
        name = path.rpartition("{")[2].partition("}")[0]
        of_chart = policy.chart_of(route) and name == "patient_uuid"
        patient = self.patient if of_chart else self.clinic.patient()
        if path.endswith("/restore"):
            archive(patient)
        if path.endswith("/unmerge"):
            merge(self.clinic.patient(), patient)
        pins = {"org_id": self.clinic.organization}
        if "{patient_uuid}" in path:
            pins["patient_uuid"] = patient
        if name not in pins:
            pins[name] = self._row(model_of(route), patient)
        return {f"path.{place}": str(row.uuid) for place, row in pins.items()}

    def _row(self, model: type, patient: Patient) -> Any:
        if issubclass(model, Catalog):
            return self.clinic.catalog(model, f"Pinned {patient.pk}", **self.clinic.least(model))
        if model in (WebhookEndpoint, WebhookDelivery):
            return self.clinic.endpoint()
        return self.clinic.entry(model, patient)


class KnownMonitoring:
    """What one patient is monitored with: instruments, a protocol, and alerts and keys that are there to be used up."""

    def __init__(self, clinic: Clinic):
        self.clinic, self.patient, self.caregiver = clinic, clinic.enrolled(), clinic.users[Role.HC_PRIMARY]
        clinic.catalog(Instrument, "Weight", code="weight")
        clinic.catalog(Instrument, "Posture", code="posture", kind=InstrumentKind.CHOICE, choices=["sitting", "lying"])
        alerts = [str(clinic.entry(MonitoringAlert, self.patient).uuid) for _ in range(USED_UP)]
        keys = [new_key(self.caregiver).split("_")[1] for _ in range(USED_UP)]
        self.pinned = {"alert_id": alerts[0], "key_id": keys[0], "user_id": str(self.caregiver.uuid)}
        self.fresh = {alerts[0]: iter(alerts), keys[0]: iter(keys)}
        """The id that a path is pinned to -> the ids of rows like it, each good for one request."""

    def public(self) -> dict[str, list]:
        """Return what bodies and filters of the public dialect may name."""
        catalogs = self.clinic.catalogs
        return {
            "organizationId": [str(self.clinic.organization.uuid)],
            "groupId": [str(self.clinic.group.uuid)],
            "programId": [str(catalogs["program"].uuid)],
            "protocolId": [str(catalogs["protocol"].uuid)],
            "instrument": ["weight", "mood", "posture"],
            "value": [7, 2.5, "lying"],
            "expiresAt": ["2999-12-31T23:59:59+05:45"],
            "startDate": ["0001-01-02", "2024-02-29"],
            "endDate": ["2024-02-29", "9999-12-30"],
        }

    def general(self) -> dict[str, list]:
        """Return what bodies and filters of the general dialect may name."""
        return {"gauge_type": ["weight", "mood", "pain"], "value": [7, 2.5]}

    def operations(self, described: dict, patient_id: Any) -> list[dict]:
        """Return, for each path of the document, the parameters that lead to rows, or how little a report is asked."""
        ids = {**self.pinned, "patient_id": patient_id}
        found = []
        for path in described["paths"]:
            pins = {f"path.{name}": value for name, value in ids.items() if f"{{{name}}}" in path}
            few = FEW if path.startswith("/v1/export/") and path.partition(".")[0] not in REPORT_SAMPLE else {}
            found += [{"include-path": path, "parameters": pins, **few}] if pins or few else []
        return found


def _relations(serializer: serializers.BaseSerializer) -> Iterator[tuple[str, type]]:
    for name, field in getattr(serializer, "fields", {}).items():
        if isinstance(field, ScopedRelation):
            yield name, field.model
        elif isinstance(field, serializers.ListSerializer):
            yield from _relations(field.child)
