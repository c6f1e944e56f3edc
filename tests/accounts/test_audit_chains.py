"""The chains over the audit trail: whatever is done to sealed events with the triggers off is found, by the first row."""

import datetime
import io
import random
from collections.abc import Callable, Iterator

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.models import AuditChain, AuditedPatient, AuditEvent, AuditSeal, Role
from accounts.scope import Actor
from accounts.services import audit_chains
from accounts.services.audit_chains import ChainBroken, prune_events, seal_events
from accounts.services.audit_verification import verdict_on, verify_chains
from tests.append_only import lifted

EVENTS, PLACES = 40, 100
LONG_AGO = timezone.now() - datetime.timedelta(days=8 * 366)


@pytest.fixture
def actor(clinic) -> Actor:
    return Actor(role=Role.HC_ADMIN, user_id=clinic.users[Role.HC_ADMIN].pk, organization_id=clinic.organization.pk)


@pytest.fixture
def events(clinic, actor) -> list[AuditEvent]:
    """Return the sealed events of the clinic, each with another action and other patients."""
    for number in range(EVENTS):
        patients = [(clinic.organization.pk, number), (clinic.organization.pk, number + 1)][: number % 3]
        audit.record_read(actor, f"test.{number}", patients=patients)
    assert seal_events() > EVENTS
    return own_events(clinic)


@pytest.fixture
def unguarded(events) -> Iterator[None]:
    with lifted():
        yield


def own_events(clinic) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(organization_id=clinic.organization.pk).order_by("pk"))


def delete(event: AuditEvent) -> None:
    AuditedPatient.objects.filter(event=event).delete()
    AuditEvent.objects.filter(pk=event.pk).delete()


# --- each of these breaks `rows` at `place`, and returns the row that is to be named ------------------


def deleted(rows: list[AuditEvent], place: int) -> int:
    delete(rows[place])
    return rows[place].pk


def deleted_with_its_seal(rows: list[AuditEvent], place: int) -> int:
    delete(rows[place])
    AuditSeal.objects.filter(event_id=rows[place].pk).delete()
    return rows[min(place + 1, len(rows) - 1)].pk


def changed(rows: list[AuditEvent], place: int) -> int:
    column, value = random.Random(place).choice(
        [("action", "x"), ("user_id", 7), ("at", LONG_AGO), ("outcome", "denied"), ("address", "10.0.0.9"), ("route", "x")]
    )
    AuditEvent.objects.filter(pk=rows[place].pk).update(**{column: value})
    return rows[place].pk


def given_a_patient(rows: list[AuditEvent], place: int) -> int:
    AuditedPatient.objects.create(event=rows[place], organization_id=rows[place].organization_id, patient_id=10**6)
    return rows[place].pk


def moved(rows: list[AuditEvent], place: int) -> int:
    AuditEvent.objects.filter(pk=rows[place].pk).update(organization_id=None)
    return rows[place].pk


def swapped(rows: list[AuditEvent], place: int) -> int:
    other = (place + 7) % len(rows)
    one, two = rows[place], rows[other]
    columns = [field.attname for field in AuditEvent._meta.concrete_fields if not field.primary_key]
    for target, source in ((one, two), (two, one)):
        AuditEvent.objects.filter(pk=target.pk).update(**{name: getattr(source, name) for name in columns})
    return min(one.pk, two.pk)


def unsealed(rows: list[AuditEvent], place: int) -> int:
    AuditSeal.objects.filter(event_id=rows[place].pk).delete()
    return rows[place].pk


WAYS = [deleted, deleted_with_its_seal, changed, given_a_patient, moved, swapped, unsealed]


@pytest.mark.sweep
def test_a_hundred_random_breaks_are_found_by_their_first_row(clinic, events, unguarded):
    chance, wrong = random.Random(33), []
    for number in range(PLACES):
        way, place = WAYS[number % len(WAYS)], chance.randrange(len(events))
        with transaction.atomic():
            expected = way(events, place)
            found = verdict_on(clinic.organization.pk)
            transaction.set_rollback(True)
        if found.event_id != expected:
            wrong.append(f"{way.__name__} at {place} of {len(events)}: {found.event_id} instead of {expected}, {found.reason}")
    assert wrong == []
    assert verdict_on(clinic.organization.pk).event_id is None, "what was put back holds"


def test_of_several_broken_rows_the_first_is_named(clinic, events, unguarded):
    changed(events, 30)
    deleted(events, 12)
    assert verdict_on(clinic.organization.pk).event_id == events[12].pk


def test_an_event_between_sealed_ones_is_found(clinic, neighbour, events, unguarded):
    """The ids below the last sealed one that rows of other organizations leave free."""
    free = AuditEvent.objects.filter(organization_id=neighbour.organization.pk).latest("pk").pk
    AuditedPatient.objects.filter(event_id=free).delete()
    AuditEvent.objects.filter(pk=free).update(organization_id=clinic.organization.pk)
    assert verdict_on(clinic.organization.pk).event_id == free
    assert verdict_on(neighbour.organization.pk).event_id == free


def test_an_event_of_an_organization_without_a_chain_is_found(events, unguarded):
    AuditEvent.objects.filter(pk=events[3].pk).update(organization_id=10**9)
    assert 10**9 in {verdict.chain.pk for verdict in verify_chains() if verdict.event_id == events[3].pk}


def test_an_end_that_is_cut_off_is_found(clinic, events, unguarded):
    for event in events[-5:]:
        delete(event)
        AuditSeal.objects.filter(event_id=event.pk).delete()
    verdict = verdict_on(clinic.organization.pk)
    assert (verdict.event_id, verdict.reason) == (events[-1].pk, "is missing, and so are others at the end: 5 rows")


def test_an_end_that_is_cut_off_together_with_the_count_is_found(clinic, events, unguarded):
    last = AuditSeal.objects.get(event_id=events[-6].pk)
    for event in events[-5:]:
        delete(event)
        AuditSeal.objects.filter(event_id=event.pk).delete()
    AuditChain.objects.filter(pk=clinic.organization.pk).update(
        count=last.position, last_event_id=last.event_id, last_digest=last.digest
    )
    assert verdict_on(clinic.organization.pk).reason.startswith("where it begins or ends")
    with pytest.raises(ChainBroken):
        seal_events()


def test_a_beginning_that_is_cut_off_like_a_pruned_one_is_found(clinic, events, unguarded):
    last = AuditSeal.objects.get(event_id=events[4].pk)
    for event in events[:5]:
        delete(event)
    AuditSeal.objects.filter(event_id__lte=last.event_id, organization_id=clinic.organization.pk).delete()
    AuditChain.objects.filter(pk=clinic.organization.pk).update(
        pruned_count=last.position, pruned_event_id=last.event_id, pruned_digest=last.digest
    )
    assert verdict_on(clinic.organization.pk).event_id == 0


def test_a_whole_chain_that_is_removed_is_found(clinic, events, unguarded):
    AuditedPatient.objects.filter(event__organization_id=clinic.organization.pk).delete()
    for rows in (AuditEvent, AuditSeal, AuditChain):
        rows.objects.filter(organization_id=clinic.organization.pk).delete()
    assert [verdict.chain.pk for verdict in verify_chains() if verdict.event_id is not None] == [0]


def test_all_chains_that_are_removed_are_found(events, unguarded):
    AuditChain.objects.all().delete()
    assert [verdict.reason for verdict in verify_chains()] == ["all chains have been removed"]


def test_a_hash_of_the_database_alone_does_not_pass(clinic, events, unguarded, settings):
    """Somebody who knows how it is done, but not the server's key, seals what they have changed."""
    AuditEvent.objects.filter(pk=events[-1].pk).update(action="x")
    row = AuditEvent.objects.filter(pk=events[-1].pk).values(*audit_chains.COLUMNS).get()
    before = AuditSeal.objects.get(event_id=events[-2].pk).digest
    settings.INDEX_KEY = "guessed"
    digest = audit_chains.digest_of(before, row, audit_chains.patients_of([row["id"]])[row["id"]])
    AuditSeal.objects.filter(event_id=row["id"]).update(digest=digest)
    settings.INDEX_KEY = "i" * 48
    assert verdict_on(clinic.organization.pk).event_id == events[-1].pk


# --- sealing ----------------------------------------------------------------------------------------


def test_what_is_sealed_later_continues_the_chain(clinic, actor, events):
    audit.record_read(actor, "test.later", patients=[(clinic.organization.pk, 1)])
    chain = AuditChain.objects.get(pk=clinic.organization.pk)
    assert verdict_on(clinic.organization.pk).event_id is None, "an event that is not sealed yet breaks nothing"
    assert seal_events() == 1
    grown = AuditChain.objects.get(pk=clinic.organization.pk)
    assert (grown.count, grown.last_digest != chain.last_digest) == (chain.count + 1, True)
    assert seal_events() == 0
    assert all(verdict.event_id is None for verdict in verify_chains())


def test_the_chains_go_on_over_the_bounds_of_batches(clinic, events, monkeypatch):
    monkeypatch.setattr("accounts.services.audit_verification.BATCH", 7)
    assert verdict_on(clinic.organization.pk).event_id is None
    with lifted(), transaction.atomic():
        assert verdict_on(clinic.organization.pk).event_id is None
        assert changed(events, 21) == verdict_on(clinic.organization.pk).event_id


def test_sealing_in_small_batches_makes_the_same_chain(clinic, actor, monkeypatch):
    monkeypatch.setattr(audit_chains, "BATCH", 3)
    for number in range(10):
        audit.record_read(actor, f"test.{number}", patients=[(clinic.organization.pk, number)])
    seal_events()
    assert not AuditEvent.objects.exclude(pk__in=AuditSeal.objects.values("event_id")).exists()
    assert all(verdict.event_id is None for verdict in verify_chains())


def test_an_event_of_no_organization_that_exists_is_found(events):
    forged = AuditEvent.objects.create(id=-7, organization_id=0, role=Role.HC_ADMIN, action="patient.read")
    broken = [verdict for verdict in verify_chains() if verdict.event_id]
    assert [(verdict.chain.pk, verdict.event_id) for verdict in broken] == [(0, forged.pk)]


def test_a_seal_that_the_server_did_not_make_is_found(clinic, events):
    chain = AuditChain.objects.get(pk=clinic.organization.pk)
    AuditSeal.objects.create(event_id=99_999_999, organization_id=chain.pk, position=chain.count + 1, digest=bytes(32))
    broken = [verdict for verdict in verify_chains() if verdict.event_id]
    assert [(verdict.chain.pk, verdict.event_id) for verdict in broken] == [(chain.pk, 99_999_999)]


def test_events_without_organization_are_a_chain_of_their_own(events):
    audit.record_read(Actor.system("tests"), "test.system", patients=[])
    seal_events()
    chain = AuditChain.objects.get(pk=0)
    assert AuditEvent.objects.get(pk=chain.last_event_id).organization_id is None
    with lifted():
        AuditEvent.objects.filter(pk=chain.last_event_id).update(action="x")
        assert verdict_on(0).event_id == chain.last_event_id


# --- retention --------------------------------------------------------------------------------------


def aged(events: list[AuditEvent]) -> None:
    """Make `events` old before anything is sealed."""
    with lifted():
        AuditEvent.objects.filter(pk__in=[event.pk for event in events]).update(at=LONG_AGO)


@pytest.fixture
def half_old(clinic, actor) -> list[AuditEvent]:
    for number in range(20):
        audit.record_read(actor, f"test.{number}", patients=[(clinic.organization.pk, number)])
    aged(own_events(clinic)[:-10])
    seal_events()
    return own_events(clinic)


def test_what_is_past_its_retention_goes_and_the_rest_is_still_verified(clinic, half_old):
    removed = prune_events(timezone.now() - datetime.timedelta(days=6 * 366))
    assert [event.pk for event in own_events(clinic)] == [event.pk for event in half_old[-10:]]
    assert removed == len(half_old) - 10
    chain = AuditChain.objects.get(pk=clinic.organization.pk)
    assert (chain.count, chain.pruned_count) == (len(half_old), removed)
    assert AuditSeal.objects.filter(organization_id=chain.pk).count() == 10
    assert not AuditedPatient.objects.filter(event_id__lte=half_old[-11].pk, organization_id=chain.pk).exists()
    assert all(verdict.event_id is None for verdict in verify_chains())
    with lifted():
        changed(half_old, len(half_old) - 10)
        assert verdict_on(chain.pk).event_id == half_old[-10].pk


def test_an_old_event_after_a_young_one_waits_for_it(clinic, half_old):
    """A chain is shortened at its beginning only."""
    with lifted():
        AuditEvent.objects.filter(pk=half_old[0].pk).update(at=timezone.now())
    prune_events(timezone.now() - datetime.timedelta(days=6 * 366))
    assert len(own_events(clinic)) == len(half_old)


def test_what_is_not_sealed_is_not_removed(clinic, actor):
    audit.record_read(actor, "test.old", patients=[])
    aged(own_events(clinic))
    assert prune_events(timezone.now()) == 0
    assert own_events(clinic)


def test_pruning_stops_at_a_chain_that_is_not_the_servers(clinic, half_old):
    AuditChain.objects.filter(pk=clinic.organization.pk).update(last_digest=b"x" * 32)
    with pytest.raises(CommandError, match="verify_audit"):
        call_command("prune", stdout=io.StringIO())
    assert len(own_events(clinic)) == len(half_old)


# --- the commands -----------------------------------------------------------------------------------


def run(name: str) -> tuple[str, str]:
    out, err = io.StringIO(), io.StringIO()
    call_command(name, stdout=out, stderr=err)
    return out.getvalue(), err.getvalue()


def test_the_commands_print_the_end_of_each_chain(clinic, events):
    chain = AuditChain.objects.get(pk=clinic.organization.pk)
    line = f"organization {chain.pk}: {chain.count} events, last {bytes(chain.last_digest).hex()}"
    assert line in run("seal_audit")[0].splitlines()
    assert line in run("verify_audit")[0].splitlines()


@pytest.mark.parametrize("break_row", [deleted, changed, swapped])
def test_the_command_names_the_row_and_fails(clinic, events, unguarded, break_row: Callable):
    expected = break_row(events, 11)
    err = io.StringIO()
    with pytest.raises(CommandError, match="not as it was sealed"):
        call_command("verify_audit", stdout=io.StringIO(), stderr=err)
    assert f"organization {clinic.organization.pk}: event {expected}: " in err.getvalue()


def test_sealing_fails_where_a_chain_is_not_the_servers(clinic, events):
    AuditChain.objects.filter(pk=clinic.organization.pk).update(last_digest=b"x" * 32)
    with pytest.raises(CommandError, match="verify_audit"):
        run("seal_audit")


def foreign_seal(clinic, event_id: int, beyond: int) -> None:
    """Store a seal for `event_id` as somebody without the server's key would, `beyond` the end of the chain."""
    chain = AuditChain.objects.get(pk=clinic.organization.pk)
    AuditSeal.objects.create(event_id=event_id, organization_id=chain.pk, position=chain.count + beyond, digest=bytes(32))


@pytest.mark.parametrize("command", ["seal_audit", "prune"])
@pytest.mark.parametrize("taken", ["event", "position"])
def test_a_foreign_seal_in_the_way_of_the_next_is_told(clinic, actor, events, command, taken):
    audit.record_read(actor, "test.next", patients=[])
    newest = AuditEvent.objects.latest("pk").pk
    foreign_seal(clinic, *((newest, 7) if taken == "event" else (newest + 1_000, 1)))
    with pytest.raises(CommandError, match="verify_audit"):
        run(command)
    assert verdict_on(clinic.organization.pk).event_id is not None


def test_nothing_is_pruned_by_a_foreign_seal(clinic, half_old):
    """Its position, kept as the beginning of the chain, would hide how many events are missing."""
    with lifted():
        AuditSeal.objects.filter(event_id=half_old[3].pk).update(position=10**6)
    with pytest.raises(CommandError, match="verify_audit"):
        run("prune")
    assert len(own_events(clinic)) == len(half_old)
