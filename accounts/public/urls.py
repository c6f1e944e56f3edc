from django.urls import path

from accounts.public.views import ApiKeyViewSet, MeViewSet

urlpatterns = [
    path("me", MeViewSet.as_view({"get": "retrieve"})),
    path("users/<user_id>/apikeys", ApiKeyViewSet.as_view({"get": "list", "post": "create"})),
    path("users/<user_id>/apikeys/<key_id>", ApiKeyViewSet.as_view({"delete": "destroy"})),
]
