"""The base of every ModelAdmin and inline: rows in scope, permissions by role, writes through services."""

import datetime
from collections.abc import Callable, Collection, Iterable
from copy import deepcopy
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import BaseModelAdmin, IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG, SEARCH_VAR, ChangeList
from django.core.exceptions import BadRequest
from django.db import IntegrityError
from django.db.models import DateField, DateTimeField, Model, Q, QuerySet
from django.forms import BoundField, ModelForm
from django.http import HttpRequest, HttpResponse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from unfold.admin import ModelAdmin as UnfoldModelAdmin
from unfold.admin import TabularInline as UnfoldTabularInline
from unfold.views import ChangeList as UnfoldChangeList

from accounts.admin.fields import LocalDateField, country_of
from accounts.admin.filters import ArchivedFilter, ScopedRelatedFilter, parameter_of
from accounts.admin.forms import FORM_FIELDS, AutocompleteWidget, ServiceForm, VersionedForm
from accounts.admin.history import KeptValue, changes_of, history
from accounts.admin.labels import Labelled, address_of
from accounts.admin.parameters import LIST_PARAMETERS, check_list_parameters, check_numbers, check_page, searched
from accounts.admin.taken import TAKEN, check_refusals, count_refusal
from accounts.admin.totals import TotalsPaginator
from accounts.models import Organization
from accounts.permissions import STAFF, Permission
from accounts.scope import Role, scope
from accounts.site import actor_of, record_denied
from accounts.templatetags.clinic import zone_name
from config.core.exceptions import DomainError
from config.core.orm import has_column, is_id


def exclude_fields(fieldsets: list, names: Collection[str]) -> None:
    """Remove the fields `names` from `fieldsets`, keeping the rows of the others."""
    for _name, options in fieldsets:
        lines = [line if isinstance(line, tuple) else (line,) for line in options["fields"]]
        kept = [tuple(name for name in line if name not in names) for line in lines]
        options["fields"] = [line for line in kept if line]


class AddressedChangeList(UnfoldChangeList):
    """A list whose rows lead to the page that shows them, which need not be their form."""

    def url_for_result(self, result: Model) -> str:
        return self.model_admin.address(result)


class Scoped(BaseModelAdmin):
    """Shared by ModelAdmin and inline: lists and choices hold only rows in scope.

    `past_days` are columns for days that have been, whose years may be written with two digits.
    """

    past_days: frozenset[str] = frozenset()

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return scope(actor_of(request), super().get_queryset(request))

    def formfield_for_dbfield(self, db_field, request: HttpRequest, **kwargs):
        form_class = next((found for kind, found in FORM_FIELDS.items() if isinstance(db_field, kind)), None)
        if form_class is not None:
            kwargs.setdefault("form_class", form_class)
        if isinstance(db_field, DateTimeField):
            hint = f"{db_field.help_text} {zone_name()}."
            kwargs.setdefault("help_text", hint.strip())
        elif isinstance(db_field, DateField):
            kwargs.setdefault("form_class", LocalDateField)
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        if isinstance(field, LocalDateField):
            field.country, field.past = country_of(request.user), db_field.name in self.past_days
        for link in ("can_add_related", "can_change_related", "can_delete_related", "can_view_related"):
            if field is not None and hasattr(field.widget, link):
                setattr(field.widget, link, False)
        return field

    def formfield_for_foreignkey(self, db_field, request: HttpRequest, **kwargs):
        if db_field.name in self.get_autocomplete_fields(request):
            kwargs["widget"] = AutocompleteWidget(db_field, self.admin_site)
        return self._with_selectable_rows(db_field, request, super().formfield_for_foreignkey, kwargs)

    def formfield_for_manytomany(self, db_field, request: HttpRequest, **kwargs):
        return self._with_selectable_rows(db_field, request, super().formfield_for_manytomany, kwargs)

    def _with_selectable_rows(self, db_field, request: HttpRequest, make: Callable, kwargs: dict[str, Any]):
        related: Any = self.admin_site.get_model_admin(db_field.remote_field.model)
        kwargs["queryset"] = related.selectable(request, related.get_queryset(request))
        field = make(db_field, request, **kwargs)
        if field is not None:
            field.label_from_instance = related.label
        return field


class ScopedAdmin(Scoped, UnfoldModelAdmin):
    """Base of every ModelAdmin.

    `readers`, `creators` and `writers` are the roles that may see, add and change rows. `section`,
    `place`, `icon` and `hint` say where the sidebar and the home page show the model. Subclasses with
    writers implement `create` and `change`, each of which calls one service.
    """

    form = ServiceForm
    readers: frozenset[str] = STAFF
    creators: frozenset[str] = frozenset()
    writers: frozenset[str] = frozenset()
    section = "Catalogs"
    place = 0
    icon = "database"
    hint: Any = ""
    # Where a page other than Django's form adds a row: its URL name, and what the button says.
    add_url_name = ""
    add_label: Any = ""
    constraint_fields: dict[str, tuple[str, Any]] = {}

    view_on_site = False
    paginator = TotalsPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    list_filter_sheet = False
    save_on_top = False
    warn_unsaved_form = True

    # --- who may ----------------------------------------------------------------------------------
    def _is(self, request: HttpRequest, roles: Iterable[str]) -> bool:
        return request.user.is_staff and request.user.role in roles

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self._is(request, self.readers)

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._is(request, self.readers)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self._is(request, self.creators)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return self._is(request, self.writers) and getattr(obj, "deleted_at", None) is None

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nothing is deleted: rows are archived, revoked or stopped."""
        return False

    # --- what is shown ----------------------------------------------------------------------------
    def selectable(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        """Return the rows of `queryset` that a foreign key may be set to."""
        return queryset.filter(deleted_at=None) if has_column(self.model, "deleted_at") else queryset

    def label(self, obj: Any) -> str:
        """Return what people call `obj`: in choices, titles, messages and links."""
        return str(obj)

    def address(self, obj: Any) -> str:
        """Return the address of the page that shows `obj`."""
        return address_of(obj)

    def audit_read(self, request: HttpRequest, rows: list[Any], action: str) -> None:
        """Audit that a response shows `rows`, before it is sent, as "search" or "read". Rows about no patient are not audited."""

    def chooses_organization(self, request: HttpRequest) -> bool:
        """Tell whether the caller sees several organizations and must choose one for a new row."""
        return actor_of(request).role == Role.FC_ADMIN and has_column(self.model, "organization")

    def get_list_display(self, request: HttpRequest) -> list[str]:
        columns = list(super().get_list_display(request))
        return [*columns, "organization"] if self.chooses_organization(request) else columns

    def get_list_select_related(self, request: HttpRequest):
        related = super().get_list_select_related(request) or ()
        return (*related, "organization") if self.chooses_organization(request) else related

    def get_list_filter(self, request: HttpRequest) -> list:
        filters = list(super().get_list_filter(request))
        return [*filters, ("organization", ScopedRelatedFilter)] if self.chooses_organization(request) else filters

    def filter_parameters(self, request: HttpRequest) -> set[str]:
        """Return the parameters of the filters."""
        return {parameter_of(entry) for entry in self.get_list_filter(request)}

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        """Allow only what the filters offer: any other lookup lets a column be guessed, or runs the caller's own expression."""
        return lookup in self.filter_parameters(request)

    def get_fieldsets(self, request: HttpRequest, obj: Model | None = None) -> list:
        fieldsets = deepcopy(list(super().get_fieldsets(request, obj)))
        if self.chooses_organization(request):
            first = fieldsets[0][1]
            first["fields"] = ["organization", *first["fields"]]
        if not (self.has_change_permission(request, obj) if obj else self.has_add_permission(request)):
            # Form fields without a column have nothing to show.
            exclude_fields(fieldsets, {name for name in self.form.declared_fields if not has_column(self.model, name)})
        return fieldsets

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        fields = list(super().get_readonly_fields(request, obj))
        return [*fields, "organization"] if obj and self.chooses_organization(request) else fields

    # --- reading ----------------------------------------------------------------------------------
    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return AddressedChangeList

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        search = {SEARCH_VAR} if self.get_search_fields(request) else set()
        check_list_parameters(request, LIST_PARAMETERS | search | self.filter_parameters(request))
        try:
            return super().get_changelist_instance(request)
        except IncorrectLookupParameters as error:
            # Django shows the list without parameters, but blames the database where they say that it has done so.
            if ERROR_FLAG not in request.GET:
                raise
            raise BadRequest(_("This list cannot read these parameters.")) from error

    def get_search_results(self, request: HttpRequest, queryset: QuerySet, search_term: str) -> tuple[QuerySet, bool]:
        """Search for the first words. Subclasses override `find`."""
        return self.find(request, queryset, searched(search_term))

    def find(self, request: HttpRequest, queryset: QuerySet, text: str) -> tuple[QuerySet, bool]:
        """Return the rows of `queryset` that contain every word of `text`, and whether some may be there twice."""
        return super().get_search_results(request, queryset, text)

    def response_action(self, request: HttpRequest, queryset: QuerySet) -> HttpResponse | None:
        check_numbers([*request.POST.getlist(ACTION_CHECKBOX_NAME), *request.POST.getlist("index")])
        return super().response_action(request, queryset)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response = super().changelist_view(request, extra_context)
        changelist = (getattr(response, "context_data", None) or {}).get("cl")
        if changelist is not None:
            self.audit_read(request, list(changelist.result_list), "search")
        return response

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Model | None:
        """Return the row that an address names by its id, None where that is no number: Django also reads 1_0, as 10."""
        return super().get_object(request, object_id, from_field) if is_id(object_id) else None

    def _get_obj_does_not_exist_redirect(self, request: HttpRequest, opts, object_id: str) -> HttpResponse:
        """Audit that a row was asked for which does not exist, or is out of scope, which looks the same."""
        record_denied(request, self, "change_view", object_id)
        return super()._get_obj_does_not_exist_redirect(request, opts, object_id)

    def render_change_form(self, request: HttpRequest, context, add=False, change=False, form_url="", obj=None):
        if obj is not None:
            self.audit_read(request, [obj], "read")
            context["subtitle"] = self.label(obj)
        # Some languages begin with the name of the model, which is in lower case.
        context["title"] = capfirst(context["title"])
        form = context["adminform"].form
        for field in form:
            self._audit_choice(request, field)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show every change of the row, by whatever door. Django's own log knows only those that were made in the admin."""
        check_page(request)
        response = super().history_view(request, object_id, extra_context)
        context = getattr(response, "context_data", None)
        if context:
            row = context["object"]
            name = "" if hasattr(row, "affected_patients") else self.label(row)
            kept = partial(self.kept_values, request, row)
            context["changes"] = history(request, actor_of(request), self.changes_of(row), kept, name)
            context["title"] = context["subtitle"] = _("History")
            self.audit_read(request, [row], "history")
        return response

    def changes_of(self, row: Any) -> QuerySet:
        """Return the audit events that changed `row`."""
        return changes_of(row)

    def kept_values(
        self, request: HttpRequest, row: Any, since: datetime.datetime, until: datetime.datetime
    ) -> Iterable[KeptValue]:
        """Return the old and new values of `row` that a table keeps, of changes between two moments."""
        return ()

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        return super().response_add(request, Labelled(obj, self.label(obj)), post_url_continue)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        return super().response_change(request, Labelled(obj, self.label(obj)))

    def _audit_choice(self, request: HttpRequest, field: BoundField) -> None:
        """Audit the row that a field for one row shows by its label, whether stored or just chosen."""
        rows, chosen = getattr(field.field, "queryset", None), field.value()
        if rows is None:
            return
        found = self.admin_site._registry.get(rows.model)
        if isinstance(found, ScopedAdmin) and hasattr(rows.model, "affected_patients") and is_id(str(chosen)):
            found.audit_read(request, list(rows.filter(pk=chosen)), "read")

    # --- writing ----------------------------------------------------------------------------------
    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Take nothing from the address: it may hold what no field can show."""
        return {}

    def get_form(self, request: HttpRequest, obj: Model | None = None, change: bool = False, **kwargs) -> type[ModelForm]:
        form = super().get_form(request, obj, change, **kwargs)
        form.actor, form.refusal = actor_of(request), getattr(request, "refusal", None)
        form.constraint_fields = self.constraint_fields
        return form

    def changeform_view(self, request: HttpRequest, object_id=None, form_url="", extra_context=None) -> HttpResponse:
        """Show or save the form. An error from a service, already rolled back, is shown in the form."""
        try:
            if request.method == "POST":
                if self.has_taken_values:
                    check_refusals(actor_of(request))
                self.prepare(request)
            return super().changeform_view(request, object_id, form_url, extra_context)
        except (DomainError, IntegrityError) as refusal:
            if request.method != "POST" or hasattr(request, "refusal"):
                raise
            count_refusal(actor_of(request), refusal, self.constraint_fields)
            vars(request)["refusal"] = refusal
            return super().changeform_view(request, object_id, form_url, extra_context)

    @property
    def has_taken_values(self) -> bool:
        """Whether a value of the form may be taken in another organization."""
        return any(words == TAKEN for _, words in self.constraint_fields.values())

    def save_model(self, request: HttpRequest, obj: Model, form: ServiceForm, change: bool) -> None:
        """Call the service. `obj` only carries the values into messages and history."""
        if change:
            self.change(request, obj, form)
        else:
            vars(obj).update(vars(self.create(request, form)))

    def save_related(self, request: HttpRequest, form: ModelForm, formsets, change: bool) -> None:
        """Do nothing: the service has saved what belongs together."""

    def construct_change_message(self, request: HttpRequest, form: ModelForm, formsets, add: bool = False) -> list:
        """Name the changed fields. Inlines are read-only and never change."""
        return super().construct_change_message(request, form, [], add)

    def prepare(self, request: HttpRequest) -> None:
        """Do what takes long, before the transaction of a form that was sent begins."""

    def create(self, request: HttpRequest, form: Any) -> Model:
        """Create the row and return it."""
        raise NotImplementedError

    def change(self, request: HttpRequest, obj: Any, form: Any) -> None:
        """Change the row."""
        raise NotImplementedError

    def organization_for(self, form: ServiceForm) -> Organization:
        """Return the organization of a new row."""
        return Organization.objects.get(pk=form.organization_id)


class ArchivableAdmin(ScopedAdmin):
    """Base for versioned rows that administrators add, change and archive, such as catalogs."""

    form = VersionedForm
    creators = writers = Permission.ADMINISTER.roles
    list_filter: list = [ArchivedFilter]
    actions = ["archive_selected"]

    @admin.action(description=gettext_lazy("Archive"), permissions=["change"])
    def archive_selected(self, request: HttpRequest, queryset: QuerySet) -> None:
        """Archive the chosen rows."""
        rows = list(queryset.filter(Q(deleted_at=None)))
        for row in rows:
            self.archive(request, row)
        messages.success(request, ngettext("%(count)s archived.", "%(count)s archived.", len(rows)) % {"count": len(rows)})

    def archive(self, request: HttpRequest, obj: Any) -> None:
        """Archive one row through its service."""
        raise NotImplementedError


class ScopedInline(Scoped, UnfoldTabularInline):
    """Base of every inline: read-only, with rows in scope only."""

    extra = 0
    hide_title = True
    can_delete = False
    show_change_link = False

    def get_formset(self, request: HttpRequest, obj: Model | None = None, **kwargs: Any) -> Any:
        formset = super().get_formset(request, obj, **kwargs)
        formset.form.actor = actor_of(request)
        return formset

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return request.user.is_staff

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
