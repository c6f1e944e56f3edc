"""Every field of every body of charts against values that only resemble what it takes (see test_bad_values.py)."""

from typing import Any

import pytest
from rest_framework import serializers

from clinical.serializer_fields import MeasuredValue
from config.rest.fields import Decimal
from config.rest.request_body import StrictJSONParser
from tests.charts import BODIES, Chart, ChartBody, Path, dotted, nested
from tests.rest.test_bad_bodies import UNREADABLE
from tests.rest.test_bad_values import BAD, BOOLEANS, NOT_SCALAR, NUMBERS, owners, refuses, to_send, too_long

SCALARS: list[Any] = [*NUMBERS, *BOOLEANS, "", "a", "[]"]
BAD_IN_CHARTS: dict[type[serializers.Field], list[Any]] = {
    **BAD,
    serializers.ListField: [*SCALARS, {}, {"a": "b"}, "\x00"],
    serializers.ListSerializer: [*SCALARS, {}, {"a": "b"}, "\x00", ["a"], [1], [[]], [None]],
    MeasuredValue: [
        *NOT_SCALAR,
        *BOOLEANS,
        None,
        "",
        " ",
        " 7",
        "7_0",
        "٧",
        "NaN",
        "Infinity",
        "nope",
        "x" * 256,
        "\x00",
        "\ud800",
        "1e100",
        1e308,
        -1e308,
        10**9,
        10**30,
        10**4000,
        -(10**4000),
    ],
    serializers.JSONField: ["\x00", "\ud800", ["\x00"], {"a": "\x00"}, {"\x00": 1}, {"a": {"\ud800": 1}}],
}

# Not refused by the field itself: text that no database keeps is refused with the body, measured values by their instrument.
REFUSED_ELSEWHERE = (serializers.JSONField, MeasuredValue)


def kind_of(field: serializers.Field) -> type[serializers.Field]:
    """Return the kind whose values `field` is tried with."""
    return next(kind for kind in type(field).__mro__ if kind in BAD_IN_CHARTS)


def beyond(field: serializers.Field) -> Any:
    """Return a value one beyond what `field` takes, None where it has no bound."""
    value = [1] * (field.max_length + 1) if isinstance(field, serializers.ListSerializer) else too_long(field)
    return float(value) if isinstance(field, Decimal) and value is not None else value


def below(field: serializers.Field) -> Any:
    """Return a value one below what `field` takes, None where it has no bound."""
    value = getattr(field, "min_value", None)
    return None if value is None else float(value) - 1 if isinstance(field, Decimal) else value - 1


def bad_values(field: serializers.Field) -> list[Any]:
    """Return values that `field` does not take."""
    bounds = [value for value in (beyond(field), below(field)) if value is not None]
    return [*BAD_IN_CHARTS[kind_of(field)], *bounds]


def bad_bodies(fields: dict[Path, serializers.Field], kind: type[serializers.Field]) -> list[dict[Path, Any]]:
    """Return bodies, by path, in which every field of `kind` holds a value that it does not take."""
    alike = [path for path, field in fields.items() if kind_of(field) is kind]
    values = BAD_IN_CHARTS[kind]
    return [dict.fromkeys(alike, value) for value in (values if kind in REFUSED_ELSEWHERE else to_send(values))]


@pytest.mark.parametrize("body", BODIES, ids=str)
def test_every_field_refuses_values_that_only_resemble(body):
    for path, field in body.fields().items():
        if kind_of(field) not in REFUSED_ELSEWHERE:
            assert [value for value in bad_values(field) if not refuses(field, value)] == [], path


@pytest.mark.parametrize("body", BODIES, ids=str)
def test_value_that_only_resembles_is_422_and_names_its_field(clinic, body):
    chart, wrong = Chart(clinic, body), []
    client, path, least, before = chart.wire.client(), chart.path, chart.least(), chart.stored()
    fields = body.fields()
    for kind in dict.fromkeys(map(kind_of, fields.values())):
        for values in bad_bodies(fields, kind):
            response = chart.send(nested(values, least), client, path)
            expected = {dotted(place) for place in values}
            if response.status_code != 422 or owners(chart.wire.named(response), _parts(values)) != expected:
                wrong.append((str(next(iter(values.values())))[:60], response.status_code, response.content[:300], expected))
    assert wrong == [], wrong[:3]
    assert chart.stored() == before
    assert client.get(chart.list_path).status_code == 200


def _parts(values: dict[Path, Any]) -> list[Path]:
    return [tuple(dotted(place).split(".")) for place in values]


@pytest.mark.parametrize("body", BODIES, ids=str)
def test_there_is_a_bad_value_for_every_field(body: ChartBody):
    assert all(bad_values(field) for field in body.fields().values())


@pytest.mark.parametrize("body", BODIES, ids=str)
def test_text_and_keys_that_no_database_keeps_are_422_wherever_they_stand(clinic, body):
    chart = Chart(clinic, body)
    path, least, before = chart.path, chart.least(), chart.stored()
    for extra, place in (
        ({"unknown": "\x00"}, "unknown"),
        ({"unknown": ["ok", "\ud800"]}, "unknown.1"),
        ({"\x00": 1}, "(key)"),
        ({"unknown": {"a\udfff": 1}}, "unknown.(key)"),
    ):
        assert chart.wire.named(chart.send({**least, **extra}, path=path)) == [place]
    assert chart.stored() == before


@pytest.mark.parametrize("body", [body for body in BODIES if body.action == "create"], ids=str)
def test_null_is_refused_where_something_is_needed_and_taken_where_not(clinic, body):
    chart = Chart(clinic, body)
    fields = {path: field for path, field in body.fields().items() if field.required}
    path, least, before = chart.path, chart.least(), chart.stored()
    for value in (None,) if fields else ():
        response = chart.send(nested(dict.fromkeys(fields, value), least), path=path)
        assert set(chart.wire.named(response)) == {dotted(place) for place in fields}
    assert chart.stored() == before
    optional = {place for place in body.fields() if place not in fields and place[0] not in least}
    assert chart.send(nested(dict.fromkeys(optional), least), path=path).status_code == 201


UNREADABLE_TURNS = len(UNREADABLE) // 2
NO_OBJECT = (b"[]", b"[{}]", b"null", b'"x"', b"1", b"true")


def test_every_body_is_read_by_one_parser():
    assert {tuple(body.view.parser_classes) for body in BODIES} == {(StrictJSONParser,)}
    assert len(BODIES) >= UNREADABLE_TURNS, "every kind has its turn"


@pytest.mark.parametrize("body", BODIES, ids=str)
def test_what_is_no_object_is_refused_and_changes_nothing(clinic, body):
    chart = Chart(clinic, body)
    wire, client, path, before = chart.wire, chart.wire.client(), chart.path, chart.stored()
    # Each chart is sent two of what test_bad_bodies.py sends, so that every kind has its turn.
    for raw in list(UNREADABLE.values())[BODIES.index(body) % UNREADABLE_TURNS :: UNREADABLE_TURNS]:
        wire.checked(client(body.method, path, raw=raw), 400)
    for raw in NO_OBJECT:
        assert wire.named(client(body.method, path, raw=raw)) == [""]
    required = {place[0] for place, field in body.fields().items() if field.required and "[]" not in place[0]}
    needed = {body.view.wrapper} if body.dialect == "general" else required
    assert set(wire.named(client(body.method, path, raw=b""))) >= needed, "no body is an empty one"
    assert chart.stored() == before


@pytest.mark.parametrize("body", BODIES, ids=str)
def test_body_of_another_type_or_size_is_refused_and_changes_nothing(clinic, body):
    chart = Chart(clinic, body)
    wire, path, before = chart.wire, chart.path, chart.stored()
    for raw, content_type, status in (
        (b"{}", "text/plain", 415),
        (b"a=1", "application/x-www-form-urlencoded", 415),
        (b"{}", "text/csv", 415),
        (b"{}", "application/json; charset=utf-16", 415),
        (b'{"a":"%s"}' % (b"x" * 2_600_000), "application/json", 413),
    ):
        wire.limited(wire.checked(wire.client()(body.method, path, raw=raw, **{"Content-Type": content_type}), status))
    assert chart.stored() == before
