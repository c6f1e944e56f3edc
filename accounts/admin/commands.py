"""What the palette does beside finding patients: it opens the pages of the sidebar, and has a few commands."""

from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from accounts.navigation import HOME, destinations
from accounts.permissions import STAFF
from config.core.text import fold


@dataclass(frozen=True)
class Command:
    """A line of the palette, found by the beginnings of the words of `title` and `words`, in the order of `place`.

    It opens the page or (`dialog`) the dialog `url_name`, or clicks what the selector `click` finds on the page.
    """

    place: int
    title: Any
    icon: str
    words: Any = ""
    url_name: str = ""
    dialog: bool = False
    click: str = ""
    roles: frozenset[str] = STAFF

    @property
    def url(self) -> str:
        """The address to open, empty where it clicks."""
        return reverse(self.url_name) if self.url_name else ""


# Group of the sidebar -> the place of its pages.
_PAGES = {"Patients": 40, "Mine": 50, "Access": 60, "Catalogs": 90}
_commands = [
    Command(80, _("Light colours"), "eye", _("theme"), click="[data-theme=light]"),
    Command(81, _("Dark colours"), "eye", _("theme"), click="[data-theme=dark]"),
    Command(82, _("Colours of the system"), "eye", _("theme auto"), click="[data-theme=auto]"),
    Command(83, _("Change password"), "key", url_name="admin:password_change"),
    Command(84, _("Second factor"), "shield", _("authenticator"), url_name="admin:second_factor"),
    Command(85, _("Sign out"), "sign-out", _("log logout leave"), click="#logout-form button"),
    # Each in its own words, for whoever does not read the language of the page.
    *(Command(86, name, "chat", _("language"), click=f"[name=language][value={code}]") for code, name in settings.LANGUAGES),
]


def add_command(*commands: Command) -> None:
    """Put `commands` into the palette of their roles."""
    _commands.extend(commands)


def matching_commands(request: HttpRequest, text: str) -> list[Command]:
    """Return what the caller may do or open whose words begin with those of `text`; everything where that is empty.

    Those whose title begins with `text` come first.
    """
    role = getattr(request.user, "role", "")
    own = [command for command in _commands if role in command.roles]
    every = [*own, *map(_page, [HOME, *destinations(request)])]
    typed = fold(text)
    found = [command for command in every if _matches(command, typed.split())]
    return sorted(found, key=lambda command: (not fold(str(command.title)).startswith(typed), command.place))


def _page(item: dict[str, Any]) -> Command:
    return Command(_PAGES.get(item.get("group", ""), 30), item["title"], item["icon"], url_name=item["url_name"])


def _matches(command: Command, words: list[str]) -> bool:
    known = fold(f"{command.title} {command.words}").split()
    return all(any(each.startswith(word) for each in known) for word in words)
