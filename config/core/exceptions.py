"""What can go wrong, in the words of the domain. HTTP statuses and wire formats are given in config/rest."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy


class DomainError(Exception):
    """Base of every refusal that a service may raise. `message` is for people and holds no patient data.

    It is in the language of the request, which in APIs is always English.
    """

    message: Any = gettext_lazy("The request cannot be carried out")

    def __init__(self, message: str = ""):
        self.message = str(message or self.message)
        super().__init__(self.message)


class NotFound(DomainError):
    """What was asked for does not exist, or is out of the caller's scope: the two are never told apart."""

    def __init__(self, what: str):
        super().__init__(_("%(what)s not found") % {"what": what})


class UnknownReference(NotFound):
    """A body or a parameter names an object that does not exist in the caller's scope.

    `field` is the name of the model field, `what` the kind of object.
    """

    def __init__(self, field: str, what: str):
        super().__init__(what)
        self.field = field


class NotPermitted(DomainError):
    """The caller may see the object but not do this to it."""

    message: Any = gettext_lazy("You are not permitted to do this")


class TlsRequired(NotPermitted, PermissionDenied):
    """An API request came without TLS where HTTPS is on; middleware raises it, and Django takes it for a 403."""

    message = "Use HTTPS: requests to the API are not answered without TLS"


class NotAuthorizedForPatient(NotPermitted):
    """A staff member names a patient of their own organization who is outside their care groups."""

    message: Any = gettext_lazy("You are not authorized to access this patient")


class Gone(DomainError):
    """What was asked for has been there, and is no longer kept."""


class Invalid(DomainError):
    """A value breaks a rule of the domain. `errors` maps model field -> list of messages; "" is the whole."""

    def __init__(self, errors: dict[str, list[str]] | str, field: str = "", code: str = "value_error"):
        self.errors = errors if isinstance(errors, dict) else {field: [errors]}
        self.code = code
        super().__init__("; ".join(message for messages in self.errors.values() for message in messages))


class Conflict(DomainError):
    """The request collides with what is stored. `field` is the model field that collides, if one does."""

    def __init__(self, message: str, field: str = ""):
        super().__init__(message)
        self.field = field


class VersionConflict(Conflict):
    """The caller's base version is not the stored one."""

    def __init__(self, expected: int, got: int):
        super().__init__(_("Version conflict: expected %(expected)s, got %(got)s") % {"expected": expected, "got": got})
        self.expected, self.got = expected, got


class PreconditionFailed(DomainError):
    """The object is not in the state that the request's If-Match names."""

    message = "Precondition failed: the object has changed"


class IdempotencyConflict(Conflict):
    """The Idempotency-Key was used before, for another request."""

    def __init__(self) -> None:
        super().__init__("Idempotency conflict")


class IdempotencyInProgress(Conflict):
    """The first request with this Idempotency-Key is still running."""

    def __init__(self) -> None:
        super().__init__("Idempotency conflict: the first request is still running")


class NotAuthenticated(DomainError):
    """No valid credentials. `failed_key` tells a bad key from none at all."""

    message = "Unauthorized"

    def __init__(self, *, failed_key: bool = False):
        super().__init__()
        self.failed_key = failed_key


class AccountInactive(NotAuthenticated):
    """The key is valid, but its user has been deactivated. Only the public dialect tells so."""


class RateLimited(DomainError):
    """Too many requests in this window; `retry_after` is in whole seconds, 1 to 60."""

    message: Any = gettext_lazy("Too many requests")

    def __init__(self, retry_after: int):
        super().__init__()
        self.retry_after = retry_after


class Unavailable(DomainError):
    """The server cannot answer now: the database is away, or the audit event could not be written."""

    message: Any = gettext_lazy("Service unavailable")


class Busy(Unavailable):
    """All slots for hashing passwords are taken; a few seconds later there will be one."""

    message: Any = gettext_lazy(
        "Too many people are signing in or setting passwords at the moment. Please try again in a few seconds."
    )


class BadRequest(DomainError):
    """The request cannot be read: not JSON, too deep, a bad header. `where` names the part at fault."""

    def __init__(self, message: str, where: str = "body"):
        super().__init__(message)
        self.where = where
