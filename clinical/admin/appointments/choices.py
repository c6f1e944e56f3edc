"""What the address of the calendar asks for."""

import datetime
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from django.core.exceptions import BadRequest
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.models.catalogs import Catalog
from config.core.orm import is_id
from config.core.written_dates import read_day
from patients.models import Location, Provider

VIEWS = ("day", "week")
RESOURCES: dict[str, type[Catalog]] = {"provider": Provider, "location": Location}
# Days that the calendar has.
FIRST, LAST = datetime.date(1900, 1, 1), datetime.date(9000, 1, 1)


@dataclass(frozen=True)
class Choice:
    """A day or a week by provider or location. `provider` and `location` are the ids of those shown, None for all."""

    view: str
    on: datetime.date
    by: str
    provider: int | None = None
    location: int | None = None

    @classmethod
    def read(cls, query: QueryDict, country: str = "") -> "Choice":
        """Return what `query` asks for: today, if its day cannot be read as people of `country` write it.

        Raises BadRequest for what no link of the calendar asks.
        """
        view, by = query.get("view", "day"), query.get("by", "provider")
        if view not in VIEWS or by not in RESOURCES:
            raise BadRequest(_("The calendar has no such view."))
        on = day_in(query.get("on", ""), country) or timezone.localdate()
        return cls(view, on, by, *(_id(query.get(name, "")) for name in RESOURCES))

    @property
    def resource(self) -> int | None:
        """The id of the one provider or location, whichever makes the columns."""
        return getattr(self, self.by)

    @property
    def days(self) -> list[datetime.date]:
        """The days that are shown."""
        if self.view == "day":
            return [self.on]
        monday = self.on - datetime.timedelta(days=self.on.weekday())
        return [monday + datetime.timedelta(days=count) for count in range(7)]

    def with_one_of(self, rows: list[Catalog]) -> "Choice":
        """Return this with a provider or location for a week: the first of `rows`, unless one was chosen."""
        if self.view == "day" or self.resource is not None or not rows:
            return self
        return replace(self, **{self.by: rows[0].pk})  # type: ignore[arg-type]

    def query(self, **changes: Any) -> str:
        """Return the query string that asks for this, with `changes`."""
        asked = replace(self, **changes)
        return urlencode({name: value for name, value in vars(asked).items() if value is not None})

    @property
    def preset(self) -> str:
        """What `admin:book` presets: the provider and location that are shown alone, and the day, unless it is today."""
        own: dict[str, Any] = {"provider": self.provider, "location": self.location}
        if self.view == "day" and self.on != timezone.localdate():
            own["starts_at"] = self.on
        return urlencode({name: value for name, value in own.items() if value is not None})

    @property
    def links(self) -> dict[str, str]:
        """The query strings of the day or week before, the next one, today, and both views of this day."""
        step = datetime.timedelta(days=1 if self.view == "day" else 7)
        days = {"before": self.on - step, "after": self.on + step, "today": timezone.localdate()}
        return {**{name: self.query(on=day) for name, day in days.items()}, **{view: self.query(view=view) for view in VIEWS}}


def day_in(text: str, country: str = "") -> datetime.date | None:
    """Return the day that `text` names, as people of `country` write it, None if it names none that the calendar has."""
    try:
        day = read_day(text, country)
    except ValueError:
        return None
    return day if FIRST < day < LAST else None


def _id(text: str) -> int | None:
    if text and not is_id(text):
        raise BadRequest(_("This is not an id."))
    return int(text) if text else None
