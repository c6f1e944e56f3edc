"""What the blocks of the chart page share: whose chart it is, who looks at it, and how its rows are asked for.

A block says which rows it wants (`ask`) and makes of them what its template shows (`build`). A page asks for the rows of
all its blocks by one statement, which is compiled once; blocks that ask for the same rows give them the same name.
"""

import datetime
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db.models import (
    BigIntegerField,
    Count,
    DateField,
    DateTimeField,
    Model,
    OuterRef,
    QuerySet,
    Subquery,
    Value,
    Window,
)
from django.db.models.functions import Coalesce
from django.utils import timezone

from accounts.admin.labels import person_label
from accounts.models import User
from accounts.permissions import STAFF, Permission
from accounts.scope import Actor, Viewer, scope, viewer_of
from config.core.compiled_queries import Compilable, parameter
from config.core.joint_queries import Answers, Asked, JointQuery
from patients.models import Patient

# The periods of measurements, in days.
PERIODS = (28, 90, 365)
# How many rows "Show all" shows at most.
ALL_ROWS = 500
# How far back openings of the chart are counted, and planned measurements read (`ChartQuery.since`).
LOOK_BACK = datetime.timedelta(days=30)


@dataclass(frozen=True)
class Options:
    """What somebody wants to see of a block: all rows, a period, a table instead of drawings, one kind, what is older."""

    whole: bool = False
    days: int = PERIODS[0]
    table: bool = False
    only: str = "all"
    before: datetime.datetime | None = None


@dataclass(frozen=True)
class ChartQuery(Compilable):
    """What of a `Chart` decides which rows are read, and what the querysets for them have in common.

    The SQL is compiled from a copy with placeholders in place of the parameters: they can be compared with, and not looked at.
    """

    viewer: Viewer
    whole: bool
    days: int
    organization_id: Any = parameter(BigIntegerField())
    patient_id: Any = parameter(BigIntegerField())
    today: Any = parameter(DateField())
    now: Any = parameter(DateTimeField())
    midnight: Any = parameter(DateTimeField())
    since: Any = parameter(DateTimeField())
    period_start: Any = parameter(DateTimeField())

    def rows(self, model: type[Model]) -> QuerySet[Any]:
        """Return the rows of `model`, a table of charts, that belong to the patient, in the viewer's scope."""
        mine = model._base_manager.filter(organization_id=self.organization_id, patient_id=self.patient_id)
        return scope(self.viewer, mine)

    def person(self, user_id: str) -> Coalesce:
        """Return the expression for the name of the user whom the column `user_id` names, "" for one out of scope."""
        users = scope(self.viewer, User.objects.filter(pk=OuterRef(user_id))).order_by()
        labels = users.values(label=person_label())
        return Coalesce(Subquery(labels[:1]), Value(""))

    def first(self, rows: QuerySet, limit: int) -> QuerySet:
        """Return the first `limit` of ordered `rows`, or all where they are wanted, each with the `total` of all."""
        return rows.annotate(total=Window(Count("*")))[: ALL_ROWS if self.whole else limit]


@dataclass(frozen=True)
class Chart:
    """The chart of `patient`, as `actor` sees it at the moment `now`, in the time zone of the request."""

    patient: Patient
    actor: Actor
    now: datetime.datetime = field(default_factory=timezone.localtime)
    options: Options = Options()

    @property
    def today(self) -> datetime.date:
        """The day of `now`."""
        return self.now.date()

    @property
    def period_start(self) -> datetime.datetime:
        """The beginning of the first day of the period of measurements, of which today is the last."""
        first = self.today - datetime.timedelta(days=self.options.days - 1)
        return timezone.make_aware(datetime.datetime.combine(first, datetime.time()))

    @property
    def can_write(self) -> bool:
        """Whether the actor may add and change entries: nobody may on an archived chart."""
        return self.actor.role in Permission.WRITE_PATIENTS.roles and self.patient.deleted_at is None

    @property
    def query(self) -> ChartQuery:
        """What the rows of this chart are read by."""
        return ChartQuery(
            viewer=viewer_of(self.actor),
            whole=self.options.whole,
            days=self.options.days,
            organization_id=self.patient.organization_id,
            patient_id=self.patient.pk,
            today=self.today,
            now=self.now,
            midnight=self.now.replace(hour=0, minute=0, second=0, microsecond=0),
            since=self.now - LOOK_BACK,
            period_start=self.period_start,
        )


Ask = Callable[[ChartQuery], dict[str, Asked]]


@dataclass(frozen=True)
class Block:
    """A part of the chart page that can be fetched by itself."""

    name: str
    ask: Ask
    build: Callable[[Chart, Answers], Any]
    readers: frozenset[str] = STAFF

    @property
    def template(self) -> str:
        """The template that shows what `build` returns."""
        return f"admin/chart/{self.name.replace('-', '_')}.html"


@dataclass(frozen=True)
class BlockRows(JointQuery):
    """The rows that some blocks want of a chart."""

    chart: ChartQuery
    asks: tuple[Ask, ...]

    def asked(self) -> dict[str, Asked]:
        return {name: asked for ask in self.asks for name, asked in ask(self.chart).items()}


def read_blocks(chart: Chart, blocks: list[Block]) -> dict[str, Any]:
    """Return what each of `blocks` shows, by name, read by one statement."""
    answers = BlockRows(chart.query, tuple(block.ask for block in blocks)).answers()
    return {block.name.replace("-", "_"): block.build(chart, answers) for block in blocks}


def ask_nothing(chart: ChartQuery) -> dict[str, Asked]:
    """Ask for no rows: the patient's own row has all that a block shows."""
    return {}


def total(rows: list[Any]) -> int:
    """Return how many rows there are in all, of rows that `Chart.first` has cut."""
    return rows[0].total if rows else 0
