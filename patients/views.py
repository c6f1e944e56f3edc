"""The base of view sets of rows that belong to the patient whom the path names."""

from typing import ClassVar

from config.core.orm import has_column
from config.rest.compiled.queries import NOT_ARCHIVED, Query
from config.rest.views import DialectViewSet
from patients.models import Patient


class PatientChildViewSet(DialectViewSet):
    """A view set of rows that belong to the patient whom the path names.

    The patient is looked for before anything else: who does not see them sees no row of theirs, and
    what belongs to an archived patient is read but not written. A row of another patient is unknown.
    """

    patient_url_kwarg: ClassVar[str | None] = "patient_id"

    patient_id: int
    organization_id: int

    def resolve_path_scope(self) -> None:
        """Find the patient of the path in the caller's scope."""
        super().resolve_path_scope()
        writable = [NOT_ARCHIVED] if self.required_permission.writes else []
        patients = self.scoped_query(Patient)
        named = self.lookup_criterion(Patient, str(self.patient_url_kwarg))
        rows = patients.filter(named, *writable).rows(("pk", "organization_id"))
        if not rows:
            raise self.not_found_for(Patient, named)
        self.patient_id, self.organization_id = rows[0]

    def get_queryset(self) -> Query:
        """Return the query of the patient's rows; of those that can be archived, lists leave the archived ones out."""
        query = super().get_queryset().filter(patient_id=self.patient_id)
        listed = self.action == "list" and has_column(self.model, "deleted_at")
        return query.filter(NOT_ARCHIVED) if listed else query

    def named_patients(self) -> tuple[tuple[int, int], ...]:
        """Return the patient of the path, whose chart is read even where it is empty."""
        return ((self.organization_id, self.patient_id),)
