"""What patients think of their care, in the public dialect."""

from typing import Any

from rest_framework import serializers

from accounts.permissions import Task
from clinical.models import StarRating
from config.rest import public
from config.rest.fields import ContractSerializer
from config.rest.public import CamelCase, LocalDateTime
from config.rest.responses import Answer
from patients.reading import OfPatient
from patients.services.charts import create_entry


class PublicRatingOut(CamelCase, ContractSerializer):
    """A rating: stars times 100."""

    id = serializers.UUIDField(source="uuid")
    patient_id = serializers.UUIDField(source="patient.uuid")
    created_at = LocalDateTime("created_at", "patient__timezone")

    class Meta:
        model = StarRating
        fields = ["id", "patient_id", "score", "remarks", "created_at"]


class PublicRatingIn(CamelCase, ContractSerializer):
    """The body that rates: stars times 100, from 1 to 500."""

    class Meta:
        model = StarRating
        fields = ["score", "remarks"]


class RatingViewSet(OfPatient, public.ViewSet):
    """Ratings of a patient's care."""

    model = StarRating
    tasks = {"create": Task.MEASURE}
    serializer_classes = {"create": PublicRatingIn}

    def get_serializer_class(self):
        return PublicRatingOut

    def create(self, request, *args, **kwargs) -> Answer:
        return self.write(request, self._create, status=201)

    def _create(self, values: dict[str, Any]) -> int:
        rating = {**values, "created_by_id": self.actor.user_id}
        return create_entry(actor=self.actor, model=StarRating, patient_id=self.patient_id, **rating).pk
