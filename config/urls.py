"""Table of contents."""

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from config.health import healthz, readyz
from config.metrics import metrics
from config.rest import documentation, general, practice, public

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("healthz", healthz),
    path("readyz", readyz),
    path("metrics", metrics),
    path("docs/", documentation.index, name="docs"),
    path("docs/guides/<name>/", documentation.guide_page, name="docs-guide"),
    path("docs/<name>/", documentation.dialect, name="docs-dialect"),
    path("docs/<name>/try/", documentation.try_it, name="docs-try"),
    path("docs/<name>/collection.json", documentation.postman_collection, name="docs-collection"),
    path("docs/<name>/changelog/", documentation.changelog, name="docs-changelog"),
    path("docs/<name>/changelog.atom", documentation.feed, name="docs-feed"),
    path("schema/<name>.yaml", documentation.schema, name="schema"),
    path("api/v1/", include("accounts.practice.urls")),
    path("api/v1/<org_id>/", include("patients.practice.urls")),
    path("api/v1/<org_id>/", include("clinical.practice.urls")),
    path("api/v1/<org_id>/", include("exports.practice.urls")),
    re_path(r"^api/", practice.UnknownPath.as_catch_all()),
    path("v1/", include("accounts.public.urls")),
    path("v1/", include("patients.public.urls")),
    path("v1/", include("clinical.public.urls")),
    path("v1/", include("exports.public.urls")),
    re_path(r"^v1/", public.UnknownPath.as_catch_all()),
    path("general/v1/", include("patients.general.urls")),
    path("general/v1/", include("clinical.general.urls")),
    re_path(r"^general/", general.UnknownPath.as_catch_all()),
]

handler400 = "config.rest.fallback.bad_request"
handler403 = "config.rest.fallback.permission_denied"
handler404 = "config.rest.fallback.not_found"
handler500 = "config.rest.fallback.server_error"
