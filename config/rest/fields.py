"""Serializer fields that take a value in each usual form and guess at none, and references found in the caller's scope."""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core.validators import MaxLengthValidator, ProhibitNullCharactersValidator
from django.db import models
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy
from rest_framework import serializers
from rest_framework.validators import ProhibitSurrogateCharactersValidator

from accounts.scope import Actor, organization_of, scope
from config.core.caching import cached
from config.core.decimals import largest, parse_integer, parse_number, round_half_up, with_whole_numbers
from config.core.exceptions import UnknownReference
from config.core.orm import MAX_OBJECTS, MAX_OPTIONS, OPTION_LENGTH, ObjectListField, TextListField, has_column, verbose_name
from config.core.text import is_blank
from config.rest.formats import parse_boolean, parse_date, parse_date_time, parse_time, parse_uuid


class UUIDText(serializers.UUIDField):
    """A UUID in canonical hyphenated form, either case, kept as text in lower case."""

    def to_internal_value(self, data):
        value = parse_uuid(data)
        if value is None:
            self.fail("invalid", value=data)
        return str(value)


class _Verbatim(serializers.CharField):
    """Text, kept to the byte: nothing is trimmed and no number is taken for text. Blank is what cannot be seen."""

    def __init__(self, **kwargs):
        kwargs.setdefault("trim_whitespace", False)
        super().__init__(**kwargs)

    def run_validation(self, data=serializers.empty):
        if data is not serializers.empty and data is not None and not isinstance(data, str):
            self.fail("invalid")
        if isinstance(data, str) and not self.allow_blank and is_blank(data):
            self.fail("blank")
        return super().run_validation(data)


class Text(_Verbatim):
    """Text, kept to the byte."""

    def run_validation(self, data=serializers.empty):
        """Return `data`, without a look at each rule if it is printable, visible and short enough: that meets them all."""
        plain = type(data) is str and 0 < len(data) <= self._plain_length and data.isprintable() and not is_blank(data)
        return data if plain else super().run_validation(data)

    @cached_property
    def _plain_length(self) -> int:
        """The length that the field takes of printable text; 0 if it has rules of its own."""
        limits = [validator.limit_value for validator in self.validators if type(validator) is MaxLengthValidator]
        others = [validator for validator in self.validators if type(validator) not in _MET_BY_PLAIN_TEXT]
        return 0 if others or self.read_only or self.trim_whitespace else min(limits, default=sys.maxsize)


_MET_BY_PLAIN_TEXT = (MaxLengthValidator, ProhibitNullCharactersValidator, ProhibitSurrogateCharactersValidator)


class Email(_Verbatim, serializers.EmailField):
    """An e-mail address, kept to the byte; empty is allowed where blank is."""


class Integer(serializers.IntegerField):
    """A whole number, also as 72.0 or as text; no boolean."""

    def to_internal_value(self, data):
        value = parse_integer(data)
        if value is None:
            self.fail("invalid")
        return value


class AlwaysRequired(serializers.Field):
    """A field that may not be left out, not even of a change."""

    def validate_empty_values(self, data):
        if data is serializers.empty:
            self.fail("required")
        return super().validate_empty_values(data)


class BaseVersion(AlwaysRequired, Integer):
    """The version that the caller saw. However large, it is compared and not stored."""

    def __init__(self, **kwargs):
        super().__init__(min_value=1, **kwargs)


class Boolean(serializers.BooleanField):
    """true or false, also as text in the words of `parse_boolean`; no number."""

    def to_internal_value(self, data):
        value = parse_boolean(data) if isinstance(data, str) else data
        if not isinstance(value, bool):
            self.fail("invalid", input=data)
        return value


class Choice(serializers.ChoiceField):
    """One of the words, to the letter."""

    def to_internal_value(self, data):
        if not isinstance(data, str) or data not in self.choices:
            self.fail("invalid_choice", input=data)
        return data


class Date(serializers.DateField):
    """YYYY-MM-DD."""

    def to_internal_value(self, data):
        value = parse_date(data)
        if value is None:
            self.fail("invalid", format="YYYY-MM-DD")
        return value


class DateTime(serializers.DateTimeField):
    """An RFC 3339 date-time; without an offset it would mean nothing."""

    def to_internal_value(self, data):
        value = parse_date_time(data)
        if value is None:
            self.fail("invalid", format="YYYY-MM-DDThh:mm[:ss[.f]][+HH:MM|-HH:MM|Z]")
        return value


class Time(serializers.TimeField):
    """A time of day on the clock of the place, HH:MM[:SS[.f]]."""

    def to_internal_value(self, data):
        value = parse_time(data)
        if value is None:
            self.fail("invalid", format="hh:mm[:ss[.f]]")
        return value


class Decimal(serializers.DecimalField):
    """A decimal number, as a JSON number or as text; responses show it as text.

    More places than the column has are rounded half up.
    """

    decimal_places: int
    max_digits: int

    def validate_empty_values(self, data):
        """Take null for nothing, but no empty text."""
        return serializers.Field.validate_empty_values(self, data)

    def to_internal_value(self, data):
        number = parse_number(data)
        if number is None:
            self.fail("invalid")
        rounded, most = round_half_up(number, self.decimal_places), largest(self.max_digits, self.decimal_places)
        if rounded > most:
            self.fail("max_value", max_value=most)
        if rounded < -most:
            self.fail("min_value", min_value=-most)
        return rounded


class BoundedList(serializers.ListField):
    """A list of at most `max_length` items, of which a longer one is refused before they are looked at."""

    max_length: int

    def to_internal_value(self, data):
        if isinstance(data, list) and len(data) > self.max_length:
            message = self.error_messages["max_length"].format(max_length=self.max_length)
            raise serializers.ValidationError(message, code="max_length")
        return super().to_internal_value(data)


class TextList(BoundedList):
    """A list of texts, none of them empty. What REST framework says about the JSON of the column is not for a list."""

    def __init__(self, *, encoder=None, decoder=None, **kwargs):
        super().__init__(child=Text(max_length=OPTION_LENGTH), allow_empty=False, max_length=MAX_OPTIONS, **kwargs)


class JSONList(serializers.JSONField):
    """A JSON list. What stands in it is judged as a whole: by the validators of the column, or by a service."""

    default_error_messages = {
        "not_a_list": "This must be a list.",
        "max_length": "This must be a list of at most {max_length} items.",
    }

    def __init__(self, item: str = "object", max_length: int = MAX_OBJECTS, **kwargs):
        super().__init__(**kwargs)
        self.max_length = max_length
        self._spectacular_annotation = {"field": {"type": "array", "items": {"type": item}, "maxItems": max_length}}

    def to_internal_value(self, data):
        if not isinstance(data, list):
            self.fail("not_a_list")
        if len(data) > self.max_length:
            self.fail("max_length", max_length=self.max_length)
        return with_whole_numbers(data)


class JSONObject(serializers.DictField):
    """A JSON object."""

    def to_internal_value(self, data):
        if not isinstance(data, dict):
            self.fail("not_a_dict", input_type=type(data).__name__)
        return data


@dataclass(frozen=True)
class Reference:
    """A reference as a body names it, before it is known whether the caller may see it."""

    model: type[models.Model]
    uuid: UUID


class ScopedRelation(serializers.Field):
    """A reference to a row of `model` by UUID. Shape only: `resolve_references` finds the row, in scope."""

    default_error_messages = {"invalid": gettext_lazy("Must be a valid UUID.")}

    def __init__(self, model: type[models.Model], **kwargs):
        self.model = model
        kwargs["write_only"] = True
        super().__init__(**kwargs)
        self._spectacular_annotation = {"field": {"type": "string", "format": "uuid"}}

    def to_internal_value(self, data):
        value = parse_uuid(data)
        if value is None:
            self.fail("invalid")
        return Reference(self.model, value)

    def to_representation(self, value):
        return value


def resolve_references(values: Mapping[str, Any], actor: Actor, organization_id: int | None) -> dict[str, Any]:
    """Replace each Reference by the id of its row in the caller's scope.

    `organization_id` narrows the search to one organization. A row that is archived, foreign or
    unknown raises the same UnknownReference.
    """
    return {
        name: find_id(value, name, actor, organization_id) if isinstance(value, Reference) else value
        for name, value in values.items()
    }


def find_id(reference: Reference, field: str, actor: Actor, organization_id: int | None, *, archived: bool = False) -> int:
    """Return the id of one referenced row, which may be `archived` where that is said; see `resolve_references`."""
    rows = _referable(reference.model, actor, organization_id, archived=archived).filter(uuid=reference.uuid)
    return require_id(rows.values_list("pk", flat=True).first(), reference, field)


def find_ids(references: Iterable[Reference], actor: Actor, organization_id: int | None) -> dict[Reference, int]:
    """Return the ids of those of `references` whose rows are in the caller's scope, by one query a model."""
    wanted: dict[type[models.Model], set[UUID]] = {}
    for reference in references:
        wanted.setdefault(reference.model, set()).add(reference.uuid)
    return {
        Reference(model, uuid): pk
        for model, uuids in wanted.items()
        for uuid, pk in _referable(model, actor, organization_id).filter(uuid__anyof=sorted(uuids)).values_list("uuid", "pk")
    }


def require_id(found: int | None, reference: Reference, field: str) -> int:
    """Return the id that was found for `reference`, which the model field `field` holds; UnknownReference for none."""
    if found is None:
        raise UnknownReference(field.removesuffix("_id"), verbose_name(reference.model).capitalize())
    return found


def _referable(
    model: type[models.Model], actor: Actor, organization_id: int | None, *, archived: bool = False
) -> models.QuerySet:
    rows = scope(actor, model._base_manager.all())
    if organization_id is not None:
        rows = rows.filter(**{organization_of(model): organization_id})
    if not archived and has_column(model, "deleted_at"):
        rows = rows.filter(deleted_at=None)
    return rows


class ContractSerializer(serializers.ModelSerializer):
    """A model serializer with strict fields, for bodies and responses whose columns are listed in Meta.

    Limits and words come from the model. Every optional column takes null: what null means for a
    column that cannot be null is for the service to say.
    """

    serializer_field_mapping = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.CharField: Text,
        models.TextField: Text,
        models.EmailField: Email,
        models.IntegerField: Integer,
        models.PositiveSmallIntegerField: Integer,
        models.BooleanField: Boolean,
        models.DateField: Date,
        models.DateTimeField: DateTime,
        models.TimeField: Time,
        models.DecimalField: Decimal,
        models.JSONField: JSONObject,
        TextListField: TextList,
        ObjectListField: JSONList,
    }
    serializer_choice_field = Choice

    def build_standard_field(self, field_name, model_field):
        field_class, kwargs = super().build_standard_field(field_name, model_field)
        if field_class is Choice:
            kwargs.pop("allow_blank", None)
        if not kwargs.get("read_only") and not kwargs.get("required", True):
            kwargs["allow_null"] = True
        return field_class, kwargs


class ChangeSerializer(ContractSerializer):
    """Base of bodies that change a row: the version that the caller saw, and whatever of the row is sent.

    Null is taken for every field; what it means for a column that cannot be null is for the service to say.
    """

    base_version = BaseVersion()

    def get_fields(self):
        fields = super().get_fields()
        for name, field in fields.items():
            if name != "base_version":
                field.allow_null, field.required = True, False
        return fields


def request_serializer(
    serializer_class: type[serializers.Serializer], payload: Any = None, *, partial: bool = False
) -> serializers.Serializer:
    """Return a serializer of a body that holds `payload`.

    Its fields and validators are those of one serializer that is made once: they hold no state, and
    making 50 fields by introspection of the model costs more than the rest of a write.
    """
    shared = _shared_serializer(serializer_class, partial)
    serializer = serializer_class(data=payload, partial=partial)
    serializer.fields, serializer.validators = shared.fields, shared.validators
    return serializer


@cached
def _shared_serializer(serializer_class: type[serializers.Serializer], partial: bool) -> serializers.Serializer:
    return serializer_class(partial=partial)
