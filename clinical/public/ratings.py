"""What patients think of their care, in the public dialect."""

from rest_framework import serializers

from accounts.permissions import Permission
from clinical.models import StarRating
from config.rest import public
from config.rest.fields import ContractSerializer
from config.rest.public import CamelCase, LocalDateTime
from patients.services.charts import create_entry
from patients.views import PatientChildViewSet


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


class RatingViewSet(PatientChildViewSet, public.ViewSet):
    """Ratings of a patient's care."""

    model = StarRating
    permissions = {"create": Permission.MEASURE}
    request_serializer_classes = {"create": PublicRatingIn}
    serializer_class = PublicRatingOut

    def perform_create(self, serializer: serializers.Serializer) -> int:
        rating = {**serializer.validated_data, "created_by_id": self.actor.user_id}
        return create_entry(actor=self.actor, model=StarRating, patient_id=self.patient_id, **rating).pk
