"""What the dialects share in reading patients: the search filter, the typeahead, numbers that are masked, age."""

import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.db import models
from django.db.models import Exists, Min, OuterRef, Q, QuerySet

from accounts.models import UserStatus
from accounts.permissions import READS_IDENTITY_NUMBERS, READS_MASKED_NUMBERS, Task
from accounts.scope import Actor, visible
from config.core.databases import Param
from config.core.dates import age_on, today_at
from config.core.encryption import unseal
from config.core.orm import fold
from config.core.statements import statements
from config.rest.compiled.cursors import Keyset
from config.rest.compiled.plans import Computed, Criterion, Query, marked, values_of
from config.rest.filters import Parameter, WordParameter
from config.rest.views import DialectViewSet, equal_to
from patients.models import NameKey, Patient, Status
from patients.search import MAX_WORDS, containing, query_patterns

TEXT = models.CharField()
SORTS = {
    "chart_number": Keyset("chart_number_key", TEXT),
    "created_at": Keyset("created_at", models.DateTimeField(), by_creation=True),
    "date_of_birth": Keyset("date_of_birth_key", TEXT),
    "first_name": Keyset("first_name_key", TEXT),
    "last_name": Keyset("last_name_key", TEXT),
    "status": Keyset("status", TEXT),
}
"""How patients can be ordered. Missing values sort first, as empty text does."""
CHANGES = Keyset("updated_at", models.DateTimeField(), by_creation=True)

NOT_ARCHIVED = Criterion("not archived", lambda rows: rows.filter(deleted_at=None))


def family_of(guarantor: Any) -> Q:
    """Return the condition that a patient is `guarantor` or has them; an id, or an expression that gives one."""
    return Q(responsible_party_id=guarantor) | Q(id=guarantor)


class SearchParameter(Parameter):
    """Words that the record must all contain, each as typed or, where it is a number, as digits."""

    def criterion(self, name: str, value: str) -> Criterion:
        patterns = query_patterns(value)
        markers = [{marker: Param(marker) for marker in forms} for forms in patterns]
        shape = tuple(tuple(forms) for forms in patterns)
        values = {marker: pattern for forms in patterns for marker, pattern in forms.items()}
        return Criterion((name, shape), lambda rows: rows.filter(containing(markers)), values)


class StatusParameter(WordParameter):
    """A patient's status; archived rows are found by `archived` only."""

    column = models.CharField()

    def __init__(self) -> None:
        super().__init__(Status, field_name="status")

    def criterion(self, name: str, value: str) -> Criterion:
        if value == Status.ARCHIVED:
            return Criterion((name, value), lambda rows: rows.filter(deleted_at__isnull=False))
        return Criterion(name, lambda rows: rows.filter(deleted_at=None, status=Param("status", TEXT)), {"status": value})


_HIGHEST = "\U0010ffff"
_BIG = models.BigIntegerField()


def typeahead(text: str, actor: Actor, organization_id: int, limit: int) -> tuple[list[int], int]:
    """Return the ids of the first `limit` patients whom `text` may mean, and how many there are.

    Each of its words must begin a name, a preferred name, a chart number or a word in one. The
    longest word, which few share, leads the search through the index; patients come in the order
    of what it found.
    """
    words = sorted(fold(text).split()[:MAX_WORDS], key=len, reverse=True)
    statement = statements.get(
        ("typeahead", actor.role, actor.organization_id is None, len(words)),
        lambda: _beginning_with(len(words), actor),
        "SELECT patient_id, count(*) OVER () FROM ({}) AS found ORDER BY first_key, patient_id",
    )
    values: dict[str, Any] = {"organization_id": organization_id, **values_of(actor)}
    for index, word in enumerate(words):
        values |= {f"from.{index}": word, f"below.{index}": word + _HIGHEST}
    rows = statement.rows(values, f" LIMIT {limit}")
    return [row[0] for row in rows], rows[0][1] if rows else 0


def _beginning_with(words: int, actor: Actor) -> QuerySet:
    def begins(index: int) -> Q:
        return Q(key__gte=Param(f"from.{index}", TEXT), key__lt=Param(f"below.{index}", TEXT))

    rows = NameKey.objects.filter(begins(0), organization_id=Param("organization_id", _BIG))
    rows = rows.filter(visible(marked(actor), NameKey))
    for index in range(1, words):
        rows = rows.filter(Exists(NameKey.objects.filter(begins(index), patient=OuterRef("patient"))))
    return rows.order_by().values("patient_id").annotate(first_key=Min("key"))


class IdentityNumber(Computed):
    """A sealed number: in clear, its last four places, or null, as the caller's role allows."""

    def __init__(self, name: str, **kwargs):
        self.name = name
        columns = (f"{name}_sealed", "uuid")
        super().__init__(self._shown, columns, schema={"type": "string", "nullable": True}, **kwargs)

    def _shown(self, actor: Actor, sealed: bytes | None, uuid: UUID) -> str | None:
        if sealed is None or actor.role not in READS_IDENTITY_NUMBERS | READS_MASKED_NUMBERS:
            return None
        number = unseal(sealed, f"patient.{self.name}", uuid)
        return number if actor.role in READS_IDENTITY_NUMBERS else masked(number)


def masked(number: str) -> str:
    """Return `number` with all but its last four places hidden; a short one entirely."""
    return "*" * (len(number) - 4) + number[-4:] if len(number) > 4 else "*" * len(number)


def age_today(actor: Actor, born: datetime.date | None, zone: str) -> int | None:
    """Return the age in whole years today, in the organization's time zone."""
    return age_on(today_at(zone), born) if born else None


class Age(Computed):
    """Age in whole years."""

    def __init__(self, **kwargs):
        columns = ("date_of_birth", "organization__timezone")
        super().__init__(age_today, columns, schema={"type": "integer", "nullable": True}, **kwargs)


PUBLIC_STATUS: dict[str, str] = {
    Status.PROSPECTIVE: "created",
    Status.ACTIVE: "active",
    Status.INACTIVE: "stopped",
    Status.DECEASED: "stopped",
    Status.ARCHIVED: "stopped",
}


def public_status(actor: Actor, status: str, login: str | None) -> str:
    """Return a patient's status in the public API's words; a login that is blocked or cancelled outranks it."""
    return login if login in (UserStatus.BLOCKED, UserStatus.CANCELLED) else PUBLIC_STATUS[status]


class OfPatient(DialectViewSet):
    """A view set of rows that hang on the patient whom the path names.

    The patient is looked for before anything else: who does not see them sees no row of theirs, and
    what belongs to an archived patient is read but not written. A row of another patient is unknown.
    """

    patient_kwarg: ClassVar[str] = "patient_id"

    patient_id: int
    organization_id: int

    def enter(self) -> None:
        """Find the patient of the path in the caller's scope."""
        super().enter()
        archived = not self.tasks.get(self.action, Task.READ).writes
        named = self.named_by(self.patient_kwarg, Patient)
        rows = Query(Patient, [*self.scope_of_rows(Patient, archived=archived), named]).rows(("pk", "organization_id"))
        if not rows:
            raise self.missing_from(Patient, named)
        self.patient_id, self.organization_id = rows[0]

    def in_scope(self, *, archived: bool = True) -> list[Criterion]:
        return [*super().in_scope(archived=archived), equal_to("patient_id", self.patient_id, _BIG)]

    def touched(self, rows: list[tuple]) -> list[tuple[int, int]]:
        """Return the patient of the path, whose chart was read even where it is empty, and those of `rows`."""
        return sorted({(self.organization_id, self.patient_id), *super().touched(rows)})
