"""The date range of reports: required, optional or forbidden, and the moments that it covers."""

import datetime
from collections.abc import Mapping
from enum import Enum
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.scope import Actor
from config.rest.compiled.queries import Query
from config.rest.filters import DayFilter
from config.rest.problems import Rejected
from config.rest.query_parameters import refused

# The first and the last day of creation, both inclusive, in the caller's time zone.
FIRST, LAST = DayFilter("created_at"), DayFilter("created_at", until=True)


class Days(Enum):
    """Whether a report has a date range, and the error messages."""

    OPTIONAL = ""
    REQUIRED = gettext_noop("This report needs its days")
    FORBIDDEN = gettext_noop("This report has no days")

    def check(self, given: Mapping[str, Any]) -> None:
        """Raise Rejected if days are missing, forbidden or in the wrong order.

        `given` maps the parameter names of the first and the last day, in this order, to days or None.
        """
        if self is not Days.OPTIONAL:
            required = self is Days.REQUIRED
            faults = [name for name, day in given.items() if (day is None) is required]
            if faults:
                raise Rejected([refused(name, self.name.lower(), _(self.value)).problems[0] for name in faults])
        (_name, first), (name, last) = given.items()
        if first and last and last < first:
            raise refused(name, "reversed", _("The last day lies before the first one"))


def within(query: Query, given: Mapping[str, datetime.date | None], actor: Actor) -> Query:
    """Return `query` narrowed to creation within the days that `given` names, as in `Days.check`."""
    for (name, day), bound in zip(given.items(), (FIRST, LAST), strict=True):
        if day:
            query = bound.filter(query, bound.resolve(day, name, actor, None))
    return query
