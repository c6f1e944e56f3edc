"""/metrics: what monitoring reads, from whom it is kept, and that it names nobody."""

import re
import subprocess
import sys
from collections.abc import Iterator
from uuid import uuid4

import pytest
from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed
from django.db import OperationalError, connection
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import URLResolver, get_resolver, resolve
from prometheus_client import REGISTRY
from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.parser import text_string_to_metric_families

from accounts import audit
from accounts.models import AuditEvent, OutboxEvent, RateWindow, Role
from accounts.scope import Actor
from accounts.services.audit_chains import seal_events
from config import metrics as page
from config.core import metrics
from config.core.middleware import MetricsMiddleware
from config.rest import streaming
from config.rest.streaming import Stream, StreamSlots
from exports import metrics as outbox
from tests.conftest import ApiClient
from tests.pages import sign_in
from tests.test_import_law import modules

CANARY = "ZZcanary"
BEARER = f"Bearer {settings.METRICS_TOKEN}"

Sample = tuple[str, dict[str, str]]


@pytest.fixture(scope="module", autouse=True)
def no_earlier_requests() -> None:
    """Forget the requests of tests before these: the page shows all that a process has counted, by route."""
    metrics.REQUESTS.clear()


def scrape(client: Client | None = None, **headers: str) -> HttpResponse:
    return (client or Client()).get("/metrics", headers={"Authorization": BEARER, **headers})


def shown() -> dict[tuple, float]:
    """Return the values that the page shows, by name and labels."""
    families = text_string_to_metric_families(scrape().content.decode())
    return {(sample.name, *sorted(sample.labels.items())): sample.value for family in families for sample in family.samples}


def counted(name: str, **labels: str) -> float:
    samples = (sample for metric in REGISTRY.restricted_registry([name]).collect() for sample in metric.samples)
    return next((sample.value for sample in samples if (sample.name, sample.labels) == (name, labels)), 0)


def requests_counted(route: str, method: str, status: str) -> float:
    return counted("anamnesis_request_seconds_count", route=route, method=method, status=status)


# --- who may read it --------------------------------------------------------------------------------


def test_it_is_not_found_without_a_token_in_the_settings(db, settings):
    settings.METRICS_TOKEN = ""
    unknown = Client().get("/metricz")
    for given in ({}, {"Authorization": "Bearer "}, {"Authorization": BEARER}):
        assert Client().get("/metrics", headers=given).status_code == unknown.status_code == 404
    with pytest.raises(MiddlewareNotUsed):
        MetricsMiddleware(lambda request: HttpResponse())


@pytest.mark.parametrize("sent", ["", "Bearer ", BEARER[:-1], f"{BEARER}x", BEARER.replace("Bearer", "Basic"), "Bearer \xe9"])
def test_another_token_is_refused_and_learns_nothing(db, sent):
    answer = scrape(Authorization=sent)
    assert (answer.status_code, answer.content) == (401, b"")
    assert answer["WWW-Authenticate"] == 'Bearer realm="metrics"'


def test_neither_an_api_key_nor_a_session_is_a_token(clinic):
    root = clinic.users[Role.FC_ADMIN]
    assert ApiClient(clinic.keys[Role.FC_ADMIN]).get("/metrics").status_code == 401
    assert sign_in(root).get("/metrics").status_code == 401


def test_it_is_text_for_prometheus_and_only_read(db):
    answer = scrape()
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    assert "no-store" in answer["Cache-Control"]
    assert Client().post("/metrics", headers={"Authorization": BEARER}).status_code == 405


def test_monitoring_may_ask_by_address_without_tls_and_without_end(db, settings):
    settings.SECURE_SSL_REDIRECT, settings.ANONYMOUS_PER_MINUTE = True, 1
    assert {scrape(Client(), Host="10.1.2.3").status_code for _ in range(3)} == {200}


def test_reading_it_is_neither_counted_nor_audited(db):
    AuditEvent.objects.all().exists()
    before = AuditEvent.objects.count()
    scrape()
    assert AuditEvent.objects.count() == before
    assert not RateWindow.objects.exists()


# --- what is counted --------------------------------------------------------------------------------


def test_a_request_is_counted_by_template_method_and_class_of_status(api, clinic):
    route = "api/v1/<org_id>/patients/<patient_uuid>"
    found, missing = (requests_counted(route, "GET", status) for status in ("2xx", "4xx"))
    patient = clinic.patient()
    assert api().get(f"{clinic.base}/patients/{patient.uuid}").status_code == 200
    assert api().get(f"{clinic.base}/patients/{uuid4()}").status_code == 404
    assert requests_counted(route, "GET", "2xx") == found + 1
    assert requests_counted(route, "GET", "4xx") == missing + 1
    labels = {"route": route, "method": "GET", "status": "2xx"}
    assert counted("anamnesis_request_seconds_bucket", le="30.0", **labels) == found + 1
    assert counted("anamnesis_request_seconds_sum", **labels) > 0


def test_a_request_that_comes_to_no_line_is_counted_under_a_word(db):
    none, catch_all = requests_counted("none", "GET", "4xx"), requests_counted("^v1/", "other", "4xx")
    Client().get(f"/{CANARY}")
    ApiClient(None)(CANARY.upper(), f"/v1/{CANARY}")
    assert requests_counted("none", "GET", "4xx") == none + 1
    assert requests_counted("^v1/", "other", "4xx") == catch_all + 1


def routes(patterns=None, prefix: str = "") -> Iterator[str]:
    """Yield the templates of all lines of the table of contents."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        else:
            yield route


EXAMPLES = {"int": "7", "uuid": str(uuid4()), "path": f"{CANARY}/x", "slug": CANARY, "str": CANARY}


def example(route: str) -> str:
    """Return a path that `route` takes, with a canary for each part that may be any text."""
    if "^" in route:
        return "/" + re.sub(r"\(\?P<\w+>\.\*\)\$?", CANARY, route.replace("^", "")).rstrip("$") + CANARY
    return "/" + re.sub(r"<(?:(\w+):)?\w+>", lambda found: EXAMPLES[found[1] or "str"], route)


def test_no_label_holds_what_a_client_wrote_whatever_the_route(db):
    templates = set(routes())
    assert len(templates) > 300
    factory, before = RequestFactory(), set(label_sets())
    for route in templates:
        for method in ("GET", "POST", CANARY.upper()):
            request = factory.generic(method, example(route))
            request.resolver_match = resolve(request.path)
            MetricsMiddleware(lambda request: HttpResponse(status=418))(request)
    after = label_sets()
    assert {labels["route"] for labels in after} <= templates | {"none"}
    assert {labels["method"] for labels in after} <= metrics.METHODS | {"other"}
    assert len([labels for labels in after if labels["status"] == "4xx"]) >= 2 * len(templates) - 50
    assert CANARY.lower() not in str(after).lower()
    assert len(before) < len(after)
    metrics.REQUESTS.clear()


def label_sets() -> list:
    found = [sample.labels for sample in next(iter(metrics.REQUESTS.collect())).samples if sample.name.endswith("_count")]
    return [Labels(labels) for labels in found]


class Labels(dict):
    def __hash__(self) -> int:  # type: ignore[override]
        return hash(tuple(sorted(self.items())))


def test_refusals_over_a_limit_are_counted_by_the_limit(api, clinic, settings):
    settings.RATE_LIMIT_PER_MINUTE = settings.ANONYMOUS_PER_MINUTE = settings.FAILED_KEYS_PER_MINUTE = 1
    before = {kind: counted("anamnesis_rate_limited_total", limit=kind) for kind in ("user", "address", "failed")}
    clients = {"user": api(), "address": ApiClient(None), "failed": ApiClient("anm_nothing")}
    for kind, client in clients.items():
        assert [client.get("/v1/me").status_code for _ in range(3)][-1] == 429
        assert counted("anamnesis_rate_limited_total", limit=kind) == before[kind] + 2, kind


def test_who_is_locked_out_of_signing_in_is_counted(db, settings):
    settings.AXES_FAILURE_LIMIT = 1
    before = counted("anamnesis_rate_limited_total", limit="sign_in")
    for _ in range(2):
        answer = Client().post("/admin/login/", {"username": f"{CANARY}@a.nl", "password": CANARY})
    assert answer.status_code == 429
    assert counted("anamnesis_rate_limited_total", limit="sign_in") == before + 2
    assert CANARY.lower() not in scrape().content.decode().lower()


@pytest.mark.parametrize("kind", ["read", "change", "denial"])
def test_an_audit_event_that_cannot_be_written_is_counted(api, clinic, monkeypatch, kind):
    patient = clinic.patient()
    before = {name: counted("anamnesis_audit_failures_total", kind=name) for name in ("read", "change", "denial")}

    def fail(*args, **kwargs):
        raise OperationalError(CANARY)

    monkeypatch.setattr("accounts.audit._audit_event", fail)
    if kind == "read":
        assert api().get(f"{clinic.base}/patients/{patient.uuid}").status_code in (500, 503)
    elif kind == "change":
        assert api().post(f"{clinic.base}/patients", {"first_name": "A", "last_name": "B"}).status_code == 503
    else:
        assert api(Role.HC_VIEW_ALL).post(f"{clinic.base}/patients", {"first_name": "A", "last_name": "B"}).status_code == 403
    after = {name: counted("anamnesis_audit_failures_total", kind=name) for name in before}
    assert {name: after[name] - before[name] for name in before} == {**dict.fromkeys(before, 0), kind: 1}


def test_every_limit_that_the_code_counts_by_has_its_word():
    sources = [
        path.read_text(encoding="utf-8") for name, path in modules().items() if "throttling" in path.read_text(encoding="utf-8")
    ]
    subjects = set(re.findall(r'f"(\w+):\{', "".join(sources)))
    # The pause of an account is one of the ways to be locked out.
    assert {word for word in subjects if word != "account"} | {"sign_in"} == set(metrics.LIMITS)


def test_streams_are_counted_while_they_are_open(monkeypatch):
    monkeypatch.setattr(streaming, "STREAM_SLOTS", StreamSlots(8))
    before = counted("anamnesis_streams_open", kind="report")
    stream = Stream(lambda: iter([b"a", b"b"]), b"", Actor(role=Role.HC_ADMIN, user_id=1, organization_id=1))
    assert counted("anamnesis_streams_open", kind="report") == before + 1
    stream.close()
    stream.close()
    assert counted("anamnesis_streams_open", kind="report") == before


# --- what the database tells ------------------------------------------------------------------------


def test_events_that_are_held_back_have_an_age(clinic, monkeypatch):
    OutboxEvent.objects.all().delete()
    clinic.patient()
    monkeypatch.setattr(outbox, "horizon", lambda: OutboxEvent.objects.earliest("created_at").created_at)
    assert shown()[("anamnesis_outbox_held_back_seconds",)] > 0
    OutboxEvent.objects.all().delete()
    monkeypatch.undo()
    assert shown()[("anamnesis_outbox_held_back_seconds",)] == 0


def test_events_of_the_trail_have_an_age_until_they_are_sealed(clinic):
    audit.record_read(Actor(role=Role.HC_ADMIN, organization_id=clinic.organization.pk), "test.read", patients=[])
    assert shown()[("anamnesis_audit_unsealed_seconds",)] > 0
    seal_events()
    assert shown()[("anamnesis_audit_unsealed_seconds",)] == 0


def test_sessions_of_the_database_are_told_by_state_where_it_is_a_server(db):
    found = {key[1:]: value for key, value in shown().items() if key[0] == "anamnesis_database_sessions"}
    if connection.vendor == "postgresql":
        assert found[(("state", "active"),)] >= 1
        assert shown()[("anamnesis_database_sessions_allowed",)] >= sum(found.values())
    else:
        assert found == {}


def test_a_database_that_is_away_is_told_and_the_counts_are_there(db, monkeypatch):
    assert shown()[("anamnesis_database_up",)] == 1

    def away():
        raise OperationalError(f"connection to {CANARY} failed")

    monkeypatch.setattr(page, "oldest_unsealed", away)
    found = shown()
    assert found[("anamnesis_database_up",)] == 0
    assert any(name == "anamnesis_request_seconds_count" for name, *_ in found)
    assert ("anamnesis_outbox_held_back_seconds",) not in found


# --- several processes ------------------------------------------------------------------------------


def test_what_a_process_held_open_is_forgotten_when_it_has_ended(tmp_path, monkeypatch):
    monkeypatch.setenv(metrics.DIRECTORY, str(tmp_path))
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    alive = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        for process in (ended, alive):
            for kind, name in (("gauge_livesum", "anamnesis_streams_open"), ("counter", "anamnesis_rate_limited_total")):
                file = MmapedDict(str(tmp_path / f"{kind}_{process.pid}.db"))
                file.write_value(mmap_key(name, name, ("kind",), ("x",), "Help."), 3, 0)
                file.close()
        registry = metrics.counts()
        assert registry.get_sample_value("anamnesis_streams_open", {"kind": "x"}) == 3
        assert registry.get_sample_value("anamnesis_rate_limited_total", {"kind": "x"}) == 6
    finally:
        alive.communicate()
