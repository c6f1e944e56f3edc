"""What the address and the form of a list may say. Anything else is refused with 400, before a query is made of it."""

import re
from collections.abc import Collection, Iterable
from itertools import islice

from django.contrib.admin.options import IS_POPUP_VAR, TO_FIELD_VAR
from django.contrib.admin.views.main import ALL_VAR, ERROR_FLAG, ORDER_VAR, PAGE_VAR
from django.core.exceptions import BadRequest
from django.http import HttpRequest
from django.utils.text import smart_split
from django.utils.translation import gettext as _

from config.core.orm import is_id

# Django's own parameters of every list. Its search and facets are of those lists that have them.
LIST_PARAMETERS = frozenset({ALL_VAR, ERROR_FLAG, IS_POPUP_VAR, ORDER_VAR, PAGE_VAR, TO_FIELD_VAR})
# As many words as the search of patients takes (patients/search.py). SQLite refuses a condition of a thousand.
MAX_WORDS = 8
# Characters. SQLite refuses a LIKE pattern of 50,000 bytes.
MAX_SEARCH = 500

_ORDER = re.compile(r"(-?\d{1,2}(\.-?\d{1,2}){0,15})?", re.ASCII)


def check_list_parameters(request: HttpRequest, offered: Collection[str]) -> None:
    """Raise BadRequest unless every parameter of the address is one of `offered`, once, and the order can be read."""
    for name, values in request.GET.lists():
        if name not in offered or len(values) > 1:
            raise BadRequest(_("This list has no such parameter."))
    if not _ORDER.fullmatch(request.GET.get(ORDER_VAR, "")):
        raise BadRequest(_("This is not an order of columns."))
    check_page(request)


def check_page(request: HttpRequest) -> None:
    """Raise BadRequest unless the page that the address names, if it does, is a number."""
    check_numbers(request.GET.getlist(PAGE_VAR))


def check_numbers(values: Iterable[str]) -> None:
    """Raise BadRequest unless all of `values`, ids or places in a list, are digits: Django also reads 1_0, as 10."""
    if not all(map(is_id, values)):
        raise BadRequest(_("This is not a number."))


def searched(text: str) -> str:
    """Return the first MAX_WORDS words of `text`; what stands in quotes is one. Raises BadRequest over MAX_SEARCH characters."""
    if len(text) > MAX_SEARCH:
        raise BadRequest(_("A search has at most %(number)s characters.") % {"number": MAX_SEARCH})
    return " ".join(islice(smart_split(text), MAX_WORDS))
