"""Instruments, and the codes that concepts carry."""

from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AuditEvent, Role
from accounts.services.catalogs import archive_catalog_row
from clinical.models import AllergyDefinition, Instrument
from clinical.services.measurements import record_measurement, record_measurements
from patients.services.charts import archive_entry
from tests.clinical.monitored import Monitored, end_enrolment
from tests.clinical.rules import BOTH, DAILY, HEAVY, LATE
from tests.factories import SYSTEM, Clinic
from tests.pages import sign_in, submit


@pytest.fixture
def instruments(clinic: Clinic) -> str:
    return f"{clinic.base}/instruments"


def places(answer) -> list:
    return [problem["loc"] for problem in answer.json()["detail"]]


def test_a_number_is_measured_on_a_scale(api, instruments):
    body = {"name": "Mood", "code": "mood", "unit": "{score}", "scale_min": 1, "scale_max": "10.5"}
    answer = api().post(instruments, body)
    assert answer.status_code == 201, answer.content
    shown = answer.json()
    assert (shown["kind"], shown["scale_min"], shown["scale_max"], shown["choices"]) == ("numeric", "1.000", "10.500", None)


@pytest.mark.parametrize("number", [True, "1e99", " 1", "١", "NaN", 1e300, "1_0", "1234567890", [1], ""])
def test_a_scale_ends_at_numbers(api, instruments, number):
    answer = api().post(instruments, {"name": "Mood", "code": "mood", "scale_max": number})
    assert (answer.status_code, places(answer)) == (422, [["body", "scale_max"]])


@pytest.mark.parametrize("most", [1, 0])
def test_a_scale_ends_above_its_beginning(api, instruments, most):
    answer = api().post(instruments, {"name": "Mood", "code": "mood", "scale_min": 1, "scale_max": most})
    assert (answer.status_code, places(answer)) == (422, [["body", "scale_max"]])


def test_a_code_is_taken_once_in_an_organization_until_it_is_archived(api, clinic, neighbour, instruments):
    row = clinic.catalog(Instrument, "Mood", code="mood")
    neighbour.catalog(Instrument, "Mood", code="mood")
    other = clinic.catalog(Instrument, "Energy", code="energy")
    body = {"name": "Mood again", "code": "mood"}
    for answer in (
        api().post(instruments, body),
        api().patch(f"{instruments}/{other.uuid}", {"code": "mood", "base_version": 1}),
    ):
        assert (answer.status_code, answer.json()) == (409, {"detail": "duplicate instrument code"})
    api().post(f"{instruments}/{row.uuid}/archive", {"base_version": 1})
    assert api().post(instruments, body).status_code == 201


@pytest.mark.parametrize(
    ("kind", "choices", "status"),
    [
        ("choice", ["No", "Yes"], 201),
        ("choice", None, 422),
        ("choice", [], 422),
        ("numeric", ["No"], 422),
        ("numeric", None, 201),
    ],
)
def test_choices_go_with_instruments_of_choices(api, instruments, kind, choices, status):
    answer = api().post(instruments, {"name": "Pain", "code": "pain", "kind": kind, "choices": choices})
    assert answer.status_code == status
    assert status == 201 or places(answer) == [["body", "choices"]]


@pytest.mark.parametrize("path", ["allergy-definitions", "medication-definitions", "disease-definitions", "instruments"])
def test_a_code_and_its_terminology_come_together(api, clinic, path):
    # 84489001: allergies.csv of the Synthea sample.
    least = {"name": "Mold", **({"code": "mold"} if path == "instruments" else {})}
    many = f"{clinic.base}/{path}"
    for half in ({"concept_code": "84489001"}, {"concept_system": "snomed_ct"}):
        answer = api().post(many, {**least, **half})
        assert (answer.status_code, places(answer)) == (422, [["body", "concept_code"]])
    whole = api().post(many, {**least, "concept_code": "84489001", "concept_system": "snomed_ct"})
    assert (whole.json()["concept_code"], whole.json()["concept_system"]) == ("84489001", "snomed_ct")
    one = f"{many}/{whole.json()['id']}"
    assert api().patch(one, {"concept_code": None, "base_version": 1}).status_code == 422
    cleared = api().patch(one, {"concept_code": None, "concept_system": None, "base_version": 1}).json()
    assert (cleared["concept_code"], cleared["concept_system"], cleared["version"]) == (None, None, 2)


def test_a_terminology_is_one_of_the_words(api, clinic):
    body = {"name": "Mold", "concept_code": "1", "concept_system": "SNOMED"}
    assert api().post(f"{clinic.base}/allergy-definitions", body).status_code == 422
    assert not AllergyDefinition.objects.exists()


# --- what rules name --------------------------------------------------------------------------------
OTHERS = [{**LATE, "instrument": "pulse"}, {**HEAVY, "instrument": "pulse"}]


def name_by(ward: Monitored, by: str) -> None:
    """Let something name the instrument of weight."""
    if by == "rule":
        ward.prescribe(*OTHERS, HEAVY)
    elif by == "combination":
        ward.prescribe(*OTHERS, BOTH)
    elif by == "schedule":
        ward.prescribe(*OTHERS, schedule=[DAILY])
    elif by == "archived protocol":
        ward.prescribe(HEAVY)
        ward.patient()
        archive_catalog_row(actor=SYSTEM, row=ward.protocol, base_version=2)
    elif by == "own rules":
        ward.own(ward.patient(), "measurement", "weight", HEAVY)
    else:
        ward.own(ward.patient(), "combination", None, BOTH)


NAMED = pytest.mark.parametrize("by", ["rule", "combination", "schedule", "archived protocol", "own rules", "own combination"])
CHANGES = pytest.mark.parametrize(
    "changes", [{"code": "weight_kg"}, {"kind": "choice", "choices": ["heavy"]}], ids=["code", "kind"]
)


@NAMED
@CHANGES
def test_what_rules_name_keeps_its_code_and_kind(ward, api, instruments, by, changes):
    name_by(ward, by)
    one = f"{instruments}/{ward.instruments['weight'].uuid}"
    answer = api().patch(one, {**changes, "base_version": 1})
    assert (answer.status_code, places(answer)) == (422, [["body", next(iter(changes))]])
    assert AuditEvent.objects.filter(action="instrument.update", outcome="ok").count() == 0
    same = {"base_version": 1, "name": "Body weight", "code": "weight", "kind": None, "unit": "kg"}
    assert api().patch(one, same).status_code == 200, "all else of it may change"


@CHANGES
def test_what_nothing_names_takes_another_code_and_kind(ward, neighbour, api, instruments, changes):
    Monitored(neighbour).prescribe(HEAVY)
    ward.prescribe(HEAVY)
    patient = ward.patient()
    archive_catalog_row(actor=SYSTEM, row=ward.protocol, base_version=2)
    end_enrolment(patient)
    own = ward.own(patient, "measurement", "weight", HEAVY)
    archive_entry(actor=SYSTEM, model=type(own), patient_id=patient.pk, entry_id=own.pk)
    ward.own(patient, "measurement", "pulse", OTHERS[1])
    answer = api().patch(f"{instruments}/{ward.instruments['weight'].uuid}", {**changes, "base_version": 1})
    assert answer.status_code == 200, answer.content


def test_the_admin_tells_beside_the_code_that_rules_name_it(ward, clinic):
    ward.prescribe(HEAVY)
    client = sign_in(clinic.users[Role.HC_ADMIN])
    page = submit(client, Instrument, ward.instruments["weight"].pk, code="weight_kg")
    assert page.status_code == 200
    assert page.context["adminform"].errors == {"code": ["Protocols or rules of patients name this instrument."]}


def test_a_gauge_that_was_never_used_finds_nothing_and_an_unknown_instrument_is_refused(clinic, api, general):
    patient = clinic.patient()
    gauges, measurements = f"/general/v1/patients/{patient.pk}/gauges", f"/v1/patients/{patient.uuid}/measurements"
    assert general().get(gauges, {"gauge_type": "mood"}).json() == []
    assert api().get(measurements, {"instrument": "mood"}).json()["data"] == []
    assert general().get(gauges, {"gauge_type": "nothing"}).status_code == 422
    assert api().get(measurements, {"instrument": "nothing"}).status_code == 422


def test_rows_that_name_an_archived_gauge_cost_no_statement_each(clinic):
    patient = clinic.patient()
    record_measurement(actor=SYSTEM, patient_id=patient.pk, row={"instrument": "mood", "value": Decimal(5)})
    archive_catalog_row(actor=SYSTEM, row=Instrument.objects.get(code="mood"), base_version=1)

    def cost(number: int) -> int:
        rows = [{"instrument": "mood", "value": Decimal(5)}] * number
        with CaptureQueriesContext(connection) as queries:
            assert all(result.error for result in record_measurements(actor=SYSTEM, patient_id=patient.pk, rows=rows))
        return len(queries)

    assert cost(1) == cost(50)
