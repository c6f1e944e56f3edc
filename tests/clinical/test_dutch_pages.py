"""The chart, the worklist, their drawings and the sentences of alerts in Dutch: words, their order, days and numbers."""

import datetime
import re
from decimal import Decimal
from xml.etree import ElementTree

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from accounts.models import Language, Role, User
from clinical.admin.drawing import Limit, bar_chart, line_chart, sparkline
from clinical.admin.drawing import Point as At
from clinical.models import Allergy, CommunicationLog, MonitoringAlert
from clinical.monitoring.causes import cause_in_words, course_in_words, line_in_words, number, rule_in_words
from patients.models import Enrolment, Patient, Relationship
from tests.clinical.full_charts import fill, measure, read, take_signs
from tests.clinical.monitored import Monitored
from tests.clinical.rules import BOTH, DAILY, HEAVY, LATE, MEAN, REMARK
from tests.clinical.test_causes import DAY, EVENING, INSTRUMENTS, NEW_YORK, missed, value, words
from tests.pages import sign_in

# Attributes of elements that a program reads.
READ_BY_PROGRAMS = re.compile(r' (?:d|x|y|x1|x2|y1|y2|width|height|viewBox|value|data-[a-z-]+|hx-get|href)="([^"]*)"')
WITH_A_COMMA = re.compile(r"\d,\d")


def dutch(user: User) -> Client:
    """Return a client that is signed in as `user`, whose language is Dutch."""
    User.objects.filter(pk=user.pk).update(language=Language.NL)
    user.refresh_from_db()
    return sign_in(user)


# --- sentences ------------------------------------------------------------------------------------
def test_causes_have_dutch_words_days_and_numbers():
    with override("nl"):
        assert words(HEAVY, value("1095.20")) == "Body weight 1.095,2 kg op 8 nov, grenswaarde 90"
        assert words(BOTH, value(120, EVENING - DAY / 2, "pulse"), value(95)) == (
            "Weight 95 (grenswaarde 90) en pulse 120 (grenswaarde 100) op 8 nov"
        )
        assert words(MEAN, *(value(amount, EVENING - back * DAY) for back, amount in enumerate((95, 90, "91.5")))) == (
            "Gemiddelde body weight 92,2 kg over 3 dagen t/m 8 nov, grenswaarde 90"
        )
        assert missed(EVENING, EVENING + DAY) == "Body weight niet gemeten op 9 nov"
        assert cause_in_words(MonitoringAlert(type="overdue", cause={})) == "Melding van een ontbrekende meting"


def test_what_became_of_an_alert_is_told_in_dutch():
    alert = MonitoringAlert(type="measurement", cause={"rule": HEAVY})
    with override("nl"), timezone.override(NEW_YORK):
        assert (
            course_in_words(alert, [(Decimal("91.25"), EVENING), (Decimal("80.5"), EVENING + DAY)]) == "Terug naar 80,5 op 9 nov"
        )
        assert course_in_words(alert, [(Decimal(91), EVENING), (Decimal(92), EVENING + DAY)]) == "Erboven sinds 8 nov"


RULES = [
    (HEAVY, "oranje als body weight hoger is dan 90 kg"),
    ({**HEAVY, "op": "<=", "value": 49.5}, "oranje als body weight 49,5 kg of lager is"),
    ({**HEAVY, "op": "…"}, "oranje als body weight … 90 kg is"),
    (BOTH, "rood als binnen 2 dagen body weight hoger is dan 90 kg en pulse 100 "),
    (MEAN, "oranje als het gemiddelde van body weight, over minstens 3 waarden in 3 dagen, hoger is dan 90 kg"),
    ({**MEAN, "min_count": 1, "window_days": 1}, "oranje als het gemiddelde van body weight, over minstens 1 waarde in 1 dag, "),
    (LATE, "oranje als body weight 12 uur na het geplande moment nog niet is gemeten"),
    ({**LATE, "grace_hours": 0}, "oranje als body weight niet op tijd is gemeten"),
    (REMARK, "grijs als de patiënt een opmerking schrijft"),
]


@pytest.mark.parametrize(("rule", "sentence"), RULES)
def test_a_rule_has_the_order_of_words_of_dutch(rule, sentence):
    with override("nl"):
        assert rule_in_words(rule, INSTRUMENTS).startswith(sentence)


def test_a_line_of_a_schedule_is_told_in_dutch():
    with override("nl"):
        assert line_in_words(DAILY, INSTRUMENTS) == "Body weight elke dag, van dag 0 t/m dag 30"
        assert line_in_words({**DAILY, "every_days": 7}, INSTRUMENTS) == "Body weight elke 7 dagen, van dag 0 t/m dag 30"


def test_numbers_have_the_separators_of_the_language():
    with override("nl"):
        assert [number(one) for one in (Decimal("1234567.250"), 7.0, "low")] == ["1.234.567,25", "7", "low"]
    assert number(Decimal("1234567.250")) == "1,234,567.25"


# --- drawings -------------------------------------------------------------------------------------
START = datetime.datetime(2026, 10, 3, 8, tzinfo=datetime.UTC)


def drawings() -> list[ElementTree.Element]:
    """Return one drawing of each kind, of values and limits with places behind the point."""
    limits, values = [Limit(Decimal("6.5"), ">=", "red")], (5.65, 7.25, 1006)
    points = [At(one, START + place * DAY) for place, one in enumerate(values)]
    drawn = (
        line_chart(points, label="Glucose", unit="mmol/l", limits=limits, first=START, last=START + 3 * DAY),
        sparkline(values, limits=limits, band=(4.25, 7), label="Glucose"),
        bar_chart([{"red": 1}, {"orange": 3}], label="Meldingen", first=START.date(), last=START.date() + DAY),
    )
    return [ElementTree.fromstring(one) for one in drawn]  # noqa: S314 - our own drawings


def test_a_drawing_has_the_same_places_in_dutch_and_other_words_and_numbers():
    english = drawings()
    with override("nl"):
        translated = drawings()
    for one, other in zip(english, translated, strict=True):
        for part, same in zip(one.iter(), other.iter(), strict=True):
            assert {**part.attrib, "aria-label": ""} == {**same.attrib, "aria-label": ""}
    texts = [part.text for part in translated[0].iter() if part.text]
    assert {"1.006", "6,5 rood", "3 okt"} <= set(texts)
    assert translated[0].get("aria-label") == (
        "Glucose in mmol/l, 3 okt t/m 5 okt, 3 waarden, stijgend van 5,65 naar 1.006, laagste 5,65, hoogste 1.006, "
        "grenswaarden 6,5 rood, 2 rood"
    )
    assert translated[1].get("aria-label") == "Glucose, 3 waarden, stijgend van 5,65 naar 1.006, de laatste rood"
    assert translated[2].get("aria-label") == "Meldingen, 3 okt t/m 4 okt, 1 rood, 3 oranje, 0 grijs, hoogstens 3 in één week"


# --- the chart ------------------------------------------------------------------------------------
@pytest.fixture
def patient(clinic) -> Patient:
    return clinic.enrolled(first_name="Hugo", last_name="Abernathy", care_group_id=clinic.group.pk, sex="male")


def test_a_chart_in_dutch_has_commas_in_what_people_read_and_points_in_what_programs_read(clinic, patient):
    now = timezone.now()
    fill(clinic, patient, now)
    measure(clinic, patient, [5.6, "7.25", 6.4], now, code="glucose")
    take_signs(patient, timezone.localdate(), temperature_f=Decimal("98.6"), weight_lbs=Decimal("151.5"), height_inches=67)
    Patient.objects.filter(pk=patient.pk).update(preferred_language="English")
    client = dutch(clinic.users[Role.HC_ADMIN])
    page = client.get(reverse("admin:chart", args=[patient.pk])).content.decode()
    table = client.get(reverse("admin:chart_block", args=[patient.pk, "measurements"]), {"as": "table"}).content.decode()
    assert "<li>Engels</li>" in page
    assert "<b>98,6</b>" in page
    assert "151,5" in page
    assert 'aria-label="Glucose in mmHg, ' in page
    assert "stijgend van 5,6 naar 6,4, laagste 5,6, hoogste 7,25" in page
    assert "<td>7,25</td>" in table
    assert not [found for found in READ_BY_PROGRAMS.findall(page + table) if WITH_A_COMMA.search(found)]


def test_a_summary_on_paper_names_its_language(clinic, patient):
    page = dutch(clinic.users[Role.HC_ADMIN]).get(reverse("admin:chart_print", args=[patient.pk])).content.decode()
    assert '<html lang="nl">' in page
    assert "<dt>Allergieën</dt><dd>Allergieën niet doorgenomen</dd>" in page


def test_a_severity_is_told_in_dutch_where_it_is_a_known_word_and_stays_severe(clinic, patient):
    for severity in ("SEVERE", "mild", "grade 3"):
        clinic.entry(Allergy, patient, severity=severity)
    assert [row.details for row in read(clinic, patient, "allergies").rows] == ["SEVERE", "mild", "grade 3"]
    with override("nl"):
        rows = read(clinic, patient, "allergies").rows
        assert [(row.details, row.is_severe) for row in rows] == [("ernstig", True), ("licht", False), ("grade 3", False)]


def test_family_and_contacts_are_told_in_dutch(clinic, patient):
    mother = clinic.patient(first_name="Ruth", last_name="Abernathy", sex="female", care_group_id=clinic.group.pk)
    clinic.entry(Relationship, patient, to_patient_id=mother.pk, relationship_type="parent")
    clinic.entry(CommunicationLog, patient, mode="phone", direction="received", note="Called back")
    with override("nl"):
        family, communication = read(clinic, patient, "family", "communication").values()
    assert family.members[0].words == ["moeder"]
    assert communication.contacts[0].how.endswith(", inkomend")


# --- the worklist ---------------------------------------------------------------------------------
@pytest.fixture
def raised(ward: Monitored) -> list[MonitoringAlert]:
    """Return two open alerts of a patient."""
    ward.prescribe(HEAVY)
    ada = ward.patient(first_name="Ada", last_name="Okafor")
    Enrolment.objects.filter(patient=ada).update(start_date=timezone.now().date() - 100 * DAY)
    for back in (2, 1):
        ward.measure(ada, 95.5, timezone.now() - back * DAY, "weight")
    return list(MonitoringAlert.objects.filter(patient=ada).order_by("pk"))


def test_the_worklist_and_its_dialogs_count_in_dutch(clinic, raised):
    client = dutch(clinic.users[Role.HC_PRIMARY])
    page = client.get(reverse("admin:worklist")).content.decode()
    assert re.search(r"95,5 op \d+ [a-z]{3}\.?, grenswaarde 90", page)
    assert "1 t/m 2 van 2. Rood eerst, dan de oudste eerst." in page
    assert 'data-told="# gekozen"' in page
    one, both = (
        client.get(reverse("admin:alerts_process", query={"alert": [alert.pk for alert in chosen]})).content.decode()
        for chosen in (raised[:1], raised)
    )
    assert "1 melding afhandelen" in one
    assert "2 meldingen afhandelen" in both


def test_what_is_saved_in_a_dialog_is_told_in_dutch_and_whatever_is_stored_is_not_translated(clinic, raised):
    client = dutch(clinic.users[Role.HC_PRIMARY])
    address = reverse("admin:alert_process", args=[raised[0].pk])
    saved = client.post(address, {"processed_type": "reviewed", "action": "Gezien"})
    assert "De melding van Okafor, Ada is afgehandeld." in saved.headers["HX-Trigger"]
    raised[0].refresh_from_db()
    assert (raised[0].status, raised[0].processed_type) == ("processed", "reviewed")
    gone = client.post(address, {"processed_type": "reviewed", "action": "Gezien"})
    assert re.search(r"heeft deze melding afgehandeld \(.+\) op \d+ [a-z]{3}\.? om \d\d:\d\d\.", gone.content.decode())
