"""The second factor: codes of the app and recovery codes, each accepted once; pauses after failures; who may reset it."""

import datetime

import pytest
from django.db import connection

from accounts.authentication import actor_of_user
from accounts.models import AuditEvent, Role, SecondFactor, User
from accounts.scope import Actor
from accounts.services.second_factors import (
    WRONG_CODE,
    check_code,
    enrol_second_factor,
    enrolment_uri,
    new_secret,
    remove_second_factor,
    reset_second_factor,
)
from config.core.encryption import SealBroken
from config.core.exceptions import Conflict, Invalid, NotFound, NotPermitted
from tests.clock import Clock
from tests.factories import SYSTEM
from tests.one_time_codes import RFC_SECRET, STEP, code_at, enrolled

NOON = datetime.datetime(2026, 3, 2, 12, 0, 5, tzinfo=datetime.UTC)


@pytest.fixture
def clock(monkeypatch) -> Clock:
    return Clock(monkeypatch, NOON)


@pytest.fixture
def nurse(clinic) -> User:
    return clinic.users[Role.HC_PRIMARY]


@pytest.fixture
def codes(clock, nurse) -> list[str]:
    """Enrol the nurse at noon and move on to the next code. Returns the recovery codes."""
    _, codes = enrolled(nurse, clock.now)
    clock.move(NOON + STEP)
    return codes


def check(user: User, code: str) -> None:
    check_code(actor=actor_of_user(user, route="test"), user=User.objects.get(pk=user.pk), code=code)


def refusal(user: User, code: str) -> str:
    with pytest.raises(Invalid) as refused:
        check(user, code)
    return str(refused.value)


def actions(user: User) -> list[tuple[str, str]]:
    return list(AuditEvent.objects.filter(user_id=user.pk).order_by("id").values_list("action", "outcome"))


# --- setting up -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "code"), [(59, "287082"), (1111111109, "081804"), (20000000000, "353130")])
def test_codes_are_those_of_the_standard(monkeypatch, nurse, seconds, code):
    Clock(monkeypatch, datetime.datetime.fromtimestamp(seconds, datetime.UTC))
    enrol_second_factor(actor=SYSTEM, user=nurse, secret=RFC_SECRET, code=code)
    assert SecondFactor.objects.get(user=nurse).last_step == seconds // 30


def test_a_wrong_first_code_leaves_nothing_but_an_event(clock, nurse):
    with pytest.raises(Invalid, match="wrong"):
        enrol_second_factor(actor=actor_of_user(nurse, route="test"), user=nurse, secret=RFC_SECRET, code="000000")
    assert not SecondFactor.objects.exists()
    assert actions(nurse) == [("second_factor.refused", "denied")]


def test_a_second_one_is_refused_and_the_first_stays(clock, codes, nurse):
    other = new_secret()
    with pytest.raises(Conflict):
        enrol_second_factor(actor=SYSTEM, user=User.objects.get(pk=nurse.pk), secret=other, code=code_at(other, clock.now))
    assert SecondFactor.objects.get(user=nurse).secret == RFC_SECRET


def test_secrets_are_160_random_bits(nurse):
    assert len(new_secret()) == 32
    assert new_secret() != new_secret()


def test_the_uri_names_the_person_and_the_secret(nurse):
    nurse.email = "a+b@hill.test"
    assert enrolment_uri(nurse, "ABCD") == "otpauth://totp/Anamnesis%3Aa%2Bb%40hill.test?secret=ABCD&issuer=Anamnesis"


def test_neither_secret_nor_recovery_codes_are_readable_in_the_database(codes, nurse):
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM accounts_secondfactor")
        kept = "".join(str(bytes(value) if isinstance(value, memoryview) else value) for value in cursor.fetchone())
    for secret in (RFC_SECRET, "12345678901234567890", *codes, *(code.replace("-", "") for code in codes)):
        assert secret not in kept


def test_a_secret_opens_in_its_own_row_only(codes, nurse, clinic, clock):
    other, _ = enrolled(clinic.users[Role.HC_ADMIN], clock.now)
    other.secret_sealed = SecondFactor.objects.get(user=nurse).secret_sealed
    with pytest.raises(SealBroken):
        _ = other.secret


# --- codes of the app -------------------------------------------------------------------------------


def test_a_code_is_accepted_once(clock, codes, nurse):
    code = code_at(RFC_SECRET, clock.now)
    check(nurse, code)
    assert refusal(nurse, code) == WRONG_CODE
    assert actions(nurse)[1:] == [("second_factor.accept", "ok"), ("second_factor.refused", "denied")]


def test_the_code_of_the_enrolment_signs_nobody_in(clock, nurse):
    enrolled(nurse, clock.now)
    assert refusal(nurse, code_at(RFC_SECRET, clock.now)) == WRONG_CODE


def test_after_a_code_no_earlier_one_is_accepted(clock, codes, nurse):
    check(nurse, code_at(RFC_SECRET, clock.now + STEP))
    assert refusal(nurse, code_at(RFC_SECRET, clock.now)) == WRONG_CODE


@pytest.mark.parametrize(("steps", "accepted"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
def test_a_clock_may_be_one_step_early_or_late(clock, codes, nurse, steps, accepted):
    clock.move(NOON + 10 * STEP)
    code = code_at(RFC_SECRET, clock.now + steps * STEP)
    if accepted:
        check(nurse, code)
    else:
        assert refusal(nurse, code) == WRONG_CODE


@pytest.mark.parametrize("change", [lambda code: f" {code[:3]} {code[3:]} ", lambda code: code])
def test_blanks_in_a_code_do_not_matter(clock, codes, nurse, change):
    check(nurse, change(code_at(RFC_SECRET, clock.now)))


@pytest.mark.parametrize("code", ["", "-", "12345", "1234567", "١٢٣٤٥٦", "0x1234", "1_2345", "+12345", "\x00", "é" * 6, "9" * 64])
def test_what_is_no_code_is_a_wrong_code(codes, nurse, code):
    assert refusal(nurse, code) == WRONG_CODE


def test_a_code_of_another_persons_app_is_wrong(clock, codes, nurse):
    assert refusal(nurse, code_at(new_secret(), clock.now)) == WRONG_CODE


# --- recovery codes ---------------------------------------------------------------------------------


def test_there_are_ten_different_recovery_codes_of_80_bits(codes):
    assert len(set(codes)) == 10
    assert {len(code.replace("-", "")) for code in codes} == {16}


def test_a_recovery_code_is_accepted_once_and_the_others_stay(clock, codes, nurse):
    check(nurse, codes[3])
    assert refusal(nurse, codes[3]) == WRONG_CODE
    clock.move(clock.now + STEP)
    check(nurse, codes[4])
    assert AuditEvent.objects.filter(action="second_factor.accept", changed_fields="recovery_hashes").count() == 2
    assert len(SecondFactor.objects.get(user=nurse).recovery_hashes) == 8


@pytest.mark.parametrize("change", [str.lower, lambda code: code.replace("-", ""), lambda code: f" {code.replace('-', ' ')} "])
def test_a_recovery_code_is_taken_as_people_type_it(codes, nurse, change):
    check(nurse, change(codes[0]))


def test_a_recovery_code_of_somebody_else_is_wrong(clock, codes, nurse, clinic):
    _, others = enrolled(clinic.users[Role.HC_ADMIN], clock.now)
    assert refusal(nurse, others[0]) == WRONG_CODE


# --- pauses -----------------------------------------------------------------------------------------


def test_each_failure_doubles_the_pause_in_which_no_code_is_tried(clock, codes, nurse):
    for wait in (1, 2, 4, 8, 16, 32, 64):
        assert refusal(nurse, "000000") == WRONG_CODE
        clock.move(clock.now + datetime.timedelta(seconds=wait - 1))
        assert refusal(nurse, code_at(RFC_SECRET, clock.now)) == "Too many wrong codes. Wait 1 second and try again."
        clock.move(clock.now + datetime.timedelta(seconds=1))
    check(nurse, code_at(RFC_SECRET, clock.now))


def test_a_pause_holds_for_recovery_codes_and_does_not_use_them_up(clock, codes, nurse):
    refusal(nurse, "000000")
    refusal(nurse, codes[0])
    clock.move(clock.now + datetime.timedelta(seconds=1))
    check(nurse, codes[0])


def test_a_right_code_ends_the_pauses(clock, codes, nurse):
    refusal(nurse, "000000")
    clock.move(clock.now + STEP)
    check(nurse, code_at(RFC_SECRET, clock.now))
    factor = SecondFactor.objects.get(user=nurse)
    assert (factor.failures, factor.seconds_to_wait) == (0, 0)


def test_a_pause_has_a_longest_length(clock, codes, nurse):
    SecondFactor.objects.filter(user=nurse).update(failures=10_000, failed_at=clock.now)
    assert SecondFactor.objects.get(user=nurse).seconds_to_wait == 15 * 60


def test_each_pause_is_audited_once_however_many_codes_come_in_it(clock, codes, nurse, clinic):
    """By the code that began it, as the person's own. Whoever has the password could fill the trail otherwise."""
    for wait in (1, 2):
        for _ in range(3):
            refusal(nurse, "000000")
        clock.move(clock.now + datetime.timedelta(seconds=wait))
    refused = AuditEvent.objects.filter(action="second_factor.refused", organization_id=clinic.organization.pk)
    assert list(refused.values_list("user_id", "outcome")) == [(nurse.pk, "denied")] * 2


# --- removing and resetting -------------------------------------------------------------------------


def test_it_is_removed_by_a_right_code_only(clock, codes, nurse):
    actor = actor_of_user(nurse, route="test")
    with pytest.raises(Invalid):
        remove_second_factor(actor=actor, user=nurse, code="000000")
    assert SecondFactor.objects.exists()
    clock.move(clock.now + STEP)
    remove_second_factor(actor=actor, user=nurse, code=codes[0])
    assert not SecondFactor.objects.exists()
    assert actions(nurse)[-1] == ("second_factor.remove", "ok")


RESETS = {
    (Role.FC_ADMIN, Role.HC_ADMIN),
    *((administrator, role) for administrator in (Role.FC_ADMIN, Role.HC_ADMIN) for role in Role.values if "ADMIN" not in role),
}


@pytest.mark.parametrize("target", Role.values)
@pytest.mark.parametrize("role", Role.values)
def test_only_who_ranks_above_resets(clock, clinic, role, target):
    user = clinic.users[target]
    enrolled(user, clock.now)
    actor = Actor(role=role, user_id=0, organization_id=clinic.organization.pk)
    if (role, target) in RESETS:
        reset_second_factor(actor=actor, user=user)
    else:
        with pytest.raises(NotPermitted):
            reset_second_factor(actor=actor, user=user)
    assert SecondFactor.objects.exists() == ((role, target) not in RESETS)


def test_a_reset_is_audited_with_whose_it_was(codes, nurse, clinic):
    admin = clinic.users[Role.HC_ADMIN]
    reset_second_factor(actor=actor_of_user(admin, route="test"), user=nurse)
    event = AuditEvent.objects.get(action="second_factor.reset")
    assert (event.user_id, event.subject, event.subject_id) == (admin.pk, "user", nurse.pk)


def test_a_reset_of_nothing_is_not_found(nurse):
    with pytest.raises(NotFound):
        reset_second_factor(actor=SYSTEM, user=nurse)


def test_an_event_holds_no_secret_and_no_code(clock, codes, nurse):
    check(nurse, codes[0])
    text = str(list(AuditEvent.objects.filter(action__startswith="second_factor").values()))
    assert codes[0] not in text
    assert RFC_SECRET not in text
