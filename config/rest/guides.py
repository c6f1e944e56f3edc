"""Guides for clients: Markdown files of docs/, as the documentation pages show them."""

from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse
from django.utils.safestring import SafeString

from config.core.caching import cached
from config.rest import markdown

GUIDES = ("events", "changes", "webhooks")
"""The files, by name, in the order in which they are offered. Others in docs/ are for those who run or build the server."""

DIRECTORY = settings.BASE_DIR / "docs"


@dataclass(frozen=True)
class Guide:
    """One guide: its name in addresses, its title, and all of it."""

    name: str
    title: str
    html: SafeString


@cached
def guide(name: str) -> Guide:
    """Return the guide of one of the names in GUIDES."""
    text = (DIRECTORY / f"{name}.md").read_text(encoding="utf-8")
    title = text.partition("\n")[0].removeprefix("# ")
    return Guide(name, title, markdown.page(text, address))


def guides() -> list[Guide]:
    """Return all guides."""
    return [guide(name) for name in GUIDES]


def address(link: str) -> str:
    """Return the address of what a link in a guide leads to: a part of it or another guide; "" for anything else."""
    file, _, part = link.partition("#")
    name = file.removesuffix(".md")
    if not file:
        return link
    return reverse("docs-guide", args=[name]) + (f"#{part}" if part else "") if name in GUIDES else ""
