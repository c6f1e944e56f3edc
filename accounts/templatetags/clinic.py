"""Template tags of the clinic's pages: icons, breadcrumbs, and how days, times and ages are written."""

import datetime
from typing import Any

from django import template
from django.contrib import admin
from django.urls import reverse
from django.utils import timezone
from django.utils.dateformat import format as format_date
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from accounts.icons import PATHS
from config.core.written_dates import written_day

register = template.Library()


@register.simple_tag
def icon(name: str, *classes: str) -> SafeString:
    """Return the icon `name` as inline SVG, silent for screen readers. Unknown names are those of unfold's font."""
    extra = " ".join(classes)
    if name not in PATHS:
        return format_html('<span class="material-symbols-outlined {}" aria-hidden="true">{}</span>', extra, name)
    return format_html('<svg class="icon {}" viewBox="0 0 24 24" aria-hidden="true"><path d="{}"/></svg>', extra, PATHS[name])


def _local(value: datetime.date | datetime.datetime) -> datetime.date | datetime.datetime:
    return timezone.localtime(value) if isinstance(value, datetime.datetime) and timezone.is_aware(value) else value


@register.filter
def day(value: datetime.date | datetime.datetime | None) -> str:
    """Return a day as "30 Nov 2026"."""
    return written_day(_local(value)) if value else ""


@register.filter
def clock(value: datetime.datetime | None) -> str:
    """Return the time of day as "09:42"."""
    return format_date(_local(value), "H:i") if value else ""


@register.filter
def moment(value: datetime.datetime | None) -> str:
    """Return a moment with its zone: "30 Nov 2026, 09:42 EST"."""
    if not value:
        return ""
    local = _local(value)
    return f"{date_format(local, 'DATETIME_FORMAT')} {format_date(local, 'T')}"


@register.filter
def recently(value: datetime.datetime | None) -> str:
    """Return a moment as short as it is clear: "today, 09:04", "28 Nov, 11:40", "28 Nov 2025, 11:40"."""
    if not value:
        return ""
    local, today = timezone.localtime(value), timezone.localdate()
    written = date_format(local, "MONTH_DAY_FORMAT" if local.year == today.year else "DATE_FORMAT")
    day_shown = _("today") if local.date() == today else written
    return f"{day_shown}, {local:%H:%M}"


@register.filter
def ago(value: datetime.datetime | None) -> str:
    """Return how long ago a moment was, in two units at most: "2 d 2 h", "38 min"."""
    if not value:
        return ""
    minutes = max(int((timezone.now() - value).total_seconds() // 60), 0)
    days, hours = divmod(minutes // 60, 24)
    if days:
        text = _("%(days)s d %(hours)s h") if hours and days < 4 else _("%(days)s d")
    else:
        text = _("%(hours)s h %(minutes)s min") if hours else _("%(minutes)s min")
    return text % {"days": days, "hours": hours, "minutes": minutes % 60}


@register.simple_tag
def zone_name() -> str:
    """Return the current zone in words: "New York time (EST)", "UTC"."""
    zone = timezone.get_current_timezone_name()
    short = timezone.localtime().strftime("%Z")
    place = zone.rpartition("/")[2].replace("_", " ")
    return zone if place == zone else _("%(place)s time (%(zone)s)") % {"place": place, "zone": short}


@register.simple_tag(takes_context=True)
def trail(context: template.Context) -> list[tuple[str, str]]:
    """Return the titles and addresses of the breadcrumb before the current page."""
    if "breadcrumbs" in context:
        return context["breadcrumbs"]
    opts = context.get("opts")
    if not opts or context.get("cl"):
        return []
    listed = (capfirst(opts.verbose_name_plural), reverse(f"admin:{opts.app_label}_{opts.model_name}_changelist"))
    shown = context.get("object")
    # The history of a row, and whatever else Django shows about one, stand below its form.
    if shown is None or context.get("adminform"):
        return [listed]
    form = reverse(f"admin:{opts.app_label}_{opts.model_name}_change", args=[shown.pk])
    found: Any = admin.site.get_model_admin(shown._meta.model)
    return [listed, (found.label(shown), form)]


@register.simple_tag(takes_context=True)
def heading(context: template.Context) -> str:
    """Return the title of the current page as its heading shows it."""
    opts = context.get("opts")
    if "breadcrumbs" in context or not opts:
        return str(context.get("title") or "")
    if context.get("cl"):
        return capfirst(opts.verbose_name_plural)
    return str(context.get("subtitle") or context.get("title") or "")
