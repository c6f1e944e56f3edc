"""What every table of the house shares: ids, times, versions, soft deletion, required texts."""

import os
import re
import sys
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.db import models
from django.db.models.expressions import DatabaseDefault
from django.db.models.signals import class_prepared
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from config.core.bulk_writes import save_new
from config.core.caching import cached
from config.core.databases import DatabaseNow
from config.core.exceptions import Invalid, NotFound, VersionConflict
from config.core.text import is_blank

# In characters: notes of people, and what a patient says with a measurement.
NOTE_LENGTH, COMMENT_LENGTH = 20_000, 10_000
# How many options a choice may have, and how long each may be; how many objects a list may hold.
MAX_OPTIONS, OPTION_LENGTH, MAX_OBJECTS = 200, 255, 100


def validate_visible(text: str) -> None:
    """Refuse text of which nothing can be seen, in the words of a form for an empty one."""
    if is_blank(text):
        raise ValidationError(_("This field is required."), code="required")


def check_required_texts(model: type[models.Model], values: Mapping[str, Any]) -> None:
    """Raise Invalid if one of `values` is blank text for a column of `model` that requires text."""
    texts = {name: value for name, value in values.items() if isinstance(value, str) and _requires_text(model, name)}
    if blank := sorted(name for name, text in texts.items() if is_blank(text)):
        raise Invalid({name: [_("This field may not be blank.")] for name in blank}, code="blank")


def uuid7() -> uuid.UUID:
    """Return a time-ordered UUID (RFC 9562, version 7): new rows go to the end of the index."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & (1 << 48) - 1) << 80 | int.from_bytes(os.urandom(10))
    return uuid.UUID(int=value & ~(0xF << 76) & ~(0x3 << 62) | 0x7 << 76 | 0x2 << 62)


def validate_options(options: list[str]) -> None:
    """Refuse what is not a list of different, non-empty texts."""
    if not isinstance(options, list) or not options or not all(isinstance(one, str) and not is_blank(one) for one in options):
        raise ValidationError(_("This must be a list of texts, none of them empty."), code="options")
    if len(options) > MAX_OPTIONS or any(len(option) > OPTION_LENGTH for option in options):
        message = _("These must be at most %(texts)s texts of at most %(characters)s characters.")
        raise ValidationError(message % {"texts": MAX_OPTIONS, "characters": OPTION_LENGTH}, code="max_length")
    if len(set(options)) != len(options):
        raise ValidationError(_("No text may stand in the list twice."), code="duplicate")


def check_columns(model: type[models.Model], values: Mapping[str, Any]) -> None:
    """Raise Invalid for each of `values` that its column of `model` does not take: too long, out of range, no such choice.

    Whether rows that references name are there is for the caller to say.
    """
    faults: dict[str, list[str]] = {}
    columns, certain = _plain_columns(model), _certainties(model)
    for name, value in values.items():
        column = columns.get(name)
        if column is not None and value is not None and not certain[name](value):
            try:
                column.clean(value, None)
            except ValidationError as error:
                faults[name] = error.messages
    if faults:
        raise Invalid(faults)


@cached
def _plain_columns(model: type[models.Model]) -> dict[str, models.Field]:
    """Return the columns of `model` that people fill in and that refer to no row, by name."""
    return {column.name: column for column in model._meta.concrete_fields if column.editable and not column.is_relation}


@cached
def _certainties(model: type[models.Model]) -> dict[str, Callable[[Any], bool]]:
    """Return a test for each column that people fill in, which is quickly passed by most values that the column takes.

    Whether it takes any other value, and why it does not, only the column itself can tell.
    """
    return {name: _certainty(column) for name, column in _plain_columns(model).items()}


def _certainty(column: models.Field) -> Callable[[Any], bool]:
    if column.choices and isinstance(column, models.CharField):
        words = frozenset(word for word, _ in column.flatchoices)
        return lambda value: isinstance(value, str) and value in words and value != ""
    limits = [validator.limit_value for validator in column.validators if type(validator) is MaxLengthValidator]
    if len(limits) < len(column.validators) or column.choices:
        return lambda value: False
    if isinstance(column, models.CharField | models.TextField):
        limit = min(limits, default=sys.maxsize)
        return lambda value: type(value) is str and 0 < len(value) <= limit
    kind = next((kind for kind_of_column, kind in _KINDS.items() if type(column) is kind_of_column), None)
    return lambda value: type(value) is kind


_KINDS: dict[type[models.Field], type] = {models.BooleanField: bool, models.DateField: date}


def verbose_name(model: type[models.Model] | models.Model) -> str:
    """Return what one row of `model` is called, in lower case."""
    return str(model._meta.verbose_name)


@cached
def word_for(model: type[models.Model]) -> str:
    """Return the word by which events and the audit trail call a row of `model`: in English, whoever asks."""
    return model._meta.verbose_name_raw.replace(" ", "_")


def _name_in_words(sender: type[models.Model], **kwargs: Any) -> None:
    """Let the names that Django has made of a class and of its columns be translated, as those that a model gives itself are.

    Names in Meta and in columns are part of migrations; these are not. `<app>/model_names.py` lists them for translators.
    """
    names = sender._meta
    if "verbose_name" not in names.original_attrs:
        names.verbose_name = gettext_lazy(str(names.verbose_name))
    if "verbose_name_plural" not in names.original_attrs:
        plural = f"{names.verbose_name_raw}s"
        names.verbose_name_plural = gettext_lazy(plural)
    for column in (*names.local_fields, *names.local_many_to_many):
        if column._verbose_name is None:  # type: ignore[attr-defined]  # Django's own
            column.verbose_name = gettext_lazy(str(column.verbose_name))


class_prepared.connect(_name_in_words)


@cached
def _requires_text(model: type[models.Model], name: str) -> bool:
    """Tell whether `model` has a column called `name` for text that may not be empty."""
    columns = {field.name: field for field in model._meta.concrete_fields}
    return isinstance(columns.get(name), (models.CharField, models.TextField)) and not columns[name].blank


@cached
def has_column(model: type[models.Model], lookup: str) -> bool:
    """Tell whether `lookup`, or what it leads through first, is a column of `model`: `pk`, `status`, `location__name`."""
    first = lookup.partition("__")[0]
    return first == "pk" or any(first in (field.name, field.attname) for field in model._meta.concrete_fields)


def drop_nulls_for_not_null_columns(model: type[models.Model], values: Mapping[str, Any]) -> dict[str, Any]:
    """Drop nulls for columns of `model` that cannot be null: such a null leaves the column, or its default, unchanged."""
    return {name: value for name, value in values.items() if value is not None or model._meta.get_field(name).null}


class TextListField(models.JSONField):
    """A list of different texts, such as the options of a choice: never empty, but null where there is none."""

    default_validators = [validate_options]


class ObjectListField(models.JSONField):
    """A list of JSON objects. Which ones they may be is for a service to say."""


class QuicklyInserted(models.Model):
    """A row that is inserted by a statement which is made once for its columns: the ORM compiles one at each `save()`."""

    class Meta:
        abstract = True

    def _do_insert(self, manager: Any, using: str, fields: Sequence[Any], returning_fields: Sequence[Any], raw: bool) -> Any:
        """Insert the row as Django's own method does, and return the values of `returning_fields`."""
        values = [(field, getattr(self, field.attname) if raw else field.pre_save(self, add=True)) for field in fields]
        # What the database has a default for is left out of the statement.
        given = [(field, value) for field, value in values if not isinstance(value, DatabaseDefault)]
        if any(hasattr(value, "resolve_expression") for _, value in given):
            return super()._do_insert(manager, using, fields, returning_fields, raw)  # type: ignore[misc]  # Django's own
        return [save_new(self, given, returning_fields, using)]


class Identified(QuicklyInserted):
    """A row with a UUID for the outside beside the integer key that joins use."""

    uuid = models.UUIDField(default=uuid7, unique=True, editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        """Name the row without a word of what it holds: this text reaches logs and admin history."""
        return f"{self._meta.verbose_name_raw.capitalize()} {str(self.uuid)[-8:]}"


class Timestamped(models.Model):
    """Creation and change times by the database's clock, which cursors over creation time rely on."""

    created_at = models.DateTimeField(db_default=DatabaseNow(), editable=False)
    updated_at = models.DateTimeField(db_default=DatabaseNow(), editable=False)

    class Meta:
        abstract = True


class SoftDeleted(models.Model):
    """A row that is archived by a date instead of being removed."""

    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        abstract = True


class VersionedQuerySet(models.QuerySet):
    """Writes of versioned rows."""

    def change(self, pk: int, base_version: int, what: str, **values) -> None:
        """Write `values` into row `pk` if it still has `base_version`, and raise its version by one.

        One conditional UPDATE decides, so that of two writers with the same base one loses:
        VersionConflict, or NotFound(`what`) where this queryset has no such row.
        """
        changed = self.filter(pk=pk, version=base_version).update(
            **values, version=models.F("version") + 1, updated_at=DatabaseNow()
        )
        if not changed:
            # Versions only rise: what has kept the UPDATE from the row is still so.
            self.check_version(pk, base_version, what)

    def check_version(self, pk: int, base_version: int, what: str) -> None:
        """Raise VersionConflict unless row `pk` has `base_version`, or NotFound(`what`) where this queryset has no such row."""
        stored = self.filter(pk=pk).values_list("version", flat=True).first()
        if stored is None:
            raise NotFound(what)
        if stored != base_version:
            raise VersionConflict(expected=stored, got=base_version)


class Versioned(models.Model):
    """A row that counts its changes. It is changed by `objects.change` only, never by `save()`."""

    version = models.PositiveIntegerField(default=1, editable=False)

    objects = VersionedQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args, **kwargs):
        if not self._state.adding:
            raise TypeError(f"{type(self).__name__} is versioned: change it through its service")
        super().save(*args, **kwargs)


class SubqueryCount(models.Subquery):
    """How many rows a query has, beside others in one statement."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) AS counted)"
    output_field = models.IntegerField()


# As many digits as every database takes.
_ID = re.compile(r"\d{1,18}", re.ASCII)


def is_id(text: str) -> bool:
    """Tell whether `text` is the id of a row that may exist."""
    return _ID.fullmatch(text) is not None
