"""Appointments in the practice dialect."""

from rest_framework.serializers import Serializer

from accounts.permissions import Permission
from accounts.scope import Role
from clinical.models import Appointment
from clinical.practice.filters import PracticeAppointmentFilterSet
from clinical.practice.serializers import PracticeAppointmentIn, PracticeAppointmentOut, PracticeAppointmentReducedOut
from config.rest import practice
from patients.services.charts import create_entry


class AppointmentViewSet(practice.ViewSet):
    """Appointments of the patients whom the caller sees."""

    model = Appointment
    lookup_url_kwarg = "appointment_uuid"
    filterset_class = PracticeAppointmentFilterSet
    permissions = {"create": Permission.WRITE_PATIENTS}
    request_serializer_classes = {"create": PracticeAppointmentIn}
    constraint_errors = {"appointment_ends_after_start": (422, "An appointment ends after it has begun.", "ends_at")}

    def get_serializer_class(self):
        """Return the shape of responses: patients get a reduced one."""
        return PracticeAppointmentReducedOut if self.actor.role == Role.PATIENT else PracticeAppointmentOut

    def perform_create(self, serializer: Serializer) -> int:
        return create_entry(actor=self.actor, model=Appointment, **serializer.validated_data).pk
