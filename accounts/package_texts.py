"""Texts of pages that come from packages, in languages for which these have none, or other words than ours.

`make messages` finds them here; the packages ask for them by themselves. `tests/test_pseudo_language.py` finds what is missing.
"""

from django.utils.translation import gettext_noop as _

UNFOLD = (
    _("Apply Filters"),
    _("Choose file to upload"),
    _("Dark"),
    _("Date"),
    _("Date from"),
    _("Date to"),
    _("Expand row"),
    _("False"),
    _("From"),
    _("Go back"),
    _("Light"),
    _("More actions"),
    _("Next"),
    _("No data"),
    _("Previous"),
    _("Reset filters"),
    _("Return to site"),
    _("Run"),
    _("Select action"),
    _("Select action to run"),
    _("Select all rows"),
    _("Select record"),
    _("Select value"),
    _("System"),
    _("To"),
    _("Toggle password visibility"),
    _("True"),
    _("Type to search"),
    _("Welcome back to"),
)
# Those that Django calls otherwise than we do.
DJANGO = (
    _("%(app)s administration"),
    _("%(name)s with ID “%(key)s” doesn’t exist. Perhaps it was deleted?"),
    _("Log in"),
    _("Please enter the correct %(username)s and password for a staff account. Note that both fields may be case-sensitive."),
)
# Of values in the files that are imported.
REST_FRAMEWORK = (
    _("A valid integer is required."),
    _("A valid number is required."),
    _("Date has wrong format. Use one of these formats instead: {format}."),
    _("Datetime has wrong format. Use one of these formats instead: {format}."),
    _("Must be a valid boolean."),
    _('"{input}" is not a valid choice.'),
)
