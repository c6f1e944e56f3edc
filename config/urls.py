"""Table of contents."""

from django.urls import include, path, re_path

from config.health import healthz, readyz
from config.rest import general, practice, public

urlpatterns = [
    path("healthz", healthz),
    path("readyz", readyz),
    path("api/v1/", include("accounts.practice.urls")),
    path("api/v1/<org_id>/", include("patients.practice.urls")),
    re_path(r"^api/", practice.UnknownPath.as_catch_all()),
    path("v1/", include("accounts.public.urls")),
    path("v1/", include("patients.public.urls")),
    re_path(r"^v1/", public.UnknownPath.as_catch_all()),
    path("general/v1/", include("patients.general.urls")),
    re_path(r"^general/", general.UnknownPath.as_catch_all()),
]
