"""Dialogs, the calendar and protocols for somebody whose language is Dutch: words, and numbers with a comma."""

import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

from accounts.models import Organization, Role
from clinical.admin.dialogs.units import bound_in, message_in
from clinical.models import Appointment, Instrument, Measurement, VitalSigns
from clinical.vitals import abnormal_flags
from tests.clinical.chart_dialogs import Dialogs, errors_of, inputs_of, message_of
from tests.clinical.rules import BOTH, DAILY, HEAVY, LIMIT, MEAN, OVER_100
from tests.clock import Clock
from tests.factories import Clinic
from tests.pages import form_values, row_inputs, sign_in, url

DAY = datetime.date(2030, 3, 4)
EN_DASH = "\N{EN DASH}"


def at(clock: str) -> datetime.datetime:
    return datetime.datetime.combine(DAY, datetime.time.fromisoformat(clock), ZoneInfo("America/New_York"))


@pytest.fixture
def dutch(clinic) -> Clinic:
    """Everybody at the clinic speaks Dutch."""
    for user in clinic.users.values():
        user.language = "nl"
        user.save(update_fields=["language"])
    return clinic


@pytest.fixture
def dialogs(ward, dutch) -> Dialogs:
    ward.prescribe(HEAVY, OVER_100)
    return Dialogs(dutch, ward.patient())


@pytest.fixture
def desk(dutch, monkeypatch) -> Client:
    """It is 09:42 at the clinic."""
    Clock(monkeypatch, at("09:42"))
    return sign_in(dutch.users[Role.HC_PRIMARY])


def text_of(answer) -> str:
    return " ".join(answer.content.decode().split())


# --- numbers ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("typed", ["85,6", "85.6"])
def test_a_measured_value_has_a_comma_or_a_point(dialogs, typed):
    answer = dialogs.send("measurement", instrument="weight", value=typed)
    assert "Weight is vastgelegd." in message_of(answer)
    assert Measurement.objects.get().value_number == Decimal("85.6")


def test_a_value_that_raises_an_alert_says_so(dialogs):
    assert "Weight is vastgelegd. Dat gaf een rode melding." in message_of(
        dialogs.send("measurement", instrument="weight", value="100,5")
    )


def test_no_comma_is_read_in_english(ward, clinic):
    refused = Dialogs(clinic, ward.patient()).send("measurement", instrument="weight", value="85,6")
    assert (refused.status_code, set(errors_of(refused))) == (422, {"value"})


def test_vital_signs_are_shown_with_a_comma_and_changed_by_it(dialogs):
    message_of(dialogs.send("vital-signs", weight_lbs="180,5"))
    row = VitalSigns.objects.get()
    opened = dialogs.open("vital-signs", row, "correct")
    assert (row.weight_lbs, inputs_of(opened)["weight_lbs"]) == (Decimal("180.5"), ["180,5"])
    message_of(dialogs.again(opened, "vital-signs", row, "correct"))
    row.refresh_from_db()
    assert row.version == 1
    assert "De vitale functies zijn gecorrigeerd." in message_of(
        dialogs.again(opened, "vital-signs", row, "correct", weight_lbs="181,5", pulse="72")
    )
    row.refresh_from_db()
    assert (row.weight_lbs, row.pulse, row.version) == (Decimal("181.5"), 72, 2)


def test_the_scale_of_an_instrument_is_written_with_a_comma(ward, dutch):
    client, page = sign_in(dutch.users[Role.HC_ADMIN]), url(Instrument, "change", ward.instruments["weight"].pk)
    values = form_values(client.get(page).content.decode(), "instrument_form")
    assert client.post(page, {**values, "scale_min": "0,5", "scale_max": "300.25"}).status_code == 302
    row = Instrument.objects.get(code="weight", organization=dutch.organization)
    assert (row.scale_min, row.scale_max) == (Decimal("0.5"), Decimal("300.25"))
    shown = form_values(client.get(page).content.decode(), "instrument_form")
    assert (Decimal(shown["scale_min"][0].replace(",", ".")), "," in shown["scale_max"][0]) == (row.scale_min, True)


def test_bounds_of_vital_signs_are_told_with_a_comma(dialogs):
    Organization.objects.update(country="NL")
    refused = dialogs.send("vital-signs", temperature_f="900")
    assert errors_of(refused)["temperature_f"] == ["Dit moet tussen 10 en 48,9 liggen."]


def test_flags_are_stored_in_english_and_told_in_dutch(dialogs):
    (flag,) = abnormal_flags({"date_taken": DAY, "temperature_f": Decimal("101.5")}, None, None)
    with translation.override("nl"):
        assert message_in("NL", flag) == "Temperatuur 38,6 °C: hoger dan 37,9"
        assert bound_in("US", flag) == "hoger dan 100,3"
    assert message_in("US", flag) == flag["message"] == "Temperature of 101.5 °F: over 100.3"
    warned = dialogs.send("vital-signs", bp_systolic="185")
    assert ">Toch opslaan</button>" in text_of(warned)
    assert "Bovendruk 185 mmHg: hoger dan 180" in text_of(warned)
    message_of(dialogs.against_warnings(warned, "vital-signs"))
    assert VitalSigns.objects.get().abnormal_flags[0]["message"] == "Systolic blood pressure of 185 mmHg: over 180"


# --- protocols and own limits -----------------------------------------------------------------------


def test_a_protocol_is_written_in_dutch(ward, dutch):
    ward.prescribe({**HEAVY, "value": 90.5}, BOTH, MEAN, schedule=[DAILY])
    client, page = sign_in(dutch.users[Role.HC_ADMIN]), url(type(ward.protocol), "change", ward.protocol.pk)
    html = client.get(page).content.decode()
    for words in ("hoger dan", "Grenswaarde", "minstens", "dagen, al deze", "t/m dag", "Regel toevoegen", "volgen dit protocol"):
        assert words in html, words
    form_id = "protocol_form"
    values = form_values(html, form_id)
    assert values["rules-0-value"] == ["90,5"]
    assert client.post(page, {**values, "rules-0-value": "91,25", "rules-2-value": "92.5"}).status_code == 302
    assert [rule.get("value") for rule in ward.protocol.rules] == [91.25, None, 92.5]


def test_what_is_wrong_in_a_rule_is_told_in_dutch(ward, dutch):
    client, page = sign_in(dutch.users[Role.HC_ADMIN]), url(type(ward.protocol), "change", ward.protocol.pk)
    values = form_values(client.get(page).content.decode(), "protocol_form")
    html = client.post(page, {**values, **row_inputs("rules", [{**MEAN, "window_days": 4000, "value": "x"}])}).content.decode()
    assert "Vul in over hoeveel dagen: een geheel getal van 1 tot en met" in html
    assert "Vul een getal in." in html


def test_a_trial_is_told_in_one_sentence(dialogs):
    address = reverse("admin:limits_trial", args=[dialogs.patient.pk])
    told = text_of(dialogs.client.post(address, {"instrument": "weight", **row_inputs("limits", [{**LIMIT, "value": "8,5"}])}))
    assert "<b>0 rode, 0 oranje en 0 grijze meldingen</b> van alle regels die voor deze patiënt gelden" in told
    assert "Er wordt niets opgeslagen en er komt geen melding." in told


# --- the calendar -----------------------------------------------------------------------------------


def booked(clinic: Clinic, clock: str, **values) -> Appointment:
    starts_at = at(clock)
    given = {"provider_id": clinic.catalogs["provider"].pk, **values}
    patient = clinic.patient(care_group_id=clinic.group.pk)
    return clinic.appointment(patient, starts_at=starts_at, ends_at=starts_at + datetime.timedelta(minutes=40), **given)


def test_a_day_and_a_week_are_in_dutch(dutch, desk):
    booked(dutch, "10:20")
    html = desk.get(reverse("admin:calendar"), {"on": DAY.isoformat()}).content.decode()
    assert f'11:00{EN_DASH}17:00<span class="free-word"> vrij' in html
    assert "<h2>ma 4 mrt 2030</h2>" in html
    assert '<span class="muted">1 afspraak</span>' in html
    assert 'style="--at: 140; --for: 40;' in html
    assert 'data-hours="{hours} u {minutes} min"' in html
    week = desk.get(reverse("admin:calendar"), {"on": DAY.isoformat(), "view": "week"}).content.decode()
    assert f"<h2>4 mrt {EN_DASH} 10 mrt 2030</h2>" in week
    assert ">wo 6</a>" in week


def test_what_speaks_against_a_time_is_told_in_dutch_and_by_api_in_english(dutch, desk, api):
    other, mover = booked(dutch, "10:20"), booked(dutch, "13:00")
    address = reverse("admin:appointment_move", args=[mover.pk])
    html = desk.get(address).content.decode().replace("<form ", '<form id="dialog-form" ')
    told = desk.post(address, {**form_values(html, "dialog-form"), "starts_at_time": "10:50"}).content.decode()
    name = f"{other.patient.last_name}, {other.patient.first_name}"
    assert f"Overlapt 10 minuten met {name}, 10:20{EN_DASH}11:00" in told
    assert "Verzetten naar 11:00" in told
    times = {"starts_at": at("10:50").isoformat(), "ends_at": at("11:30").isoformat()}
    body = {**times, "patient_uuid": str(dutch.patient().uuid), "provider_uuid": str(dutch.catalogs["provider"].uuid)}
    answer = api().post(f"{dutch.base}/appointments", body)
    assert answer.json()["warnings"][0]["message"].startswith("Overlaps by 10 minutes with ")


def test_a_status_is_told_in_a_sentence(dutch, desk):
    row = booked(dutch, "10:20")
    address = reverse("admin:appointment_status", args=[row.pk])
    answer = desk.post(address, {"base_version": row.version, "status": "arrived"})
    assert "is aangekomen." in answer.headers["HX-Trigger"].encode().decode("unicode_escape")
