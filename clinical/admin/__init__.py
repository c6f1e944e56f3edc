"""The admin pages of clinical catalogs, appointments, the chart and its dialogs, the worklist, and blocks of the home page."""

from clinical import audit_words
from clinical.admin import appointments, catalogs, desk, dialogs, home, worklist
from clinical.admin.chart import pages as chart_pages

__all__ = ["appointments", "audit_words", "catalogs", "chart_pages", "desk", "dialogs", "home", "worklist"]
