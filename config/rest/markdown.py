"""Markdown of ours as HTML. HTML in it is shown as text, and nothing leads away from the documentation pages."""

from collections.abc import Callable, Iterator
from typing import Any

from django.utils.safestring import SafeString, mark_safe
from django.utils.text import slugify

from config.core.caching import cached


@cached
def _markdown() -> Any:
    from markdown_it import MarkdownIt  # Only the pages need it: commands begin without.

    return MarkdownIt("commonmark", {"html": False}).enable("table")


def line(text: str) -> SafeString:
    """Return one line of text, with code and emphasis in it."""
    return mark_safe(_markdown().renderInline(text))  # noqa: S308 - HTML in it is escaped


def page(text: str, address: Callable[[str], str]) -> SafeString:
    """Return a whole text. `address` gives the address of what a link names, "" where that has none here."""
    tokens = _markdown().parse(text)
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            token.attrs["id"] = slugify(tokens[place + 1].content)
        elif token.type == "fence":
            token.type = "code_block"
        if token.type == "code_block":
            token.attrs["tabindex"] = 0  # Lines may be longer than the page is wide: keys scroll them, too.
        if token.children:
            token.children = list(_linked(token.children, address))
    html = _markdown().renderer.render(tokens, _markdown().options, {})
    html = html.replace("<table>", '<div class="wide"><table>').replace("</table>", "</table></div>")
    return mark_safe(html)  # noqa: S308 - HTML in it is escaped


def _linked(tokens: list[Any], address: Callable[[str], str]) -> Iterator[Any]:
    """Yield `tokens`, links with their addresses here; of a link that has none its text."""
    leads = False
    for token in tokens:
        if token.type == "link_open":
            token.attrs["href"] = address(str(token.attrs["href"]))
            leads = bool(token.attrs["href"])
        if leads or token.type not in ("link_open", "link_close"):
            yield token
