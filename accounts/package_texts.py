"""Texts of pages that come from packages, in languages for which these have none, or other words than ours.

`make messages` finds them here; the packages ask for them by themselves.
"""

from django.utils.translation import gettext_noop as _

UNFOLD = (
    _("Welcome back to"),
    _("Light"),
    _("Dark"),
    _("System"),
)
# Those that Django calls otherwise than we do.
DJANGO = (_("Log in"),)
