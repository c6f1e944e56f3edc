"""What a patient could be known by stays out of logs, of names of rows, and of every table but its own.

Canaries (text with ZZ in it) go in by every way a client has; nothing that is written down may hold one.
"""

import io
import json
import logging
import re
import sys

import pytest
from django.apps import apps
from django.db import DataError, IntegrityError, OperationalError

from accounts.models import AuditEvent
from accounts.scope import Role
from config.core.logs import NOBODY, JsonFormatter, TextFormatter, caller, request_id
from config.rest.compiled.plans import ResponsePlan
from patients.models import Enrolment, Patient
from patients.practice.serializers import PracticePatientItemOut
from tests.pages import sign_in
from tests.rest.wire import CHANGES, DIALECTS, Wire

CANARY = "ZZcanary"


@pytest.fixture
def lines():
    """Return a function that gives the log lines so far, as the server writes them at its usual level."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    # A test that calls what pages call, without a request, leaves its caller to this thread.
    caller.set(NOBODY)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture(params=DIALECTS)
def wire(request, clinic) -> Wire:
    return Wire(request.param, clinic)


def marked(wire: Wire) -> dict:
    """Return a body that makes a patient and holds canaries wherever text goes."""
    if wire.name == "public":
        return wire.values(
            firstName=f"{CANARY}1",
            lastName=f"{CANARY}2",
            accountName=f"{CANARY}3",
            email=f"{CANARY}@a.nl",
            patientNumber=f"{CANARY}4",
            comments=f"{CANARY}5",
            addressCity=f"{CANARY}6",
        )
    texts = {"first_name": f"{CANARY}1", "last_name": f"{CANARY}2", "email": f"{CANARY}@a.nl"}
    if wire.name == "practice":
        texts |= {"chart_number": f"{CANARY}4", "social_security_number": f"{CANARY}7", "medical_summary": f"{CANARY}8"}
    return wire.values(**texts)


def requests_of_every_kind(wire: Wire) -> list:
    """Send good and bad requests full of canaries; return the answers."""
    client, patients = wire.client(), wire.patients
    answers = [wire.create(marked(wire)), wire.create(marked(wire)), client.get(patients)]
    patient = Patient.objects.order_by("pk").first()
    answers += [
        client.get(wire.address(patient)),
        client.get(patients, {"search": CANARY, "cursor": CANARY, "status": CANARY, "page": CANARY}),
        client.get(f"{patients}/{CANARY}"),
        client.get(f"{wire.unknown}/{CANARY}", {"q": CANARY}),
        client(CANARY.upper(), f"{patients}/{CANARY}"),
        wire.create({**marked(wire), "sex": CANARY, "gender": CANARY}),
        wire.create({CANARY: CANARY}),
        client("POST", patients, raw=f'{{"first_name": "{CANARY}"'.encode()),
        client("POST", patients, raw=f'{{"{CANARY}\\u0000": "{CANARY}\\ud800"}}'.encode()),
        client("POST", patients, raw=CANARY.encode(), **{"Content-Type": f"text/{CANARY}"}),
        client.post(patients, {}, Idempotency_Key=f"{CANARY} x"),
        client.get(patients, Host=f"{CANARY}.test", Referer=f"https://x.test/{CANARY}", User_Agent=CANARY),
        wire.with_key(CANARY).get(patients, {"api_key": CANARY}),
        wire.with_key(None).get(patients, X_User=CANARY),
    ]
    if wire.name in CHANGES:
        answers.append(wire.change(patient, {"last_name": f"{CANARY}9"}))
        answers.append(wire.change(patient, {"email": CANARY}))
    return answers


def test_a_request_is_one_line_with_route_status_and_id(wire, lines):
    patient = wire.clinic.patient()
    response = wire.client().get(wire.address(patient), {"q": "x"})
    (line,) = lines()
    route = {
        "practice": "api/v1/<org_id>/patients/<patient_uuid>",
        "public": "v1/patients/<patient_id>",
        "general": "general/v1/patients/<patient_id>",
    }[wire.name]
    about = {"request_id", "organization_id", "key_id", "method", "route", "status", "ms"}
    assert set(line) == {"time", "level", "logger", "event", *about}
    assert (line["organization_id"], line["key_id"]) == (wire.clinic.organization.pk, wire.client().key.split("_")[1])
    assert (line["event"], line["method"], line["route"], line["status"]) == ("request", "GET", route, 200)
    assert line["request_id"] == response.headers["X-Request-Id"]


def test_no_line_holds_what_a_client_sent(wire, lines):
    answers = requests_of_every_kind(wire)
    written = lines()
    assert len(written) == len(answers)
    assert [line["request_id"] for line in written] == [answer.headers["X-Request-Id"] for answer in answers]
    assert {line["status"] for line in written} >= {200, 201, 400, 401, 404, 422}
    without_verb = [{name: value for name, value in line.items() if name != "method"} for line in written]
    assert CANARY.lower() not in json.dumps(without_verb).lower()
    assert "?" not in json.dumps([line["route"] for line in written])


def test_every_line_of_a_request_tells_whose_it_is_and_none_of_the_next(wire, lines, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError(CANARY)

    monkeypatch.setattr(f"patients.{wire.name}.views.create_patient", fail)
    wire.create(marked(wire))
    wire.with_key(None).get(wire.patients)
    wire.with_key(CANARY).get(wire.patients)
    fault, request, *anonymous = lines()
    whose = {"organization_id": wire.clinic.organization.pk, "key_id": wire.client().key.split("_")[1]}
    for line in (fault, request):
        assert {name: line[name] for name in whose} == whose
    for line in anonymous:
        assert {name: line[name] for name in whose} == {"organization_id": None, "key_id": ""}


def test_a_page_tells_the_organization_and_no_key(clinic, lines):
    patient = clinic.patient(first_name=f"{CANARY}a")
    sign_in(clinic.users[Role.HC_ADMIN]).get(f"/admin/patients/patient/{patient.pk}/", {"q": CANARY})
    sign_in(clinic.users[Role.FC_ADMIN]).get("/admin/")
    (_, page), (_, home) = ((line.pop("event"), line) for line in lines() if line["event"] == "request")
    assert (page["organization_id"], page["key_id"]) == (clinic.organization.pk, "")
    assert page["route"] == "admin/patients/patient/<int:patient_id>/"
    assert (home["organization_id"], home["key_id"]) == (None, "")
    assert CANARY not in json.dumps(lines())


def test_lines_for_people_hold_the_same_and_no_more(wire, lines):
    shown = io.StringIO()
    handler = logging.StreamHandler(shown)
    handler.setFormatter(TextFormatter())
    logging.getLogger().addHandler(handler)
    try:
        answers = requests_of_every_kind(wire)
        try:
            raise ValueError(CANARY)
        except ValueError:
            logging.getLogger("some.library").exception("could not\nhandle %s", CANARY)
    finally:
        logging.getLogger().removeHandler(handler)
    *requests, fault = shown.getvalue().splitlines()
    ids = [re.search(r"request_id=(\w+)", line)[1] for line in requests]
    assert ids == [answer.headers["X-Request-Id"] for answer in answers]
    known = r"request_id=\w+ organization_id=\d+ key_id=\w+ method=POST route="
    assert re.search(rf"info anamnesis.request request  {known}", requests[0])
    assert re.search(r"error some.library could not \| handle %s  exception=ValueError at=tests/test_privacy.py:\d+$", fault)
    # The word for a method is the client's own.
    assert CANARY.lower() not in re.sub(r"method=\S+", "", shown.getvalue()).lower()
    assert len(lines()) == len(requests) + 1


FAULTS = [
    RuntimeError(CANARY),
    KeyError(CANARY),
    OperationalError(CANARY),
    DataError(f"invalid input: {CANARY}"),
    IntegrityError(f"UNIQUE constraint failed: x\nDETAIL: Key (name)=({CANARY})"),
    ExceptionGroup(CANARY, [ValueError(CANARY)]),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: type(fault).__name__)
def test_no_fault_is_logged_with_its_message(wire, lines, monkeypatch, fault):
    def fail(*args, **kwargs):
        try:
            raise ValueError(CANARY)
        except ValueError as cause:
            raise fault from cause

    monkeypatch.setattr(f"patients.{wire.name}.views.create_patient", fail)
    response = wire.create(marked(wire))
    assert response.status_code in (500, 503)
    *errors, request = lines()
    assert errors, "a fault is logged"
    assert {line["request_id"] for line in (*errors, request)} == {response.headers["X-Request-Id"]}
    assert CANARY not in json.dumps(errors)
    assert CANARY not in response.content.decode()


def test_fault_outside_the_views_is_logged_without_its_message(clinic, client, lines, monkeypatch):
    def fail(request):
        raise RuntimeError(CANARY)

    monkeypatch.setattr("django.http.HttpRequest.get_host", fail)
    client.raise_request_exception = False
    assert client.get("/admin/").status_code == 500
    assert CANARY not in json.dumps(lines())
    assert [line["exception"] for line in lines() if "exception" in line] == ["RuntimeError"]


def formatted(fail) -> dict:
    try:
        fail()
    except Exception:
        record = logging.LogRecord("x", logging.ERROR, "x.py", 1, "failed", (), sys.exc_info())
    return json.loads(JsonFormatter().format(record))


def test_fault_in_generated_code_has_a_place_too():
    """Read serializers are compiled at run time: their code lies in no file."""
    build = ResponsePlan(PracticePatientItemOut)._build
    line = formatted(lambda: build((), None))
    assert line["exception"] == "IndexError"
    assert any(place.startswith("<plan of PracticePatientItemOut>:") for place in line["at"])


def test_places_are_two_names_and_a_line():
    line = formatted(lambda: 1 / 0)
    assert all(place.count("/") <= 1 and place.rsplit(":", 1)[1].isdigit() for place in line["at"])
    assert line["at"][-1].startswith("tests/test_privacy.py:")


def test_values_in_the_message_of_a_fault_are_left_out(lines):
    """Whoever logs an exception may put what they had in hand into the message."""
    try:
        raise ValueError(CANARY)
    except ValueError:
        logging.getLogger("some.library").exception("could not handle %s", CANARY)
    (line,) = lines()
    assert (line["event"], line["exception"]) == ("could not handle %s", "ValueError")


def test_lines_outside_a_request_have_no_id():
    assert request_id.get() == ""


def test_request_ids_are_the_servers_own(wire):
    """What a client sends as X-Request-Id goes nowhere."""
    answers = [wire.client().get(wire.patients, X_Request_Id=CANARY) for _ in range(2)]
    ids = {answer.headers["X-Request-Id"] for answer in answers}
    assert len(ids) == 2
    assert CANARY not in ids


@pytest.fixture
def marked_record(clinic) -> Patient:
    """A patient with a canary in every text, and rows of every kind about them."""
    patient = clinic.enrolled(
        first_name=f"{CANARY}a",
        last_name=f"{CANARY}b",
        email=f"{CANARY}@x.nl",
        chart_number=f"{CANARY}c",
        social_security_number=f"{CANARY}d",
        medicaid_id=f"{CANARY}e",
        bsn=f"{CANARY}f",
        account_name=f"{CANARY}g",
        medical_urgent_note=f"{CANARY}h",
        mobile_phone=f"{CANARY}i",
        identifiers=[{"system": f"{CANARY}j", "value": f"{CANARY}k"}],
    )
    clinic.tag(patient)
    wire = Wire("practice", clinic)
    assert wire.create(wire.values(first_name=f"{CANARY}l"), Idempotency_Key="k").status_code == 201
    assert wire.change(patient, {"last_name": f"{CANARY}m"}).status_code == 200
    assert wire.client().get(wire.patients, {"search": CANARY}).json()["total"] == 2
    wire.checked(wire.client(Role.HC_VIEW_ALL).patch(f"{wire.address(patient)}?x={CANARY}", {"last_name": CANARY}), 403)
    return patient


def our_models() -> list:
    return [
        model for label in ("accounts", "patients", "clinical", "exports") for model in apps.get_app_config(label).get_models()
    ]


def test_no_row_is_named_by_what_it_holds(clinic, marked_record):
    for user in clinic.users.values():
        type(user).objects.filter(pk=user.pk).update(first_name=CANARY, last_name=CANARY, user_name=CANARY)
    named = [text for model in our_models() for row in model._base_manager.all() for text in (str(row), repr(row))]
    assert len(named) > 40
    emails = [user.email for user in clinic.users.values()]
    assert [text for text in named if CANARY.lower() in text.lower() or any(email in text for email in emails)] == []


RECORD = {"Patient", "PatientIdentifier", "NameKey", "SearchEntry"}
"""The tables that are the record: the patient, what other systems call them, and what searches and the typeahead read."""


def test_only_the_tables_of_the_record_hold_it(marked_record):
    for model in our_models():
        if model.__name__ in RECORD:
            continue
        held = str(list(model._base_manager.values())).lower()
        assert CANARY.lower() not in held, model.__name__
    assert Enrolment.objects.exists()


def test_audit_trail_names_fields_and_routes_and_no_values(marked_record):
    events = AuditEvent.objects.filter(route__contains="patients")
    assert events.filter(action="patient.update", changed_fields="last_name").exists()
    assert events.filter(outcome=AuditEvent.Outcome.DENIED).exists()
    assert not events.filter(route__contains="?").exists()


def test_identity_numbers_are_stored_as_ciphertext_only(marked_record):
    row = Patient.objects.filter(pk=marked_record.pk).values().get()
    for name in ("social_security_number", "medicaid_id", "bsn"):
        assert CANARY.encode() not in bytes(row[f"{name}_sealed"])
        assert len(bytes(row[f"{name}_index"])) == 32
    held = {name for name, value in row.items() if f"{CANARY}d".lower() in str(value).lower()}
    assert held == set()
