"""The history of a row: who changed it, when and by whatever door, with old and new values where those are kept."""

import datetime
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from accounts.admin.parameters import PAGE_VAR
from accounts.admin.trail import Doer, doers_of, door_of
from accounts.audit_words import Way, fields_told, in_way, sentence_of
from accounts.models import AuditEvent
from accounts.scope import Actor
from config.core.orm import word_for

CHANGES = 50
# How far the moment of an event may be from the moments of the values that its transaction has kept.
SAME_TIME = datetime.timedelta(minutes=1)


@dataclass(frozen=True)
class KeptValue:
    """A new value that a table keeps, and the one before it, in words: None where that was not kept.

    `belongs` tells whether an event may be its change.
    """

    at: datetime.datetime
    label: str
    before: str | None
    after: str
    belongs: Callable[[AuditEvent], bool]


@dataclass(frozen=True)
class Change:
    """A change in words: who, what, by which door, and the values that are kept."""

    event: AuditEvent
    doer: Doer
    what: str
    door: str
    fields: str
    values: list[KeptValue]


def changes_of(row: Model) -> QuerySet[AuditEvent]:
    """Return the events that changed `row`, whoever did so and by whatever door."""
    word = word_for(type(row))
    # Services write "api_key" where the table is called an API key.
    about = AuditEvent.objects.filter(subject__in=sorted({word, word.lower()}), subject_id=row.pk)
    return about.filter(in_way(Way.CHANGED), outcome=AuditEvent.Outcome.OK)


def history(
    request: HttpRequest,
    actor: Actor,
    events: QuerySet[AuditEvent],
    kept: Callable[[datetime.datetime, datetime.datetime], Iterable[KeptValue]],
    name: str,
) -> Page:
    """Return a page of `events`, latest first, as changes of the row that people call `name`.

    `kept` returns the values that were kept between two moments.
    """
    page: Any = Paginator(events.order_by("-pk"), CHANGES).get_page(request.GET.get(PAGE_VAR, 1))
    shown = list(page.object_list)
    doers = doers_of(actor, shown)
    values = _by_event(shown, kept(shown[-1].at - SAME_TIME, shown[0].at + SAME_TIME)) if shown else {}
    page.object_list = [_change(event, doers[event.pk], values.get(event.pk, []), name) for event in shown]
    return page


def _change(event: AuditEvent, doer: Doer, values: list[KeptValue], name: str) -> Change:
    what = sentence_of(event.action, name=name).alone
    return Change(event, doer, what, door_of(event.route), fields_told(event, shown=50), values)


def _by_event(events: Collection[AuditEvent], kept: Iterable[KeptValue]) -> dict[int, list[KeptValue]]:
    """Return the kept values of each event.

    A value is written in the transaction of its event, before it: it is the first such event since. Where the clocks of server
    and database differ there may be none, and it is the nearest.
    """
    found: dict[int, list[KeptValue]] = defaultdict(list)
    oldest_first = sorted(events, key=lambda event: event.pk)
    for value in kept:
        near = [event for event in oldest_first if abs(event.at - value.at) <= SAME_TIME and value.belongs(event)]
        since = next((event for event in near if event.at >= value.at), None)
        if near:
            found[(since or min(near, key=lambda event: abs(event.at - value.at))).pk].append(value)
    return found


def changed_field(*names: str) -> Callable[[AuditEvent], bool]:
    """Return what tells whether an event changed one of the fields `names`."""

    def belongs(event: Any) -> bool:
        return not set(names).isdisjoint(event.changed_fields.split(","))

    return belongs
