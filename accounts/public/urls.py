from django.urls import path

from accounts.public.views import MeViewSet

urlpatterns = [path("me", MeViewSet.as_view({"get": "retrieve"}))]
