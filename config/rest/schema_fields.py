"""What drf-spectacular says of a field, as our fields mean it: bodies and answers differ, and a value has one type."""

from rest_framework import serializers

from config.core.compiled_queries import columns_of
from config.rest.compiled.plans import Computed, Constant, LoadedField
from config.rest.fields import Decimal
from config.rest.openapi import TEXT, Schema

# What an e-mail address always looks like, for a text that may be empty as well.
EMAIL = r"^.+@[^@\s]+$"


def plain(schema: Schema) -> Schema:
    """Return a property's schema without what the documents do not say, and in one type."""
    kept = {name: value for name, value in schema.items() if name not in ("readOnly", "writeOnly", "title", "x-spec-enum-id")}
    return _text_or_empty(kept) if "oneOf" in kept else kept


def _text_or_empty(schema: Schema) -> Schema:
    """Return the schema of a text in a form, or empty, as one type; drf-spectacular has two, each a class of clients."""
    form, _ = schema["oneOf"]
    text = {name: value for name, value in form.items() if name not in ("format", "minLength")}
    pattern = EMAIL if form.get("format") == "email" else form["pattern"]
    return {**text, "pattern": f"^$|{pattern}", **{name: value for name, value in schema.items() if name != "oneOf"}}


def number(field: Decimal, schema: Schema) -> Schema:
    """Return the schema of a decimal in a body: a number. Text in plain digits is taken as well, which no client needs."""
    kept = {name: value for name, value in schema.items() if name not in ("type", "format", "pattern")}
    least = {} if field.min_value is None else {"minimum": float(field.min_value)}
    most = {} if field.max_value is None else {"maximum": float(field.max_value)}
    return {"type": "number", **least, **most, **kept}


def answered(field: serializers.Field, schema: Schema) -> Schema:
    """Return a field's schema in an answer: what is stored, whatever bodies must look like."""
    null = _can_be_null(field, schema)
    kept = {name: value for name, value in schema.items() if name not in ("nullable", "minimum", "maximum", "default")}
    if isinstance(field, serializers.EmailField):
        kept = dict(TEXT)
    if "enum" in kept:
        kept["enum"] = [word for word in kept["enum"] if word is not None] + ([None] if null else [])
    return {**kept, "nullable": True} if null else kept


def _can_be_null(field: serializers.Field, schema: Schema) -> bool:
    model = getattr(getattr(field.parent, "Meta", None), "model", None)
    declared = isinstance(field, (Computed, Constant, serializers.BaseSerializer)) or (
        isinstance(field, LoadedField) and field.render is not None
    )
    if model is None or declared:
        return schema.get("nullable", False)
    return any(column.null for column in columns_of(model, str(field.source)))
