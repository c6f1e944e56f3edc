"""Runs every documented operation once, and keeps what was sent and came back, by the names of the schemas."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from django.utils import timezone

from accounts.models import Role
from clinical.models import Instrument, MonitoringAlert
from config.rest.schema import document
from exports.models import WebhookEndpoint
from exports.registry import REPORTS
from exports.webhooks import leases
from exports.webhooks.outbox import OutboxReader
from exports.webhooks.transport import Outcome
from tests.contracts.documents import NULL
from tests.contracts.example_bodies import BATCHES, BODIES
from tests.exports.rows import add_row
from tests.factories import Clinic

CREATES = ("create_", "import_", "assign_", "record_", "issue_", "set_", "check_")
LAST = ("transition_", "disable_", "dismiss_", "archive_", "restore_", "revoke_")
"""What is done when everything else has been read, in this order."""
QUERY = {
    "q": "quist",
    "page_size": "1",
    "first": "1",
    "perPage": "1",
    "startDate": "2000-01-01",
    "endDate": "2099-12-31",
    "base_version": "@version",
}
"""Parameters that are sent where an operation has them."""

Body = dict[str, Any]


class Run:
    """One run over the operations of a dialect; `examples` are by schema."""

    def __init__(self, name: str, client: Callable[..., Any], ids: dict[str, str]):
        self.name, self.client, self.ids = name, client, ids
        self.examples: dict[str, Body] = {}
        self.operations = {
            operation["operationId"]: (verb.upper(), path, operation)
            for path, verbs in document(name)["paths"].items()
            for verb, operation in verbs.items()
        }

    def all(self) -> dict[str, Body]:
        """Run the operations in an order in which each finds what it needs; return the examples."""
        for operation_id in self._ordered():
            self._run(operation_id)
        return self.examples

    def _ordered(self) -> list[str]:
        made = [name for name in BODIES[self.name] if name.startswith(CREATES)]
        last = [name for start in LAST for name in self.operations if name.startswith(start)]
        # A patient goes after what is on their chart.
        last.sort(key=lambda name: name in ("archive_patient", "restore_patient"))
        between = [name for name in self.operations if name not in {*made, *last}]
        between.sort(key=lambda name: self.operations[name][0] != "GET")
        return [*made, *between, *last]

    def _run(self, operation_id: str) -> None:
        verb, path, operation = self.operations[operation_id]
        address = self._address(path)
        taken = [found["name"] for found in operation.get("parameters", ()) if found["in"] == "query"]
        query = {name: self._filled(QUERY[name], address) for name in taken if name in QUERY}
        where = f"{address}?{'&'.join(f'{key}={value}' for key, value in query.items())}" if query else address
        bodies = [self._body(operation_id, operation, address), *BATCHES.get(operation_id, ())]
        for variant, body in enumerate(bodies):
            response = self.client(verb, where, body)
            assert 200 <= response.status_code < 300, (operation_id, response.content)
            self._keep(operation.get("requestBody"), body, variant)
            if response.get("Content-Type") == "application/json" and response.content:
                self._keep(operation["responses"][str(response.status_code)], response.json(), variant)
                self._know(operation_id, path, response.json())

    def _know(self, operation_id: str, path: str, answer: Any) -> None:
        """Keep the id of the row that was made first under `path`."""
        if operation_id.startswith(CREATES) and path.rpartition("/")[2] not in self.ids:
            row = answer[0] if isinstance(answer, list) else answer.get("data", answer)
            self.ids[path.rpartition("/")[2]] = str(row.get("id", ""))

    def _body(self, operation_id: str, operation: dict, address: str) -> Body | None:
        if "requestBody" not in operation:
            return None
        body = BODIES[self.name].get(operation_id)
        if body is None and operation_id.startswith("archive_"):
            body = {"base_version": "@version"}
        elif body is None:
            made = BODIES[self.name][operation_id.replace("update_", "create_")]
            body = {"base_version": "@version", "name": f"{made['name']} (new)"}
        return self._filled(body, address)

    def _filled(self, value: Any, address: str) -> Any:
        """Return `value` with an id or a version in place of each `@name`."""
        if isinstance(value, dict):
            return {key: self._filled(inner, address) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._filled(inner, address) for inner in value]
        if value == "@version":
            entity = re.sub(r"/(archive|disable|transition-status|rotate-secret)$", "", address)
            return self.client("GET", entity).json()["version"]
        return self.ids[value[1:]] if isinstance(value, str) and value.startswith("@") else value

    def _address(self, path: str) -> str:
        filled = path.replace("{org_id}", self.ids.get("organization", ""))
        while found := re.search(r"([\w-]+)/\{(\w+)\}", filled):
            filled = filled.replace(f"{{{found[2]}}}", self.ids[found[1]], 1)
        return filled

    def _keep(self, described: dict | None, body: Any, variant: int) -> None:
        for name in list(_names(described))[variant : variant + 1]:
            self.examples.setdefault(name, stable(body))


def _names(described: dict | None) -> Iterator[str]:
    """Yield the schemas that a body may be, the usual one first."""
    schema = (described or {}).get("content", {}).get("application/json", {}).get("schema", {})
    for variant in (schema, *schema.get("anyOf", ())):
        if "$ref" in variant and variant != NULL:
            yield variant["$ref"].rpartition("/")[2]


# --- what differs from run to run -----------------------------------------------------------------
NUMBERS = {"created_by": 7, "Mutation_ID": 1, "id": 1042, "patient_id": 1042, "age": 41}
SECRETS = {"apiKey": "anm_kq7Vd2Lp_EXAMPLE", "secret": "whsec_EXAMPLE"}
CURSORS = {"end_cursor", "nextCursor", "prevCursor", "changesCursor"}
CURSOR = "gAAAAABl4vHkQ2x1c3Rlcg"
SERVER = "https://anamnesis.example"
SENT = ("1984-05-17", "2021-04-01", "2024-03-", "2099-")
"""How the days begin that bodies have; every other day and time is replaced."""


def stable(body: Any) -> Any:
    """Return `body` with ids, cursors, secrets and the time of the run replaced by what is the same in every run."""
    text = json.dumps(body)
    for number, uuid in enumerate(dict.fromkeys(re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", text)), 1):
        text = text.replace(uuid, f"0191f0a2-5c1e-7b3a-9d40-{number:012x}")
    return _stable(json.loads(text), "")


def _stable(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return {key: _stable(inner, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [_stable(inner, name) for inner in value]
    if type(value) is int:
        return NUMBERS.get(name, value)
    return _stable_text(value, name) if isinstance(value, str) else value


def _stable_text(value: str, name: str) -> str:
    if name in CURSORS:
        return CURSOR
    if name in SECRETS:
        return SECRETS[name]
    if name == "id" and re.fullmatch(r"\w{8}", value):
        return "kq7Vd2Lp"
    if re.match(r"\d{4}-\d\d-\d\d", value) and not value.startswith(SENT):
        return _stable_time(value)
    value = re.sub(r"^http://testserver(?=/)", SERVER, value)
    value = re.sub(r"cursor=[^&]+", f"cursor={CURSOR}", value)
    value = re.sub(r"^code-\d+$", "weight", value)
    value = re.sub(r"^First\d+$", "Bo", re.sub(r"^Last\d+$", "Ek", value))
    return re.sub(r"^(\w+)\.\d+@[\w-]+\.test$", r"\1@hill-valley.example", value)


def _stable_time(value: str) -> str:
    """Return a day, or a day and time, in the form of `value`, without microseconds: where they are 0 an answer has none."""
    value = re.sub(r"^[\d-]{10}(?=$|[T ])", "2024-03-02", value)
    value = re.sub(r"(?<=[T ])\d\d:\d\d:\d\d", "09:30:00", value)
    value = re.sub(r"\.\d{3}(?!\d)", ".000", re.sub(r"\.\d{6}", "", value))
    return re.sub(r"[+-]\d\d:\d\d$", "-05:00", value)


# --- who and what is there ------------------------------------------------------------------------
def practice_run(clinic: Clinic, api: Callable[..., Any]) -> Run:
    """Return a run over the practice dialect, by an administrator."""
    endpoint, since = clinic.endpoint(event_types=["patient.created"]), timezone.now()
    relative = clinic.patient(first_name="Ines", last_name="Quist")
    _deliver(endpoint)
    rows = {"organization": clinic.organization, "relative": relative, "webhook-endpoints": endpoint}
    return Run("practice", api(), {name: str(row.uuid) for name, row in rows.items()} | {"since": since.isoformat()})


def _deliver(endpoint: WebhookEndpoint) -> None:
    """Give an endpoint a log: what is to be sent to it was sent."""
    reader = OutboxReader()
    while reader.make_deliveries():
        pass
    lease = leases.take(endpoint.pk)
    assert lease is not None
    leases.record(lease, [Outcome(status=200, duration=87, error="")] * len(lease.deliveries))


def public_run(clinic: Clinic, api: Callable[..., Any]) -> Run:
    """Return a run over the public dialect, by an administrator, with a row in every report."""
    clinic.catalog(Instrument, "Weight", code="weight")
    patient = clinic.enrolled(first_name="Bo", last_name="Ek")
    alert = clinic.entry(MonitoringAlert, patient)
    for report in REPORTS:
        add_row(clinic, report)
    rows = {
        "organization": clinic.organization,
        "group": clinic.group,
        "program": clinic.catalogs["program"],
        "protocol": clinic.catalogs["protocol"],
        "alerts": alert,
        "users": clinic.users[Role.HC_PRIMARY],
    }
    return Run("public", api(), {name: str(row.uuid) for name, row in rows.items()})


def general_run(clinic: Clinic, general: Callable[..., Any]) -> Run:
    """Return a run over the general dialect, by an administrator."""
    clinic.catalog(Instrument, "Weight", code="weight")
    return Run("general", general(), {})


RUNS = {"practice": practice_run, "public": public_run, "general": general_run}
