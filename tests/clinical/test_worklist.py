"""The worklist of alerts in the admin: who sees which alerts in which order, and what staff do with them there."""

import datetime
import json
import re
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.authentication import actor_of_user
from accounts.models import AuditedPatient, AuditEvent, Role, User
from clinical.models import Allergy, AllergyDefinition, CommunicationLog, Medication, MonitoringAlert
from clinical.services.monitoring import claim_alert, process_alert
from patients.models import Enrolment, Patient
from tests.clinical.monitored import Monitored, audited
from tests.clinical.rules import BOTH, HEAVY, MEAN, OVER_100, REMARK
from tests.factories import SYSTEM, archive
from tests.pages import sign_in

DAY, HOUR = datetime.timedelta(days=1), datetime.timedelta(hours=1)
GREY = {**HEAVY, "instrument": "pulse", "flag": "grey"}
WRITERS = [Role.FC_ADMIN, Role.HC_ADMIN, Role.HC_PRIMARY, Role.HC_SECONDARY]


@pytest.fixture
def now() -> datetime.datetime:
    return timezone.now()


@pytest.fixture
def raised(ward: Monitored, now) -> Callable[..., MonitoringAlert]:
    """Return what raises an alert of a patient, enrolled for long, by a value some days ago."""
    ward.prescribe(HEAVY, OVER_100, GREY)

    def alert(patient: Patient, number: float = 95, code: str = "weight", *, days: float = 0) -> MonitoringAlert:
        enrolled_for_long(patient)
        ward.measure(patient, number, now - days * DAY, code)
        return MonitoringAlert.objects.latest("pk")

    return alert


def enrolled_for_long(patient: Patient) -> None:
    """Let values of the last months be evaluated."""
    Enrolment.objects.filter(patient=patient).update(start_date=timezone.now().date() - 100 * DAY)


@pytest.fixture
def ada(ward) -> Patient:
    born = datetime.date(timezone.now().year - 70, 1, 1)
    named = {"first_name": "Ada", "last_name": "Okafor", "chart_number": "OK-1", "mobile_phone": "617 555 0112"}
    patient = ward.patient(**named, date_of_birth=born)
    enrolled_for_long(patient)
    return patient


@pytest.fixture
def nurse(clinic) -> User:
    user = clinic.users[Role.HC_PRIMARY]
    User.objects.filter(pk=user.pk).update(first_name="Paula", last_name="Prescott")
    return User.objects.get(pk=user.pk)


@pytest.fixture
def doctor(clinic) -> User:
    user = clinic.users[Role.HC_SECONDARY]
    User.objects.filter(pk=user.pk).update(first_name="Owen", last_name="Castellano")
    return User.objects.get(pk=user.pk)


def shown(client: Client, tab: str = "worklist", **query) -> list[int]:
    """Return the ids of the alerts that a tab shows, in order."""
    answer = client.get(reverse(f"admin:{tab}"), query)
    assert answer.status_code == 200, answer.status_code
    return [int(pk) for pk in re.findall(r'<tr id="alert-(\d+)"', answer.content.decode())]


def text_of(client: Client, address: str, **query) -> str:
    answer = client.get(address, query)
    assert answer.status_code == 200, answer.status_code
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.content.decode()))


def dialog(alert: MonitoringAlert, verb: str, **query) -> str:
    return reverse(f"admin:alert_{verb}", args=[alert.pk], query=query)


def claimed(alert: MonitoringAlert, user: User) -> None:
    claim_alert(actor=actor_of_user(user, route="tests"), alert_id=alert.pk)


def events(answer) -> dict:
    assert answer.status_code == 204, answer.content.decode()
    return json.loads(answer.headers["HX-Trigger"])


DONE = {"processed_type": "reviewed", "action": "Feels well"}


# --- who sees what, in which order ----------------------------------------------------------------------
def test_red_comes_first_and_then_what_waits_longest(raised, ward, clinic):
    patients = [ward.patient() for _ in range(4)]
    grey = raised(patients[0], 95, "pulse")
    orange, red, later = raised(patients[1]), raised(patients[2], 105), raised(patients[3])
    assert shown(sign_in(clinic.users[Role.HC_ADMIN])) == [red.pk, orange.pk, later.pk, grey.pk]


def test_everybody_sees_the_alerts_of_their_patients_and_a_patient_none(raised, ward, clinic, neighbour, ada):
    own, elsewhere = raised(ada), raised(ward.patient(care_group_id=clinic.other_group.pk))
    gone = ward.patient()
    raised(gone)
    archive(gone)
    for role in (Role.FC_ADMIN, Role.HC_ADMIN, Role.HC_VIEW_ALL):
        assert shown(sign_in(clinic.users[role])) == [own.pk, elsewhere.pk]
    for role in (Role.HC_PRIMARY, Role.HC_SECONDARY):
        assert shown(sign_in(clinic.users[role])) == [own.pk]
    assert shown(sign_in(neighbour.users[Role.HC_ADMIN])) == []
    assert sign_in(clinic.users[Role.PATIENT]).get(reverse("admin:worklist")).status_code == 302


def test_each_alert_is_in_the_tab_of_its_status(raised, ada, nurse, doctor):
    still, mine, anybodys, done = (raised(ada, days=days) for days in range(4))
    for alert, details in ((mine, {"escalated_to_id": doctor.pk}), (anybodys, {})):
        process_alert(actor=SYSTEM, patient_id=ada.pk, alert_id=alert.pk, status="escalated", **details)
    process_alert(actor=SYSTEM, patient_id=ada.pk, alert_id=done.pk, status="processed", processed_type="false_alarm")
    client = sign_in(doctor)
    tabs = ("worklist", "worklist_mine", "worklist_escalated", "worklist_processed")
    assert [shown(client, tab) for tab in tabs] == [[still.pk], [mine.pk], [mine.pk, anybodys.pk], [done.pk]]
    assert "Open 1 Escalated to me 1 All escalated 2 Processed" in text_of(client, reverse("admin:worklist"))
    assert "False alarm by somebody" in text_of(client, reverse("admin:worklist_processed"))
    assert "Escalated to Owen Castellano" in text_of(client, reverse("admin:worklist_escalated"))
    assert shown(sign_in(nurse), "worklist_mine") == []


def test_a_line_tells_patient_cause_what_became_of_it_and_trend(raised, ward, ada, nurse):
    ward.stored(ada, 80, timezone.now() - 5 * DAY)
    for days in (3, 2):
        raised(ada, 95, days=days)
    page = sign_in(nurse).get(reverse("admin:worklist")).content.decode()
    line = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page[page.index('<tr id="alert-') :]))
    day = f"{timezone.localtime(timezone.now() - 3 * DAY, ward.clinic.organization.zone):%-d %b}"
    assert re.search(rf"Orange Okafor, Ada 70 OK-1 Weight 95 on {day}, limit 90 Above it since {day}", line), line
    assert 'aria-label="Weight, 3 values, rising from 80 to 95, the last one orange"' in page


# --- filters --------------------------------------------------------------------------------------------
def test_filters_leave_what_they_say(raised, ward, clinic, ada, now):
    child = ward.patient(first_name="Kim", last_name="Young", date_of_birth=(now - 3000 * DAY).date())
    red, orange, grey = raised(ada, 105), raised(child), raised(child, 95, "pulse")
    client = sign_in(clinic.users[Role.HC_ADMIN])
    program, group = clinic.catalogs["program"], clinic.group
    assert (
        shown(client, flag="red") == shown(client, age="older") == shown(client, q="okaf") == shown(client, q="OK-1") == [red.pk]
    )
    assert shown(client, age="child") == shown(client, q="young, kim") == [orange.pk, grey.pk]
    assert shown(client, type="measurement", program=program.pk, group=group.pk) == [red.pk, orange.pk, grey.pk]
    assert shown(client, type="remark") == shown(client, group=clinic.other_group.pk) == shown(client, q="nobody") == []
    assert shown(client, age="adult") == shown(client, q="young", flag="red") == []


@pytest.mark.parametrize("column", ["date_time_deceased", "stopped_at"])
@pytest.mark.parametrize(("day", "age"), [(1, "child"), (2, "adult")])
def test_the_age_of_the_dead_is_that_at_death(raised, ward, clinic, column, day, age):
    patient = ward.patient(date_of_birth=datetime.date(1940, 6, 2))
    alert = raised(patient)
    died = datetime.datetime(1958, 6, day, 12, tzinfo=datetime.UTC)
    Patient.objects.filter(pk=patient.pk).update(status="deceased", **{column: died})
    client = sign_in(clinic.users[Role.HC_ADMIN])
    assert [name for name in ("child", "adult", "older") if shown(client, age=name) == [alert.pk]] == [age]


@pytest.mark.parametrize(
    "query",
    [{"flag": "purple"}, {"type": "x"}, {"program": "9" * 30}, {"group": "x"}, {"age": "7"}, {"x": "1"}, {"q": "x" * 501}],
)
def test_what_cannot_be_read_is_refused(clinic, query):
    assert sign_in(clinic.users[Role.HC_ADMIN]).get(reverse("admin:worklist"), query).status_code == 400


def test_a_foreign_program_is_no_filter(clinic, neighbour):
    client = sign_in(clinic.users[Role.HC_ADMIN])
    assert client.get(reverse("admin:worklist"), {"program": neighbour.catalogs["program"].pk}).status_code == 400


def test_fifty_stand_on_a_page(raised, ward, clinic, ada, now):
    # In the middle of the day: near midnight two of them would be of one day where clocks are set back.
    noon = (now - DAY).replace(hour=12)
    ward.evaluate(ada, *(ward.stored(ada, 95, noon - day * DAY) for day in range(52)))
    client = sign_in(clinic.users[Role.HC_ADMIN])
    first, second = shown(client), shown(client, page=2)
    assert (len(first), len(second), len({*first, *second})) == (50, 2, 52)


# --- what it costs, and what is audited -------------------------------------------------------------------
def test_a_list_costs_the_same_for_any_number_of_alerts(ward, clinic, ada, now):
    ward.prescribe(HEAVY, MEAN, REMARK, BOTH)
    client, costs = sign_in(clinic.users[Role.HC_PRIMARY]), set()
    for first, last in ((0, 3), (3, 12), (12, 40)):
        rows = [ward.stored(ada, 95, now - day * DAY, comment="x") for day in range(first, last)]
        ward.evaluate(ada, *rows, *(ward.stored(ada, 120, now - day * DAY, "pulse") for day in range(first, last)))
        client.get(reverse("admin:worklist"))
        with CaptureQueriesContext(connection) as queries:
            client.get(reverse("admin:worklist"))
        costs.add(len([query for query in queries if not query["sql"].startswith(("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT"))]))
    assert len(costs) == 1
    assert costs.pop() <= 20


def test_a_list_is_a_search_of_its_patients_and_an_opened_alert_a_read(raised, ward, ada, nurse):
    alert, other = raised(ada), ward.patient()
    raised(other)
    client = sign_in(nurse)
    shown(client)
    search = AuditEvent.objects.get(action="monitoring_alert.search")
    assert set(AuditedPatient.objects.filter(event=search).values_list("patient_id", flat=True)) == {ada.pk, other.pk}
    client.get(reverse("admin:alert", args=[alert.pk]))
    read = AuditEvent.objects.get(action="monitoring_alert.read")
    assert (read.user_id, read.outcome) == (nurse.pk, "ok")
    assert list(AuditedPatient.objects.filter(event=read).values_list("patient_id", flat=True)) == [ada.pk]


ADDRESSES = [
    "admin:alert",
    "admin:alert_process",
    "admin:alert_escalate",
    "admin:alert_review",
    "admin:alert_claim",
    "admin:alert_release",
]


@pytest.mark.parametrize("name", ADDRESSES)
def test_a_foreign_alert_is_answered_like_an_unknown_one(raised, ada, neighbour, name):
    alert, client = raised(ada), sign_in(neighbour.users[Role.HC_ADMIN])
    seen, unknown = (client.post(reverse(name, args=[pk]), DONE) for pk in (alert.pk, 987_654_321))
    contents = {re.sub(rb'nonce="[^"]*"', b"", answer.content) for answer in (seen, unknown)}
    assert (seen.status_code, len(contents)) == (unknown.status_code, 1)
    assert seen.status_code in (404, 405)
    assert client.get(reverse(name, args=[alert.pk])).status_code in (404, 405)
    assert AuditEvent.objects.filter(action="monitoring_alert.read", outcome="denied").exists()
    assert MonitoringAlert.objects.get().status == "open"


def test_who_only_reads_sees_the_list_and_processes_nothing(raised, ada, clinic):
    alert, client = raised(ada), sign_in(clinic.users[Role.HC_VIEW_ALL])
    page = client.get(reverse("admin:worklist")).content.decode()
    assert str(alert.pk) in page
    assert "Process" not in page.replace("Processed", "")
    for verb in ("process", "escalate", "claim", "release", "review"):
        for answer in (client.get(dialog(alert, verb)), client.post(dialog(alert, verb), DONE)):
            assert answer.status_code in (403, 405), verb
    for name in ("alerts_process", "alerts_escalate"):
        assert client.post(reverse(f"admin:{name}", query={"alert": alert.pk}), DONE).status_code == 403
    assert MonitoringAlert.objects.get().status == "open"
    assert AuditEvent.objects.filter(action="monitoring_alert.update", outcome="denied", subject_id=alert.pk).exists()


# --- an opened alert --------------------------------------------------------------------------------------
def test_an_opened_alert_tells_rule_phone_allergies_medications_and_notes(raised, clinic, ada, nurse):
    before, alert = raised(ada, days=2), raised(ada, 105)
    process_alert(actor=SYSTEM, patient_id=ada.pk, alert_id=before.pk, status="processed", action="Was ill, eats little")
    latex = clinic.catalog(AllergyDefinition, "Latex")
    clinic.entry(Allergy, ada, allergy_definition_id=latex.pk, severity="mild")
    clinic.entry(Allergy, ada, allergy_definition_id=latex.pk, reaction="Over it", status_is_active=False)
    clinic.entry(Medication, ada, med_descript="Metformin", dosage="500 mg")
    clinic.entry(Medication, ada, med_descript="Aspirin", status="discontinued")
    text = text_of(sign_in(nurse), reverse("admin:alert", args=[alert.pk]))
    for told in ("red when weight is above 100.", "No limits of their own", "617 555 0112 , mobile", "Allergy: Latex, mild"):
        assert told in text
    assert "Metformin, 500 mg" in text
    assert "Was ill, eats little" in text
    assert "Over it" not in text
    assert "Aspirin" not in text


def test_its_chart_has_the_limits_in_force_for_the_patient(raised, ward, ada, nurse):
    alert = raised(ada, 105)
    ward.own(ada, "measurement", "weight", {**HEAVY, "value": 92, "flag": "orange"})
    page = sign_in(nurse).get(reverse("admin:alert", args=[alert.pk]), {"days": "90"}).content.decode()
    assert "92 orange" in page
    # That of the rule that raised the alert, although it is not in force any more.
    assert "100 red" in page
    assert "90 orange" not in page
    assert "These are the patient’s own limits" in page


# --- processing -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("role", WRITERS)
def test_an_alert_is_processed_with_what_was_done_and_the_next_one_opens(raised, ward, clinic, ada, role):
    alert, following = raised(ada), raised(ward.patient())
    client = sign_in(clinic.users[role])
    client.get(dialog(alert, "process", tab="open"))
    answer = client.post(dialog(alert, "process", tab="open"), {"processed_type": "contacted_patient", "action": "Feels well"})
    told = events(answer)
    assert told["saved"]["message"] == "Processed the alert of Okafor, Ada."
    assert told["alert-done"] == {"next": following.pk}
    alert.refresh_from_db()
    assert (alert.status, alert.processed_type, alert.action) == ("processed", "contacted_patient", "Feels well")
    assert (alert.processed_by, alert.claimed_by) == (clinic.users[role], None)
    assert CommunicationLog.objects.get().note == "Feels well"


def test_the_next_one_is_the_next_of_the_tab_that_nobody_else_has(raised, ward, nurse, doctor):
    red, first, second, third = (raised(ward.patient(), number) for number in (105, 95, 95, 95))
    claimed(second, doctor)
    client = sign_in(nurse)
    assert events(client.post(dialog(first, "process", tab="open"), DONE))["alert-done"]["next"] == third.pk
    # After the last one the first one comes again.
    assert events(client.post(dialog(third, "process", tab="open"), DONE))["alert-done"]["next"] == red.pk
    assert events(client.post(dialog(red, "process"), {**DONE, "finished": "on"}))["alert-done"]["next"] is None


def test_a_red_alert_asks_whether_one_is_done_with_it(raised, ada, nurse):
    alert, client = raised(ada, 105), sign_in(nurse)
    assert "Red alert: I am done with it." in client.get(dialog(alert, "process")).content.decode()
    refused = client.post(dialog(alert, "process"), DONE)
    assert refused.status_code == 422
    assert "Tick this box" in refused.content.decode()
    assert client.post(dialog(alert, "process"), {**DONE, "finished": "on", "action": ""}).status_code == 422
    assert client.post(dialog(alert, "process"), {**DONE, "finished": "on"}).status_code == 204


def test_what_was_done_must_be_said(raised, ada, nurse):
    answer = sign_in(nurse).post(dialog(raised(ada), "process"), {"action": "typed"})
    assert answer.status_code == 422
    assert "typed" in answer.content.decode()
    assert MonitoringAlert.objects.get().status == "open"


def test_one_looks_again_at_a_time_of_the_clinic_and_is_reminded_then(raised, ada, nurse, doctor):
    alert, client = raised(ada), sign_in(nurse)
    again = {**DONE, "review_at": "30 Nov 2099", "review_at_time": "12:00", "review_by": doctor.pk}
    assert client.post(dialog(alert, "process"), again).status_code == 204
    alert.refresh_from_db()
    assert (alert.review_at, alert.review_by) == (datetime.datetime(2099, 11, 30, 17, tzinfo=datetime.UTC), doctor)
    assert "Look again now" not in text_of(sign_in(doctor), reverse("admin:worklist"))
    MonitoringAlert.objects.update(review_at=timezone.now() - HOUR)
    assert "Look again now 1" in text_of(sign_in(doctor), reverse("admin:worklist"))
    assert "Look again now" not in text_of(client, reverse("admin:worklist"))
    sign_in(doctor).post(dialog(alert, "review"), {})
    assert "Look again now" not in text_of(sign_in(doctor), reverse("admin:worklist"))
    alert.refresh_from_db()
    assert alert.reviewed_at is not None


def test_a_time_that_is_over_is_refused_beside_its_field(raised, ada, nurse):
    past = {**DONE, "review_at": "1 Jan 2020", "review_at_time": "12:00", "review_by": nurse.pk}
    answer = sign_in(nurse).post(dialog(raised(ada), "process"), past)
    assert answer.status_code == 422
    assert "still to come" in answer.content.decode()


# --- escalating -------------------------------------------------------------------------------------------
def test_an_alert_is_escalated_to_somebody_and_handed_over(raised, clinic, ada, nurse, doctor):
    alert, client = raised(ada), sign_in(nurse)
    page = client.get(dialog(alert, "escalate")).content.decode()
    assert "Owen Castellano" in page
    assert "(me)" not in page
    told = events(client.post(dialog(alert, "escalate"), {"escalated_to": doctor.pk, "additional_info": "Please look"}))
    assert told["saved"]["message"] == "Escalated the alert of Okafor, Ada to Owen Castellano."
    admin = clinic.users[Role.HC_ADMIN]
    assert sign_in(doctor).post(dialog(alert, "escalate"), {"escalated_to": admin.pk}).status_code == 204
    alert.refresh_from_db()
    assert (alert.escalated_to, alert.escalated_by, alert.additional_info) == (admin, doctor, "Please look")


def test_nobody_of_elsewhere_is_offered_or_taken(raised, neighbour, ada, nurse):
    alert, stranger = raised(ada), neighbour.users[Role.HC_ADMIN]
    client = sign_in(nurse)
    assert f'value="{stranger.pk}"' not in client.get(dialog(alert, "escalate")).content.decode()
    assert client.post(dialog(alert, "escalate"), {"escalated_to": stranger.pk}).status_code == 422


# --- two people at once -----------------------------------------------------------------------------------
def test_whoever_comes_second_sees_who_is_looking_and_may_take_over(raised, ada, nurse, doctor):
    alert = raised(ada)
    first, second = sign_in(nurse), sign_in(doctor)
    first.get(dialog(alert, "process"))
    opened = second.get(dialog(alert, "process")).content.decode()
    assert "Paula Prescott is looking at this." in opened
    assert "What was done" not in opened
    assert second.post(dialog(alert, "process"), DONE).status_code == 422
    assert "Paula Prescott is looking at this" in text_of(second, reverse("admin:worklist"))
    assert "What was done" in second.post(dialog(alert, "process"), {"take_over": "1", "action": "typed"}).content.decode()
    assert first.post(dialog(alert, "claim")).content.decode() == "Owen Castellano has taken this alert over."
    lost = first.post(dialog(alert, "process"), {**DONE, "action": "typed"})
    assert lost.status_code == 422
    assert "Owen Castellano is looking at this." in lost.content.decode()
    assert "typed" in lost.content.decode()
    assert second.post(dialog(alert, "process"), DONE).status_code == 204
    assert len(audited(ada, "monitoring_alert.claim")) == 2


def test_what_somebody_has_processed_meanwhile_is_told_and_not_saved(raised, ada, nurse, doctor):
    alert, client = raised(ada), sign_in(nurse)
    client.get(dialog(alert, "process"))
    by_doctor = actor_of_user(doctor, route="tests")
    process_alert(actor=by_doctor, patient_id=ada.pk, alert_id=alert.pk, status="processed", processed_type="referred")
    late = client.post(dialog(alert, "process"), {**DONE, "action": "typed"})
    assert late.status_code == 422
    assert "Owen Castellano processed this alert (referred)" in late.content.decode()
    assert "typed" in late.content.decode()
    assert "Owen Castellano processed this alert (referred)" in client.get(dialog(alert, "process")).content.decode()
    alert.refresh_from_db()
    assert (alert.processed_type, alert.action) == ("referred", None)


def test_closing_the_dialog_lets_others_in_at_once(raised, ada, nurse, doctor):
    alert, first = raised(ada), sign_in(nurse)
    first.get(dialog(alert, "process"))
    assert first.post(dialog(alert, "release")).status_code == 204
    assert "is looking at this" not in sign_in(doctor).get(dialog(alert, "process")).content.decode()


# --- several ----------------------------------------------------------------------------------------------
def test_several_get_one_note_and_what_others_look_at_is_left_out(raised, ward, ada, nurse, doctor):
    first, second, held = (raised(ada, days=days) for days in range(3))
    claimed(held, doctor)
    address = reverse("admin:alerts_process", query={"alert": [first.pk, second.pk, held.pk]})
    client = sign_in(nurse)
    opened = client.get(address).content.decode()
    assert "Process 2 alerts" in opened
    assert "Left out: Okafor, Ada. Owen Castellano is looking at this." in opened
    told = events(client.post(address, {**DONE, "action": "Travelling"}))
    assert told["saved"]["message"] == "Processed 2 alerts."
    assert list(MonitoringAlert.objects.order_by("pk").values_list("action", flat=True)) == ["Travelling", "Travelling", None]


def test_red_ones_are_not_processed_with_others_unasked(raised, ward, ada, nurse):
    red, orange = raised(ada, 105), raised(ward.patient())
    address = reverse("admin:alerts_process", query={"alert": [red.pk, orange.pk]})
    client = sign_in(nurse)
    assert "1 of them is red" in client.get(address).content.decode()
    assert client.post(address, DONE).status_code == 422
    assert set(MonitoringAlert.objects.values_list("status", flat=True)) == {"open"}
    assert client.post(address, {**DONE, "finished": "on"}).status_code == 204


def test_several_are_escalated_to_whoever_cares_for_all_of_them(raised, ada, nurse, doctor):
    alerts = [raised(ada, days=days) for days in range(2)]
    address = reverse("admin:alerts_escalate", query={"alert": [alert.pk for alert in alerts]})
    assert sign_in(nurse).post(address, {"escalated_to": doctor.pk}).status_code == 204
    assert set(MonitoringAlert.objects.values_list("status", "escalated_to")) == {("escalated", doctor.pk)}


@pytest.mark.parametrize("ids", [[], ["x"], ["1"] * 51])
def test_what_names_no_alerts_is_refused(clinic, ids):
    assert sign_in(clinic.users[Role.HC_ADMIN]).get(reverse("admin:alerts_process", query={"alert": ids})).status_code == 400


def test_foreign_ones_are_left_alone(raised, ada, neighbour):
    alert = raised(ada)
    address = reverse("admin:alerts_process", query={"alert": alert.pk})
    assert sign_in(neighbour.users[Role.HC_ADMIN]).post(address, DONE).status_code == 422
    assert MonitoringAlert.objects.get().status == "open"


# --- counts and news --------------------------------------------------------------------------------------
def test_the_sidebar_tells_what_waits(raised, ward, ada, nurse, doctor):
    raised(ada, 105)
    raised(ward.patient())
    escalated = raised(ward.patient())
    process_alert(
        actor=SYSTEM, patient_id=escalated.patient_id, alert_id=escalated.pk, status="escalated", escalated_to_id=doctor.pk
    )
    counts = text_of(sign_in(doctor), reverse("admin:sidebar_counts"))
    assert counts.split() == ["1", "red", "2", "open", "1"]
    assert "1 red 2 open" in text_of(sign_in(nurse), reverse("admin:index"))
    assert text_of(sign_in(nurse), reverse("admin:sidebar_counts")).split() == ["1", "red", "2", "open"]


def test_news_tell_what_has_come_and_who_has_taken_what_is_shown(raised, ward, ada, nurse, doctor):
    known, taken, done = raised(ada), raised(ada, days=1), raised(ada, days=2)
    ids = [known.pk, taken.pk, done.pk]
    client, address = sign_in(nurse), reverse("admin:worklist_news", args=["open"])
    quiet = text_of(client, address, since=timezone.now().isoformat(), shown=ids)
    assert "Nothing new" in quiet
    since = timezone.now()
    raised(ward.patient())
    claimed(taken, doctor)
    process_alert(actor=actor_of_user(doctor, route="tests"), patient_id=ada.pk, alert_id=done.pk, status="processed")
    news = text_of(client, address, since=since.isoformat(), shown=ids)
    assert "1 new." in news
    assert "Owen Castellano is looking at this" in news
    assert "Processed by Owen Castellano" in news
    assert text_of(sign_in(ward.clinic.users[Role.HC_ADMIN]), address, since=since.isoformat()).count("new") == 1


@pytest.mark.parametrize(
    "query", [{}, {"since": "x"}, {"since": "2026-01-01T00:00:00"}, {"since": "2026-01-01T00:00:00Z", "shown": "x"}]
)
def test_news_since_no_time_are_refused(clinic, query):
    client = sign_in(clinic.users[Role.HC_ADMIN])
    assert client.get(reverse("admin:worklist_news", args=["open"]), query).status_code == 400


def test_a_script_gets_the_list_alone(raised, ada, nurse):
    raised(ada)
    answer = sign_in(nurse).get(reverse("admin:worklist"), headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in answer
    assert 'id="worklist"' in answer
