"""The pages of appointments: the calendar, its dialogs, and the list."""

from clinical.admin.appointments import booking, calendar, lists, visits

__all__ = ["booking", "calendar", "lists", "visits"]
