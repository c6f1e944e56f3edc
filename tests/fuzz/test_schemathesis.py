"""Generated requests to every documented operation: no 5xx, nothing undocumented, no answer out of shape.

schemathesis runs all its checks in all its phases: boundary values, random ones, and sequences in
which one answer feeds the next request. Positive cases may still be refused with 400, 404, 409 or
422: a schema does not tell that a birthday lies in the past or that a cursor was issued here.
"""

import copy
import itertools
from collections.abc import Iterator

import pytest
import schemathesis
from schemathesis.engine import Status, events, from_schema

from accounts.models import Role
from config.rest.schema import document

pytestmark = [pytest.mark.fuzz, pytest.mark.django_db(transaction=True)]

SEED = 20260101
EXAMPLES = 60
"""Random cases an operation, beside those at its boundaries."""


def furnished(name: str, known: dict[str, list], left_out: tuple[str, ...] = ()) -> dict:
    """Return a dialect's document in which the fields and parameters `known` take values that the server knows.

    Random references would be refused before anything else is looked at. So would the optional
    fields `left_out`, whose rules are more than a schema can tell.
    """
    made = copy.deepcopy(document(name))
    bodies = [schema for title, schema in made["components"]["schemas"].items() if title.endswith("In")]
    for schema in bodies:
        for field in known.keys() & schema["properties"].keys():
            kind = schema["properties"][field]["type"]
            schema["properties"][field] = {"type": kind, "enum": known[field]}
        for field in left_out:
            schema["properties"].pop(field, None)
    for path in made["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "query" and parameter["name"] in known:
                    parameter["schema"] = {"type": "string", "enum": known[parameter["name"]]}
    return made


def api(server, described: dict, auth: dict, pinned: dict[str, object]):
    """Return the API that `described` tells of; `pinned` are path parameters that lead to stored rows."""
    config = {
        "base-url": server.url,
        "seed": SEED,
        "auth": {"openapi": auth},
        "parameters": pinned,
        "generation": {"max-examples": EXAMPLES, "deterministic": True, "no-shrink": True},
        "phases": {"stateful": {"generation": {"max-examples": 10}, "max-steps": 5}},
        "checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", "400", "404", "409", "422"]}},
    }
    return schemathesis.openapi.from_dict(described, config=schemathesis.Config.from_dict(config))


NUMBERS = itertools.count(1)
VERSIONS: dict[str, int] = {}
"""The last version of each row, by UUID."""


@schemathesis.hook("before_call")
def tell_apart(context, case, kwargs) -> None:
    """Give valid bodies a version that is not stale, and values of their own where two rows can not share one."""
    if not case.meta or not case.meta.generation.mode.is_positive or not isinstance(case.body, dict):
        return
    for field in ("accountName", "patientNumber", "chart_number"):
        if case.body.get(field):
            case.body[field] = f"{field}-{next(NUMBERS)}"
    if "base_version" in case.body:
        case.body["base_version"] = VERSIONS.get(
            next(value for name, value in case.path_parameters.items() if name != "org_id"), 1
        )
    if "Idempotency-Key" in (case.headers or {}):
        case.headers["Idempotency-Key"] = f"key-{next(NUMBERS)}"


def run(loaded) -> tuple[int, list[str]]:
    """Run all phases; return how many requests were sent and what was found."""
    sent, found = 0, []
    for event in from_schema(loaded).execute():
        if isinstance(event, events.ScenarioFinished):
            sent += len(event.recorder.interactions)
            found += failures(event.recorder)
        elif isinstance(event, events.NonFatalError | events.FatalError):
            found.append(f"{type(event).__name__}: {getattr(event, 'value', None) or event.exception}")
        elif isinstance(event, events.EngineFinished):
            found += [str(failure) for failure in event.failures]
    return sent, found


def failures(recorder) -> Iterator[str]:
    """Yield the failed checks of a scenario, each with its reason and a command that repeats it."""
    for checks in recorder.checks.values():
        for check in checks:
            if check.status == Status.FAILURE:
                info = check.failure_info
                yield f"{recorder.label}: {check.name}: {info.failure.title} {info.failure.message}\n{info.code_sample}"


@schemathesis.hook("after_call")
def note_version(context, case, response) -> None:
    """Remember the version that an answer shows."""
    shown = response.json() if response.status_code in (200, 201) else None
    if isinstance(shown, dict) and "version" in shown:
        VERSIONS[shown["id"]] = shown["version"]


def known_references(clinic) -> dict[str, list]:
    """Return what the practice dialect's references may name in the clinic."""
    catalogs = {
        "primary_provider_uuid": "provider", "secondary_provider_uuid": "provider", "location_uuid": "location",
        "fee_schedule_uuid": "fee_schedule", "billing_type_uuid": "billing_type", "employer_uuid": "employer",
        "tag_definition_uuid": "tag_definition",
    }  # fmt: skip
    return {
        **{field: [str(clinic.catalogs[kind].uuid)] for field, kind in catalogs.items()},
        "care_group_uuid": [str(clinic.group.uuid), str(clinic.other_group.uuid)],
        "responsible_party_uuid": [str(clinic.patient().uuid)],
    }


def test_generated_requests_find_no_fault_in_practice(clinic, live_server):
    described = furnished("practice", known_references(clinic), left_out=("date_time_deceased",))
    pinned = {"path.org_id": str(clinic.organization.uuid), "path.patient_uuid": str(clinic.patient().uuid)}

    sent, found = run(api(live_server, described, {"apiKey": {"bearer": clinic.keys[Role.HC_ADMIN]}}, pinned))

    assert found == []
    assert sent > 500


def test_generated_requests_find_no_fault_in_public(clinic, live_server):
    known = {
        "organizationId": [str(clinic.organization.uuid)], "groupId": [str(clinic.group.uuid)],
        "programId": [str(clinic.catalogs["program"].uuid)], "protocolId": [str(clinic.catalogs["protocol"].uuid)],
    }  # fmt: skip
    described = furnished("public", known, left_out=("timezone", "phoneNumber", "smsLoginEnabled"))
    pinned = {"path.patient_id": str(clinic.patient().uuid)}

    sent, found = run(api(live_server, described, {"apiKey": {"bearer": clinic.keys[Role.HC_ADMIN]}}, pinned))

    assert found == []
    assert sent > 500


def test_generated_requests_find_no_fault_in_general(clinic, live_server):
    described = furnished("general", {})
    pinned = {"path.patient_id": clinic.patient().pk}

    sent, found = run(api(live_server, described, {"userToken": {"api_key": clinic.keys[Role.HC_ADMIN]}}, pinned))

    assert found == []
    assert sent > 500
