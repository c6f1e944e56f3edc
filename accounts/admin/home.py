"""The home page: blocks that the apps add, each for the roles whose work it is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.permissions import STAFF
from accounts.site import actor_of

Reader = Callable[[HttpRequest], dict[str, Any] | None]
# Name -> the heading, in the order of the page.
SECTIONS = {
    "find": "",
    "monitoring": gettext_lazy("Monitoring"),
    "desk": gettext_lazy("Front desk"),
    "administration": gettext_lazy("Administration"),
}
# On the whole width, and below it a wide and a narrow column.
COLUMNS = ("top", "main", "side")


@dataclass(frozen=True)
class Part:
    """Where a block shows something: a section, a column of it, and the place among the others there.

    It is left out where the context of the block has nothing under the name `needs`.
    """

    section: str
    column: str
    place: int
    template: str
    needs: str = ""


@dataclass(frozen=True)
class HomeBlock:
    """What the readers of a home page see of one subject, read once however many parts show it."""

    parts: tuple[Part, ...]
    roles: frozenset[str]
    read: Reader


_blocks: list[HomeBlock] = []


def home_block(*parts: Part, roles: frozenset[str] = STAFF) -> Callable[[Reader], Reader]:
    """Add a block to the home page of `roles`. Its reader returns the context of its parts, or None where there is nothing.

    The patients whom it shows are in the context as `patients`, pairs of organization id and patient id: the page audits them.
    """

    def register(read: Reader) -> Reader:
        _blocks.append(HomeBlock(parts, roles, read))
        return read

    return register


def home(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Return the context of the home page: the sections that have something to show. Whom they show is audited by one event."""
    actor = actor_of(request)
    read = [(block, block.read(request)) for block in _blocks if actor.role in block.roles]
    shown = [(part, block_context) for block, block_context in read if block_context for part in block.parts]
    patients = {pair for _, block_context in shown for pair in block_context.get("patients", ())}
    if patients:
        audit.record_read(actor, "patient.search", patients=sorted(patients))
    parts = sorted(((part, each) for part, each in shown if not part.needs or each[part.needs]), key=_place)
    return {**context, "sections": list(_sections(parts)), "title": _("Home")}


def _place(shown: tuple[Part, dict[str, Any]]) -> int:
    return shown[0].place


def _sections(shown: list[tuple[Part, dict[str, Any]]]) -> Iterator[dict[str, Any]]:
    for name, title in SECTIONS.items():
        columns = {
            column: [{"template": part.template, **each} for part, each in shown if (part.section, part.column) == (name, column)]
            for column in COLUMNS
        }
        if any(columns.values()):
            # What only stands beside the work of a section needs no heading of it.
            yield {"name": name, "title": title if columns["top"] or columns["main"] else "", **columns}
