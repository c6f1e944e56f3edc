"""Appointments in the practice dialect."""

from typing import Any

from accounts.permissions import Task
from accounts.scope import Role
from clinical.models import Appointment
from clinical.practice.filters import PracticeAppointmentFilters
from clinical.practice.serializers import PracticeAppointmentIn, PracticeAppointmentOut, PracticeAppointmentReducedOut
from config.rest import practice
from config.rest.compiled.plans import Query
from config.rest.responses import Answer
from patients.services.charts import create_entry


class AppointmentViewSet(practice.ViewSet):
    """Appointments of the patients whom the caller sees."""

    model = Appointment
    pk_kwarg = "appointment_uuid"
    filterset_class = PracticeAppointmentFilters
    tasks = {"create": Task.WRITE_PATIENTS}
    serializer_classes = {"create": PracticeAppointmentIn}
    constraint_wording = {"appointment_ends_after_start": (422, "An appointment ends after it has begun.", "ends_at")}

    def get_serializer_class(self):
        """Return the shape of answers: patients get a reduced one."""
        return PracticeAppointmentReducedOut if self.actor.role == Role.PATIENT else PracticeAppointmentOut

    def list(self, request, *args, **kwargs) -> Answer:
        return self.numbered_page(Query(Appointment, [*self.in_scope(), *self.filters()]), ("starts_at", "id"))

    def retrieve(self, request, *args, **kwargs) -> Answer:
        row, appointment = self.read_one(self.named_object())
        self.shown([row])
        return Answer(appointment)

    def create(self, request, *args, **kwargs) -> Answer:
        return self.write(request, self._create, status=201)

    def _create(self, values: dict[str, Any]) -> int:
        return create_entry(actor=self.actor, model=Appointment, **values).pk
