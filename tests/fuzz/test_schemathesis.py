"""Generated requests to the documented operations: no 5xx, nothing undocumented, no answer out of shape.

schemathesis runs all its checks in all its phases: boundary values, random ones, and sequences in
which one answer feeds the next request. Positive cases may still be refused with 400, 404, 409 or
422: a schema does not tell that a birthday lies in the past or that a cursor was issued here.
"""

import copy
import itertools
import re
from collections import Counter
from collections.abc import Iterator

import pytest
import schemathesis
from schemathesis.engine import Status, events, from_schema

from accounts.models import Role
from config.rest.schema import document
from tests.contracts.documents import takes_null
from tests.fuzz.known import KnownMonitoring, KnownRows, sampled

pytestmark = [pytest.mark.fuzz, pytest.mark.django_db(transaction=True)]

SEED = 20260101
EXAMPLES = {"practice": 4, "public": 25, "general": 40}
"""Random cases an operation, beside those at its boundaries: fewer where there are many operations."""


def furnished(name: str, known: dict[str, list], left_out: tuple[str, ...] = ()) -> dict:
    """Return a dialect's document in which the fields and parameters `known` take values that the server knows.

    Random references would be refused before anything else is looked at. So would the optional
    fields `left_out`, whose rules are more than a schema can tell.
    """
    made = copy.deepcopy(document(name))
    for schema in made["components"]["schemas"].values():
        # Examples are of another server: their values are none of the known ones.
        schema.pop("examples", None)
    for schema in (schema for title, schema in made["components"]["schemas"].items() if title.endswith("Request")):
        for field in known.keys() & schema["properties"].keys():
            found = schema["properties"][field]
            typed = {"type": found["type"]} if "type" in found else {}
            schema["properties"][field] = {**typed, "enum": known[field] + [None] * takes_null(found)}
        widen(schema["properties"])
        for field in left_out:
            schema["properties"].pop(field, None)
    for path in made["paths"].values():
        for operation in path.values():
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "query" and parameter["name"] in known:
                    parameter["schema"] = {"type": "string", "enum": known[parameter["name"]]}
    return made


def widen(properties: dict) -> None:
    """Let `properties` take what the server takes beyond the document, or it would have to refuse that."""
    for name, found in properties.items():
        if "number" in found.get("type", ()):
            # Decimals are taken as text, too.
            properties[name] = {"anyOf": [found, {"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?$"}]}
        if name in ("rows", "measurements"):
            # What is wrong with a row is in the result of that row.
            properties[name] = {**found, "items": {}}


def api(server, name: str, described: dict, auth: dict, **where):
    """Return the API that `described` tells of; `where` are path parameters that lead to stored rows."""
    config = {
        "base-url": server.url,
        "seed": SEED,
        "auth": {"openapi": auth},
        **where,
        "generation": {
            "max-examples": EXAMPLES[name],
            "deterministic": True,
            "no-shrink": True,
            # Keys that are none are for the check that a request without a good one is refused.
            "with-security-parameters": False,
        },
        # That other verbs are 405 is asked of every path by the tenancy sweep.
        "phases": {
            "coverage": {"unexpected-methods": ["delete"]},
            "stateful": {"generation": {"max-examples": 10}, "max-steps": 5},
        },
        "checks": {
            "positive_data_acceptance": {"expected-statuses": ["2xx", "304", "400", "404", "409", "412", "422"]},
            # More is taken than is documented: 72.0 for 72, numbers as text, nothing for a parameter that is left out. That
            # what means nothing is refused is asked by the sweeps of tests/rest, which know the one from the other.
            "negative_data_rejection": {"enabled": False},
        },
    }
    return schemathesis.openapi.from_dict(described, config=schemathesis.Config.from_dict(config))


NUMBERS = itertools.count(1)
USABLE_KEY = re.compile(r"[!-+\--~]{1,255}")
VERSIONS: dict[str, int] = {}
"""The last version of each row, by UUID."""
FRESH: dict[str, Iterator[str]] = {}
"""The id that a path is pinned to -> the ids of rows like it, each of which can be used up by one request."""
ONE_OF: dict[str, dict[str, str]] = {}
"""Bodies that name what they are about in one of several ways: the end of the path -> one way, and a good value."""


@schemathesis.hook("before_call")
def use_nothing_twice(context, case, kwargs) -> None:
    """Give each request an Idempotency-Key, an id of a measurement and a row to use up of its own, where it has one.

    With those of another request nothing else of it would be looked at. Nor would it with a cursor that was not issued
    here, so half of the requests do without.
    """
    number = next(NUMBERS)
    if number % 2:
        (case.query or {}).pop("cursor", None)
    if USABLE_KEY.fullmatch((case.headers or {}).get("Idempotency-Key") or ""):
        case.headers["Idempotency-Key"] = f"key-{number}"
    if isinstance(case.body, dict) and USABLE_KEY.fullmatch(str(case.body.get("externalId") or "")):
        case.body["externalId"] = f"external-{number}"
    for name, value in case.path_parameters.items():
        case.path_parameters[name] = next(FRESH[value], value) if value in FRESH else value


@schemathesis.hook("before_call")
def tell_apart(context, case, kwargs) -> None:
    """Give valid bodies a version that is not stale, and values of their own where two rows cannot share one."""
    if not case.meta or not case.meta.generation.mode.is_positive or not isinstance(case.body, dict):
        return
    # No row is in a state that was made up: each request would be 412.
    (case.headers or {}).pop("If-Match", None)
    for field, value in ONE_OF.get(case.path.rpartition("/")[2], {}).items():
        case.body[field] = case.body.get(field) or value
    for field in ("accountName", "patientNumber", "chart_number"):
        if case.body.get(field):
            case.body[field] = f"{field}-{next(NUMBERS)}"
    for place in (case.body, case.query or {}):
        if "base_version" in place:
            place["base_version"] = VERSIONS.get(_row_of(case), 1)


def _row_of(case) -> str:
    """Return the id of the row that the path leads to."""
    return str(case.path_parameters[re.findall(r"{(\w+)}", case.path)[-1]])


def run(loaded) -> tuple[Counter[tuple[str, bool]], list[str]]:
    """Run all phases; return how many requests each operation was sent, by whether they succeeded, and what was found."""
    sent: Counter[tuple[str, bool]] = Counter()
    found: list[str] = []
    for event in from_schema(loaded).execute():
        if isinstance(event, events.ScenarioFinished):
            sent.update(answered(event.recorder))
            found += failures(event.recorder)
        elif isinstance(event, events.NonFatalError | events.FatalError):
            found.append(f"{type(event).__name__}: {getattr(event, 'value', None) or event.exception}")
        elif isinstance(event, events.EngineFinished):
            found += [str(failure) for failure in event.failures]
    return sent, found


def answered(recorder) -> Iterator[tuple[str, bool]]:
    """Yield, for each request of a scenario, its operation and whether the answer was a success."""
    for case_id, interaction in recorder.interactions.items():
        good = interaction.response is not None and 200 <= interaction.response.status_code < 300
        yield recorder.cases[case_id].value.operation.label, good


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
    told = response.status_code in (200, 201) and response.headers["content-type"][0] == "application/json"
    shown = response.json() if told else None
    if isinstance(shown, dict) and "version" in shown:
        VERSIONS[shown["id"]] = shown["version"]


def never_succeeded(described: dict, sent: Counter[tuple[str, bool]]) -> set[str]:
    """Return the operations of the document that no request got through."""
    return {
        label
        for path, operations in described["paths"].items()
        for verb in operations
        if not sent[label := f"{verb.upper()} {path}", True]
    }


RULED = ("date_time_deceased", "referral_partner_uuid", "referral_source_uuid", "referring_patient_uuid")
"""Fields of the practice dialect whose rules are more than a schema can tell."""


def test_generated_requests_find_no_fault_in_practice(clinic, live_server):
    rows = KnownRows(clinic)
    known = rows.references()
    for path, field in {"medications": "medication_definition_uuid", "referral-attributions": "provider_uuid"}.items():
        ONE_OF[path] = {field: known[field][0]}
    # Events are kept for some days only: a moment that was made up lies before them.
    ONE_OF["replay"] = {"since": "2999-12-31T23:59:59Z"}
    described = sampled(furnished("practice", known, RULED))
    auth = {"apiKey": {"bearer": clinic.keys[Role.HC_ADMIN]}}

    sent, found = run(api(live_server, "practice", described, auth, operations=rows.pinned(described)))

    assert found == []
    assert never_succeeded(described, sent) == set()
    assert sent.total() > 500


def test_generated_requests_find_no_fault_in_public(clinic, live_server):
    known = KnownMonitoring(clinic)
    FRESH.update(known.fresh)
    described = furnished("public", known.public(), left_out=("timezone", "phoneNumber", "smsLoginEnabled"))
    auth = {"apiKey": {"bearer": clinic.keys[Role.HC_ADMIN]}}
    operations = known.operations(described, str(known.patient.uuid))

    sent, found = run(api(live_server, "public", described, auth, operations=operations))

    assert found == []
    assert never_succeeded(described, sent) == set()
    assert sent.total() > 500


def test_generated_requests_find_no_fault_in_general(clinic, live_server):
    known = KnownMonitoring(clinic)
    described = furnished("general", known.general())
    auth = {"userToken": {"api_key": clinic.keys[Role.HC_ADMIN]}}
    operations = known.operations(described, known.patient.pk)

    sent, found = run(api(live_server, "general", described, auth, operations=operations))

    assert found == []
    assert never_succeeded(described, sent) == set()
    assert sent.total() > 500
