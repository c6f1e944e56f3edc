"""Any exception -> [Problem]. What problems look like on the wire is each dialect's own affair."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError
from django.http import Http404
from rest_framework import exceptions as drf

from config.core import exceptions as domain
from config.core.databases import broken_constraint

logger = logging.getLogger("anamnesis.problem")


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong, before any dialect has worded it.

    `code` is REST framework's error code where a field is at fault, else a word of ours.
    `where` is body, query, path or header; `path` leads to the field inside it.
    """

    status: int
    code: str
    message: Any
    where: str = ""
    path: tuple[str | int, ...] = ()
    retry_after: int | None = None
    constraint: str = ""


class Rejected(Exception):
    """A request that is refused with problems that are already known."""

    def __init__(self, problems: list[Problem]):
        super().__init__(problems[0].code)
        self.problems = problems


# One response names no more: a body can be wrong in more places than anyone wants to read.
MAX_PROBLEMS = 100
RETRY_AFTER_OUTAGE = 5
UNSUPPORTED_MEDIA_TYPE = Problem(415, "unsupported_media_type", "The body must be application/json")


def problems_of(error: Exception, fields: dict[str, str]) -> list[Problem]:
    """Return what `error` means. `fields` maps the names of model fields to those on the wire."""
    if isinstance(error, Rejected):
        return error.problems
    if isinstance(error, domain.DomainError):
        return list(_of_domain(error, fields))
    if isinstance(error, drf.ValidationError):
        return list(_of_validation(error.detail, error.get_codes()))
    if isinstance(error, drf.UnsupportedMediaType):
        return [UNSUPPORTED_MEDIA_TYPE]
    if isinstance(error, drf.APIException):
        return [Problem(error.status_code, str(error.get_codes()), str(error.detail))]
    return [_of_the_rest(error)]


def _of_domain(error: domain.DomainError, fields: dict[str, str]) -> Iterator[Problem]:
    if isinstance(error, domain.Invalid):
        for field, messages in error.errors.items():
            path = (fields.get(field, field),) if field else ()
            yield from (Problem(422, error.code, message, "body", path) for message in messages)
    elif isinstance(error, domain.UnknownReference):
        yield Problem(404, "unknown_reference", error.message, "body", (fields.get(error.field, error.field),))
    elif isinstance(error, domain.BadRequest):
        yield Problem(400, "bad_request", error.message, error.where)
    elif isinstance(error, domain.Conflict):
        retry = 1 if isinstance(error, domain.IdempotencyInProgress) else None
        path = (fields.get(error.field, error.field),) if error.field else ()
        yield Problem(409, _code_of(error), error.message, "body", path, retry_after=retry)
    elif isinstance(error, domain.RateLimited):
        yield Problem(429, "rate_limited", error.message, retry_after=error.retry_after)
    elif isinstance(error, domain.Busy):
        yield Problem(503, "unavailable", error.message, retry_after=RETRY_AFTER_OUTAGE)
    elif isinstance(error, domain.Unavailable):
        yield _outage(error.__cause__ or error)
    else:
        status, code = _PLAIN[next(kind for kind in _PLAIN if isinstance(error, kind))]
        yield Problem(status, code, error.message)


_PLAIN: dict[type[domain.DomainError], tuple[int, str]] = {
    domain.NotFound: (404, "not_found"),
    domain.NotAuthorizedForPatient: (403, "forbidden"),
    domain.NotPermitted: (403, "forbidden"),
    domain.Gone: (410, "gone"),
    domain.PreconditionFailed: (412, "precondition_failed"),
    domain.AccountInactive: (401, "account_inactive"),
    domain.NotAuthenticated: (401, "unauthorized"),
}


def _code_of(error: domain.Conflict) -> str:
    if isinstance(error, domain.VersionConflict):
        return "version_conflict"
    return "idempotency_conflict" if "Idempotency" in type(error).__name__ else "conflict"


def _of_validation(detail: Any, codes: Any, path: tuple = ()) -> Iterator[Problem]:
    """Walk REST framework's nested details and codes side by side."""
    if isinstance(detail, dict):
        for name, child in detail.items():
            # A parent's own errors stand under this name; on the wire they belong to the parent.
            inner = path if name == "non_field_errors" else (*path, name)
            yield from _of_validation(child, codes[name], inner)
    elif isinstance(detail, list):
        for index, child in enumerate(detail):
            inner = (*path, index) if isinstance(child, (dict, list)) else path
            yield from _of_validation(child, codes[index], inner)
    else:
        yield Problem(422, str(codes), str(detail), "body", path)


def _outage(error: BaseException) -> Problem:
    logger.error("unavailable", exc_info=error)
    return Problem(503, "unavailable", str(domain.Unavailable.message), retry_after=RETRY_AFTER_OUTAGE)


def _of_the_rest(error: Exception) -> Problem:
    if isinstance(error, Http404):
        return Problem(404, "not_found", "Not found")
    if isinstance(error, PermissionDenied):
        return Problem(403, "forbidden", "You are not permitted to do this")
    if isinstance(error, SuspiciousOperation):
        return Problem(400, "bad_request", "The request cannot be read")
    if isinstance(error, IntegrityError) and (name := broken_constraint(error)):
        return Problem(409, "constraint", "The request collides with what is stored", "body", constraint=name)
    if isinstance(error, (OperationalError, InterfaceError)):
        return _outage(error)
    logger.error("unexpected error", exc_info=error)
    kind = "The database refused the request" if isinstance(error, DatabaseError) else "Internal server error"
    return Problem(500, "internal", kind)


def apply_constraint_message(problem: Problem, constraint_errors: dict[str, tuple[int, str, str]]) -> Problem:
    """Give a broken constraint the status, message and field that `constraint_errors` has for it.

    A constraint without an entry is a defect of ours: 500, and logged.
    """
    if not problem.constraint:
        return problem
    if problem.constraint not in constraint_errors:
        logger.error("constraint without an error message: %s", problem.constraint)
        return Problem(500, "internal", "Internal server error")
    status, message, field = constraint_errors[problem.constraint]
    return replace(problem, status=status, message=message, path=(field,) if field else ())
