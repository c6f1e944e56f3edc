"""What generated requests must know to meet anything: rows that references may name, and rows that paths lead to."""

from collections.abc import Iterator
from typing import Any

from rest_framework import serializers

from accounts.models import CareGroup
from accounts.models.catalogs import Catalog
from clinical.models import Alert
from config.rest.fields import ScopedRelation
from config.rest.parameters import ReferenceParameter
from patients.models import ChartEntry, Patient
from tests import policy
from tests.cast import VIEWS, model_of
from tests.factories import Clinic
from tests.policy import Dialect
from tests.test_tenancy_sweep import CATALOG_SAMPLE

PRACTICE = {f"/{route.replace('<', '{').replace('>', '}')}": route for route in VIEWS if route.startswith(Dialect.PRACTICE)}
"""Path, as the document writes it -> route."""

LIKE_A_NEW_PATIENT = ("/patients/{patient_uuid}", "/patients/bulk")
"""What takes the fields of a new patient: at its boundaries these are tried when one is made."""
ALIKE = {"phases": {"coverage": {"enabled": False}}, "generation": {"max-examples": 30}}


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
        return {**found, "alert_uuids": [alerts[:1], alerts, []]}

    def _referenced(self) -> Iterator[tuple[str, type]]:
        for route in PRACTICE.values():
            view = VIEWS[route].cls
            for serializer_class in view.serializer_classes.values():
                yield from _relations(serializer_class())
            for name, declared in getattr(view.filterset_class, "base_filters", {}).items():
                if isinstance(declared, ReferenceParameter):
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
        pins = {"org_id": self.clinic.organization}
        if "{patient_uuid}" in path:
            pins["patient_uuid"] = patient
        if name not in pins:
            pins[name] = self._row(model_of(route), patient)
        return {f"path.{place}": str(row.uuid) for place, row in pins.items()}

    def _row(self, model: type, patient: Patient) -> Any:
        if issubclass(model, Catalog):
            return self.clinic.catalog(model, f"Pinned {patient.pk}", **self.clinic.least(model))
        return self.clinic.entry(model, patient)


def _relations(serializer: serializers.BaseSerializer) -> Iterator[tuple[str, type]]:
    for name, field in getattr(serializer, "fields", {}).items():
        if isinstance(field, ScopedRelation):
            yield name, field.model
        elif isinstance(field, serializers.ListSerializer):
            yield from _relations(field.child)
