"""Widgets that show all choices at once, each with a sentence where it needs one."""

from collections.abc import Mapping
from typing import Any

from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminRadioSelectWidget


class _Choices:
    """A box or button for each choice. `group_label` is what they are choices of."""

    template_name = "admin/widgets/choices.html"
    is_wide = False
    group_label: Any = ""
    sentences: Mapping[str, Any] = {}

    def get_context(self, *args: Any, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context(*args, **kwargs)  # type: ignore[misc]  # of the widget beside
        context["widget"] |= {"is_wide": self.is_wide, "group_label": self.group_label}
        return context

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *args, **kwargs)  # type: ignore[misc]
        sentence = self.sentences.get(str(value), "")
        if sentence and option["attrs"].get("id"):
            option["attrs"]["aria-describedby"] = f"{option['attrs']['id']}_sentence"
        return option | {"sentence": sentence}


class ExplainedRadios(_Choices, UnfoldAdminRadioSelectWidget):
    """Radio buttons with a sentence on each choice: `sentences`, by value."""


class CheckBoxes(_Choices, UnfoldAdminCheckboxSelectMultipleWidget):
    """A box for each choice, in as many columns as there is room for."""

    is_wide = True
