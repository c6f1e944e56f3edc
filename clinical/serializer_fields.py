"""Serializer fields of clinical values: measured values, codings, and the days of a plan."""

from rest_framework import serializers

from clinical.fields import (
    CODE_LENGTH,
    DISPLAY_LENGTH,
    MAX_CODINGS,
    CodeSystem,
    CodingListField,
    DayListField,
    has_duplicates,
    validate_code,
    validate_line,
)
from config.rest.fields import AlwaysRequired, Choice, Decimal, JSONList, Text


class MeasuredValue(serializers.Field):
    """A JSON number of at most 12 digits, three of them after the point, or a text: it depends on the instrument."""

    default_error_messages = {"invalid": "This must be a number or a text."}

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._number = Decimal(max_digits=12, decimal_places=3)
        self._text = Text(max_length=255)
        self._spectacular_annotation = {"field": {"anyOf": [{"type": "number"}, {"type": "string", "maxLength": 255}]}}

    def to_internal_value(self, data):
        if isinstance(data, (bool, dict, list)):
            self.fail("invalid")
        return (self._text if isinstance(data, str) else self._number).run_validation(data)

    def to_representation(self, value):
        return value


class _System(AlwaysRequired, Choice):
    """The system of a coding."""


class _Part(AlwaysRequired, Text):
    """A text of a coding."""


class Coding(serializers.Serializer):
    """A code of a terminology, and what it stands for."""

    system = _System(CodeSystem.choices)
    code = _Part(min_length=1, max_length=CODE_LENGTH, validators=[validate_code])
    display = _Part(min_length=1, max_length=DISPLAY_LENGTH, validators=[validate_line])


class CodingList(serializers.ListField):
    """A list of different codings; may be empty."""

    default_error_messages = {"duplicate": "No code may stand in the list twice."}

    def __init__(self, *, encoder=None, decoder=None, **kwargs):
        super().__init__(child=Coding(), max_length=MAX_CODINGS, **kwargs)

    def to_internal_value(self, data):
        codings = super().to_internal_value(data)
        if has_duplicates(codings):
            self.fail("duplicate")
        return codings


class DayList(JSONList):
    """A list of day numbers."""

    def __init__(self, **kwargs):
        super().__init__("integer", **kwargs)


# Added to ContractSerializer.serializer_field_mapping when the app is ready.
SERIALIZER_FIELDS = {CodingListField: CodingList, DayListField: DayList}
