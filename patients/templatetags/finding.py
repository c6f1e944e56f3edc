"""Template tags of searches: what was found of what was typed."""

import datetime
from collections.abc import Iterable

from django import template
from django.urls import reverse
from django.utils import timezone
from django.utils.dateformat import format as format_date
from django.utils.formats import date_format
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString

from config.core.text import fold
from patients.models import Patient

register = template.Library()


@register.filter
def marked(text: str, words: Iterable[str]) -> SafeString:
    """Return `text` with the folded `words` marked where they stand in it.

    Text that folding makes longer or shorter stays unmarked: its places are not those of the words.
    """
    folded = fold(text)
    if len(folded) != len(text):
        return conditional_escape(text)
    inside = [False] * len(text)
    for word in words:
        start = folded.find(word)
        while start >= 0:
            inside[start : start + len(word)] = [True] * len(word)
            start = folded.find(word, start + 1)
    return _joined(text, inside)


def _joined(text: str, inside: list[bool]) -> SafeString:
    """Return `text` with every run of characters that are `inside` in an element."""
    starts = [index for index in range(len(text)) if not index or inside[index] != inside[index - 1]]
    runs = [(inside[start], text[start:end]) for start, end in zip(starts, [*starts[1:], len(text)], strict=True)]
    return format_html_join("", "{}", ([format_html("<mark>{}</mark>", run) if marks else run] for marks, run in runs))


@register.filter
def chart_of(patient: Patient) -> str:
    """Return the address of the chart of `patient`."""
    return reverse("admin:chart", args=[patient.pk])


@register.filter
def lately(value: datetime.datetime) -> str:
    """Return a moment of the last days as shortly as it is clear: "09:31" of today, "Fri" of this week, else "20 Nov"."""
    local, today = timezone.localtime(value), timezone.localdate()
    days = (today - local.date()).days
    if days >= 7:
        return date_format(local, "MONTH_DAY_FORMAT")
    return format_date(local, "H:i" if days == 0 else "D")
