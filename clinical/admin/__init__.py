"""The admin pages of clinical catalogs, protocols, appointments, the chart, the worklist, and blocks of the home page."""

from clinical import audit_words
from clinical.admin import appointments, catalogs, desk, dialogs, home, protocols, worklist
from clinical.admin.chart import pages as chart_pages

__all__ = ["appointments", "audit_words", "catalogs", "chart_pages", "desk", "dialogs", "home", "protocols", "worklist"]
