"""Grammar of the general dialect: Rails manners, integer ids, `{"errors": …}`, X-User-Token."""

import datetime
import re
from dataclasses import replace
from typing import Any, ClassVar

from django.db import models
from rest_framework import serializers

from accounts.permissions import CAREGIVERS
from config.core.exceptions import DomainError, NotAuthorizedForPatient
from config.rest import fields, views
from config.rest.authentication import UserTokenAuthentication
from config.rest.compiled.queries import Criterion, Query, comparison
from config.rest.openapi import Schema, array
from config.rest.pagination import NumberedPagination
from config.rest.problems import Problem, Rejected
from config.rest.responses import ApiResponse

_ID = re.compile(r"[1-9]\d{0,18}", re.ASCII)
MAX_ID = 2**63 - 1


class Errors:
    """`{"errors": {field: [messages]}}` for values, `{"errors": "text"}` for all else."""

    MESSAGES = {"required": "can't be blank", "null": "can't be blank", "blank": "can't be blank"}

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
        if problem.code in cls.MESSAGES:
            # The documented pair for a blank date.
            return [cls.MESSAGES[problem.code], "must be a valid date"] if is_date else [cls.MESSAGES[problem.code]]
        return ["must be a valid date"] if is_date and problem.code in ("invalid", "date") else [problem.message]


class Date(fields.Date):
    """A date, YYYY-MM-DD. Blank text is told apart from what is no date."""

    default_error_messages = {"blank": "This field may not be blank."}

    def to_internal_value(self, data):
        if isinstance(data, str) and not data.strip():
            self.fail("blank")
        return super().to_internal_value(data)


class UTCMilliseconds(serializers.DateTimeField):
    """A date-time in UTC with three places and Z."""

    def __init__(self, **kwargs):
        super().__init__(read_only=True, **kwargs)

    def to_representation(self, value: datetime.datetime) -> str:
        return value.astimezone(datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class HeaderPagination(NumberedPagination):
    """A plain array, with its numbers in X-Total, X-Page and X-Page-Size."""

    response_headers = {"X-Total": "Total", "X-Page": "Page", "X-Page-Size": "PageSize"}

    def get_paginated_response(self, data: list[dict]) -> ApiResponse:
        headers = {"X-Total": str(self.total), "X-Page": str(self.number), "X-Page-Size": str(self.size)}
        return ApiResponse(data, headers=headers)

    def get_paginated_response_schema(self, schema: Schema) -> Schema:
        return array(schema)


class ViewSet(views.DialectViewSet):
    """A view set under /general/v1/."""

    dialect = "general"
    authentication_classes = [UserTokenAuthentication]
    pagination_class = HeaderPagination
    page_size = 25
    wrapper: ClassVar[str] = ""
    """The key that holds the values of a body."""

    def error_body(self, problems):
        return Errors.body(problems)

    def translate_problem(self, problem: Problem) -> Problem:
        """In this dialect fields are named without the wrapper that holds them."""
        problem = super().translate_problem(problem)
        wrapped = len(problem.path) > 1 and problem.path[0] == self.wrapper
        return replace(problem, path=problem.path[1:]) if wrapped else problem

    def lookup_criterion(self, model: type[models.Model], url_kwarg: str) -> Criterion:
        raw = self.kwargs[url_kwarg]
        if not _ID.fullmatch(raw) or int(raw) > MAX_ID:
            raise views.not_found_error(model)
        return comparison(model, "id", int(raw))

    def get_valid_serializer(self, payload: Any) -> serializers.Serializer:
        """Read the body inside its wrapper, `{"patient": {…}}`."""
        inner = payload.get(self.wrapper)
        if not isinstance(inner, dict):
            code, message = ("required", "") if inner is None else ("invalid", "must be an object")
            raise Rejected([Problem(422, code, message, "body", (self.wrapper,))])
        return super().get_valid_serializer(inner)

    def not_found(self) -> DomainError:
        if self.lookup_url_kwarg not in self.kwargs:
            return super().not_found()
        return self.not_found_for(self.model, self.lookup_criterion(self.model, str(self.lookup_url_kwarg)))

    def not_found_for(self, model: type[models.Model], criterion: Criterion) -> DomainError:
        """Tell staff that a patient of their own organization is not theirs; anyone else, that there is none."""
        if self.actor.role in CAREGIVERS:
            in_organization = Query(model, [criterion]).filter(organization_id=self.actor.organization_id)
            # A row that they may see is missing because it is archived, not because it is not theirs.
            if in_organization.exists() and not self.scoped_query(model).filter(criterion).exists():
                return NotAuthorizedForPatient()
        return super().not_found_for(model, criterion)


class UnknownPath(views.UnknownPath, ViewSet):
    """Every path under /general/ that the table of contents does not list."""
