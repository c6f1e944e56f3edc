"""Names instead of `str(row)` on pages: that has ids only, for the logs."""

from typing import Any

import unfold.forms
from django.contrib import admin
from django.db.models import CharField, Model, Value
from django.db.models.functions import Coalesce, Concat, NullIf, Trim
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from unfold.fields import UnfoldAdminReadonlyField

from accounts.scope import Actor, scope

HIDDEN = _("Not visible to you")


class Labelled:
    """A row whose `str` is its label, for Django's messages about it; in all else the row itself."""

    def __init__(self, row: Model, label: str):
        self._row, self._label = row, label

    def __getattr__(self, name: str) -> Any:
        return getattr(self._row, name)

    def __str__(self) -> str:
        return self._label


def person_label() -> Coalesce:
    """Return the expression for what people call a user: the name, or the e-mail address where there is none."""
    name = NullIf(Trim(Concat("first_name", Value(" "), "last_name")), Value(""))
    return Coalesce(name, "email", output_field=CharField())


def in_scope(actor: Actor, row: Any) -> bool:
    """Tell whether `actor` may see `row`."""
    return scope(actor, type(row)._base_manager.filter(pk=row.pk)).exists()


class LabelledReadonlyField(UnfoldAdminReadonlyField):
    """unfold's, with the label of a row that a foreign key leads to, where the caller may see that row."""

    def get_admin_url(self, remote_field: Any, remote_obj: Any) -> str:
        found: Any = admin.site._registry.get(type(remote_obj))
        if found is None:
            return str(remote_obj)
        if not in_scope(self.form.actor, remote_obj):
            return str(HIDDEN)
        try:
            return format_html('<a href="{}" class="text-link">{}</a>', found.address(remote_obj), found.label(remote_obj))
        except NoReverseMatch:
            return found.label(remote_obj)


# unfold names the class in one place only, where it makes the lines of a form.
unfold.forms.UnfoldAdminReadonlyField = LabelledReadonlyField  # type: ignore[misc]


def address_of(row: Any) -> str:
    """Return the address of the form of `row`."""
    opts = row._meta
    return reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[row.pk])
