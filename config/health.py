"""Whether the server lives, and whether it can do its work. For load balancers; tells nothing else."""

import logging

from django.db import Error
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from config.core.schema import pending_migrations

logger = logging.getLogger(__name__)


@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """Answer 200 as long as the process does; the database is not asked."""
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 where the database answers and has every migration, 503 otherwise."""
    try:
        pending = pending_migrations()
    except Error:
        logger.exception("the database does not answer")
        return _not_ready()
    return _not_ready() if pending else JsonResponse({"status": "ok"})


def _not_ready() -> JsonResponse:
    return JsonResponse({"status": "unavailable"}, status=503, headers={"Retry-After": "5"})
