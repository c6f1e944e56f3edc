"""Whether the server lives, and whether it can do its work. For load balancers; tells nothing else."""

import logging
from functools import lru_cache

from django.db import Error, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

logger = logging.getLogger(__name__)


@lru_cache(maxsize=1)
def _shipped() -> frozenset[tuple[str, str]]:
    """Return (app, name) of every migration in the code, which does not change while a process runs."""
    return frozenset(MigrationLoader(None).disk_migrations)


def pending_migrations() -> list[tuple[str, str]]:
    """Return (app, name) of the migrations that the database still lacks."""
    return sorted(_shipped() - MigrationRecorder(connection).applied_migrations().keys())


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
