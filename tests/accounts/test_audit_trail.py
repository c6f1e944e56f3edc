"""What an event tells beside who did what: from which address, what was refused, and to whom the trail shows it."""

import re
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import AuditEvent, Role
from patients.models import Patient
from tests.accounts.test_audit import ONE, affected_patients, event_of, speaker
from tests.cast import ROUTES, VIEWS
from tests.conftest import ApiClient
from tests.factories import new_key
from tests.pages import sign_in, url


@pytest.fixture
def people(clinic) -> list[Patient]:
    return [clinic.patient(last_name=f"Last{number}", first_name="Same") for number in range(3)]


# --- the address ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [(0, "203.0.113.9", "198.51.100.2"), (1, "203.0.113.9", "203.0.113.9"), (2, "10.0.0.1, 203.0.113.9", "10.0.0.1")],
)
def test_every_event_has_the_address_behind_the_trusted_proxies(clinic, people, settings, proxies, forwarded, address):
    settings.TRUSTED_PROXIES = proxies
    # No address of a new key is a new one, which would be an event of its own.
    client = ApiClient(new_key(clinic.users[Role.HC_ADMIN]))
    client.client.defaults["REMOTE_ADDR"] = "198.51.100.2"
    for speak, action in (
        (lambda: client.get(f"/v1/patients/{people[0].uuid}", X_Forwarded_For=forwarded), "patient.read"),
        (lambda: client.get(f"/v1/patients/{uuid4()}", X_Forwarded_For=forwarded), "patient.read"),
        (lambda: client.post(f"{clinic.base}/patients/{people[0].uuid}/archive", X_Forwarded_For=forwarded), "patient.archive"),
    ):
        event = AuditEvent.objects.filter(address=address).order_by("id")
        before = event.count()
        speak()
        assert (event.count(), event.last().action) == (before + 1, action)


# --- what refused requests name ---------------------------------------------------------------------


@pytest.mark.parametrize("path", ONE)
@pytest.mark.parametrize("exists", [True, False])
def test_a_refused_read_names_what_it_asked_for_whether_or_not_it_exists(clinic, neighbour, api, general, path, exists):
    foreign = neighbour.patient()
    uuid, pk = (foreign.uuid, foreign.pk) if exists else (uuid4(), 2**40)
    client = speaker(path, api, general, Role.HC_PRIMARY)
    event = event_of(lambda: client.get(path.format(base=clinic.base, uuid=uuid, pk=pk)))
    assert (event.outcome, event.action, event.subject) == ("denied", "patient.read", "patient")
    named = (event.subject_uuid, event.patient_uuid, event.subject_id, event.patient_id)
    assert named == ((None, None, pk, pk) if path.startswith("/general") else (uuid, uuid, None, None))
    assert affected_patients(event) == []


def test_a_refused_read_of_an_entry_names_the_patient_too(clinic, neighbour, api):
    patient, entry = uuid4(), uuid4()
    event = event_of(lambda: api().get(f"{clinic.base}/patients/{patient}/allergies/{entry}"))
    assert (event.action, event.subject, event.subject_uuid, event.patient_uuid) == ("allergy.read", "allergy", entry, patient)


def test_what_is_no_id_is_not_kept(clinic, api):
    event = event_of(lambda: api().get("/v1/patients/Ada%20Quist"))
    assert (event.outcome, event.subject, event.subject_uuid, event.patient_uuid) == ("denied", "patient", None, None)
    assert "Quist" not in str(AuditEvent.objects.filter(pk=event.pk).values().get())


def parts_of(route: str) -> list[str]:
    return re.findall(r"<(\w+)>", route)


@pytest.mark.parametrize("route", [route for route in ROUTES if any(part.startswith("patient_") for part in parts_of(route))])
def test_every_path_that_names_a_patient_says_whom(route):
    view = VIEWS[route].cls()
    uuid = uuid4()
    number = route.startswith("general")
    view.kwargs = {part: "7" if number else str(uuid) for part in parts_of(route)}
    named = view.named_in_path()
    assert (named.get("patient_id"), named.get("patient_uuid")) == ((7, None) if number else (None, uuid))


@pytest.mark.parametrize(
    ("method", "page", "action"), [("get", "change", "read"), ("post", "change", "update"), ("get", "history", "read")]
)
def test_the_admin_records_who_asks_for_a_patient_out_of_sight(clinic, neighbour, method, page, action):
    patient = neighbour.patient()
    client = sign_in(clinic.users[Role.HC_PRIMARY])
    for pk in (patient.pk, 2**40):
        event = event_of(lambda pk=pk: getattr(client, method)(url(Patient, page, pk)))
        assert (event.outcome, event.action, event.subject_id, event.patient_id) == ("denied", f"patient.{action}", pk, pk)


def test_the_admin_records_which_page_was_refused(clinic):
    client = sign_in(clinic.users[Role.HC_VIEW_ALL])
    event = event_of(lambda: client.get(url(Patient, "add")))
    assert (event.outcome, event.action, event.subject) == ("denied", "patient.create", "patient")
    assert client.get(url(Patient, "change", "Ada")).status_code == 302
    assert AuditEvent.objects.latest("id").subject_id is None


# --- words ------------------------------------------------------------------------------------------


def test_a_potential_duplicate_and_a_repeated_response_have_words_of_their_own(clinic, api):
    body = {"first_name": "Ada", "last_name": "Quist", "date_of_birth": "1980-01-01"}
    first = api().post(f"{clinic.base}/patients", body).json()
    made = [api().post(f"{clinic.base}/patients", body, Idempotency_Key="again") for _ in range(2)]
    assert made[0].json()["potential_duplicates"]
    events = AuditEvent.objects.filter(organization_id=clinic.organization.pk, action__startswith="patient.").order_by("id")
    words = ["patient.create", "patient.create", "patient.match", "patient.replay"]
    assert list(events.values_list("action", flat=True))[-4:] == words
    match, replay = list(events)[-2:]
    assert affected_patients(match) == [(clinic.organization.pk, Patient.objects.get(uuid=first["id"]).pk)]
    assert affected_patients(replay) == [(clinic.organization.pk, Patient.objects.get(uuid=made[0].json()["id"]).pk)]


# --- what an administrator sees of it ---------------------------------------------------------------


def shown_to(user, **query) -> set[int]:
    response = sign_in(user).get(reverse("admin:audit"), {"what": "all", **query})
    return {row.event.pk for _, rows in response.context["days"] for row in rows}


def test_a_superadmins_read_and_change_are_seen_by_the_clinic(clinic, neighbour, api, people):
    root = api(Role.FC_ADMIN)
    read = event_of(lambda: root.get(f"{clinic.base}/patients/{people[0].uuid}"))
    changed = event_of(lambda: root.patch(f"{clinic.base}/patients/{people[0].uuid}", {"base_version": 1, "city": "Hill"}))
    foreign = neighbour.patient()
    elsewhere = event_of(lambda: root.get(f"{neighbour.base}/patients/{foreign.uuid}"))
    admin = clinic.users[Role.HC_ADMIN]
    assert read.organization_id is None
    assert shown_to(admin) >= {read.pk, changed.pk}
    assert elsewhere.pk not in shown_to(admin)
    assert shown_to(admin, patient=people[0].pk) >= {read.pk, changed.pk}
    assert shown_to(admin, patient=people[1].pk).isdisjoint({read.pk, changed.pk})
    assert read.pk not in shown_to(neighbour.users[Role.HC_ADMIN])
    root = clinic.users[Role.FC_ADMIN]
    assert shown_to(root) >= {read.pk, elsewhere.pk}
    assert changed.pk not in shown_to(root)
    assert shown_to(root, organization=clinic.organization.pk) >= {read.pk, changed.pk}
    assert elsewhere.pk not in shown_to(root, organization=clinic.organization.pk)
    assert shown_to(root, patient=people[0].pk) >= {read.pk, changed.pk}


@pytest.mark.parametrize("path", ONE)
def test_an_attempt_from_outside_is_seen_by_the_clinic_whose_patient_was_named(clinic, neighbour, api, general, path):
    mine = clinic.patient()
    client = speaker(path, lambda role: api(role, neighbour), lambda role: general(role, neighbour))
    event = event_of(lambda: client.get(path.format(base=neighbour.base, uuid=mine.uuid, pk=mine.pk)))
    assert (event.outcome, event.organization_id) == ("denied", neighbour.organization.pk)
    admin = clinic.users[Role.HC_ADMIN]
    assert event.pk in shown_to(admin)
    assert shown_to(admin, patient=mine.pk) >= {event.pk}
    assert event.pk in shown_to(neighbour.users[Role.HC_ADMIN])
    unknown = event_of(lambda: client.get(path.format(base=neighbour.base, uuid=uuid4(), pk=2**40)))
    assert unknown.pk not in shown_to(admin)


def test_the_trail_costs_the_same_statements_however_many_events_it_shows(clinic, api, people):
    client = sign_in(clinic.users[Role.HC_ADMIN])

    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get(reverse("admin:audit"), {"what": "all"})
        return len(captured)

    statements()
    few = statements()
    for _ in range(10):
        api(Role.FC_ADMIN).get(f"{clinic.base}/patients")
    assert statements() == few
