"""The days of reports, as parameters of the public dialect."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.http import QueryDict

from config.rest.filters import Parameters, read_once
from config.rest.public import CamelCaseParameters
from exports.days import FIRST, LAST, Days


class OptionalDays(CamelCaseParameters):
    """The first and the last day of creation."""

    start_date = FIRST
    end_date = LAST
    days: ClassVar[Days] = Days.OPTIONAL

    @classmethod
    def read(cls, query: QueryDict) -> dict[str, Any]:
        given = super().read(query)
        cls.days.check({name: given.get(name) for name in cls.base_filters})
        return given


class RequiredDays(OptionalDays):
    """The first and the last day of creation, neither of which may be missing."""

    days = Days.REQUIRED
    required = tuple(OptionalDays.base_filters)


class NoDays(Parameters):
    """No days: the report is always of everything."""

    @classmethod
    def read(cls, query: QueryDict) -> dict[str, Any]:
        Days.FORBIDDEN.check({name: read_once(query, name) for name in OptionalDays.base_filters})
        return {}


PARAMETERS: Mapping[Days, type[Parameters]] = {
    Days.OPTIONAL: OptionalDays,
    Days.REQUIRED: RequiredDays,
    Days.FORBIDDEN: NoDays,
}
