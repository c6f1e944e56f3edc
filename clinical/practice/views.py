"""Appointments in the practice dialect."""

from rest_framework.serializers import Serializer

from accounts.audit import record_read
from accounts.permissions import Permission
from accounts.scope import Role
from clinical.models import Appointment
from clinical.practice.filters import OF_CURRENT_PATIENTS, PracticeAppointmentFilterSet
from clinical.practice.serializers import (
    PracticeAppointmentIn,
    PracticeAppointmentOut,
    PracticeAppointmentPatchIn,
    PracticeAppointmentReducedOut,
)
from clinical.services.appointments import book_appointment, update_appointment
from clinical.services.booking_warnings import warnings_of
from config.rest import practice
from config.rest.compiled.queries import Query
from config.rest.views import Written


class AppointmentViewSet(practice.ViewSet):
    """Appointments of the patients whom the caller sees."""

    model = Appointment
    lookup_url_kwarg = "appointment_uuid"
    default_sort_dir = "asc"
    filterset_class = PracticeAppointmentFilterSet
    permissions = {"create": Permission.WRITE_PATIENTS, "partial_update": Permission.WRITE_PATIENTS}
    request_serializer_classes = {"create": PracticeAppointmentIn, "partial_update": PracticeAppointmentPatchIn}
    constraint_errors = {
        "appointment_ends_after_start": (422, "An appointment ends after it has begun.", "ends_at"),
        "appointment_reason_if_cancelled": (422, "Only a cancelled appointment has a reason for that.", "cancellation_reason"),
    }

    def get_serializer_class(self):
        """Return the shape of responses: patients get a reduced one."""
        return PracticeAppointmentReducedOut if self.actor.role == Role.PATIENT else PracticeAppointmentOut

    def get_queryset(self) -> Query:
        """Return the appointments that the caller sees; what belongs to an archived patient is read but not written."""
        query = super().get_queryset()
        return query.filter(OF_CURRENT_PATIENTS) if self.required_permission.writes else query

    def perform_create(self, serializer: Serializer) -> Written:
        return self._warned(book_appointment(actor=self.actor, **serializer.validated_data).pk)

    def perform_update(self, serializer: Serializer) -> Written:
        changes = serializer.validated_data
        base_version = changes.pop("base_version")
        patient_id = self.get_row(id=self.object_id, columns=("patient_id",))[0]
        named = {"patient_id": patient_id, "entry_id": self.object_id, "base_version": base_version}
        update_appointment(actor=self.actor, **named, changes=changes)
        return self._warned(self.object_id)

    def _warned(self, pk: int) -> Written:
        """Return what the response says of a written appointment, and audit whose others it names."""
        warnings = warnings_of(self.actor, pk)
        if shown := {(one.shown.organization_id, one.shown.patient_id) for one in warnings if one.shown}:
            record_read(self.actor, "appointment.search", patients=sorted(shown))
        told = [{"code": one.code, "severity": one.severity, "message": one.message} for one in warnings]
        return Written(pk, {"warnings": told})
