"""Template tags of the chart: the banner, the buttons that open dialogs, and marks of flags.

A button stands only where its dialog has a page, for those who may write. Django loads tags before the modules of the
admin, which are therefore imported where they are needed.
"""

import re
from typing import Any, NamedTuple

from django import template
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext, pgettext_lazy

from accounts.templatetags.clinic import icon
from clinical import severities
from patients.models import Patient

register = template.Library()


class Addable(NamedTuple):
    """Something that can be added to a chart: `key` chooses it in the menu."""

    kind: str
    label: str | Promise
    icon: str
    key: str


ADDED = (
    Addable("medication", gettext_lazy("Medication"), "pill", "m"),
    Addable("allergy", gettext_lazy("Allergy"), "shield", "l"),
    Addable("problem", gettext_lazy("Problem"), "document", "p"),
    Addable("vital-signs", gettext_lazy("Vital signs"), "pulse", "v"),
    Addable("measurement", gettext_lazy("Measurement"), "chart", "e"),
    Addable("alert", gettext_lazy("Chart alert"), "warning", "w"),
    Addable("communication", gettext_lazy("Call or message"), "chat", "c"),
    Addable("appointment", gettext_lazy("Appointment"), "calendar", "b"),
    Addable("enrolment", gettext_lazy("Program enrolment"), "flag", "n"),
)
VERBS: dict[str, str | Promise] = {
    "correct": pgettext_lazy("entry", "Correct"),
    "hold": pgettext_lazy("entry", "Hold"),
    "resume": pgettext_lazy("entry", "Resume"),
    "stop": pgettext_lazy("entry", "Stop"),
    "resolve": pgettext_lazy("entry", "Resolve"),
    "archive": pgettext_lazy("entry", "Archive"),
}
_INDENTED = re.compile(r"\n\s+")
_ROW_MENU = (
    '<details class="row-menu"><summary class="icon-button tiny" aria-label="{}">{}</summary><div class="menu">{}</div></details>'
)


def address_of(name: str, *args: Any) -> str:
    """Return the address of a page of the admin, "" where there is no such page."""
    try:
        return reverse(f"admin:{name}", args=args)
    except NoReverseMatch:
        return ""


def _can_write(context: template.Context) -> bool:
    return context["chart"].can_write


@register.simple_tag
def page_address(name: str, *args: Any) -> str:
    """Return the address of a page of the admin, "" where there is no such page."""
    return address_of(name, *args)


@register.simple_tag(takes_context=True)
def add_address(context: template.Context, kind: str) -> str:
    """Return the address of the dialog that adds an entry of `kind`: appointments are booked in their own."""
    patient = context["patient"]
    if kind == "appointment":
        booking = address_of("book")
        return f"{booking}?patient={patient.pk}" if booking else ""
    return address_of("chart_add", patient.pk, kind)


@register.simple_tag(takes_context=True)
def add_button(context: template.Context, kind: str, label: str) -> SafeString:
    """Return the button with a plus that opens the dialog which adds an entry."""
    address = add_address(context, kind) if _can_write(context) else ""
    if not address:
        return SafeString()
    button = '<button type="button" class="icon-button small" data-dialog="{}" aria-label="{}">{}</button>'
    return format_html(button, address, label, icon("plus"))


@register.simple_tag(takes_context=True)
def add_link(context: template.Context, kind: str, label: str, about: str) -> SafeString:
    """Return the button with a word that opens the dialog which adds an entry; `about` says of what."""
    address = add_address(context, kind) if _can_write(context) else ""
    return _word_button(address, label, about)


@register.simple_tag(takes_context=True)
def entry_link(context: template.Context, kind: str, pk: int, verb: str, label: str, about: str) -> SafeString:
    """Return the button with a word that opens the dialog which does `verb` with an entry."""
    address = address_of("chart_entry", context["patient"].pk, kind, pk, verb) if _can_write(context) else ""
    return _word_button(address, label, about)


def _word_button(address: str, label: str, about: str) -> SafeString:
    if not address:
        return SafeString()
    button = '<button type="button" class="link" data-dialog="{}">{}<span class="visually-hidden"> {}</span></button>'
    return format_html(button, address, label, about)


@register.simple_tag(takes_context=True)
def row_menu(context: template.Context, kind: str, pk: int, name: str, *verbs: str) -> SafeString:
    """Return the menu of an entry, whose items open the dialogs of `verbs`."""
    if not _can_write(context):
        return SafeString()
    patient = context["patient"]
    return _menu([(address_of("chart_entry", patient.pk, kind, pk, verb), str(VERBS[verb])) for verb in verbs], name)


def _menu(dialogs: list[tuple[str, str]], name: str) -> SafeString:
    """Return the menu of something called `name`, with those of `dialogs`, addresses and labels, that have a page."""
    items = [(address, label) for address, label in dialogs if address]
    if not items:
        return SafeString()
    buttons = format_html_join("", '<button type="button" data-dialog="{}">{}</button>', items)
    label = _("%(verbs)s %(name)s") % {"verbs": _listed([verb for __, verb in items]), "name": name}
    return format_html(_ROW_MENU, label, icon("dots"), buttons)


def _listed(words: list[str]) -> str:
    """Return "Correct, hold or stop"."""
    first_ones = [words[0], *(word.lower() for word in words[1:-1])]
    if len(words) == 1:
        return words[0]
    return _("%(first_ones)s or %(last_one)s") % {"first_ones": ", ".join(first_ones), "last_one": words[-1].lower()}


@register.simple_tag(takes_context=True)
def appointment_menu(context: template.Context, pk: int, moment: str) -> SafeString:
    """Return the menu of an appointment that is still to come: it can be moved and cancelled."""
    if not _can_write(context):
        return SafeString()
    pages = (
        ("appointment_move", pgettext("appointment", "Move")),
        ("appointment_status", pgettext("appointment", "Cancel")),
    )
    about = _("the appointment of %(day)s") % {"day": moment}
    return _menu([(address_of(name, pk), label) for name, label in pages], about)


@register.filter
def flag_word(flag: str) -> str:
    """Return the name of a flag as it stands inside a sentence: "red"."""
    from clinical.monitoring import causes

    return causes.flag_word(flag)


@register.filter
def severity_word(severity: str | None) -> str:
    """Return the severity of an allergy in the current language."""
    return severities.severity_word(severity or "")


@register.simple_tag
def mark(flag: str) -> SafeString:
    """Return the mark that drawings give to values of a flag."""
    from clinical.admin import drawing

    return drawing.mark(flag)


class _Compact(template.Node):
    """What stands inside, without the indentation of its templates: a fifth of the page."""

    def __init__(self, nodes: template.NodeList):
        self.nodes = nodes

    def render(self, context: template.Context) -> str:
        return _INDENTED.sub("\n", self.nodes.render(context))


@register.tag
def compact(parser: Any, token: Any) -> _Compact:
    """Leave out the indentation of what stands until {% endcompact %}."""
    nodes = parser.parse(("endcompact",))
    parser.delete_first_token()
    return _Compact(nodes)


@register.inclusion_tag("admin/chart/banner.html", takes_context=True)
def patient_banner(context: template.Context, patient: Patient | None) -> dict[str, Any]:
    """Show who `patient` is and what must not be overlooked, above a page about them. Nothing without a patient."""
    if not isinstance(patient, Patient) or patient.pk is None:
        return {}
    from accounts.site import actor_of
    from clinical.admin.chart.pages import read_banner

    return {"patient": patient, "links_to_chart": True, **read_banner(actor_of(context["request"]), patient)}
