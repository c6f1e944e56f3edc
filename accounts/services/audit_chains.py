"""The chains of hashes over the audit trail: one for each organization, and one for events without organization.

`manage.py seal_audit` gives each event a hash over its content, its patients and the hash before it, in the order of the
ids, and signs where each chain begins and ends. Both are HMACs with a key that is derived from INDEX_KEY, so that who only
has the database can make neither. `manage.py verify_audit` computes them again.

Who can write to the database, but does not have the server's keys, can lift the triggers and then

- change, delete, swap or insert rows that are sealed, cut off an end, or remove a whole chain: each is found, by the row;
- change what has not been sealed yet, without being found: seal often, every minute or so;
- put an older copy of a whole chain back, events, seals and signature: found only by comparing with the ends of chains
  that `seal_audit` prints, if its output is kept elsewhere; nor is it told from a new server if all chains are removed.

Who has INDEX_KEY as well can write a chain of their own, which only the kept ends contradict. A plain SHA-256 chain would
let anyone with the database do that. A change of INDEX_KEY breaks every chain.
"""

import datetime
import hashlib
import hmac
from collections import defaultdict
from collections.abc import Collection
from functools import partial
from itertools import takewhile

import orjson
from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Max, Q, QuerySet

from accounts.models import AuditChain, AuditedPatient, AuditEvent, AuditSeal
from config.core.bulk_writes import WriteTurns
from config.core.databases import advisory_lock, writers_have_ended

BATCH = 500
# Seconds; the database ends a transaction that is idle for half as long.
PATIENCE = 30
COLUMNS = tuple(field.attname for field in AuditEvent._meta.concrete_fields)


class ChainBroken(Exception):
    """The signature of a chain is not the server's: sealing or pruning it would hide that. `verify_audit` tells more."""


def seal_events() -> int | None:
    """Seal every event that none can still come before. Returns how many, None where something else seals or long writes run.

    A transaction that took a lower id may commit later, so first all end that were open when the last id was read.
    """
    with advisory_lock("audit chains") as free:
        if not free:
            return None
        newest = AuditEvent.objects.aggregate(newest=Max("pk"))["newest"] or 0
        if not writers_have_ended(PATIENCE):
            return None
        return WriteTurns().repeat(partial(_seal_batch, newest))


def _seal_batch(newest: int) -> int:
    chains = signed_chains()
    known = set(chains)
    chains.setdefault(0, AuditChain(organization_id=0))
    events = AuditEvent.objects.filter(pk__gt=sealed_through(chains.values()), pk__lte=newest)
    rows = list(events.order_by("pk").values(*COLUMNS)[:BATCH])
    patients = patients_of([row["id"] for row in rows])
    seals, grown = [], set()
    for row in rows:
        organization_id = row["organization_id"] or 0
        chain = chains.setdefault(organization_id, AuditChain(organization_id=organization_id))
        chain.count += 1
        chain.last_event_id = row["id"]
        chain.last_digest = digest_of(chain.last_digest, row, patients[row["id"]])
        grown.add(organization_id)
        seals.append(AuditSeal(event_id=row["id"], organization_id=chain.pk, position=chain.count, digest=chain.last_digest))
    _store(seals)
    # The chain without organization names all others, so that none disappears whole.
    for organization_id in grown | ({0} if set(chains) != known else set()) if rows else ():
        sign(chains[organization_id], chains)
    return len(rows)


def _store(seals: list[AuditSeal]) -> None:
    """Store `seals`. Raises ChainBroken where a seal is there already that this server did not make."""
    try:
        with transaction.atomic():
            AuditSeal.objects.bulk_create(seals)
    except IntegrityError as error:
        raise ChainBroken("there is a seal that the server did not make") from error


def prune_events(kept_since: datetime.datetime) -> int:
    """Remove the sealed events from before `kept_since`, up to the first younger one of each chain. Returns how many.

    What remains is verified from the last hash that was removed, which the chain keeps. The database lets rows be deleted
    up to there only.
    """
    turns = WriteTurns()
    with advisory_lock("audit chains") as free:
        chains = list(AuditChain.objects.values_list("pk", flat=True)) if free else []
        return sum(turns.repeat(partial(_prune_batch, organization_id, kept_since)) for organization_id in chains)


def _prune_batch(organization_id: int, kept_since: datetime.datetime) -> int:
    chains = signed_chains()
    chain = chains[organization_id]
    sealed = events_of(chain).filter(pk__gt=chain.pruned_event_id, pk__lte=chain.last_event_id).order_by("pk")
    old = list(takewhile(lambda row: row[1] < kept_since, sealed.values_list("pk", "at")[:BATCH]))
    if not old:
        return 0
    ids = [pk for pk, _ in old]
    last = _last_seal(chain, ids)
    chain.pruned_event_id, chain.pruned_count, chain.pruned_digest = last.event_id, last.position, bytes(last.digest)
    sign(chain, chains)
    AuditedPatient.objects.filter(event_id__in=ids).delete()
    # The database releases what has a seal, so the seals go last.
    AuditEvent.objects.filter(pk__in=ids).delete()
    AuditSeal.objects.filter(event_id__in=ids).delete()
    return len(ids)


def _last_seal(chain: AuditChain, ids: list[int]) -> AuditSeal:
    """Return the seal of the last of `ids`, the first events of `chain`. Raises ChainBroken unless each has its own in turn."""
    seals = list(AuditSeal.objects.filter(organization_id=chain.pk, event_id__in=ids).order_by("position"))
    expected = [(pk, chain.pruned_count + number) for number, pk in enumerate(ids, start=1)]
    if [(seal.event_id, seal.position) for seal in seals] != expected:
        raise ChainBroken(f"the chain of organization {chain.pk} has rows that this server did not seal")
    return seals[-1]


def signed_chains() -> dict[int, AuditChain]:
    """Return all chains by organization, 0 for none. Raises ChainBroken if the server has not signed one of them so."""
    chains = {chain.pk: chain for chain in AuditChain.objects.all()}
    for chain in chains.values():
        if not is_signed(chain, chains):
            raise ChainBroken(f"the chain of organization {chain.pk} has been changed")
    return chains


def sealed_through(chains: Collection[AuditChain]) -> int:
    """Return the id up to which every event has been sealed."""
    return max((chain.last_event_id for chain in chains), default=0)


def oldest_unsealed() -> datetime.datetime | None:
    """Return when the oldest event happened that has not been sealed yet, None where all are."""
    newest_seal = AuditChain.objects.aggregate(newest=Max("last_event_id"))["newest"] or 0
    return AuditEvent.objects.filter(pk__gt=newest_seal).order_by("pk").values_list("at", flat=True).first()


def events_of(chain: AuditChain) -> QuerySet[AuditEvent]:
    """Return the events of `chain`, sealed or not."""
    # No organization has the id 0, but a row that was written past the product may say so.
    mine = Q(organization_id=chain.pk) if chain.pk else Q(organization_id=None) | Q(organization_id=0)
    return AuditEvent.objects.filter(mine).order_by("pk")


def patients_of(event_ids: Collection[int]) -> dict[int, list[tuple[int, int]]]:
    """Return (organization id, patient id) of the patients of each event."""
    patients: dict[int, list[tuple[int, int]]] = defaultdict(list)
    rows = AuditedPatient.objects.filter(event_id__in=event_ids).values_list("event_id", "organization_id", "patient_id")
    for event_id, organization_id, patient_id in rows:
        patients[event_id].append((organization_id, patient_id))
    return patients


def digest_of(previous: bytes | memoryview, row: dict, patients: list[tuple[int, int]]) -> bytes:
    """Return the hash of the event `row`, by column, after the hash `previous`.

    Empty columns are left out, so that one that is added later changes no hash.
    """
    content = {name: value for name, value in row.items() if value not in (None, "")}
    text = orjson.dumps([content, sorted(patients)], option=orjson.OPT_SORT_KEYS)
    return hmac.digest(_key("event"), bytes(previous) + text, hashlib.sha256)


def sign(chain: AuditChain, chains: Collection[int]) -> None:
    """Sign and save where `chain` begins and ends; `chains` are the ids of all chains."""
    chain.signature = _signature(chain, chains)
    chain.save()


def is_signed(chain: AuditChain, chains: Collection[int]) -> bool:
    """Tell whether `sign` has left `chain` as it is."""
    return hmac.compare_digest(bytes(chain.signature), _signature(chain, chains))


def _signature(chain: AuditChain, chains: Collection[int]) -> bytes:
    start = [chain.pruned_count, chain.pruned_event_id, bytes(chain.pruned_digest).hex()]
    end = [chain.count, chain.last_event_id, bytes(chain.last_digest).hex()]
    text = orjson.dumps([chain.pk, start, end, [] if chain.pk else sorted(chains)])
    return hmac.digest(_key("chain"), text, hashlib.sha256)


def _key(purpose: str) -> bytes:
    return hmac.digest(settings.INDEX_KEY.encode(), f"audit {purpose}".encode(), hashlib.sha256)
