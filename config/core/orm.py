"""What every table of the house shares: ids, times, versions, soft deletion, folded text."""

import os
import re
import time
import unicodedata
import uuid
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connections, models
from django.db.models.sql import Query

from config.core.caching import cached
from config.core.databases import DatabaseNow
from config.core.exceptions import NotFound, VersionConflict

# Letters that NFKD leaves whole, with what people type for them.
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ħ": "h", "ŧ": "t"})


# In characters: notes of people, and what a patient says with a measurement.
NOTE_LENGTH, COMMENT_LENGTH = 20_000, 10_000
# How many options a choice may have, and how long each may be; how many objects a list may hold.
MAX_OPTIONS, OPTION_LENGTH, MAX_OBJECTS = 200, 255, 100


def fold(text: str | None) -> str:
    """Return `text` as it is compared, sorted and searched: no case, no accents, no outer blanks."""
    if not text:
        return ""
    if text.isascii():
        return text.lower().strip()
    decomposed = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    kept = (char for char in decomposed if not unicodedata.combining(char) and unicodedata.category(char) != "Cf")
    return "".join(kept).translate(_LETTERS).strip()


def uuid7() -> uuid.UUID:
    """Return a time-ordered UUID (RFC 9562, version 7): new rows go to the end of the index."""
    milliseconds = time.time_ns() // 1_000_000
    value = (milliseconds & (1 << 48) - 1) << 80 | int.from_bytes(os.urandom(10))
    return uuid.UUID(int=value & ~(0xF << 76) & ~(0x3 << 62) | 0x7 << 76 | 0x2 << 62)


def validate_options(options: list[str]) -> None:
    """Refuse what is not a list of different, non-empty texts."""
    if not isinstance(options, list) or not options or not all(isinstance(option, str) and option for option in options):
        raise ValidationError("This must be a list of texts, none of them empty.", code="options")
    if len(options) > MAX_OPTIONS or any(len(option) > OPTION_LENGTH for option in options):
        message = f"These must be at most {MAX_OPTIONS} texts of at most {OPTION_LENGTH} characters."
        raise ValidationError(message, code="max_length")
    if len(set(options)) != len(options):
        raise ValidationError("No text may stand in the list twice.", code="duplicate")


def verbose_name(model: type[models.Model] | models.Model) -> str:
    """Return what one row of `model` is called, in lower case."""
    return str(model._meta.verbose_name)


@cached
def word_for(model: type[models.Model]) -> str:
    """Return the word by which events and the audit trail call a row of `model`."""
    return verbose_name(model).replace(" ", "_")


@cached
def has_column(model: type[models.Model], name: str) -> bool:
    """Tell whether `model` has a column called `name`."""
    return any(field.name == name for field in model._meta.concrete_fields)


def drop_nulls_for_not_null_columns(model: type[models.Model], values: Mapping[str, Any]) -> dict[str, Any]:
    """Drop nulls for columns of `model` that cannot be null: such a null leaves the column, or its default, unchanged."""
    return {name: value for name, value in values.items() if value is not None or model._meta.get_field(name).null}


class TextListField(models.JSONField):
    """A list of different texts, such as the options of a choice: never empty, but null where there is none."""

    default_validators = [validate_options]


class ObjectListField(models.JSONField):
    """A list of JSON objects. Which ones they may be is for a service to say."""


class Identified(models.Model):
    """A row with a UUID for the outside beside the integer key that joins use."""

    uuid = models.UUIDField(default=uuid7, unique=True, editable=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        """Name the row without a word of what it holds: this text reaches logs and admin history."""
        return f"{verbose_name(self).capitalize()} {str(self.uuid)[-8:]}"


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
            stored = self.filter(pk=pk).values_list("version", flat=True).first()
            if stored is None:
                raise NotFound(what)
            raise VersionConflict(expected=stored, got=base_version)


def update_row(model: type[models.Model], pk: int, version: int, values: Mapping[str, Any], using: str = "default") -> bool:
    """Write `values` into a versioned, unarchived row as `objects.change` does, and tell whether it had this `version`.

    For many rows: the SQL is made once for the columns, which takes several times as long as to run it.
    """
    connection, fields = connections[using], [column_of(model, name) for name in values]
    parameters = [field.get_db_prep_save(value, connection) for field, value in zip(fields, values.values(), strict=True)]
    with connection.cursor() as cursor:
        cursor.execute(_update_sql(model, tuple(field.column for field in fields), using), [*parameters, pk, version])
        return cursor.rowcount == 1


@lru_cache(maxsize=1024)
def column_of(model: type[models.Model], name: str) -> models.Field:
    """Return the column of `model` that holds the attribute `name`, which may end in _id."""
    return next(field for field in model._meta.concrete_fields if name in (field.name, field.attname))


@lru_cache(maxsize=256)
def _update_sql(model: type[models.Model], columns: tuple[str, ...], using: str) -> str:
    now = Query(model).get_compiler(using).compile(DatabaseNow())[0]
    written = [*[f'"{column}" = %s' for column in columns], '"version" = "version" + 1', f'"updated_at" = {now}']
    found = f'"{model._meta.pk.column}" = %s AND "version" = %s AND "deleted_at" IS NULL'
    return f'UPDATE "{model._meta.db_table}" SET {", ".join(written)} WHERE {found}'  # noqa: S608


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


# As many digits as every database takes.
_ID = re.compile(r"\d{1,18}", re.ASCII)


def is_id(text: str) -> bool:
    """Tell whether `text` is the id of a row that may exist."""
    return _ID.fullmatch(text) is not None
