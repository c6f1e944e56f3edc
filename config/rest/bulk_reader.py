"""Reads many bodies through one serializer, at the cost of the keys that are there."""

from collections.abc import Mapping
from typing import Any

from django.utils.functional import cached_property
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.fields import SkipField
from rest_framework.serializers import ListSerializer, Serializer

# A row tells no more: ten thousand rows can be wrong in half a million places.
MAX_FAULTS = 10


class BulkReader:
    """Reads rows by the fields of `serializer_class`, which has no validators over several fields.

    The serializer is built once, and of each row only what it holds is looked at: of 60 fields a
    row of an import holds a dozen.
    """

    def __init__(self, serializer_class: type[Serializer]):
        serializer = serializer_class()
        # Any, as a field that a serializer has taken in has its name and source for certain.
        self.fields: dict[str, Any] = {name: field for name, field in serializer.fields.items() if not field.read_only}
        self.required = [field for field in self.fields.values() if field.required]
        self._messages = serializer.error_messages

    @cached_property
    def names(self) -> dict[str, str]:
        """Names of model fields -> names of the row."""
        return {field.source.removesuffix("_id"): name for name, field in self.fields.items()}

    def read(self, row: Any, *, complete: bool) -> dict[str, Any]:
        """Return the values of `row` by model field name, references unresolved.

        `complete` asks for what a new object needs. Unknown keys are left out. Raises ValidationError
        with the fields that are wrong, or the first of them: MAX_FAULTS, and what is missing.
        """
        if not isinstance(row, Mapping):
            message = self._messages["invalid"].format(datatype=type(row).__name__)
            raise ValidationError({"non_field_errors": [ErrorDetail(message, "invalid")]})
        values: dict[str, Any] = {}
        faults: dict[str, Any] = {}
        for name, data in row.items():
            if len(faults) == MAX_FAULTS:
                break
            if field := self.fields.get(name):
                try:
                    values[field.source] = field.run_validation(data)
                except ValidationError as error:
                    faults[name] = error.detail
                except SkipField:
                    continue
        if complete and len(faults) < MAX_FAULTS:
            faults |= {name: fault for name, fault in self.missing(values).items() if name not in row}
        if faults:
            raise ValidationError(faults)
        return values

    def missing(self, values: Mapping[str, Any]) -> dict[str, list[ErrorDetail]]:
        """Return the complaints about what a new object needs and `values` lack, by name of the row."""
        return {
            field.field_name: [ErrorDetail(field.error_messages["required"], "required")]
            for field in self.required
            if field.source not in values
        }


class UnreadRows(ListSerializer):
    """Rows of which only the number is checked here: each row is validated by itself, and its errors are in its own result."""

    max_length: int

    def to_internal_value(self, data):
        if not isinstance(data, list):
            self.fail("not_a_list", input_type=type(data).__name__)
        if len(data) > self.max_length:
            self.fail("max_length", max_length=self.max_length)
        return data

    def run_child_validation(self, data):
        return data
