"""What view sets declare, as tests read it: the one place that knows under which names."""

from collections.abc import Iterable, Mapping

from rest_framework.serializers import Serializer
from rest_framework.views import APIView


def body_serializers(view_class: type[APIView]) -> Mapping[str, type[Serializer]]:
    """Return action -> serializer of the body that the action takes."""
    return view_class.request_serializer_classes


def all_bodies(view_classes: Iterable[type[APIView]]) -> list[type[Serializer]]:
    """Return the serializers of all bodies that actions of `view_classes` take, for one object or for many at once."""
    bodies: dict[type[Serializer], None] = {}
    for view_class in view_classes:
        bodies |= dict.fromkeys(body_serializers(view_class).values())
        bodies |= dict.fromkeys(body for body, _ in view_class.batch_serializer_classes.values())
    return list(bodies)
