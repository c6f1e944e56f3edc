"""The view set that every endpoint of every dialect stands on.

It is REST framework's GenericViewSet; config/rest/__init__.py lists where it differs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar

from django.core.exceptions import ImproperlyConfigured
from django.db import models, transaction
from django.urls import Resolver404, resolve
from django.utils.encoding import escape_uri_path, iri_to_uri
from rest_framework.serializers import Serializer
from rest_framework.viewsets import GenericViewSet

from accounts.permissions import Permission
from accounts.scope import Actor, scope, scope_of
from config.core.exceptions import DomainError, NotAuthenticated, NotFound, NotPermitted
from config.core.orm import has_column, verbose_name
from config.rest import pagination, throttling
from config.rest.auditing import AuditedMixin
from config.rest.authentication import CHALLENGE
from config.rest.compiled.cursors import Keyset
from config.rest.compiled.disclosures import Disclosure, found_with
from config.rest.compiled.plans import ResponsePlan, response_plan
from config.rest.compiled.queries import NOT_ARCHIVED, Criterion, Query
from config.rest.deprecation import Deprecated
from config.rest.fields import Reference, ScopedRelation, request_serializer, resolve_references
from config.rest.filters import StrictFilterBackend, StrictFilterSet
from config.rest.idempotency import claim_for
from config.rest.pagination import Envelope
from config.rest.permissions import RolePermission
from config.rest.problems import MAX_PROBLEMS, Problem, Rejected, apply_constraint_message, problems_of
from config.rest.query_parameters import QueryParameter
from config.rest.request_body import MAX_VALUES, StrictJSONParser
from config.rest.responses import ApiResponse, empty_response


@dataclass(frozen=True)
class Written:
    """What a write made: the id of its row, and what the response says of it beside its columns."""

    pk: int
    extra: Mapping[str, Any] = field(default_factory=dict)


class DialectViewSet(AuditedMixin, Deprecated, throttling.LargeRequests, GenericViewSet):
    """A view set of one dialect.

    A request passes, in this order: credentials (401), the rate limit (429), the route and its
    verbs (404, 405), scope (404), the role (403), and then the action, which reads the body (400,
    413, 415), the Idempotency-Key (409), the values (422), the references (404), and writes
    (409). Errors are worded by the dialect.
    """

    # --- REST framework's attributes --------------------------------------------------------------
    http_method_names = ["get", "post", "put", "patch", "delete", "head"]
    throttle_classes = [throttling.ActorThrottle]
    permission_classes = [RolePermission]
    parser_classes = [StrictJSONParser]
    filter_backends = [StrictFilterBackend]
    filterset_class: ClassVar[type[StrictFilterSet] | None] = None
    pagination_class: Any
    lookup_url_kwarg: str | None = None

    # --- ours: what a view set is about -----------------------------------------------------------
    model: ClassVar[type[models.Model]]
    permissions: ClassVar[Mapping[str, Permission]] = {}
    """What each action requires of the caller's role. A GET that is not named here requires READ."""
    request_serializer_classes: ClassVar[Mapping[str, type[Serializer]]] = {}
    """The body of each action that takes one; `serializer_class` is the response's."""
    ordering: ClassVar[Keyset | tuple[str, ...]] = ()
    """The order of lists, where it is not the model's: columns that end in the id, or for pages by cursor a Keyset."""
    page_size: ClassVar[int]
    """How many rows a page of a list holds where the request does not say."""
    envelopes: ClassVar[Mapping[str, type[Envelope]]] = {}
    """What each action other than `list` has around many objects."""
    query_parameters: ClassVar[Mapping[str, tuple[QueryParameter, ...]]] = {}
    """What each action takes in the query beside filters, sorting and pages."""
    idempotent_actions: ClassVar[frozenset[str]] = frozenset()
    """The actions that honour an Idempotency-Key."""
    archived_actions: ClassVar[frozenset[str]] = frozenset()
    """The actions that change archived objects too; for all others they do not exist."""
    constraint_errors: ClassVar[dict[str, tuple[int, str, str]]] = {}
    """Constraint -> the status, message and wire field of its error."""
    error_fields: ClassVar[Mapping[str, str]] = {}
    """Model field -> wire field, where no request serializer tells."""
    batch_serializer_classes: ClassVar[Mapping[str, tuple[type[Serializer], type[Serializer]]]] = {}
    """The body and the response of each action that also takes many objects at once."""
    stream_media_types: ClassVar[Mapping[str, str]] = {}
    """The media type of each action that responds with rows without end, in another form than JSON."""
    max_body_size: ClassVar[int | None] = None
    """Bytes of a body, where they are not those that all requests may have."""
    max_body_values: ClassVar[int] = MAX_VALUES
    """Values in the lists and objects of a body."""
    lookup_schema: ClassVar[dict | None] = None
    """What `lookup_url_kwarg` takes, where it is not the dialect's own kind of id."""

    actor: Actor
    organization_id: int | None = None
    object_id: int

    @classmethod
    def as_view(cls, actions=None, **initkwargs):
        # An action that is forgotten in `permissions` would only ask for the right to read.
        unnamed = {action for method, action in (actions or {}).items() if method not in ("get", "head")} - cls.permissions.keys()
        if unnamed:
            raise ImproperlyConfigured(f"{cls.__name__}.permissions does not name {', '.join(sorted(unnamed))}")
        return super().as_view(actions, **initkwargs)

    # --- each dialect's own -----------------------------------------------------------------------
    def error_body(self, problems: list[Problem]) -> Any:
        """Return the body that tells `problems`."""
        raise NotImplementedError

    def lookup_criterion(self, model: type[models.Model], url_kwarg: str) -> Criterion:
        """Return the condition for the row of `model` that the URL keyword names; a malformed id is an unknown one."""
        raise NotImplementedError

    def resolve_path_scope(self) -> None:
        """Find what the path names beside the object, such as the organization; NotFound outside the caller's scope."""

    def not_found(self) -> DomainError:
        """Return the error for an object outside the caller's scope."""
        return not_found_error(self.model)

    def not_found_for(self, model: type[models.Model], criterion: Criterion) -> DomainError:
        """Return the error for the row of `model` that `criterion` picks, outside the caller's scope."""
        return not_found_error(model)

    def respond(self, data: Any, status: int = 200, extra: Mapping[str, Any] | None = None) -> ApiResponse:
        """Return the response with one object, and `extra` beside what is stored of it."""
        return ApiResponse({**data, **extra} if extra else data, status)

    # --- the way in -------------------------------------------------------------------------------
    def initial(self, request, *args, **kwargs) -> None:
        self.perform_authentication(request)
        self.check_throttles(request)
        if request.user is None:
            raise NotAuthenticated
        if str(request.method).lower() not in self.action_map:
            self.http_method_not_allowed(request)
        writes = self.required_permission.writes
        self.resolve_path_scope()
        if writes and self.lookup_url_kwarg in self.kwargs:
            self.object_id = self.get_object_id()
        self.check_permissions(request)

    def perform_authentication(self, request) -> None:
        try:
            self.actor = request.user
        except NotAuthenticated as error:
            if error.failed_key:
                self.allowance = throttling.count_failed_key(request)
                self.allowance.check()
            raise

    def throttled(self, request, wait):
        raise self.allowance.refusal()

    def permission_denied(self, request, message=None, code=None):
        raise NotPermitted

    @cached_property
    def required_permission(self) -> Permission:
        """What the action requires of the caller's role."""
        return self.permissions.get(self.action, Permission.READ)

    # --- reading ----------------------------------------------------------------------------------
    def get_queryset(self) -> Query:  # type: ignore[override]
        """Return the query of the rows that the caller may see, here."""
        return self.scoped_query(self.model).order_by(self.ordering or tuple(map(str, self.model._meta.ordering or ())))

    def scoped_query(self, model: type[models.Model]) -> Query:
        """Return the query of the rows of any `model` that the caller may see, in the organization that the path names."""
        return Query.in_scope(model, self.actor, self.organization_id)

    def get_filterset(self, query: Query) -> StrictFilterSet:
        """Return the filters of the request on `query`, for actions that also need their values."""
        filterset_class = self.filterset_class or StrictFilterSet
        return filterset_class(self.request.GET, query, actor=self.actor, organization_id=self.organization_id)

    def get_object(self) -> list[tuple]:
        """Return the row that the path names, by the columns of the response plan: a list of one, as it leaves."""
        named = self.lookup_criterion(self.model, str(self.lookup_url_kwarg))
        rows = self.disclosed(self.get_queryset().filter(named), needed=True).rows(self.response_plan.columns)
        if not rows:
            raise self.not_found()
        return rows

    def get_object_id(self) -> int:
        """Return the id of the object that the action will change; most actions do not find archived ones."""
        criteria = [self.lookup_criterion(self.model, str(self.lookup_url_kwarg))]
        if self.action not in self.archived_actions and has_column(self.model, "deleted_at"):
            criteria.append(NOT_ARCHIVED)
        return self.get_row(*criteria, columns=("pk",))[0]

    def get_row(self, *criteria: Criterion, columns: tuple | None = None, **lookups: Any) -> tuple:
        """Return the one row in scope that `criteria` and `lookups` pick, by `columns`, else by those of the response plan."""
        rows = self.get_queryset().filter(*criteria, **lookups).rows(columns or self.response_plan.columns)
        if not rows:
            raise self.not_found()
        return rows[0]

    @cached_property
    def response_plan(self) -> ResponsePlan:
        """The compiled serializer of this action's response."""
        return response_plan(self.get_serializer_class())  # type: ignore[arg-type]

    def disclosed(self, query: Query, action: str | None = None, **limits: Any) -> Query:
        """Return `query` of rows that leave the server: what `to_representation` does is done with them, where the database can.

        `limits` are those of a `Disclosure`.
        """
        return query.disclosed(Disclosure(self.response_plan, self.actor, self.read_event(action), **limits))

    def to_representation(self, rows: list[tuple]) -> list[dict]:
        """Return the response's objects of `rows`, which leave the server: whose they are is audited first."""
        self.audit_read(rows)
        return self.response_plan.objects(rows, self.actor, found_with(rows))

    def patient_columns(self) -> tuple[int, ...]:
        """Return which columns of the response plan hold the ids of patients whom a row is about."""
        return () if self.response_plan.patient is None else (self.response_plan.patient,)

    # --- actions ----------------------------------------------------------------------------------
    def list(self, request, *args, **kwargs) -> Any:
        query = self.disclosed(self.filter_queryset(self.get_queryset()), most_characters=pagination.MAX_PAGE_LENGTH)  # type: ignore[arg-type]
        rows = self.paginate_queryset(query)  # type: ignore[arg-type]
        return self.get_paginated_response(self.to_representation(rows))  # type: ignore[arg-type]

    def retrieve(self, request, *args, **kwargs) -> Any:
        return self.respond(self.to_representation(self.get_object())[0])

    def create(self, request, *args, **kwargs) -> Any:
        return self.write(self.perform_create, status=201)

    def partial_update(self, request, *args, **kwargs) -> Any:
        return self.write(self.perform_update)

    def perform_create(self, serializer: Serializer) -> Any:
        """Create the object that the validated body describes; return its id, or as `write` says."""
        raise NotImplementedError

    def perform_update(self, serializer: Serializer) -> Any:
        """Change the object that the path names as the validated body says; return its id, or as `write` says."""
        raise NotImplementedError

    # --- writing ----------------------------------------------------------------------------------
    def write(self, perform: Callable[[Serializer], Any], *, status: int = 200) -> ApiResponse:
        """Validate the body, `perform(serializer)`, and respond with the row that it has written.

        `perform` returns the row's id, a `Written`, or a whole ApiResponse. All of it is one
        transaction. In `idempotent_actions` an Idempotency-Key is honoured in it.
        """
        payload: Any = self.request.data
        self.count_batch(payload)
        honoured = self.action in self.idempotent_actions
        claim = claim_for(self.request._request, self.actor, self.organization_id or 0, payload) if honoured else None
        with transaction.atomic():
            if claim and (stored := claim.stored_response()):
                self.authorize_replay(stored.row_id, payload)
                return stored.response
            written = perform(self.get_valid_serializer(payload))
            response, pk = self.written_response(written, status)
            if claim:
                claim.store(response, pk)
        return response

    def written_response(self, written: Any, status: int) -> tuple[ApiResponse, int]:
        """Return the response to what `perform` returned (see `write`), and the id of its row, 0 for none."""
        if isinstance(written, ApiResponse):
            return written, 0
        written = Written(written) if isinstance(written, int) else written
        # The write has been audited.
        plan, query = self.response_plan, self.get_queryset().filter(id=written.pk)
        rows = query.disclosed(Disclosure(plan, self.actor, None)).rows(plan.columns)
        if not rows:
            raise self.not_found()
        return self.respond(plan.objects(rows, self.actor, found_with(rows))[0], status, written.extra), written.pk

    def authorize_replay(self, pk: int, payload: Any) -> None:
        """Let the stored response about row `pk` leave once more: to who still sees the row, audited as a read.

        It may also show the name of a patient whom the body named and whom the caller sees no longer.
        """
        self.audit_read([self.get_row(id=pk)] if pk else [], "replay")
        for name, declared in self.get_request_serializer(payload).fields.items():
            if isinstance(declared, ScopedRelation) and scope_of(declared.model).patient and payload.get(name):
                rows = declared.model._base_manager.filter(uuid=payload[name])
                if not scope(self.actor, rows).exists():
                    raise not_found_error(declared.model)

    def get_request_serializer_class(self) -> type[Serializer]:
        """Return the serializer of the body; an action that names none takes nothing from it."""
        return self.request_serializer_classes.get(self.action, Serializer)

    def get_request_serializer(self, payload: Any = None) -> Serializer:
        """Return the serializer of the body, holding `payload`."""
        partial = self.action in ("update", "partial_update")
        return request_serializer(self.get_request_serializer_class(), payload, partial=partial)

    def get_valid_serializer(self, payload: Any) -> Serializer:
        """Return the serializer of the body, validated, references replaced by ids found in the caller's scope."""
        serializer = self.get_request_serializer(payload)
        serializer.is_valid(raise_exception=True)
        if Reference in map(type, serializer.validated_data.values()):
            # REST framework has no public way to put the ids in place of what was sent.
            vars(serializer)["_validated_data"] = self.resolve_references(serializer.validated_data)
        return serializer

    def resolve_references(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return `values` by model field name, references as ids found in the caller's scope."""
        return resolve_references(values, self.actor, self.organization_id)

    # --- errors -----------------------------------------------------------------------------------
    def handle_exception(self, exc: Exception) -> Any:
        found = problems_of(exc, self._wire_names())[:MAX_PROBLEMS]
        problems = [self.translate_problem(problem) for problem in found]
        if problems[0].status in (403, 404) and hasattr(self, "actor"):
            self.record_denied()
        response = error_response(problems, self.error_body(problems))
        if response.status_code == 405:
            response["Allow"] = ", ".join(self.allowed_methods)
        return response

    def translate_problem(self, problem: Problem) -> Problem:
        """Return `problem` with the status and wording that this dialect gives it."""
        return apply_constraint_message(problem, self.constraint_errors)

    def _wire_names(self) -> dict[str, str]:
        """Return the names of model fields -> those of the body."""
        names = dict(self.error_fields)
        if getattr(self, "action", None) in self.request_serializer_classes:
            for name, declared in self.get_request_serializer().fields.items():
                names.setdefault((declared.source or name).removesuffix("_id"), name)
        return names

    def finalize_response(self, request, response, *args, **kwargs):
        counted = self.allowance.headers if self.allowance else {}
        for name, value in {**counted, **self.deprecation_headers()}.items():
            response[name] = value
        self._let_go(request)
        return response

    def _let_go(self, request: Any) -> None:
        """Cut what REST framework ties in a circle, or what was sent stays in memory until the garbage collector comes by."""
        request.parser_context = {}
        for verb in self.action_map:
            vars(self).pop(verb, None)


def not_found_error(model: type[models.Model]) -> NotFound:
    """Return the error for a row of `model` that does not exist, or might as well not."""
    return NotFound(verbose_name(model).capitalize())


def error_response(problems: list[Problem], body: Any) -> ApiResponse:
    """Return the response that tells `problems` in `body`, with the headers that go with its status."""
    first = problems[0]
    response = ApiResponse(body, first.status)
    if first.status == 401:
        response["WWW-Authenticate"] = CHALLENGE
    if first.retry_after is not None:
        response["Retry-After"] = str(first.retry_after)
    return response


class UnknownPath:
    """Mixin for each dialect's catch-all: the same steps as everywhere, and then 404 whatever the verb.

    A path that is known without the slash at its end is 307 to that: it keeps verb and body, and clients follow it.
    """

    schema: Any = None  # No document lists it.
    permissions: ClassVar[Mapping[str, Permission]] = {"unknown": Permission.READ}

    def unknown(self, request, *args, **kwargs):
        known, _, slash = request.path.rpartition("/")
        if not slash and self._is_known(known):
            query = iri_to_uri(request.META.get("QUERY_STRING", ""))
            return empty_response(307, {"Location": f"{escape_uri_path(known)}?{query}".removesuffix("?")})
        raise Rejected([Problem(404, "not_found", "Not found")])

    http_method_not_allowed = unknown

    def _is_known(self, path: str) -> bool:
        """Tell whether another line of the table of contents takes `path`."""
        try:
            view: Any = resolve(path).func
        except Resolver404:
            return False
        return not isinstance(self, view.cls)

    @classmethod
    def as_catch_all(cls):
        """Return the view for every verb of every path that no other line of the prefix has taken."""
        return cls.as_view({verb: "unknown" for verb in ("get", "post", "put", "patch", "delete")})
