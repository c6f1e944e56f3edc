"""What a message says and how it is signed, as its receiver sees it."""

import datetime
import json
import time
from functools import partial

import pytest
from django.test import override_settings
from django.utils import timezone
from standardwebhooks import Webhook, WebhookVerificationError

from accounts.models import OutboxEvent
from exports.models import WebhookEndpoint, WebhookFormat
from exports.services import create_endpoint, rotate_secret, send_test
from exports.webhooks import worker
from exports.webhooks.worker import Worker
from patients.services.lifecycle import archive_patient, record_death, restore_patient, transition_status
from tests.clinical.merging import merge, unmerge
from tests.clock import wait_for_the_next_moment
from tests.factories import SYSTEM
from tests.receivers import receiving


@pytest.fixture(autouse=True)
def no_older_events(db):
    OutboxEvent.objects.all().delete()


@pytest.fixture
def sent(clinic):
    """Return what makes an endpoint, does something, and returns the secret and what was received."""

    def run(do, **values):
        with receiving() as receiver:
            given = {"description": "Test", "event_types": ["patient.created"]} | values
            row, secret = create_endpoint(actor=SYSTEM, organization=clinic.organization, url=receiver.url, **given)
            do(row)
            Worker().run(once=True)
        return secret, receiver.messages

    return run


def test_the_public_package_takes_our_signature(clinic, sent):
    secret, (message,) = sent(lambda row: clinic.patient())
    assert Webhook(secret).verify(message.body, message.headers) == message.json
    event = OutboxEvent.objects.get(type="patient.created")
    assert message.id == str(event.uuid)
    assert message.headers["content-type"] == "application/json"


def test_it_refuses_what_was_altered_and_the_signature_of_others(clinic, sent):
    secret, (message,) = sent(lambda row: clinic.patient())
    other = {"webhook-id": "1", "webhook-timestamp": str(int(time.time()) + 1), "webhook-signature": "v1,AAAA"}
    altered = [(message.body.replace(b"created", b"deleted"), message.headers)]
    altered += [(message.body, message.headers | {name: value}) for name, value in other.items()]
    for body, headers in altered:
        with pytest.raises(WebhookVerificationError):
            Webhook(secret).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + "A" * 44).verify(message.body, message.headers)


@pytest.mark.parametrize("seconds", [-360, 360])  # it takes five minutes; one more, for a slow machine
def test_it_refuses_an_old_message_which_is_one_that_somebody_has_kept_and_sends_again(clinic, sent, monkeypatch, seconds):
    now = time.time
    monkeypatch.setattr(worker.time, "time", lambda: now() + seconds)
    secret, (message,) = sent(lambda row: clinic.patient())
    monkeypatch.undo()
    with pytest.raises(WebhookVerificationError, match="too old" if seconds < 0 else "too new"):
        Webhook(secret).verify(message.body, message.headers)


def test_a_retry_is_signed_anew_and_has_the_same_id_and_body(clinic, monkeypatch):
    with receiving(lambda handler, message: 500) as receiver:
        _, secret = create_endpoint(actor=SYSTEM, organization=clinic.organization, url=receiver.url, description="Test")
        Worker().run(once=True)
        later, now = timezone.now() + datetime.timedelta(seconds=7), time.time
        monkeypatch.setattr(timezone, "now", lambda: later)
        monkeypatch.setattr(worker.time, "time", lambda: now() + 7)
        Worker().run(once=True)
    first, second = receiver.messages
    assert (first.id, first.body) == (second.id, second.body)
    assert int(second.headers["webhook-timestamp"]) >= int(first.headers["webhook-timestamp"]) + 7
    Webhook(secret).verify(second.body, second.headers)


def test_for_a_day_after_a_rotation_both_secrets_sign(clinic, sent, monkeypatch):
    new = []

    def rotate(row):
        new.append(rotate_secret(actor=SYSTEM, endpoint=row, base_version=1))
        clinic.patient()

    old, (message,) = sent(rotate)
    for secret in (old, *new):
        Webhook(secret).verify(message.body, message.headers)
    later = timezone.now() + datetime.timedelta(days=1, seconds=1)
    monkeypatch.setattr(timezone, "now", lambda: later)
    with receiving() as receiver:
        WebhookEndpoint.objects.update(url=receiver.url)
        clinic.patient()
        Worker().run(once=True)
    Webhook(new[0]).verify(receiver.messages[0].body, receiver.messages[0].headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(old).verify(receiver.messages[0].body, receiver.messages[0].headers)


def test_a_message_says_what_happened_and_to_which_row_and_nothing_about_a_person(clinic, sent):
    patients = []
    _, (message,) = sent(
        lambda row: patients.append(
            clinic.patient(first_name="Adelheid", last_name="Quistorp", email="a.q@mail.example", mobile_phone="+31612345678")
        )
    )
    event = OutboxEvent.objects.get(type="patient.created")
    assert message.json == {
        "type": "patient.created",
        "timestamp": event.created_at.isoformat(),
        "data": {
            "id": str(event.uuid),
            "organization_uuid": str(clinic.organization.uuid),
            "subject_uuid": str(patients[0].uuid),
            "patient_uuid": str(patients[0].uuid),
            "version": 1,
            "key_id": "",
        },
    }
    told = (message.body.decode() + message.path + json.dumps(message.headers)).lower()
    assert not any(word in told for word in ("adelheid", "quistorp", "mail.example", "31612345678"))


def test_luscii_s_envelope_has_its_names_and_the_statuses_before_and_after(clinic, sent):
    patients = []

    def live(row):
        patients.append(clinic.patient())
        pk = patients[0].pk
        for change in (
            partial(transition_status, base_version=1, new_status="inactive"),
            partial(transition_status, base_version=2, new_status="active"),
            archive_patient,
            restore_patient,
            partial(record_death, at=timezone.now()),
        ):
            wait_for_the_next_moment()
            change(actor=SYSTEM, patient_id=pk)

    with override_settings(PUBLIC_URL="https://anamnesis.example"):
        _, messages = sent(live, format=WebhookFormat.LUSCII, event_types=None)
    uuid = str(patients[0].uuid)
    created, *changes = (message.json for message in messages)
    event = OutboxEvent.objects.get(type="patient.created")
    assert created == {
        "eventType": "com.luscii.patient.created.v1",
        "eventId": str(event.uuid),
        "datetime": event.created_at.isoformat(),
        "organizationId": str(clinic.organization.uuid),
        "payload": {"url": f"https://anamnesis.example/v1/patients/{uuid}", "resource": {"id": uuid}},
    }
    assert {change["eventType"] for change in changes} == {"com.luscii.patient.status_updated.v1"}
    statuses = [change["payload"]["statusChange"] for change in changes]
    assert [(one["oldStatus"], one["newStatus"], one["reason"]) for one in statuses] == [
        (None, "stopped", None),
        ("stopped", "active", None),
        ("active", "stopped", None),
        ("stopped", "stopped", None),
        ("stopped", "stopped", None),
    ]


def test_who_is_parted_from_a_merge_has_the_status_from_before(clinic, sent):
    def live(row):
        survivor, other = clinic.patient(), clinic.patient(status="active")
        for change in (partial(merge, survivor, other), partial(unmerge, other)):
            wait_for_the_next_moment()
            change()

    _, messages = sent(live, format=WebhookFormat.LUSCII, event_types=None)
    changes = [change for message in messages if (change := message.json["payload"].get("statusChange"))]
    assert [change["newStatus"] for change in changes] == ["stopped", "active"]


def test_what_has_no_name_in_luscii_s_format_comes_in_the_standard_one(clinic, sent):
    _, (test,) = sent(lambda row: send_test(actor=SYSTEM, endpoint=row), format=WebhookFormat.LUSCII, event_types=None)
    assert test.json["type"] == "webhook_endpoint.tested"
    assert "com.luscii" not in test.body.decode()
