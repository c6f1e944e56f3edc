"""Form fields of clinical pages."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminTextareaWidget

from clinical.fields import validate_coding


class CodingLinesField(forms.CharField):
    """A list of codings, one per line: system, code and display, separated by blanks. Empty lines are ignored."""

    widget = UnfoldAdminTextareaWidget

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        return "\n".join(f"{coding['system']} {coding['code']} {coding['display']}" for coding in value)

    def to_python(self, value: Any) -> Any:
        lines = enumerate((super().to_python(value) or "").splitlines(), start=1)
        codings, problems = [], []
        for number, line in lines:
            try:
                codings += [self._coding(line)] if line.strip() else []
            except ValidationError as error:
                problems += [f"Line {number}: {message}" for message in error.messages]
        if problems:
            raise ValidationError(problems)
        return codings

    def _coding(self, line: str) -> dict[str, str]:
        words = line.split()
        if len(words) < 3:
            raise ValidationError("This needs a system, a code and a display.", code="coding")
        coding = {"system": words[0], "code": words[1], "display": " ".join(words[2:])}
        validate_coding(coding)
        return coding
