"""Grammar of the general dialect: Rails manners, integer ids, `{"errors": …}`, X-User-Token."""

import datetime
import re
from dataclasses import replace
from typing import Any, ClassVar

from django.db import models
from rest_framework import serializers

from accounts.permissions import CAREGIVERS
from config.core.exceptions import DomainError, NotAuthorizedForPatient
from config.rest import views
from config.rest.authentication import user_token
from config.rest.compiled.plans import Criterion, Query
from config.rest.problems import Problem, Rejected
from config.rest.responses import Answer

_ID = re.compile(r"[1-9]\d{0,18}", re.ASCII)
MAX_ID = 2**63 - 1


class Errors:
    """`{"errors": {field: [messages]}}` for values, `{"errors": "text"}` for all else."""

    WORDS = {"required": "can't be blank", "null": "can't be blank", "blank": "can't be blank"}

    @classmethod
    def body(cls, problems: list[Problem]) -> dict:
        if problems[0].status != 422:
            return {"errors": problems[0].message}
        fields: dict[str, list[str]] = {}
        for problem in problems:
            fields.setdefault(cls.field(problem), []).extend(cls.messages(problem))
        return {"errors": fields}

    @staticmethod
    def field(problem: Problem) -> str:
        return ".".join(map(str, problem.path)) or "base"

    @classmethod
    def messages(cls, problem: Problem) -> list[str]:
        is_date = str(problem.path[-1:]).find("date") > 0
        if problem.code in cls.WORDS:
            # The documented pair for a blank date.
            return [cls.WORDS[problem.code], "must be a valid date"] if is_date else [cls.WORDS[problem.code]]
        return ["must be a valid date"] if is_date and problem.code in ("invalid", "date") else [problem.message]


class UTCMilliseconds(serializers.DateTimeField):
    """A date-time in UTC with three places and Z."""

    def __init__(self, **kwargs):
        super().__init__(read_only=True, **kwargs)

    def to_representation(self, value: datetime.datetime) -> str:
        return value.astimezone(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class ViewSet(views.DialectViewSet):
    """A view set under /general/v1/."""

    envelopes = {"list": "plain_list"}
    page_size = 25
    wrapper: ClassVar[str] = ""
    """The key that holds the values of a body."""

    def credentials(self, request):
        return user_token(request)

    def error_body(self, problems):
        return Errors.body(problems)

    def understood(self, problem: Problem) -> Problem:
        """In this dialect fields are named without the wrapper that holds them."""
        problem = super().understood(problem)
        wrapped = len(problem.path) > 1 and problem.path[0] == self.wrapper
        return replace(problem, path=problem.path[1:]) if wrapped else problem

    def named_by(self, keyword: str, model: type[models.Model]) -> Criterion:
        raw = self.kwargs[keyword]
        if not _ID.fullmatch(raw) or int(raw) > MAX_ID:
            raise views.unknown(model)
        return views.equal_to("id", int(raw), models.BigIntegerField())

    def validated(self, payload: Any) -> dict[str, Any]:
        """Read the body inside its wrapper, `{"patient": {…}}`."""
        inner = payload.get(self.wrapper)
        if not isinstance(inner, dict):
            code, message = ("required", "") if inner is None else ("invalid", "must be an object")
            raise Rejected([Problem(422, code, message, "body", (self.wrapper,))])
        return super().validated(inner)

    def missing(self) -> DomainError:
        return self.missing_from(self.model, self.named_object()) if self.pk_kwarg in self.kwargs else super().missing()

    def missing_from(self, model: type[models.Model], named: Criterion) -> DomainError:
        """Tell staff that a patient of their own organization is not theirs; anyone else, that there is none."""
        if self.actor.role in CAREGIVERS:
            criteria = [views.equal_to("organization_id", self.actor.organization_id, models.BigIntegerField())]
            # A row that they may see is missing because it is archived, not because it is not theirs.
            theirs = Query(model, [*self.scope_of_rows(model), named])
            if Query(model, [*criteria, named]).rows(("pk",)) and not theirs.rows(("pk",)):
                return NotAuthorizedForPatient()
        return super().missing_from(model, named)

    def plain_list(self, query: Query, order: tuple[str, ...]) -> Answer:
        """Answer a plain array, with its numbers in X-Total, X-Page and X-Page-Size."""
        page = self.fetch_numbered(query, order)
        headers = {"X-Total": str(page.total), "X-Page": str(page.number), "X-Page-Size": str(page.size)}
        return Answer(page.items, headers=headers)


class UnknownPath(views.UnknownPath, ViewSet):
    """Every path under /general/ that the table of contents does not list."""
