"""The fragments that find people: options of the comboboxes of the home page and of forms, and of the palette."""

from typing import Any

from django.core.exceptions import BadRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.admin.commands import Command, add_command, matching_commands
from accounts.admin.pages import Page, page
from accounts.permissions import Permission
from patients.finding import MAX_TEXT, find_patients
from patients.search import query_words

WRITERS = Permission.WRITE_PATIENTS.roles
# The palette shows so many commands, so that patients stay in sight; all of them where nothing is typed.
_MAX_COMMANDS = 5

add_command(Command(10, _("Register patient"), "plus", _("new add patient"), "admin:register", roles=WRITERS))


@page("find/", name="find")
class FindPage(Page):
    """The patients whom the text `q` may mean. `for=picker` has them chosen for a form; otherwise they are opened."""

    template_name = "admin/patients/found.html"
    framed = False

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        text = self.request.GET.get("q", "").strip()
        if len(text) > MAX_TEXT:
            raise BadRequest(gettext("A search has at most %(most)s characters.") % {"most": MAX_TEXT})
        opens = self.request.GET.get("for") != "picker"
        found = find_patients(self.actor, text)
        shown = {"text": text, "words": query_words(text), "found": found, "opens": opens}
        return super().get_context_data(**shown, registers=bool(text and opens and self.actor.role in WRITERS), **kwargs)


@page("search/", name="search")
class PalettePage(FindPage):
    """What the palette offers for the text `q`: commands and pages, and patients. It takes the place of unfold's search,
    which keeps in a cache for minutes whom it has found."""

    template_name = "admin/patients/palette_options.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        commands = matching_commands(self.request, context["text"])
        return {**context, "commands": commands[:_MAX_COMMANDS] if context["text"] else commands}
