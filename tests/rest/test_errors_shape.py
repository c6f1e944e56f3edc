"""Every status of every dialect, in its exact words and with its headers."""

import pytest
from django.db import OperationalError

from accounts.scope import Role
from config.core.exceptions import Unavailable
from config.rest import throttling
from tests.factories import archive
from tests.rest.wire import VIEWS, Wire

EMPTY = "00000000-0000-7000-8000-000000000000"


def in_words(wire: Wire, code: str, message: str) -> dict:
    """Return the body that tells one text."""
    return {
        "practice": {"detail": message},
        "public": {"meta": {}, "errors": [{"code": code, "message": message}]},
        "general": {"errors": message},
    }[wire.name]


def test_no_key_is_401(wire):
    response = wire.limited(wire.checked(wire.with_key(None).get(wire.patients), 401))
    assert response.json() == in_words(wire, "unauthorized", "Unauthorized")
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="anamnesis"'


def test_unknown_patient_is_404(wire):
    path = f"{wire.patients}/{2**40 if wire.name == 'general' else EMPTY}"
    response = wire.limited(wire.checked(wire.client().get(path), 404))
    assert response.json() == in_words(wire, "not_found", "Patient not found")


def test_foreign_patient_gets_the_same_bytes_as_an_unknown_one(wire, neighbour):
    unknown = wire.client().get(f"{wire.patients}/{2**40 if wire.name == 'general' else EMPTY}")
    foreign = wire.client().get(wire.address(neighbour.patient()))
    assert (foreign.status_code, foreign.content) == (404, unknown.content)
    assert set(foreign.headers) == set(unknown.headers)


def test_foreign_and_archived_patients_cannot_be_changed(changing_wire, neighbour):
    wire = changing_wire
    for patient in (neighbour.patient(), archive(wire.clinic.patient())):
        response = wire.limited(wire.checked(wire.change(patient, {"first_name": "Eve"}), 404))
        assert response.json() == in_words(wire, "not_found", "Patient not found")


def test_reader_who_writes_is_403(wire):
    response = wire.limited(wire.checked(wire.create(wire.values(), wire.client(Role.HC_VIEW_ALL)), 403))
    assert response.json() == in_words(wire, "forbidden", "You are not permitted to do this")


def test_caregiver_of_another_group_is_told_so_by_the_general_dialect_only(wire):
    patient = wire.clinic.patient(care_group_id=wire.clinic.other_group.pk)
    response = wire.client(Role.HC_PRIMARY).get(wire.address(patient))
    if wire.name == "general":
        assert wire.checked(response, 403).json() == {"errors": "You are not authorized to access this patient"}
    else:
        assert wire.checked(response, 404).json() == in_words(wire, "not_found", "Patient not found")


def test_wrong_verb_is_405_with_the_verbs_that_are_allowed(wire):
    response = wire.limited(wire.checked(wire.client()("DELETE", wire.patients), 405))
    assert response.json() == in_words(wire, "method_not_allowed", 'Method "DELETE" not allowed.')
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD", "POST"}


def test_unreadable_body_is_400(wire):
    response = wire.limited(wire.checked(wire.client()("POST", wire.patients, raw=b"{"), 400))
    assert response.json() == in_words(wire, "bad_request", "The body is not valid JSON")


def test_body_over_the_limit_is_413(wire):
    response = wire.limited(wire.checked(wire.client()("POST", wire.patients, raw=b" " * 2_500_001), 413))
    assert response.json() == in_words(wire, "too_large", "The body is too large")


def test_body_of_another_type_is_415(wire):
    response = wire.client()("POST", wire.patients, raw=b"a=1", **{"Content-Type": "application/x-www-form-urlencoded"})
    wire.limited(wire.checked(response, 415))
    assert response.json() == in_words(wire, "unsupported_media_type", "The body must be application/json")


def test_missing_values_are_422_and_each_is_named(wire):
    response = wire.limited(wire.create({}))
    named = wire.named(response)
    required = {
        "practice": {"first_name", "last_name"},
        "public": {
            "accountName",
            "email",
            "organizationId",
            "programId",
            "protocolId",
            "firstName",
            "lastName",
            "sex",
        },
        "general": {"first_name", "last_name", "date_of_birth"},
    }[wire.name]
    assert set(named) == required
    assert len(named) == len(required)


def test_blank_values_of_the_general_dialect_have_the_documented_words(clinic):
    wire = Wire("general", clinic)
    assert wire.create({}).json() == {
        "errors": {
            "first_name": ["can't be blank"],
            "last_name": ["can't be blank"],
            "date_of_birth": ["can't be blank", "must be a valid date"],
        }
    }


@pytest.mark.parametrize("blank", [None, "", "  "])
@pytest.mark.parametrize("method", ["create", "change"])
def test_a_blank_date_of_the_general_dialect_has_both_documented_words(clinic, method, blank):
    wire, values = Wire("general", clinic), {"date_of_birth": blank}
    response = wire.create(wire.values(**values)) if method == "create" else wire.change(clinic.patient(), values)
    assert wire.checked(response, 422).json() == {"errors": {"date_of_birth": ["can't be blank", "must be a valid date"]}}


@pytest.mark.parametrize("body", [{}, {"patient": None}])
def test_body_without_its_wrapper_names_the_wrapper(clinic, body):
    wire = Wire("general", clinic)
    assert wire.checked(wire.client().post(wire.patients, body), 422).json() == {"errors": {"patient": ["can't be blank"]}}


def test_stale_version_is_409_with_both_versions(clinic):
    wire = Wire("practice", clinic)
    response = wire.limited(wire.checked(wire.change(clinic.patient(), {"base_version": 7}), 409))
    assert response.json() == {"detail": "Version conflict: expected 1, got 7"}


def test_taken_chart_number_is_409_in_the_practice_dialect_and_422_in_the_public_one(clinic):
    clinic.patient(chart_number="C-1")
    practice, public = Wire("practice", clinic), Wire("public", clinic)
    response = practice.checked(practice.create(practice.values(chart_number="c-1")), 409)
    assert response.json() == {"detail": "duplicate chart number"}
    assert public.named(public.create(public.values(patientNumber="c-1"))) == ["patientNumber"]


def test_too_many_requests_are_429(wire, settings):
    settings.RATE_LIMIT_PER_MINUTE = 1
    client = wire.client()
    assert client.get(wire.patients).status_code == 200
    response = wire.limited(wire.checked(client.get(wire.patients), 429))
    assert response.json() == in_words(wire, "rate_limited", "Too many requests")
    assert response.headers["X-RateLimit-Limit"] == "1"
    assert response.headers["X-RateLimit-Remaining"] == "0"


@pytest.fixture
def failing(wire, monkeypatch):
    """Return a function that makes the list of patients raise `error`."""

    def fail(error: Exception):
        def list_(self, request, *args, **kwargs):
            raise error

        monkeypatch.setattr(VIEWS[wire.name], "list", list_)

    return fail


def test_fault_of_ours_is_500_and_tells_nothing(wire, failing):
    failing(RuntimeError("ZZcanary"))
    response = wire.limited(wire.checked(wire.client().get(wire.patients), 500))
    assert response.json() == in_words(wire, "internal", "Internal server error")
    assert b"ZZcanary" not in response.content


@pytest.mark.parametrize("error", [OperationalError("ZZcanary"), Unavailable()])
def test_outage_is_503_with_the_time_to_come_back(wire, failing, error):
    failing(error)
    response = wire.limited(wire.checked(wire.client().get(wire.patients), 503))
    assert response.json() == in_words(wire, "unavailable", "Service unavailable")
    assert response.headers["Retry-After"] == "5"


def test_database_that_is_away_from_the_start_is_503(wire, monkeypatch):
    """Nothing could be counted, so no allowance is told."""

    def away(*args):
        raise OperationalError("the database system is starting up")

    monkeypatch.setattr(throttling, "_open_between", away)
    for client in (wire.client(), wire.with_key(None)):
        response = wire.checked(client.get(wire.patients), 503)
        assert response.json() == in_words(wire, "unavailable", "Service unavailable")
        assert "X-RateLimit-Limit" not in response.headers


def test_read_that_cannot_be_audited_is_503(wire, monkeypatch):
    def fail(*args, **kwargs):
        raise RuntimeError("ZZcanary")

    patient = wire.clinic.patient()
    monkeypatch.setattr("accounts.audit._audit_event", fail)
    for path in (wire.patients, wire.address(patient)):
        response = wire.limited(wire.checked(wire.client().get(path), 503))
        assert response.json() == in_words(wire, "unavailable", "Service unavailable")


def test_answers_that_succeed_carry_the_same_headers(wire):
    wire.clinic.patient()
    response = wire.limited(wire.client().get(wire.patients))
    assert response.status_code == 200
    assert len(response.headers["X-Request-Id"]) == 32
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Content-Type"] == "application/json"
