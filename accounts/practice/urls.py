from django.urls import path

from accounts.practice.views import CareGroupViewSet, MeViewSet

urlpatterns = [
    path("me", MeViewSet.as_view({"get": "retrieve"})),
    *CareGroupViewSet.paths("<org_id>/care-groups"),
]
