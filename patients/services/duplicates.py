"""Pairs of records that may be of one person: found among the records that have changed, set aside and taken back.

Nothing is added to the writes of patients. Whoever wants to know the pairs has the records compared that have changed since it
was last done (`compare_changed`), in the order of changes. Pairs are read through `suspected`, which asks the records themselves.
"""

import datetime
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from itertools import combinations
from typing import Any

from django.db import transaction
from django.db.models import BooleanField, Case, Count, Q, QuerySet, When
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.audit import record_change
from accounts.scope import Actor, scope
from config.core.bulk_writes import ROWS_A_STATEMENT, update_values
from config.core.databases import change_horizon
from config.core.encryption import blind_index
from config.core.exceptions import NotFound
from patients.duplicates import COMPARED, NAME_AND_BIRTH, SIGNALS, Signal, shared_signals
from patients.models import DuplicatePair, DuplicateSearch, Patient
from patients.names import match_key
from patients.services.locking import lock_patients

# So many records are compared in one transaction.
STEP = 1_000
# What more records share is no sign of one person: the phone of a home, "none@example.org".
MAX_SHARED = 20
# What is no signal by itself, and speaks for one person beside one.
_FIRST_NAME_WEIGHT, _BIRTH_WEIGHT = 4, 2
# From this weight on two records most likely are of one person.
LIKELY = NAME_AND_BIRTH.weight + _FIRST_NAME_WEIGHT
_READ = ("pk", "first_name", *COMPARED)
_STANDING = Q(patient__deleted_at=None, other__deleted_at=None)

Row = Mapping[str, Any]
# The ids of two records, the lower one first.
Ids = tuple[int, int]


# --- what speaks for one person ------------------------------------------------------------------------
def row_of(patient: Patient) -> Row:
    """Return what is compared of a patient."""
    return {name: getattr(patient, name) for name in _READ}


def reasons_of(one: Row, other: Row) -> list[str]:
    """Return the words for what two records have in common, the strongest first; the first is that of a signal."""
    signals = sorted(shared_signals(one, other), key=lambda signal: -signal.weight)
    names = [signal.name for signal in signals]
    same_first, births = _same_first_name(one, other), (one["date_of_birth_key"], other["date_of_birth_key"])
    if NAME_AND_BIRTH.name in names:
        if same_first:
            names[names.index(NAME_AND_BIRTH.name)] = "full_name_and_birth"
        return names
    if same_first and one["last_name_match_key"] == other["last_name_match_key"]:
        names.append("full_name")
    if births[0] and births[0] == births[1]:
        names.append("birth")
    elif _nearly_same(*births):
        names.append("near_birth")
    return names


def weight_of(one: Row, other: Row) -> int:
    """Return how much speaks for two records being of one person; 0 where nothing does."""
    signals = list(shared_signals(one, other))
    if not signals:
        return 0
    first_name = _FIRST_NAME_WEIGHT if _same_first_name(one, other) else 0
    birth = _BIRTH_WEIGHT if {"birth", "near_birth"} & {*reasons_of(one, other)} else 0
    return sum(signal.weight for signal in signals) + first_name + birth


def _same_first_name(one: Row, other: Row) -> bool:
    return match_key(one["first_name"]) == match_key(other["first_name"])


def _nearly_same(one: str, other: str) -> bool:
    return len(one) == len(other) and sum(a != b for a, b in zip(one, other, strict=True)) == 1


# --- reading -------------------------------------------------------------------------------------------
def suspected(actor: Actor) -> QuerySet[DuplicatePair]:
    """Return the pairs in the actor's scope whose records still match, those left out that were set aside."""
    return _matching(actor).filter(set_aside_at=None)


def set_aside(actor: Actor) -> QuerySet[DuplicatePair]:
    """Return the pairs in the actor's scope that somebody has set aside, and whose records still match."""
    return _matching(actor).exclude(set_aside_at=None)


def _matching(actor: Actor) -> QuerySet[DuplicatePair]:
    same = Q()
    for signal in SIGNALS:
        same |= signal.same("patient", "other")
    # Within CASE, which PostgreSQL takes as it is: to plan an OR beside the indexes of patients takes it 70 ms.
    is_same = Case(When(same, then=True), default=False, output_field=BooleanField())
    return scope(actor, DuplicatePair.objects.filter(_STANDING)).alias(is_same=is_same).filter(is_same=True)


# --- finding -------------------------------------------------------------------------------------------
def uncompared(organization_id: int, horizon: datetime.datetime) -> QuerySet[Patient]:
    """Return the records of an organization that have changed since they were compared, in the order of changes."""
    rows = Patient.objects.filter(organization_id=organization_id, updated_at__lt=horizon).order_by("updated_at", "pk")
    search = DuplicateSearch.objects.filter(pk=organization_id).first()
    if search is None or search.changed_at is None:
        return rows
    later = Q(updated_at__gt=search.changed_at) | Q(pk__gt=search.patient_id)
    return rows.filter(later, updated_at__gte=search.changed_at)


def count_uncompared(organization_id: int, most: int) -> int:
    """Return how many records `compare_changed` would compare, `most` where there are more."""
    return uncompared(organization_id, change_horizon())[:most].count()


def compare_changed(*, organization_id: int, limit: int = STEP) -> int:
    """Compare records that have changed with all others of their organization, at most `limit`; return how many there were.

    Not audited: nobody is shown anything, and no record changes.
    """
    # Asked before the rows are read: whoever has not committed by now is compared another time.
    horizon = change_horizon()
    if not uncompared(organization_id, horizon).exists():
        return 0
    with transaction.atomic():
        DuplicateSearch.objects.get_or_create(pk=organization_id)
        search = DuplicateSearch.objects.select_for_update().get(pk=organization_id)
        changed = list(uncompared(organization_id, horizon).values("updated_at", "deleted_at", *_READ)[:limit])
        if changed:
            _renew(organization_id, [row for row in changed if row["deleted_at"] is None])
            search.changed_at, search.patient_id = changed[-1]["updated_at"], changed[-1]["pk"]
            search.save()
    return len(changed)


def _renew(organization_id: int, changed: list[Row]) -> None:
    """Write the pairs of the records `changed` anew."""
    ids = [row["pk"] for row in changed]
    found = _pairs_of(organization_id, changed)
    rows = DuplicatePair.objects.filter(_STANDING, Q(patient__in=ids) | Q(other__in=ids)).select_related("patient", "other")
    stored = {(row.patient_id, row.other_id): row for row in rows.order_by("pk")}
    gone = [row.pk for pair, row in stored.items() if pair not in found]
    DuplicatePair.objects.filter(pk__anyof=gone).delete()
    kept = [(row, found[pair]) for pair, row in stored.items() if pair in found]
    # No column is written that is right: somebody may set a pair aside at this moment.
    DuplicatePair.objects.filter(pk__anyof=[row.pk for row, _weight in kept if _is_stale(row)]).update(**_CLEARED)
    update_values(DuplicatePair, ["weight"], {row.pk: [weight] for row, weight in kept if row.weight != weight})
    new = [
        DuplicatePair(organization_id=organization_id, patient_id=pair[0], other_id=pair[1], weight=weight)
        for pair, weight in sorted(found.items())
        if pair not in stored
    ]
    # PostgreSQL takes 65,535 parameters a statement: records of one home, with its phone, make more pairs than that.
    DuplicatePair.objects.bulk_create(new, batch_size=ROWS_A_STATEMENT, ignore_conflicts=True)


_CLEARED: Mapping[str, Any] = {"set_aside_at": None, "set_aside_by": None, "compared_index": None}


def _is_stale(row: DuplicatePair) -> bool:
    """Tell whether a pair was set aside, and what is compared of its records has changed since."""
    return row.set_aside_at is not None and bytes(row.compared_index or b"") != _digest(row.patient, row.other)


def _digest(one: Patient, other: Patient) -> bytes:
    """Return what stands for the compared columns of two records, without telling them."""
    compared = [signal.key(row_of(patient)) for patient in (one, other) for signal in SIGNALS]
    return blind_index(repr(compared), "duplicate_pair.compared", one.organization_id)


def _pairs_of(organization_id: int, changed: list[Row]) -> dict[Ids, int]:
    """Return the pairs that records make with each other and with all others of their organization, and their weights."""
    ids = {row["pk"] for row in changed}
    found: dict[Ids, int] = {}
    for signal in SIGNALS:
        keys = {key for row in changed if (key := signal.key(row)) is not None}
        for alike in _alike(organization_id, signal, keys):
            found |= {
                (min(one["pk"], other["pk"]), max(one["pk"], other["pk"])): weight_of(one, other)
                for one, other in combinations(alike, 2)
                if not ids.isdisjoint((one["pk"], other["pk"]))
            }
    return found


def _alike(organization_id: int, signal: Signal, keys: Collection[tuple[Any, ...]]) -> Iterator[list[Row]]:
    """Yield the records that have one of `keys`, as many as have the same one, where these are not too many."""
    rows = Patient.objects.filter(signal.known, organization_id=organization_id, deleted_at=None).order_by()
    counted = rows.filter(_among(signal, keys)).values_list(*signal.columns).annotate(number=Count("pk"))
    several = counted.filter(number__gt=1, number__lte=MAX_SHARED)
    shared = {_key(found[:-1]) for found in several} & {*keys} if keys else set()
    if not shared:
        return
    groups: dict[Any, list[Row]] = defaultdict(list)
    for row in rows.filter(_among(signal, shared)).values(*_READ):
        if (key := signal.key(row)) in shared:
            groups[key].append(row)
    yield from groups.values()


def _among(signal: Signal, keys: Iterable[tuple[Any, ...]]) -> Q:
    """Return a condition that all records with one of `keys` fulfil; of several columns, others may, too."""
    columns = zip(signal.columns, zip(*keys, strict=True), strict=False)
    return Q(**{f"{name}__in": sorted({*values}) for name, values in columns})


def _key(values: Iterable[Any]) -> tuple[Any, ...]:
    return tuple(bytes(value) if isinstance(value, memoryview) else value for value in values)


# --- setting aside -------------------------------------------------------------------------------------
@transaction.atomic
def set_pair_aside(*, actor: Actor, pair_id: int) -> DuplicatePair:
    """Remember that the records of a pair are of two persons, until what is compared of them changes. Raises NotFound."""
    pair = _lock(actor, pair_id, suspected(actor))
    changes = {
        "set_aside_at": timezone.now(),
        "set_aside_by_id": actor.user_id,
        "compared_index": _digest(pair.patient, pair.other),
    }
    DuplicatePair.objects.filter(pk=pair.pk).update(**changes)
    # No event: no record has changed.
    record_change(actor, "duplicate_pair.set_aside", pair, event=None)
    return pair


@transaction.atomic
def take_pair_back(*, actor: Actor, pair_id: int) -> DuplicatePair:
    """Suspect a pair again that was set aside. Raises NotFound."""
    pair = _lock(actor, pair_id, set_aside(actor))
    DuplicatePair.objects.filter(pk=pair.pk).update(**_CLEARED)
    record_change(actor, "duplicate_pair.take_back", pair, event=None)
    return pair


def _lock(actor: Actor, pair_id: int, rows: QuerySet[DuplicatePair]) -> DuplicatePair:
    """Lock the records of a pair, and return it with them as they are then."""
    seen = rows.filter(pk=pair_id).first()
    if seen is None:
        raise NotFound(_("Pair"))
    lock_patients({seen.patient_id, seen.other_id})
    pair = rows.filter(pk=pair_id).select_related("patient", "other").first()
    if pair is None:
        raise NotFound(_("Pair"))
    return pair
