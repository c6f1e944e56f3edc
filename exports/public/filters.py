"""The days by which reports are bounded: allowed, asked for, or refused."""

from collections.abc import Mapping
from typing import Any

from django.http import QueryDict

from accounts.scope import Actor
from config.rest.parameters import DayParameter, Parameters, read_once, refused
from config.rest.problems import Rejected
from config.rest.public import CamelCaseParameters
from config.rest.reading import Criterion

DAYS = ("startDate", "endDate")


class OptionalDays(CamelCaseParameters):
    """The first and the last day of creation, both inclusive, in the caller's time zone."""

    start_date = DayParameter("created_at")
    end_date = DayParameter("created_at", until=True)

    @classmethod
    def read(cls, query: QueryDict) -> dict[str, Any]:
        given = super().read(query)
        if len(given) == len(DAYS) and given["endDate"] < given["startDate"]:
            raise refused("endDate", "reversed", "The last day lies before the first one")
        return given


class RequiredDays(OptionalDays):
    """The first and the last day of creation, neither of which may be missing."""

    @classmethod
    def read(cls, query: QueryDict) -> dict[str, Any]:
        given = super().read(query)
        missing = [name for name in DAYS if name not in given]
        if missing:
            raise Rejected([refused(name, "required", "This report needs its days").problems[0] for name in missing])
        return given


class NoDays(Parameters):
    """No days: the report is always of everything."""

    @classmethod
    def criteria(cls, query: QueryDict, actor: Actor, organization_id: int | None) -> list[Criterion]:
        given = [name for name in DAYS if read_once(query, name) is not None]
        if given:
            raise Rejected([refused(name, "forbidden", "This report has no days").problems[0] for name in given])
        return super().criteria(query, actor, organization_id)

    @classmethod
    def unless(cls, given: Mapping[str, Any]) -> list[Criterion]:
        return []
