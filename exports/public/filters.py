"""The days of reports, as parameters of the public dialect."""

from collections.abc import Mapping
from typing import Any, ClassVar

from config.rest.filters import StrictFilterSet
from config.rest.public import CamelCaseFilterSet
from config.rest.query_parameters import read_once
from exports.days import FIRST, LAST, Days


class OptionalDays(CamelCaseFilterSet):
    """The first and the last day of creation."""

    start_date = FIRST
    end_date = LAST
    days: ClassVar[Days] = Days.OPTIONAL

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        self.days.check({"startDate": given.get("startDate"), "endDate": given.get("endDate")})
        return given


class RequiredDays(OptionalDays):
    """The first and the last day of creation, neither of which may be missing."""

    days = Days.REQUIRED
    required = tuple(OptionalDays.base_filters)


class NoDays(StrictFilterSet):
    """No days: the report is always of everything."""

    def clean(self) -> dict[str, Any]:
        Days.FORBIDDEN.check({name: read_once(self.data, name) for name in OptionalDays.base_filters})
        return {}


FILTER_SETS: Mapping[Days, type[StrictFilterSet]] = {
    Days.OPTIONAL: OptionalDays,
    Days.REQUIRED: RequiredDays,
    Days.FORBIDDEN: NoDays,
}
