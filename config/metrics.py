"""/metrics: what monitoring reads, in the text format of Prometheus. Not found without METRICS_TOKEN."""

import hmac
from collections.abc import Iterator

from django.conf import settings
from django.db import Error, connection
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from accounts.services.audit_chains import oldest_unsealed
from config.core.databases import database_sessions, seconds_since
from config.core.metrics import counts
from exports.metrics import outbox_metrics, webhook_metrics


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Show what the server has counted since it started, and how far behind the database is."""
    if not settings.METRICS_TOKEN:
        raise Http404
    expected = f"Bearer {settings.METRICS_TOKEN}"
    if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), expected.encode()):
        return HttpResponse(status=401, headers={"WWW-Authenticate": 'Bearer realm="metrics"'})
    stored = CollectorRegistry()
    stored.register(StoredMetrics())
    content = generate_latest(counts()) + generate_latest(stored)
    return HttpResponse(content, content_type=CONTENT_TYPE_PLAIN_0_0_4)


class StoredMetrics:
    """What the database tells, asked anew each time: it is the same for all processes of all servers."""

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics of the database; that it does not answer is one of them."""
        try:
            found = [*audit_metrics(), *session_metrics(), *outbox_metrics(), *webhook_metrics()]
        except Error:
            found = []
        yield GaugeMetricFamily("anamnesis_database_up", "Whether the database answers.", value=bool(found))
        yield from found


def audit_metrics() -> Iterator[Metric]:
    """Yield how long the oldest event of the audit trail has been waiting for its seal."""
    help_text = "Age of the oldest audit event that is not sealed, 0 without one."
    yield GaugeMetricFamily("anamnesis_audit_unsealed_seconds", help_text, value=seconds_since(oldest_unsealed()))


def session_metrics() -> Iterator[Metric]:
    """Yield the sessions of the database by state, and how many there may be, where it is a server."""
    if connection.vendor != "postgresql":
        return
    found, allowed = database_sessions()
    sessions = GaugeMetricFamily("anamnesis_database_sessions", "Sessions of this database.", labels=["state"])
    for state, number in found.items():
        sessions.add_metric([state], number)
    yield sessions
    yield GaugeMetricFamily("anamnesis_database_sessions_allowed", "Sessions that the server allows to all.", value=allowed)
