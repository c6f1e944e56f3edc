"""The sidebar: groups of entries, some with a count of what waits there."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import get_script_prefix, reverse
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from accounts.permissions import ADMINISTRATORS, STAFF
from config.core.caching import cached

# Name -> the heading, in the order in which they are shown. Those who only read catalogs have no entries for them.
GROUPS = {"Patients": _("Patients"), "Mine": _("Mine"), "Catalogs": _("Catalogs"), "Access": _("Access")}
FOLDED = frozenset({"Catalogs"})
HOME: dict[str, Any] = {"title": _("Home"), "icon": "home", "place": 0, "url_name": "admin:index"}


@dataclass(frozen=True)
class Badge:
    """What an entry says at its end: `text`, and before it in red `urgent`, both short."""

    text: str = ""
    urgent: str = ""


@dataclass(frozen=True)
class Entry:
    """An entry of the sidebar that leads to a page which is no list of a ModelAdmin."""

    group: str
    place: int
    title: Any
    icon: str
    url_name: str
    readers: frozenset[str] = STAFF
    badge: Callable[[HttpRequest], Badge | None] | None = None


_entries: list[Entry] = []


def add_entry(entry: Entry) -> None:
    """Put `entry` into the sidebar of its readers."""
    _entries.append(entry)


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the groups of the sidebar with the entries that the caller may open, and their counts."""
    home: dict[str, Any] = {"items": [HOME | {"link": _address(HOME["url_name"])}]}
    items = [_counted(request, item) for item in destinations(request)]
    groups: list[dict[str, Any]] = [home]
    for name, title in GROUPS.items():
        chosen = sorted((item for item in items if item["group"] == name), key=lambda item: item["place"])
        groups.append({"title": title, "items": chosen, "folded": name in FOLDED})
    return [group for group in groups if group["items"]]


def destinations(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the entries of the sidebar that the caller may open, apart from the home page."""
    return [*_pages(request), *_lists(request)]


def counted_items(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the entries that say what waits there, with what they say now."""
    return [_counted(request, item) for item in _pages(request) if item["badge"]]


def _counted(request: HttpRequest, item: dict[str, Any]) -> dict[str, Any]:
    """Return `item` with what it says, where it says something."""
    badge = item.get("badge")
    return item | {"counted": badge is not None, "count": badge(request) if badge else None}


def _pages(request: HttpRequest) -> list[dict[str, Any]]:
    role = getattr(request.user, "role", "")
    return [
        {
            "group": entry.group,
            "place": entry.place,
            "title": str(entry.title),
            "icon": entry.icon,
            "link": _address(entry.url_name),
            "url_name": entry.url_name,
            "badge": entry.badge,
        }
        for entry in _entries
        if role in entry.readers
    ]


def _lists(request: HttpRequest) -> list[dict[str, Any]]:
    registered: list[Any] = list(admin.site._registry.values())
    return [
        {
            "group": found.section,
            "place": found.place,
            "title": capfirst(found.opts.verbose_name_plural),
            "icon": found.icon,
            "link": _address(url_name),
            "url_name": url_name,
        }
        for found in registered
        for url_name in [f"admin:{found.opts.app_label}_{found.opts.model_name}_changelist"]
        if found.section in GROUPS and found.has_module_permission(request) and _has_work_there(request, found)
    ]


def _address(url_name: str) -> str:
    """Return the address of a page. Each page links to 30, and finding them took a tenth of its time."""
    return _address_below(get_script_prefix(), url_name)


@cached
def _address_below(script_prefix: str, url_name: str) -> str:
    return reverse(url_name)


def _has_work_there(request: HttpRequest, found: Any) -> bool:
    """Tell whether the caller does more in a list than to look a catalog up."""
    return found.section not in FOLDED or getattr(request.user, "role", "") in ADMINISTRATORS
