"""The worklist of monitoring alerts: its pages, and the dialogs in which staff process and escalate."""

from clinical.admin.worklist import dialogs, navigation, pages, presence, several

__all__ = ["dialogs", "navigation", "pages", "presence", "several"]
