"""Whether the audit trail is as it was sealed, and if not, where it was first changed."""

from collections.abc import Iterator
from dataclasses import dataclass

from accounts.models import AuditChain, AuditEvent, AuditSeal
from accounts.services.audit_chains import BATCH, COLUMNS, digest_of, events_of, is_signed, patients_of, sealed_through

UNSEALED = "has no seal: it was inserted, or the seal was deleted"


@dataclass(frozen=True)
class Verdict:
    """What was found of one chain: its first broken row, None where all rows hold.

    `event_id` is 0 where no row is broken but `reason` says what is.
    """

    chain: AuditChain
    event_id: int | None = None
    reason: str = ""


class _Broken(Exception):
    def __init__(self, event_id: int, reason: str):
        super().__init__(reason)
        self.event_id, self.reason = event_id, reason


def verify_chains() -> Iterator[Verdict]:
    """Yield the verdict on each chain. Sealing and pruning may go on meanwhile."""
    chains = {chain.pk: chain for chain in AuditChain.objects.order_by("pk")}
    if not chains and AuditSeal.objects.exists():
        yield Verdict(AuditChain(organization_id=0), 0, "all chains have been removed")
    unknown = [pk for pk in organization_ids() if pk not in chains] if chains else []
    for organization_id in (*chains, *unknown):
        verdict = verdict_on(organization_id)
        while verdict.event_id is not None and _has_moved(verdict.chain):
            verdict = verdict_on(organization_id)
        yield verdict


def _has_moved(chain: AuditChain) -> bool:
    """Tell whether `chain` was sealed or pruned while it was read."""
    moved = AuditChain.objects.filter(pk=chain.pk).first()
    return moved is not None and bytes(moved.signature) != bytes(chain.signature)


def organization_ids() -> Iterator[int]:
    """Yield the organizations that the trail names, each by one look-up in the index."""
    ids = AuditEvent.objects.order_by("organization_id").values_list("organization_id", flat=True)
    found = ids.filter(organization_id__isnull=False).first()
    while found is not None:
        yield found
        found = ids.filter(organization_id__gt=found).first()


def verdict_on(organization_id: int) -> Verdict:
    """Return the verdict on the chain of one organization, 0 for events without."""
    chains = {chain.pk: chain for chain in AuditChain.objects.all()}
    chain = chains.get(organization_id) or AuditChain(organization_id=organization_id)
    try:
        _check_rows(chain, sealed_through(chains.values()))
    except _Broken as broken:
        return Verdict(chain, broken.event_id, broken.reason)
    if chain.pk in chains and not is_signed(chain, chains):
        return Verdict(chain, 0, "where it begins or ends, or which chains there are, was changed")
    return Verdict(chain)


def _check_rows(chain: AuditChain, through: int) -> None:
    """Raise _Broken for the first row up to `through` that is not as it was sealed."""
    early = events_of(chain).filter(pk__lte=chain.pruned_event_id).first()
    if early is not None:
        raise _Broken(early.pk, UNSEALED)
    position, event_id, digest = chain.pruned_count, chain.pruned_event_id, bytes(chain.pruned_digest)
    while seals := _next_seals(chain, position):
        upper = max(seal.event_id for seal in seals)
        rows = {row["id"]: row for row in events_of(chain).filter(pk__gt=event_id, pk__lte=upper).values(*COLUMNS)}
        first_unsealed = min(rows.keys() - {seal.event_id for seal in seals}, default=upper)
        patients = patients_of(rows)
        for seal in seals:
            if first_unsealed < seal.event_id:
                raise _Broken(first_unsealed, UNSEALED)
            if seal.position != position + 1:
                raise _Broken(seal.event_id, f"follows on rows that are missing: {seal.position - position - 1}")
            if seal.event_id not in rows:
                raise _Broken(seal.event_id, "was deleted, or moved to another organization")
            digest = digest_of(digest, rows[seal.event_id], patients[seal.event_id])
            if digest != bytes(seal.digest):
                raise _Broken(seal.event_id, "was changed")
            position, event_id = seal.position, seal.event_id
    _check_end(chain, position, event_id, digest, through)


def _next_seals(chain: AuditChain, position: int) -> list[AuditSeal]:
    seals = AuditSeal.objects.filter(organization_id=chain.pk, position__gt=position, position__lte=chain.count)
    return list(seals.order_by("position")[:BATCH])


def _check_end(chain: AuditChain, position: int, event_id: int, digest: bytes, through: int) -> None:
    rest = events_of(chain).filter(pk__gt=event_id, pk__lte=through).first()
    if rest is not None:
        raise _Broken(rest.pk, UNSEALED)
    if position < chain.count:
        raise _Broken(chain.last_event_id, f"is missing, and so are others at the end: {chain.count - position} rows")
    if digest != bytes(chain.last_digest):
        raise _Broken(event_id, "is not the end that was sealed")
    foreign = AuditSeal.objects.filter(organization_id=chain.pk).exclude(
        position__gt=chain.pruned_count, position__lte=chain.count
    )
    if (seal := foreign.order_by("position").first()) is not None:
        raise _Broken(seal.event_id, "has a seal that the server did not make")
