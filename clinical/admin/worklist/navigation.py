"""The entries of the worklist in the sidebar."""

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.navigation import Badge, Entry, add_entry
from accounts.permissions import Permission
from clinical.admin.worklist.queries import MINE, OPEN, counts_of


def waiting(request: HttpRequest) -> Badge | None:
    """Return how many alerts are open, and how many of them are red."""
    counts = counts_of(request)
    if not counts[OPEN]:
        return None
    red = _("%(count)s red") % {"count": counts["red"]} if counts["red"] else ""
    return Badge(_("%(count)s open") % {"count": counts[OPEN]}, red)


def escalated_to_me(request: HttpRequest) -> Badge | None:
    """Return how many alerts are escalated to the caller."""
    mine = counts_of(request)[MINE]
    return Badge(str(mine)) if mine else None


add_entry(Entry("Patients", 3, gettext_lazy("Alerts"), "flag", "admin:worklist", badge=waiting))
add_entry(
    Entry(
        "Mine",
        1,
        gettext_lazy("Escalated to me"),
        "arrow-up",
        "admin:worklist_mine",
        Permission.WRITE_PATIENTS.roles,
        escalated_to_me,
    )
)
