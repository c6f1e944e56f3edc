"""What view sets declare, as tests read it: the one place that knows under which names."""

from collections.abc import Mapping

from rest_framework.serializers import Serializer
from rest_framework.views import APIView


def body_serializers(view_class: type[APIView]) -> Mapping[str, type[Serializer]]:
    """Return action -> serializer of the body that the action takes."""
    return view_class.request_serializer_classes
