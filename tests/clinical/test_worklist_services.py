"""What staff do with alerts in the worklist: escalate to somebody, process with a note, look again, and claim."""

import datetime
from collections.abc import Callable

import pytest
from django.utils import timezone

from accounts.authentication import actor_of_user
from accounts.models import AuditEvent, CareGroup, Role, User, UserStatus
from accounts.scope import Actor, scope
from accounts.services.catalogs import archive_catalog_row
from accounts.services.users import create_user
from clinical.models import CommunicationLog, MonitoringAlert
from clinical.services.monitoring import (
    claim_alert,
    colleagues_for,
    finish_review,
    hand_over_alert,
    process_alert,
    process_alerts,
    release_alert,
)
from clinical.services.monitoring.presence import CLAIM
from config.core.exceptions import Invalid, NotFound
from patients.models import Patient
from tests.clinical.monitored import audited, published
from tests.clinical.rules import HEAVY
from tests.factories import NOON, SYSTEM, Clinic, archive

DAY = datetime.timedelta(days=1)


@pytest.fixture
def patient(ward):
    return ward.patient()


@pytest.fixture
def raised(ward, patient) -> Callable[..., MonitoringAlert]:
    """Return what raises an alert of a patient."""
    ward.prescribe(HEAVY)

    def alert(day: int = 0, of: Patient = patient) -> MonitoringAlert:
        ward.measure(of, 95, NOON + day * DAY)
        return MonitoringAlert.objects.latest("pk")

    return alert


def person(clinic: Clinic, name: str, role: str = Role.HC_PRIMARY, *groups: CareGroup) -> User:
    given = {"email": f"{name}@{clinic.organization.slug}.test", "organization": clinic.organization, "first_name": name}
    return create_user(actor=SYSTEM, role=role, care_groups=groups, **given)


def actor(user: User) -> Actor:
    return actor_of_user(User.objects.get(pk=user.pk), route="tests")


@pytest.fixture
def paula(clinic) -> User:
    return person(clinic, "Paula", Role.HC_PRIMARY, clinic.group)


@pytest.fixture
def owen(clinic) -> User:
    return person(clinic, "Owen", Role.HC_SECONDARY, clinic.group)


def act(alert: MonitoringAlert, status: str, by: User, **details) -> MonitoringAlert:
    process_alert(actor=actor(by), patient_id=alert.patient_id, alert_id=alert.pk, status=status, **details)
    return MonitoringAlert.objects.get(pk=alert.pk)


# --- to whom ----------------------------------------------------------------------------------------
def test_colleagues_are_who_see_and_may_change_the_patient(clinic, neighbour, patient):
    """As the rules of scope have it, which are asked here person by person."""
    gone = person(clinic, "Gone", Role.HC_PRIMARY, clinic.group)
    User.objects.filter(pk=gone.pk).update(status=UserStatus.STOPPED)
    person(clinic, "Elsewhere", Role.HC_PRIMARY, clinic.other_group)
    writers = User.objects.filter(organization=clinic.organization, role__in=["HC_ADMIN", "HC_PRIMARY", "HC_SECONDARY"])
    for one in (patient, clinic.patient(care_group_id=clinic.other_group.pk), clinic.patient()):
        seeing = [user for user in writers if user.is_active and scope(actor(user), Patient.objects.filter(pk=one.pk)).exists()]
        assert {user.pk for user in seeing} == {user.pk for user in colleagues_for(one)}
    assert clinic.users[Role.HC_PRIMARY] in colleagues_for(patient)
    assert list(colleagues_for(patient, neighbour.patient())) == []


def test_of_several_patients_colleagues_are_those_of_all(clinic, patient, paula):
    elsewhere = clinic.patient(care_group_id=clinic.other_group.pk)
    both = person(clinic, "Both", Role.HC_PRIMARY, clinic.group, clinic.other_group)
    found = set(colleagues_for(patient, elsewhere))
    assert {both, clinic.users[Role.HC_ADMIN]} <= found
    assert paula not in found


def test_an_archived_group_has_no_caregivers(clinic, patient, paula):
    archive_catalog_row(actor=SYSTEM, row=clinic.group, base_version=1)
    assert paula not in colleagues_for(patient)


def test_an_alert_is_escalated_to_a_colleague_and_handed_over_to_another(raised, patient, paula, owen):
    alert = act(raised(), "escalated", paula, escalated_to_id=owen.pk, additional_info="Please look")
    assert (alert.status, alert.escalated_to, alert.escalated_by) == ("escalated", owen, paula)
    hand_over_alert(actor=actor(owen), patient_id=patient.pk, alert_id=alert.pk, escalated_to_id=paula.pk)
    handed = MonitoringAlert.objects.get(pk=alert.pk)
    assert (handed.escalated_to, handed.escalated_by, handed.additional_info) == (paula, owen, "Please look")
    assert handed.escalated_at > alert.escalated_at
    assert audited(patient, "monitoring_alert.escalate") == [
        ("monitoring_alert", alert.pk, "additional_info,escalated_to,status"),
        ("monitoring_alert", alert.pk, "escalated_to"),
    ]
    assert published("monitoring_alert.escalated") == [alert.uuid] * 2


def test_nobody_is_named_who_cannot_process_the_alert(raised, clinic, neighbour, paula):
    alert = raised()
    strangers = [
        neighbour.users[Role.HC_ADMIN],
        clinic.users[Role.HC_VIEW_ALL],
        clinic.users[Role.PATIENT],
        person(clinic, "Elsewhere", Role.HC_PRIMARY, clinic.other_group),
    ]
    for stranger in strangers:
        with pytest.raises(Invalid) as refusal:
            act(alert, "escalated", paula, escalated_to_id=stranger.pk)
        assert list(refusal.value.errors) == ["escalated_to"]
        with pytest.raises(Invalid) as refusal:
            act(alert, "processed", paula, review_at=NOON, review_by_id=stranger.pk)
        assert list(refusal.value.errors) == ["review_by"]
    assert MonitoringAlert.objects.get().status == "open"


def test_only_an_escalated_alert_is_handed_over_and_only_to_a_colleague(raised, clinic, paula, owen):
    alert = raised()
    handing = {"actor": actor(paula), "patient_id": alert.patient_id, "alert_id": alert.pk}
    with pytest.raises(Invalid):
        hand_over_alert(**handing, escalated_to_id=owen.pk)
    act(alert, "escalated", paula)
    with pytest.raises(Invalid):
        hand_over_alert(**handing, escalated_to_id=clinic.users[Role.HC_VIEW_ALL].pk)


# --- with a note, and again -------------------------------------------------------------------------
def test_a_call_goes_into_the_communication_log_and_nothing_else_does(raised, patient, paula):
    act(raised(), "processed", paula, processed_type="reviewed", action="Read")
    assert not CommunicationLog.objects.exists()
    act(raised(1), "processed", paula, log_call=True, processed_type="contacted_patient", action="Feels well")
    log = CommunicationLog.objects.get()
    assert (log.patient, log.mode, log.direction, log.note, log.created_by) == (patient, "phone", "sent", "Feels well", paula)


def test_a_processed_alert_is_looked_at_again_until_somebody_has(raised, patient, paula, owen):
    alert = act(raised(), "processed", paula, review_at=NOON, review_by_id=owen.pk)
    looking = {"actor": actor(owen), "patient_id": patient.pk, "alert_id": alert.pk}
    finish_review(**looking, again_at=NOON + DAY)
    alert.refresh_from_db()
    assert (alert.review_at, alert.review_by, alert.reviewed_at) == (NOON + DAY, owen, None)
    finish_review(**looking)
    alert.refresh_from_db()
    assert alert.reviewed_at is not None
    with pytest.raises(Invalid):
        finish_review(**looking)
    assert [changed for _, _, changed in audited(patient, "monitoring_alert.review")] == ["review_at,review_by", "reviewed_at"]
    assert published("monitoring_alert.reviewed") == [alert.uuid] * 2


@pytest.mark.parametrize(
    ("status", "details", "field"),
    [
        ("processed", {"review_at": NOON}, "review_at"),
        ("escalated", {"review_at": NOON}, "review_at"),
        ("processed", {"escalated_to_id": 1}, "escalated_to"),
    ],
)
def test_details_of_another_status_or_half_a_review_are_refused(raised, paula, status, details, field):
    alert = raised()
    with pytest.raises(Invalid) as refusal:
        act(alert, status, paula, **details)
    assert list(refusal.value.errors) == [field]


# --- several ----------------------------------------------------------------------------------------
def test_several_are_processed_with_one_note_and_those_that_were_are_counted(raised, ward, paula):
    first, second, third = raised(), raised(1), raised(2)
    archived = raised(0, of=ward.patient())
    act(second, "processed", paula, action="Before")
    archive(archived.patient)
    chosen = [(alert.patient_id, alert.pk) for alert in (third, archived, second, first)]
    assert process_alerts(actor=actor(paula), alerts=chosen, status="processed", action="Travelling") == (2, 2)
    rows = MonitoringAlert.objects.order_by("pk").values_list("status", "action")
    assert list(rows) == [("processed", "Travelling"), ("processed", "Before"), ("processed", "Travelling"), ("open", None)]


def test_several_change_together_or_not_at_all(raised, clinic, ward, paula):
    first, elsewhere = raised(), raised(0, of=ward.patient(care_group_id=clinic.other_group.pk))
    chosen = [(alert.patient_id, alert.pk) for alert in (first, elsewhere)]
    with pytest.raises(Invalid):
        process_alerts(actor=actor(paula), alerts=chosen, status="escalated", escalated_to_id=paula.pk)
    assert set(MonitoringAlert.objects.values_list("status", flat=True)) == {"open"}


# --- presence ---------------------------------------------------------------------------------------
def claim(alert: MonitoringAlert, user: User, **how) -> User | None:
    return claim_alert(actor=actor(user), alert_id=alert.pk, **how)


def expire(alert: MonitoringAlert) -> None:
    """Let two minutes pass."""
    MonitoringAlert.objects.filter(pk=alert.pk).update(claimed_until=timezone.now())


def test_an_alert_is_claimed_by_one_person_until_it_is_released(raised, patient, paula, owen):
    alert = raised()
    before = timezone.now()
    assert claim(alert, paula) is None
    claimed = MonitoringAlert.objects.get(pk=alert.pk)
    assert claimed.claimed_by == paula
    assert before + CLAIM <= claimed.claimed_until <= timezone.now() + CLAIM
    assert claim(alert, owen) == paula
    release_alert(actor=actor(owen), alert_id=alert.pk)
    assert claim(alert, owen) == paula
    release_alert(actor=actor(paula), alert_id=alert.pk)
    assert claim(alert, owen) is None
    assert len(audited(patient, "monitoring_alert.claim")) == 2


def test_a_claim_expires_is_renewed_unheard_and_is_taken_over_knowingly(raised, patient, paula, owen):
    alert = raised()
    claim(alert, paula)
    until = MonitoringAlert.objects.get(pk=alert.pk).claimed_until
    assert claim(alert, paula) is None
    assert MonitoringAlert.objects.get(pk=alert.pk).claimed_until > until
    assert len(audited(patient, "monitoring_alert.claim")) == 1
    assert claim(alert, owen, take_over=True) is None
    assert claim(alert, paula) == owen
    expire(alert)
    assert claim(alert, paula) is None
    assert len(audited(patient, "monitoring_alert.claim")) == 3


def test_what_was_done_with_an_alert_ends_the_claim_and_nobody_claims_a_processed_one(raised, paula, owen):
    alert = raised()
    for status in ("escalated", "processed"):
        claim(alert, paula, take_over=True)
        after = act(alert, status, paula)
        assert (after.claimed_by, after.claimed_until) == (None, None)
    for take_over in (False, True):
        with pytest.raises(NotFound):
            claim(alert, owen, take_over=take_over)
    assert AuditEvent.objects.filter(action="monitoring_alert.claim").count() == 2
