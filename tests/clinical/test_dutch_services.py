"""What clinical services refuse is told in the language of the page; what they store, and APIs, is English."""

import pytest
from django.utils.translation import override

from accounts.models import Role
from clinical.models import MedicationStatus, RuleKind
from clinical.monitoring import InstrumentFacts
from clinical.monitoring.rules import check_rules
from clinical.scales import Scale, possible_scale
from clinical.services.measurements import record_measurement
from clinical.services.vital_signs import record_vital_signs
from clinical.vitals import abnormal_flags
from config.core.dates import today_at
from config.core.exceptions import Invalid
from tests.factories import SYSTEM


def refused(row: dict, patient) -> str:
    with pytest.raises(Invalid) as refusal:
        record_measurement(actor=SYSTEM, patient_id=patient.pk, row=row)
    return str(refusal.value)


def test_a_service_refuses_in_the_language_of_the_request_and_an_api_in_english(clinic, api):
    patient = clinic.patient()
    row = {"instrument": "mood", "value": "12.5"}
    with override("nl"):
        assert "De waarde moet tussen 1 en 10 zijn." in refused(row, patient)
    answer = api(Role.HC_ADMIN).post(f"/v1/patients/{patient.uuid}/measurements", {**row, "value": 12.5})
    assert "The value must be between 1 and 10." in answer.content.decode()


def test_a_scale_is_told_with_the_numbers_and_units_of_the_language():
    least = Scale(least=possible_scale("weight", None, "kg").least, unit="kg")
    with override("nl"):
        assert possible_scale("pulse", None, "/min").words == "tussen 1 en 350 per minuut"
        assert least.words == "minstens 0,2 kg"
    assert least.words == "at least 0.2 kg"


def test_a_fault_of_a_rule_is_a_sentence():
    rules = [{"kind": RuleKind.REMARK.value, "flag": "blue"}]
    with override("nl"), pytest.raises(Invalid) as refusal:
        check_rules(rules, {"mood": InstrumentFacts("numeric")})
    assert "Regel 0: flag moet een van grey, orange, red zijn." in str(refusal.value)


def test_what_is_out_of_range_is_stored_in_english(clinic):
    patient = clinic.patient()
    day = today_at(clinic.organization.timezone)
    with override("nl"):
        entry = record_vital_signs(actor=SYSTEM, patient_id=patient.pk, date_taken=day, pulse=200)
        assert abnormal_flags({"date_taken": day, "pulse": 200}, None, None) == entry.abnormal_flags
        assert MedicationStatus.ON_HOLD.label == "Onderbroken"
    assert entry.abnormal_flags[0]["message"] == "Pulse of 200 a minute: over 130"
