"""Serializer fields of clinical values: alerts as they are today, measured values, codings, and the days of a plan."""

import datetime
from decimal import Decimal as Number
from typing import Any

from django.db import models
from rest_framework import serializers

from accounts.scope import Actor
from clinical.fields import (
    CODE_LENGTH,
    DISPLAY_LENGTH,
    MAX_CODINGS,
    MAX_DAY,
    CodeSystem,
    CodingListField,
    DayListField,
    has_duplicates,
    validate_code,
    validate_line,
)
from clinical.models import AlertStatus
from clinical.services.alerts import effective_status
from config.core.dates import today_at
from config.rest.compiled.plans import Computed
from config.rest.fields import AlwaysRequired, BoundedList, Choice, Decimal, JSONList, Text
from config.rest.openapi import enum


class MeasuredValue(serializers.Field):
    """A JSON number of at most 12 digits, three of them after the point, or a text: it depends on the instrument."""

    default_error_messages = {"invalid": "This must be a number or a text."}

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._number = Decimal(max_digits=12, decimal_places=3)
        self._text = Text(max_length=255)
        self._spectacular_annotation = {"field": {"type": ["number", "string"], "maxLength": 255}}

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


class CodingList(BoundedList):
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
        super().__init__("integer", MAX_DAY + 1, **kwargs)


class EffectiveStatus(Computed):
    """The status of an alert today, in its organization's time zone."""

    def __init__(self, **kwargs: Any):
        columns = ("status", "disable_on", "organization__timezone")
        super().__init__(self._status, columns, schema=enum(AlertStatus.values), **kwargs)

    @staticmethod
    def _status(actor: Actor, status: str, disable_on: datetime.date | None, zone: str) -> str:
        return effective_status(status, disable_on, today_at(zone))


def measured_value(actor: Actor, number: Number | None, choice: str | None) -> Any:
    """Return a measured value as JSON has it: a number, whole where it is, or the choice."""
    if number is None:
        return choice
    return int(number) if number == number.to_integral_value() else float(number)


# Added to ContractSerializer.serializer_field_mapping when the app is ready.
SERIALIZER_FIELDS: dict[type[models.Field], type[serializers.Field]] = {CodingListField: CodingList, DayListField: DayList}
