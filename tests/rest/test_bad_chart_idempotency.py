"""Idempotency-Key on the creates of charts: what is no key, and what a key cannot be used for again."""

import pytest

from accounts.models import IdempotencyRecord, User
from accounts.scope import Role
from accounts.services.catalogs import archive_catalog_row
from clinical.models import Disease, DiseaseDefinition, Measurement
from config.rest import idempotency
from patients.models import Patient, Relationship
from tests.charts import BODIES, Chart, ChartBody, address
from tests.factories import SYSTEM, archive

HONOURED = [body for body in BODIES if body.action in body.view.idempotent_actions]
(DISEASES,) = (body for body in HONOURED if body.view.model is Disease)
(MEASUREMENTS,) = (body for body in HONOURED if body.view.model is Measurement)


class Sent:
    """One body for one chart, sent with one key."""

    def __init__(self, clinic, body: ChartBody):
        self.chart = Chart(clinic, body)
        self.wire = self.chart.wire
        self.chart.patient = clinic.patient(care_group_id=clinic.group.pk)
        self.path, self.values = address(clinic, self.chart.patient, body.route), self.chart.least()

    def __call__(self, key: str = "k", role: str = Role.HC_ADMIN, path: str = "", **values):
        return self.wire.client(role).post(path or self.path, {**self.values, **values}, Idempotency_Key=key)

    def count(self) -> int:
        return self.chart.body.view.model._base_manager.count()


@pytest.fixture
def send(request, clinic) -> Sent:
    return Sent(clinic, getattr(request, "param", DISEASES))


in_both_dialects = pytest.mark.parametrize("send", [DISEASES, MEASUREMENTS], indirect=True, ids=str)


@pytest.mark.parametrize("body", HONOURED, ids=str)
def test_what_is_no_key_is_400_and_nothing_is_made(clinic, body):
    send = Sent(clinic, body)
    for key in ("", " ", "a b", "a" * 256, "a" * 65_536, "a\tb", "a\x00", "a\x7f", "a\n", "é", "٣", "one,two", "one, two"):
        send.wire.limited(send.wire.checked(send(key), 400))
    assert send.count() == 0
    assert not IdempotencyRecord.objects.exists()


@in_both_dialects
def test_the_longest_key_is_taken_and_replayed_to_the_byte(send):
    first, again = send("a" * 255), send("a" * 255)
    assert (first.status_code, again.status_code, again.content) == (201, 201, first.content)
    assert ("Idempotent-Replayed" in first.headers, again.headers["Idempotent-Replayed"]) == (False, "true")
    assert send.count() == 1


def test_same_key_with_another_body_query_route_or_patient_is_409(send, clinic):
    assert send().status_code == 201
    one = f"{clinic.base}/patients/{send.chart.patient.uuid}"
    other = address(clinic, clinic.patient(), DISEASES.route)
    for path, values in (
        (send.path, {"patient_note": "more"}),
        (f"{send.path}?x=1", {}),
        (f"{one}/allergies", {}),
        (other, {}),
    ):
        assert send.wire.checked(send(path=path, **values), 409).json() == {"detail": "Idempotency conflict"}
    assert (send.count(), IdempotencyRecord.objects.count()) == (1, 1)


def test_same_key_for_one_measurement_and_for_a_batch_is_409(clinic):
    """Also for the batch again in another order, and for another patient."""
    send = Sent(clinic, MEASUREMENTS)
    one, two = send.values, {**send.values, "value": 6}
    assert send(measurements=[one, two]).status_code == 201
    other = address(clinic, clinic.patient(), MEASUREMENTS.route)
    for path, values in (
        (send.path, {}),
        (send.path, {"measurements": [two, one]}),
        (other, {"measurements": [one, two]}),
        (f"{send.path}?x=1", {"measurements": [one, two]}),
    ):
        send.wire.checked(send(path=path, **values), 409)
    assert (send.count(), IdempotencyRecord.objects.count()) == (2, 1)


@in_both_dialects
def test_keys_of_users_are_their_own(send):
    answers = [send(role=role) for role in (Role.HC_ADMIN, Role.HC_PRIMARY, Role.HC_SECONDARY, Role.FC_ADMIN)]
    assert [answer.status_code for answer in answers] == [201] * 4
    assert all("Idempotent-Replayed" not in answer.headers for answer in answers)
    assert send.count() == 4


def test_failures_are_not_remembered(send):
    assert send(problem_status="nope").status_code == 422
    assert send(disease_definition_uuid="01890000-0000-7000-8000-000000000000").status_code == 404
    assert not IdempotencyRecord.objects.exists()
    assert send().status_code == 201


def lose_patient(clinic, neighbour, patient) -> tuple[int, str]:
    archive(patient)
    return 404, "Patient not found"


def lose_group(clinic, neighbour, patient) -> tuple[int, str]:
    Patient.objects.filter(pk=patient.pk).update(care_group=clinic.other_group)
    return 404, "Patient not found"


def lose_organization(clinic, neighbour, patient) -> tuple[int, str]:
    User.objects.filter(pk=clinic.users[Role.HC_PRIMARY].pk).update(organization=neighbour.organization)
    return 404, "Organization not found"


def lose_role(clinic, neighbour, patient) -> tuple[int, str]:
    User.objects.filter(pk=clinic.users[Role.HC_PRIMARY].pk).update(role=Role.HC_VIEW_ALL)
    return 403, "You are not permitted to do this"


@in_both_dialects
@pytest.mark.parametrize("lose", [lose_patient, lose_group, lose_organization, lose_role])
def test_stored_answer_is_not_for_who_has_lost_access(send, clinic, neighbour, lose):
    first = send(role=Role.HC_PRIMARY)
    assert first.status_code == 201
    status, text = lose(clinic, neighbour, send.chart.patient)
    response = send.wire.checked(send(role=Role.HC_PRIMARY), status)
    assert "Idempotent-Replayed" not in response.headers
    assert send.wire.message(response) == (text if send.wire.name == "practice" else text.replace("Organization", "Patient"))
    assert str(send.chart.written(first).uuid) not in response.content.decode()
    assert send.count() == 1


def test_stored_answer_is_not_for_who_has_lost_the_patient_that_it_names(clinic):
    """The answer shows their name, and it was stored when the caller could see it."""
    clinic.patient(care_group_id=clinic.group.pk)
    (relationships,) = (body for body in HONOURED if body.view.model is Relationship)
    send = Sent(clinic, relationships)
    named = Patient.objects.get(uuid=send.values["to_patient_uuid"])
    first = send(role=Role.HC_PRIMARY)
    assert (first.status_code, send(role=Role.HC_PRIMARY).content) == (201, first.content)
    Patient.objects.filter(pk=named.pk).update(care_group=clinic.other_group)
    response = send.wire.checked(send(role=Role.HC_PRIMARY), 404)
    assert str(named.first_name) not in response.content.decode()


def test_stored_answer_is_not_for_who_has_lost_the_guarantor_that_it_names(clinic, api):
    guarantor = clinic.patient(care_group_id=clinic.group.pk)
    body = {"first_name": "Ada", "last_name": "Quist", "responsible_party_uuid": str(guarantor.uuid)}
    path, caller = f"{clinic.base}/patients", api(Role.HC_PRIMARY)
    assert caller.post(path, body, Idempotency_Key="k").status_code == 201
    Patient.objects.filter(pk=guarantor.pk).update(care_group=clinic.other_group)
    assert caller.post(path, body, Idempotency_Key="k").status_code == 404


def test_stored_answer_stays_where_a_definition_that_it_names_is_archived(send, clinic):
    first = send()
    definition = DiseaseDefinition.objects.get(uuid=send.values["disease_definition_uuid"])
    archive_catalog_row(actor=SYSTEM, row=definition, base_version=1)
    assert send().content == first.content


@in_both_dialects
def test_key_that_is_in_use_is_409_with_the_time_to_come_back(send, monkeypatch):
    monkeypatch.setattr(idempotency, "try_advisory_lock", lambda name: False)
    response = send.wire.checked(send(), 409)
    assert response.headers["Retry-After"] == "1"
    assert send.count() == 0


def test_changes_ignore_the_header(send, clinic):
    """The document has it on creates; a change is guarded by its version."""
    entry = clinic.entry(Disease, send.chart.patient)
    one = f"{send.path}/{entry.uuid}"
    for path, verb in ((one, "PATCH"), (f"{one}/archive", "POST")):
        version = Disease.objects.get(pk=entry.pk).version
        answer = send.wire.client()(verb, path, {"base_version": version}, Idempotency_Key="")
        assert answer.status_code == 200
    assert not IdempotencyRecord.objects.exists()


def test_stored_answer_cannot_be_read_in_the_database(send):
    assert send(patient_note="ZZcanary").status_code == 201
    assert b"ZZcanary" not in bytes(IdempotencyRecord.objects.get().answer)
