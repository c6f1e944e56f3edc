"""List filters that offer only rows in scope, and the parameters of the address that each of them reads."""

from typing import Any

from django.contrib.admin import SimpleListFilter
from django.contrib.admin.options import IncorrectLookupParameters
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter, RelatedDropdownFilter

from config.core.orm import is_id

__all__ = ["ArchivedFilter", "ChoiceFilter", "ScopedRelatedFilter", "parameter_of"]


class OneParameter:
    """Mixin of field filters that read the equality they offer, and not the `__isnull` that Django reads besides."""

    lookup: str
    lookup_kwarg: str

    def expected_parameters(self) -> list[str]:
        return [self.lookup_kwarg]


class ChoiceFilter(OneParameter, ChoicesDropdownFilter):
    """A choice among the values of a column."""

    lookup = "exact"


class ScopedRelatedFilter(OneParameter, RelatedDropdownFilter):
    """A choice among the rows that the caller may see."""

    lookup = "id__exact"

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet | None:
        """Refuse what is no id: Django also reads 1_0, as 10."""
        if self.value() and not is_id(str(self.value())):
            raise IncorrectLookupParameters
        return super().queryset(request, queryset)

    def has_output(self) -> bool:
        """Keep the filter even with a single choice: without it, the list would show every row."""
        return True

    def field_choices(self, field, request: HttpRequest, model_admin) -> list[tuple[int, str]]:
        related = model_admin.admin_site.get_model_admin(field.remote_field.model)
        rows = related.selectable(request, related.get_queryset(request))
        return [(row.pk, related.label(row)) for row in rows]


class ArchivedFilter(DropdownFilter):
    """Current rows, or archived ones. Without a choice: current."""

    title = gettext_lazy("record")
    parameter_name = "record"
    all_option = ["", gettext_lazy("Current")]

    def lookups(self, request: HttpRequest, model_admin) -> list[tuple[str, str]]:
        return [("archived", _("Archived"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(deleted_at__isnull=self.value() != "archived")


def parameter_of(entry: Any) -> str:
    """Return the one query parameter of a `list_filter` entry, without making the filter: that may query its choices."""
    if isinstance(entry, type) and issubclass(entry, SimpleListFilter):
        return str(entry.parameter_name)
    name, kind = entry
    return f"{name}__{kind.lookup}"
