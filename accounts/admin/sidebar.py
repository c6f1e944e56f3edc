"""What the entries of the sidebar say about what waits there, asked for again by every open page."""

from typing import Any

from accounts.admin.pages import Page, page
from accounts.navigation import counted_items


@page("sidebar/", name="sidebar_counts")
class SidebarCounts(Page):
    """The counts of the sidebar, each of which replaces the one on the page."""

    template_name = "admin/frame/sidebar_counts.html"
    framed = False

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return {**super().get_context_data(**kwargs), "items": counted_items(self.request)}
