"""A patient's own limits while they are written: told in words, and tried on what the patient measured."""

import datetime
import re

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditedPatient, Role
from clinical.models import MonitoringAlert
from patients.models import Enrolment
from tests.clinical.chart_dialogs import Dialogs, errors_of
from tests.clinical.monitored import end_enrolment
from tests.clinical.rules import HEAVY, LIMIT, OVER_100
from tests.pages import row_inputs

A_DAY = datetime.timedelta(days=1)


@pytest.fixture
def dialogs(ward, clinic) -> Dialogs:
    """Return the dialogs of a patient who weighed 95 and 110, and whose protocol has limits of 90 and 100."""
    ward.prescribe(HEAVY, OVER_100)
    patient, now = ward.patient(), timezone.now()
    Enrolment.objects.filter(patient=patient).update(start_date=now.date() - 90 * A_DAY)
    for days, weight in ((10, 95), (3, 110)):
        ward.stored(patient, weight, now - days * A_DAY)
    return Dialogs(clinic, patient)


def draft(dialogs: Dialogs, name: str, *limits: dict, instrument: str = "weight") -> str:
    """Return the fragment that answers limits that are not saved, without line ends."""
    address = reverse(f"admin:limits_{name}", args=[dialogs.patient.pk])
    answer = dialogs.client.post(address, {"instrument": instrument, **row_inputs("limits", limits)})
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def counts_of(told: str) -> list[tuple[int, int]]:
    """Return how many red, orange and grey alerts a trial tells of: as saved, and with the changes."""
    found = re.findall(r'</span></th><td class="number">(\d+)</td><td class="number"><b>(\d+)</b>', told)
    return [(int(before), int(after)) for before, after in found]


def test_limits_are_told_in_words(dialogs):
    told = draft(dialogs, "words", LIMIT, {"op": "<", "flag": "grey"})
    assert 'id="limits-0-words" hx-swap-oob="true"' in told
    assert "when weight is above 8." in told
    assert "when weight is below …" in told
    assert "when … is above 8." in draft(dialogs, "words", LIMIT, instrument="")


def test_limits_are_tried_on_the_patient(dialogs):
    assert counts_of(draft(dialogs, "trial", {**LIMIT, "value": 105})) == [(1, 1), (1, 0), (0, 0)]
    assert counts_of(draft(dialogs, "trial")) == [(1, 0), (1, 0), (0, 0)]
    assert "left out" in draft(dialogs, "trial", {**LIMIT, "value": ""})
    assert not MonitoringAlert.objects.exists()


def test_what_is_tried_replaces_own_limits_and_leaves_those_of_others(dialogs, ward):
    ward.own(dialogs.patient, "measurement", "weight", {**HEAVY, "value": 94, "flag": "grey"})
    ward.own(dialogs.patient, "measurement", "pulse", {**HEAVY, "instrument": "pulse", "flag": "grey"})
    ward.stored(dialogs.patient, 120, timezone.now() - A_DAY, "pulse")
    assert counts_of(draft(dialogs, "trial", {**LIMIT, "value": 105})) == [(0, 1), (0, 0), (3, 1)]


def test_who_is_not_enrolled_is_told_so(dialogs):
    assert "Choose the instrument first" in draft(dialogs, "trial", instrument="")
    end_enrolment(dialogs.patient)
    assert "Nothing is expected of this patient" in draft(dialogs, "trial", LIMIT)


def test_a_trial_is_audited_as_a_read_of_the_patient(dialogs):
    rows = AuditedPatient.objects.filter(patient_id=dialogs.patient.pk, event__action="patient.read")
    before = rows.count()
    draft(dialogs, "words", LIMIT)
    assert rows.count() == before
    draft(dialogs, "trial", LIMIT)
    assert rows.count() == before + 1


def test_somebody_elses_change_of_the_limits_is_told_and_kept(dialogs, ward):
    own = ward.own(dialogs.patient, "measurement", "weight", HEAVY)
    opened = dialogs.open("limits", own, "correct")
    mine, theirs = ({"limits-0-value": value} for value in ("91", "92"))
    assert dialogs.again(opened, "limits", own, "correct", **theirs).status_code == 204
    refused = dialogs.again(opened, "limits", own, "correct", **mine)
    assert "Someone else has changed these limits meanwhile" in errors_of(refused)["__all__"][0]
    own.refresh_from_db()
    assert own.rules[0]["value"] == 92


def test_readers_send_no_limits(dialogs):
    reader = Dialogs(dialogs.clinic, dialogs.patient, Role.HC_VIEW_ALL)
    for name in ("words", "trial"):
        assert reader.client.post(reverse(f"admin:limits_{name}", args=[dialogs.patient.pk])).status_code == 403
