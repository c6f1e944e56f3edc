from django.urls import path

from accounts.practice.views import MeViewSet

urlpatterns = [path("me", MeViewSet.as_view({"get": "retrieve"}))]
