"""Which columns a day or a week has."""

import datetime
from dataclasses import dataclass

from django.utils import timezone
from django.utils.dateformat import format as format_date
from django.utils.translation import gettext_lazy, ngettext

from accounts.models.catalogs import Catalog
from clinical.admin.appointments.choices import Choice
from clinical.admin.appointments.columns import Column, Plan, column_of
from clinical.models import Appointment
from clinical.scheduling import Span

# As many columns as fit without scrolling far: where there are more, only those with visits are shown.
MOST_EMPTY = 6
# The heading of the column of those visits that have none.
WITHOUT = {"provider": gettext_lazy("No provider"), "location": gettext_lazy("No location")}


@dataclass(frozen=True)
class Sheet:
    """What a calendar is made of.

    `rows` are the providers or locations, `hours` those of each day, `busy` who is busy when with visits that are not shown.
    """

    choice: Choice
    rows: list[Catalog]
    visits: list[Appointment]
    hours: list[Span]
    busy: list[tuple[int | None, Span]]
    can_book: bool

    def columns(self) -> list[Column]:
        """Return a column for each day of a week, or for each provider or location on a day."""
        if self.choice.view == "week":
            return [self._of_day(day, hours) for day, hours in zip(self.choice.days, self.hours, strict=True)]
        named = [row for row in self.rows if self.choice.resource in (None, row.pk)]
        with_visits = {self._resource_of(visit) for visit in self.visits}
        shown = [row for row in named if row.pk in with_visits or len(named) <= MOST_EMPTY] or named[:MOST_EMPTY]
        others = [visit for visit in self.visits if self._resource_of(visit) not in {row.pk for row in shown}]
        columns = [self._of_row(row) for row in shown]
        if not others:
            return columns
        return [*columns, self._column(str(WITHOUT[self.choice.by]), self.hours[0], others, self.choice.on)]

    def _resource_of(self, visit: Appointment) -> int | None:
        return getattr(visit, f"{self.choice.by}_id")

    def _of_row(self, row: Catalog) -> Column:
        visits = [visit for visit in self.visits if self._resource_of(visit) == row.pk]
        url = self.choice.query(view="week", **{self.choice.by: row.pk})
        return self._column(row.name, self.hours[0], visits, self.choice.on, url, row.pk)

    def _of_day(self, day: datetime.date, hours: Span) -> Column:
        visits = [visit for visit in self.visits if timezone.localtime(visit.starts_at).date() == day]
        url = self.choice.query(view="day", on=day, **{self.choice.by: None})
        return self._column(format_date(day, "D j"), hours, visits, day, url, self.choice.resource)

    def _column(
        self, title: str, hours: Span, visits: list[Appointment], day: datetime.date, url: str = "", pk: int | None = None
    ) -> Column:
        return column_of(
            Plan(
                title,
                hours,
                visits,
                busy=[span for whose, span in self.busy if whose == pk and span.shared_with(hours) > 0],
                offers=self._offers(pk),
                is_one=self.choice.by == "provider" and pk is not None,
                subtitle=_visits_in_words(len(visits)),
                url=url,
                is_today=day == timezone.localdate(),
            )
        )

    def _offers(self, pk: int | None) -> dict[str, int] | None:
        """Return what a free time presets, None if none is offered: a location takes several patients at once."""
        if not self.can_book or self.choice.by != "provider" or pk is None:
            return None
        return {"provider": pk, **({"location": self.choice.location} if self.choice.location else {})}


def _visits_in_words(count: int) -> str:
    return ngettext("%(count)s visit", "%(count)s visits", count) % {"count": count} if count else ""
