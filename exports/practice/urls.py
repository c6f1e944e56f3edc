from django.urls import path

from exports.practice.views import EventViewSet

urlpatterns = [path("events", EventViewSet.as_view({"get": "list"}))]
