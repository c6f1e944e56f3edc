"""The view that every endpoint of every dialect stands on: who, how often, where, whether, and only then what."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from django.conf import settings
from django.db import models, transaction
from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.serializers import ModelSerializer, Serializer
from rest_framework.views import APIView
from rest_framework.viewsets import ViewSetMixin

from accounts import audit
from accounts.authentication import authenticate_key
from accounts.permissions import Task
from accounts.scope import Actor, organization_of, scope, scope_of
from config.core.databases import Param
from config.core.exceptions import DomainError, NotAuthenticated, NotFound, NotPermitted, Unavailable
from config.core.logs import request_id
from config.core.middleware import client_address, route_of
from config.core.orm import has_column, verbose_name, word_for
from config.rest import throttling
from config.rest.compiled.cursors import BadCursor, Keyset, KeysetPage
from config.rest.compiled.plans import Criterion, Plan, Query, plan_of, scoped
from config.rest.fields import ScopedRelation, resolve
from config.rest.filters import Argument, Parameters, read_integer, read_once, refused
from config.rest.idempotency import claim_of
from config.rest.problems import Problem, Rejected, problems_of, worded
from config.rest.request_body import read_json
from config.rest.responses import Answer

MAX_PAGE_SIZE = 200
MAX_PAGE = 1_000_000
ROWS_A_REQUEST = 100
"""So many rows of one body count as one request of the rate limit."""
MAX_PROBLEMS = 100
"""One answer names no more: a body can be wrong in more places than anyone wants to read."""


@dataclass(frozen=True)
class NumberedPage:
    """A page by number: the answer's objects, and where they stand among `total` rows."""

    items: list[dict]
    number: int
    size: int
    total: int


class DialectViewSet(ViewSetMixin, APIView):
    """A view set of one dialect.

    A request passes, in this order: credentials (401), the rate limit (429), the route and its
    verbs (404, 405), scope (404), the role (403), and then the action, which reads the body (400,
    413, 415), the Idempotency-Key (409), the values (422), the references (404), and writes
    (409). What stops it is told in the dialect's own words.
    """

    http_method_names = ["get", "post", "put", "patch", "delete", "head"]
    model: ClassVar[type[models.Model]]
    tasks: ClassVar[Mapping[str, Task]] = {}
    """What each action asks of the role; an action that is not named here only reads."""
    serializer_classes: ClassVar[Mapping[str, type[Serializer]]] = {}
    """The body of each action that takes one."""
    batch_classes: ClassVar[Mapping[str, tuple[type[Serializer], type[Serializer]]]] = {}
    """The body and the answer of each action that also takes many at once."""
    streams: ClassVar[Mapping[str, str]] = {}
    """The media type of each action that answers with rows without end, in another form than JSON."""
    error_fields: ClassVar[Mapping[str, str]] = {}
    """Model field -> wire field, where no body serializer tells."""
    filterset_class: ClassVar[type[Parameters] | None] = None
    """The filters of `list`."""
    arguments: ClassVar[Mapping[str, tuple[Argument, ...]]] = {}
    """What each action takes in the query beside filters, sorting and pages."""
    envelopes: ClassVar[Mapping[str, str]] = {}
    """The shape of each action that answers with many objects, by the name that the dialect's documents give it."""
    rows_key: ClassVar[str] = ""
    """Where bodies hold rows, if they do: many of them count as several requests."""
    idempotent: ClassVar[frozenset[str]] = frozenset()
    """The actions that honour an Idempotency-Key."""
    constraint_wording: ClassVar[dict[str, tuple[int, str, str]]] = {}
    reaches_archived: ClassVar[frozenset[str]] = frozenset()
    """The actions that change archived objects too; for all others they are not there."""
    page_size: ClassVar[int]
    """How many rows a page of a list holds where the request does not say."""
    pk_kwarg: ClassVar[str] = ""
    """The URL keyword that names the object an action works on."""
    pk_schema: ClassVar[dict | None] = None
    """What that keyword takes, where it is not the dialect's own kind of id."""

    actor: Actor
    allowance: throttling.Allowance | None = None
    organization_id: int | None = None
    object_id: int

    # --- each dialect's own -----------------------------------------------------------------------
    def credentials(self, request: HttpRequest) -> str | None:
        """Return the key that the request carries, None without one, NotAuthenticated for an unclear one."""
        raise NotImplementedError

    def error_body(self, problems: list[Problem]) -> Any:
        """Return the body that tells `problems`."""
        raise NotImplementedError

    def enter(self) -> None:
        """Take the caller into the organization that the path names, if the dialect names one there."""

    def get_serializer_class(self) -> type[ModelSerializer]:
        """Return the serializer of this action's answer."""
        raise NotImplementedError

    def missing(self) -> DomainError:
        """Return the refusal for an object that is not in the caller's scope."""
        return unknown(self.model)

    def missing_from(self, model: type[models.Model], named: Criterion) -> DomainError:
        """Return the refusal for the row of any `model` that `named` picks and that is not in the caller's scope."""
        return unknown(model)

    # --- the way in -------------------------------------------------------------------------------
    def initial(self, request: Request, *args, **kwargs) -> None:
        self.actor = self._authenticate(request)
        self.allowance = throttling.count(f"user:{self.actor.user_id}", settings.RATE_LIMIT_PER_MINUTE)
        self.allowance.check()
        if str(request.method).lower() not in self.action_map:
            self.http_method_not_allowed(request)
        self.enter()
        task = self.tasks.get(self.action, Task.READ)
        if self.pk_kwarg in self.kwargs and task.writes:
            self.object_id = self.locate()
        if not task.allows(self.actor.role):
            raise NotPermitted

    def _authenticate(self, request: Request) -> Actor:
        address = client_address(request)
        route = f"{request.method:.16} /{route_of(request)}"
        try:
            key = self.credentials(request)
            if key is None:
                self._limit_stranger(f"address:{address}", settings.ANONYMOUS_PER_MINUTE)
                raise NotAuthenticated
            return authenticate_key(key, route=route, request_id=request_id.get())
        except NotAuthenticated as error:
            if error.failed_key:
                self._limit_stranger(f"failed:{address}", settings.FAILED_KEYS_PER_MINUTE)
            raise

    def _limit_stranger(self, subject: str, limit: int) -> None:
        self.allowance = throttling.count(subject, limit)
        self.allowance.check()

    # --- reading ----------------------------------------------------------------------------------
    def in_scope(self, *, archived: bool = True) -> list[Criterion]:
        """Return the conditions for rows that the caller may see, here."""
        return self.scope_of_rows(self.model, archived=archived)

    def scope_of_rows(self, model: type[models.Model], *, archived: bool = True) -> list[Criterion]:
        """Return the conditions for rows of any `model` that the caller may see, in the organization that the path names."""
        criteria = [scoped(self.actor)]
        if self.organization_id is not None:
            criteria.append(equal_to(organization_of(model), self.organization_id, models.BigIntegerField()))
        if not archived and has_column(model, "deleted_at"):
            criteria.append(Criterion("not archived", lambda rows: rows.filter(deleted_at=None)))
        return criteria

    def filters(self) -> list[Criterion]:
        """Return the conditions that the query asks for, by the filters of the list."""
        return (self.filterset_class or Parameters).criteria(self.request.GET, self.actor, self.organization_id)

    def named_object(self) -> Criterion:
        """Return the condition for the object that the path names; a malformed id is an unknown one."""
        return self.named_by(self.pk_kwarg, self.model)

    def named_by(self, keyword: str, model: type[models.Model]) -> Criterion:
        """Return the condition for the row of `model` that the URL keyword names."""
        raise NotImplementedError

    def locate(self) -> int:
        """Return the id of the object that an action will change; archived ones can not be found for most of them."""
        criteria = [*self.in_scope(archived=self.action in self.reaches_archived), self.named_object()]
        rows = Query(self.model, criteria).rows(("pk",))
        if not rows:
            raise self.missing()
        return rows[0][0]

    def answer_plan(self) -> Plan:
        """Return the compiled serializer of this action's answer."""
        return plan_of(self.get_serializer_class())

    def read_one(self, criterion: Criterion) -> tuple[tuple, dict]:
        """Return the row that `criterion` picks in scope, and the answer's object."""
        plan = self.answer_plan()
        rows = Query(self.model, [*self.in_scope(), criterion]).rows(plan.columns)
        if not rows:
            raise self.missing()
        return rows[0], plan.objects(rows, self.actor)[0]

    def fetch_numbered(self, query: Query, order: tuple[str, ...]) -> "NumberedPage":
        """Fetch the page that `page` and `page_size` name, and count all rows."""
        number = read_integer(self.request.GET, "page", default=1, least=1, most=MAX_PAGE)
        size = read_integer(self.request.GET, "page_size", default=self.page_size, least=1, most=MAX_PAGE_SIZE)
        plan = self.answer_plan()
        rows = query.rows(plan.columns, order, f" LIMIT {size} OFFSET {(number - 1) * size}")
        # A page that is not full tells the total by itself.
        whole = len(rows) < size and (rows or number == 1)
        total = (number - 1) * size + len(rows) if whole else query.count()
        self.shown(rows)
        return NumberedPage(plan.objects(rows, self.actor), number, size, total)

    def fetch_keyset(self, query: Query, keyset: Keyset, cursor_name: str, size_name: str) -> tuple[KeysetPage, list[dict]]:
        """Fetch the page that the parameter `cursor_name` points to. A cursor is good for this caller, path and filters."""
        size = read_integer(self.request.GET, size_name, default=self.page_size, least=1, most=MAX_PAGE_SIZE)
        cursor = read_once(self.request.GET, cursor_name)
        kept = sorted((name, value) for name, value in self.request.GET.items() if name not in (cursor_name, size_name))
        plan = self.answer_plan()
        try:
            page = keyset.page(query, plan, f"{self.actor.user_id}|{self.request.path}|{kept}", cursor, size)
        except BadCursor as error:
            raise refused(cursor_name, "invalid_cursor", "The cursor is malformed or was made for another list") from error
        self.shown(page.rows)
        return page, plan.objects(page.rows, self.actor)

    def shown(self, rows: list[tuple]) -> None:
        """Write into the audit trail whose rows are about to leave. Without that nothing leaves."""
        try:
            action = f"{word_for(self.model)}.{self.action}"
            audit.record_read(self.actor, action, patients=self.touched(rows))
        except Exception as error:
            raise Unavailable from error

    def touched(self, rows: list[tuple]) -> list[tuple[int, int]]:
        """Return (organization id, patient id) of the patients whom `rows`, read by the answer's plan, are about."""
        return self.answer_plan().touched(rows)

    # --- writing ----------------------------------------------------------------------------------
    def write(self, request: Request, work: Callable[[dict], int], *, status: int = 200) -> Answer:
        """Read the body, do `work(values)` on what it says, and answer with the row whose id `work` returns.

        All of it is one transaction. In `idempotent` actions an Idempotency-Key is honoured in it.
        """
        payload = read_json(request._request)
        self.charge(payload)
        honoured = self.action in self.idempotent
        claim = claim_of(request._request, self.actor, self.organization_id or 0) if honoured else None
        with transaction.atomic():
            if claim and (first := claim.first_answer()):
                self.shown_again(first.row_id)
                self.named_again(payload)
                return first.answer
            pk = work(self.validated(payload))
            answer = self.answer_of(pk, status)
            if claim:
                claim.remember(answer, pk)
        return answer

    def shown_again(self, pk: int) -> None:
        """Let the answer about row `pk` leave once more: only to who still sees the row, and audited as a read."""
        by_id = equal_to("id", pk, models.BigIntegerField())
        rows = Query(self.model, [*self.in_scope(), by_id]).rows(self.answer_plan().columns)
        if not rows:
            raise self.missing()
        self.shown(rows)

    def named_again(self, payload: Any) -> None:
        """Refuse a stored answer that may show the name of a patient whom the caller sees no longer: one whom the body named."""
        fields = self.body_serializer().fields if self.action in self.serializer_classes else {}
        for name, declared in fields.items():
            if isinstance(declared, ScopedRelation) and scope_of(declared.model).patient and payload.get(name):
                rows = declared.model._base_manager.filter(uuid=payload[name])
                if not scope(self.actor, rows).exists():
                    raise unknown(declared.model)

    def validated(self, payload: Any) -> dict[str, Any]:
        """Return the values of the body by model field name, references as ids found in scope."""
        if self.action not in self.serializer_classes:
            return {}
        serializer = self.body_serializer(payload)
        serializer.is_valid(raise_exception=True)
        return self.resolved(dict(serializer.validated_data))

    def resolved(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return `values` with references as ids found in scope."""
        return resolve(values, self.actor, self.organization_id)

    def body_serializer(self, payload: Any = None) -> Serializer:
        """Return this action's body serializer, holding `payload`."""
        serializer_class = self.serializer_classes[self.action]
        partial = self.action in ("update", "partial_update")
        return serializer_class(data=payload, partial=partial, context={"actor": self.actor})

    def answer_of(self, pk: int, status: int) -> Answer:
        """Answer with one row, in the dialect's envelope."""
        return Answer(self.read_one(equal_to("id", pk, models.BigIntegerField()))[1], status)

    def charge(self, payload: Mapping[str, Any]) -> None:
        """Count a request of many rows as several, before its transaction: RateLimited where that is too many."""
        rows = payload.get(self.rows_key) if self.rows_key else None
        further = (len(rows) - 1) // ROWS_A_REQUEST if isinstance(rows, list) else 0
        if further > 0:
            self.allowance = throttling.count(f"user:{self.actor.user_id}", settings.RATE_LIMIT_PER_MINUTE, further)
            self.allowance.check()

    # --- what goes wrong --------------------------------------------------------------------------
    def handle_exception(self, exc: Exception) -> Any:
        found = problems_of(exc, self._wire_names())[:MAX_PROBLEMS]
        problems = [self.understood(problem) for problem in found]
        if problems[0].status in (403, 404) and hasattr(self, "actor"):
            self._record_denied()
        answer = refusal(problems, self.error_body(problems))
        if answer.status_code == 405:
            answer["Allow"] = ", ".join(self.allowed_methods)
        return answer

    def understood(self, problem: Problem) -> Problem:
        """Return `problem` with the status and wording that this dialect gives it."""
        return worded(problem, self.constraint_wording)

    def _wire_names(self) -> dict[str, str]:
        serializer_class = self.serializer_classes.get(getattr(self, "action", None) or "")
        names = dict(self.error_fields)
        for name, field in serializer_class().fields.items() if serializer_class else ():
            names.setdefault((field.source or name).removesuffix("_id"), name)
        return names

    def _record_denied(self) -> None:
        """Record a refusal; a failure here does not turn a refusal into anything else."""
        try:
            audit.record_denied(self.actor, f"{self.action or 'unknown'}")
        except Exception:
            return

    def finalize_response(self, request, response, *args, **kwargs):
        if self.allowance is not None:
            for name, value in self.allowance.headers.items():
                response[name] = value
        return response


def unknown(model: type[models.Model]) -> NotFound:
    """Return the refusal for a row of `model` that does not exist, or might as well not."""
    return NotFound(verbose_name(model).capitalize())


def refusal(problems: list[Problem], body: Any) -> Answer:
    """Return the answer that tells `problems` in `body`, with the headers that go with its status."""
    first = problems[0]
    answer = Answer(body, first.status)
    if first.status == 401:
        answer["WWW-Authenticate"] = 'Bearer realm="anamnesis"'
    if first.retry_after is not None:
        answer["Retry-After"] = str(first.retry_after)
    return answer


def equal_to(column: str, value: Any, field: models.Field) -> Criterion:
    """Return the condition `column = value`."""
    return Criterion(
        ("equal", column), lambda rows: rows.filter(**{column: Param(f"equal.{column}", field)}), {f"equal.{column}": value}
    )


class UnknownPath:
    """Mixin for each dialect's catch-all: the same steps as everywhere, and then 404 whatever the verb."""

    schema: Any = None  # No document lists it.

    def unknown(self, request, *args, **kwargs):
        raise Rejected([Problem(404, "not_found", "Not found")])

    http_method_not_allowed = unknown

    @classmethod
    def as_catch_all(cls):
        """Return the view for every verb of every path that no other line of the prefix has taken."""
        return cls.as_view({verb: "unknown" for verb in ("get", "post", "put", "patch", "delete")})
