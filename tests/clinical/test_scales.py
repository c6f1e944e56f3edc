"""Possible values of what instruments measure: pure rules, and the same at every door."""

from decimal import Decimal
from types import SimpleNamespace

import pytest

from accounts.models import Role
from clinical.models import Instrument, Measurement, RuleOverride
from clinical.scales import CODES, LOINC, Scale, possible_scale, scale_of
from clinical.synthea.vital_signs import SIGNS
from clinical.vitals import POSSIBLE
from exports.demo.catalogs import CATALOGS
from tests.clinical.chart_dialogs import Dialogs, errors_of
from tests.clinical.rules import LIMIT
from tests.pages import row_inputs
from tests.rest.wire import Wire

NOTHING = dict.fromkeys(("concept_system", "concept_code", "unit", "scale_min", "scale_max"))


def instrument(code: str, **values):
    return SimpleNamespace(**{**NOTHING, "code": code, **values})


# --- rules ------------------------------------------------------------------------------------------
def test_the_codes_are_those_of_the_vital_signs():
    known = {code: column for code, column in LOINC.items() if column in POSSIBLE}
    assert known == {code: sign.column for code, sign in SIGNS.items() if sign.column in known.values()}
    assert set(POSSIBLE) - set(CODES.values()) == {"bmi_percentile"}


@pytest.mark.parametrize(("code", "unit", "words"), [
    ("heart_rate", "/min", "between 1 and 350 a minute"),
    ("heart_rate", None, "between 1 and 350 a minute"),
    ("Heart_Rate", "{beats}/min", "between 1 and 350 a minute"),
    ("weight", "kg", "between 0.2 and 680.4 kg"),
    ("weight", "[lb_av]", "between 0.4 and 1500 lb"),
    ("weight", None, "between 0.2 and 680388.6"),
    ("height", "cm", "between 20.3 and 279.4 cm"),
    ("temperature", "Cel", "between 10 and 48.9 °C"),
    ("temperature", "[degF]", "between 50 and 120 °F"),
    ("bp_systolic", "kPa", "between 0.1 and 46.7 kPa"),
    ("glucose", "mmol/L", "between 0.1 and 166.5 mmol/L"),
    ("steps", "1", ""),
    *((code, None, "between 1 and 350 a minute") for code in ("heart-rate", "HeartRate", "Pulse rate", "pulse")),
    *((code, None, "between 0.1 and 350") for code in ("systolic_bp", "blood_pressure_systolic", "Systolic Blood-Pressure")),
    ("DiastolicBP", "mm[Hg]", "between 0 and 250 mmHg"),
])  # fmt: skip
def test_what_is_possible_is_told_in_the_unit_of_the_instrument(code, unit, words):
    assert possible_scale(code, None, unit).words == words


def test_an_instrument_is_known_by_its_loinc_code_whatever_it_is_called():
    assert scale_of(instrument("hartslag", concept_system="loinc", concept_code="8867-4")).words == "between 1 and 350 a minute"
    assert scale_of(instrument("hartslag", concept_system="local", concept_code="8867-4")) == Scale()


@pytest.mark.parametrize(("own", "expected"), [((40, 260), (40, 260)), ((None, None), (1, 350)), ((-5, 99999), (1, 350))])
def test_an_own_scale_narrows_what_is_possible_and_never_widens_it(own, expected):
    least, most = (None if end is None else Decimal(end) for end in own)
    found = scale_of(instrument("bp_systolic", unit="mm[Hg]", scale_min=least, scale_max=most))
    assert (found.least, found.most) == expected


def test_a_scale_without_an_end_holds_everything_beyond():
    assert Scale(Decimal(0), None).words == "at least 0"
    assert Scale(None, Decimal(5), "kg").words == "at most 5 kg"
    held = [Scale(Decimal(0), Decimal(1)).holds(Decimal(value)) for value in ("-0.1", "0", "1", "1.1")]
    assert held == [False, True, True, False]
    assert Scale().holds(Decimal(-1))


def test_the_instruments_that_ship_have_a_scale():
    for row in CATALOGS[Instrument]:
        assert row["scale_min"] < row["scale_max"], row


# --- doors ------------------------------------------------------------------------------------------
@pytest.fixture
def patient(clinic):
    return clinic.patient(care_group_id=clinic.group.pk)


@pytest.fixture
def heart_rate(clinic) -> Instrument:
    """An instrument for which the organization has given no scale."""
    return clinic.catalog(Instrument, "Heart rate", code="heart_rate", unit="/min")


TOLD = "between 1 and 350 a minute"


@pytest.mark.parametrize("value", [-1, 0, 99999])
def test_what_a_device_sends_without_contact_is_refused_at_every_door(clinic, api, patient, heart_rate, value):
    measurements = f"/v1/patients/{patient.uuid}/measurements"
    row = {"instrument": "heart_rate", "value": value}
    refused = api().post(measurements, row)
    assert refused.status_code == 422
    (error,) = refused.json()["errors"]
    assert (error["attribute"], TOLD in error["message"]) == ("value", True)
    many = api().post(measurements, {"measurements": [row, {**row, "value": 72}]}).json()["data"]
    assert TOLD in str(many)
    gauge = {"gauge": {"gauge_type": "heart_rate", "value": value}}
    general = Wire("general", clinic).client()("POST", f"/general/v1/patients/{patient.pk}/gauges", gauge)
    assert (general.status_code, TOLD in str(general.json())) == (422, True)
    dialog = Dialogs(clinic, patient).send("measurement", instrument="heart_rate", value=str(value))
    assert errors_of(dialog) == {"value": [f"The value must be {TOLD}."]}
    assert list(Measurement.objects.values_list("value_number", flat=True)) == [72]


@pytest.mark.parametrize("value", [0, 400])
def test_a_threshold_that_nothing_can_reach_is_refused_at_every_door(clinic, api, patient, heart_rate, value):
    about = {"instrument": "heart_rate", "op": ">", "value": value}
    rules = [
        {"kind": "measurement", **about, "flag": "red"},
        {"kind": "average", **about, "window_days": 7, "min_count": 3, "flag": "red"},
        {"kind": "combination", "all": [about, {**about, "value": 100}], "within_days": 2, "flag": "red"},
    ]
    protocol = {"name": "P", "program_uuid": str(clinic.catalogs["program"].uuid), "rules": rules}
    answer = api().post(f"{clinic.base}/protocols", protocol)
    assert answer.status_code == 422
    assert [TOLD in problem["msg"] for problem in answer.json()["detail"]] == [True] * 3
    own = {"kind": "measurement", "instrument": "heart_rate", "rules": rules[:1]}
    assert api().post(f"{clinic.base}/patients/{patient.uuid}/monitoring-rules", own).status_code == 422
    limits = row_inputs("limits", [{**LIMIT, "value": value}])
    refused = Dialogs(clinic, patient, Role.HC_ADMIN).send("limits", instrument="heart_rate", **limits)
    assert errors_of(refused) == {"limits": ["Something is missing or wrong in limit 1."]}
    assert f"This must be {TOLD}." in refused.content.decode()
    assert not RuleOverride.objects.exists()
