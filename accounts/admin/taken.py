"""Values that are unique across organizations. Whoever is refused one has learned of a row that may be out of their scope.

So the words say nothing of that row, and the refusals of one person are counted.
"""

from collections.abc import Mapping
from typing import Any

from django.db import IntegrityError
from django.utils.translation import gettext_lazy as _

from accounts.scope import Actor
from config.core.databases import broken_constraint
from config.rest.throttling import check_misses, count

TAKEN = _("This value cannot be used.")
TOO_MANY = _("Too many values that cannot be used. Wait a minute, then save again.")
TAKEN_PER_MINUTE = 10


def check_refusals(actor: Actor) -> None:
    """Raise RateLimited if `actor` has been refused TAKEN_PER_MINUTE values: before the next one is looked for."""
    check_misses(_subject(actor), TAKEN_PER_MINUTE)


def count_refusal(actor: Actor, error: Exception, constraint_fields: Mapping[str, tuple[str, Any]]) -> None:
    """Count `error` for `actor` if a value was taken."""
    if isinstance(error, IntegrityError) and TAKEN in constraint_fields.get(broken_constraint(error), ()):
        count(_subject(actor), TAKEN_PER_MINUTE)


def _subject(actor: Actor) -> str:
    return f"taken:{actor.user_id}"
