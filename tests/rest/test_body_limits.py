"""What bodies may cost: values, memory, places that an error names, and the rate limit by bytes."""

import gc
import json
import tracemalloc
import weakref
from collections.abc import Callable

import pytest

from accounts.models import RateWindow
from config.core.exceptions import BadRequest
from config.rest.fields import Text
from config.rest.problems import Rejected
from config.rest.request_body import MAX_VALUES, StrictJSONParser, read_json
from patients.models import Patient
from patients.practice.serializers import PracticeBulkRowIn
from tests.rest.wire import Wire
from tests.sweeps import swept

SIZE = 2_400_000
MEGABYTE = 1_000_000


def filled(unit: str) -> bytes:
    """Return a body of SIZE bytes that holds `unit` again and again."""
    return ('{"a":[' + ",".join([unit] * (SIZE // (len(unit) + 1) - 10)) + "]}").encode()


def of_keys(number: int, width: int) -> bytes:
    return ("{" + ",".join(f'"{key:0{width}}":0' for key in range(number)) + "}").encode()


# What makes a body, and how it is answered: None is taken.
COSTLY: dict[str, tuple[Callable[[], bytes], int | None]] = {
    "zeros": (lambda: filled("0"), 413),
    "empty texts": (lambda: filled('""'), 413),
    "short texts": (lambda: filled('"ab"'), 413),
    "lists": (lambda: filled("[]"), 413),
    "objects": (lambda: filled('{"a":0}'), 413),
    "floats": (lambda: filled("1.5"), 413),
    "NUL escapes": (lambda: filled('"\\u0000"'), 413),
    "lone surrogates": (lambda: filled('"\\ud800"'), 413),
    "levels again and again": (lambda: filled("[" * 30 + "]" * 30), 413),
    "keys": (lambda: of_keys(180_000, 7), 413),
    "fewer and longer keys": (lambda: of_keys(MAX_VALUES - 1, 18), None),
    "duplicate keys": (lambda: b"{" + b'"a":0,' * (SIZE // 6) + b'"a":0}', 413),
    "nested objects": (lambda: b'{"a":' * (SIZE // 6) + b"1" + b"}" * (SIZE // 6), 400),
    "nested lists": (lambda: b"[" * SIZE, 400),
    "digits": (lambda: b'{"a":' + b"9" * SIZE + b"}", 400),
    "long numbers": (lambda: filled("9" * 4000), None),
    "one long text": (lambda: b'{"a":"' + b"x" * SIZE + b'"}', None),
    "commas in a text": (lambda: b'{"a":"' + b",:[{" * (SIZE // 4) + b'"}', None),
    "quotes in a text": (lambda: b'{"a":"' + b'\\"' * (SIZE // 2) + b'"}', None),
    "quotes in an unfinished text": (lambda: b'{"a":"' + b'\\"' * (SIZE // 2), 400),
    "backslashes in a text": (lambda: b'{"a":"' + b"\\\\" * (SIZE // 2) + b'"}', None),
    "byte order mark": (lambda: b"\xef\xbb\xbf" + filled("0"), 413),
    "UTF-16": (lambda: filled("0").decode().encode("utf-16"), 400),
    "quotes": (lambda: b'"' * SIZE, 400),
    "blanks": (lambda: b" " * SIZE, 400),
}


def answer(body: bytes) -> int | None:
    """Return the status with which `body` is refused, None where it is read."""
    try:
        read_json(body)
    except BadRequest:
        return 400
    except Rejected as refusal:
        return refusal.problems[0].status
    return None


@swept("kind", COSTLY, ["short texts", "keys", "nested lists", "digits"])
def test_memory_for_a_body_of_any_kind_is_bounded(kind):
    make, status = COSTLY[kind]
    body = make()
    tracemalloc.start()
    try:
        assert answer(body) == status
        assert tracemalloc.get_traced_memory()[1] < 30 * MEGABYTE
    finally:
        tracemalloc.stop()


# --- values and texts -------------------------------------------------------------------------------
@pytest.mark.parametrize("more", [0, 1])
def test_values_are_counted(wire, more):
    """Each comma counts as one, and so does each list and object."""
    free = MAX_VALUES - len(wire.values()) - (2 if wire.name == "general" else 1)
    raw = json.dumps(wire.body(wire.values(unknown=[0] * (free + more)))).encode()
    response = wire.client()("POST", wire.patients, raw=raw)
    if more:
        wire.limited(wire.checked(response, 413))
        assert wire.message(response) == "The body holds too many values"
    assert response.status_code == (413 if more else 201)
    assert Patient.objects.count() == 1 - more


@pytest.mark.parametrize("text", ['",:[{}]"', "\\", '\\"', '"\\\\"', "\\u0041", "😀", 'é"\\', "x" * 70_000 + '\\"'], ids=ascii)
def test_what_a_text_holds_counts_for_nothing(text):
    body = {text: [text, {text: text}], "b": text}
    assert read_json(json.dumps(body, ensure_ascii=False).encode(), max_values=8) == body
    assert read_json(json.dumps(body).encode(), max_values=8) == body


@pytest.mark.parametrize("raw", [b'{"a":1,"a":1}', b'{"a":1,"\\u0061":2}', b'[{"b":[{"a":1,"a:":2,"a":3}]}]', b'{"":0,"":0}'])
def test_duplicate_keys_are_found_however_they_are_written(raw):
    assert answer(raw) == 400


@pytest.mark.parametrize(
    ("raw", "places"),
    [
        (b'"\\u0000"', [()]),
        (b'{"a":"\\uD800"}', [("a",)]),
        (b'{"b":["\\udFff",{"a":"\\u0000"}],"a":["x"]}', [("b", 0), ("b", 1, "a")]),
        (b'{"\\u0000":["\\u0000"],"b":"\\u0000"}', [("(key)",), ("b",)]),
    ],
)
def test_text_that_cannot_be_stored_is_found_by_its_place(raw, places):
    with pytest.raises(Rejected) as refusal:
        read_json(raw)
    assert [problem.path for problem in refusal.value.problems] == places


@pytest.mark.parametrize("raw", [b'{"a":"\\ud83d\\ude00"}', b'{"a":"\\\\u0000"}', b'{"a":"\\\\ud800"}'])
def test_text_that_only_looks_unusable_is_read(raw):
    assert read_json(raw) == json.loads(raw)


def test_an_error_repeats_no_long_name(wire):
    raw = json.dumps(wire.body({"k" * 20_000: ["\x00"] * 500})).encode()
    response = wire.client()("POST", wire.patients, raw=raw)
    assert len(wire.named(response)) == 100
    assert len(response.content) < 50_000


# --- the rate limit ---------------------------------------------------------------------------------
def used() -> int:
    return RateWindow.objects.get(subject__startswith="user:").count


@pytest.mark.parametrize(("size", "cost"), [(1_000, 1), (1_000_000, 1), (1_000_001, 2), (2_000_000, 2), (2_400_000, 3)])
def test_each_megabyte_of_a_body_counts_as_one_request(wire, size, cost):
    raw = json.dumps(wire.body({"unknown": ""})).encode()
    raw = raw.replace(b'""', b'"' + b"x" * (size - len(raw)) + b'"')
    assert len(raw) == size
    wire.limited(wire.checked(wire.client()("POST", wire.patients, raw=raw), 422))
    assert used() == cost


def test_what_is_no_json_is_counted_too(wire):
    wire.limited(wire.checked(wire.client()("POST", wire.patients, raw=b"[" * 2_400_000), 400))
    assert used() == 3


def test_a_body_for_which_too_little_is_left_is_429_and_not_read(wire, settings):
    settings.RATE_LIMIT_PER_MINUTE = 2
    response = wire.limited(wire.checked(wire.client()("POST", wire.patients, raw=b"[" * 2_400_000), 429))
    assert response.headers["X-RateLimit-Remaining"] == "0"


def test_bytes_and_rows_of_a_batch_are_both_counted(clinic):
    wire, rows = Wire("practice", clinic), [{}] * 250
    response = wire.client().post(f"{clinic.base}/patients/bulk", {"rows": rows, "unknown": "x" * 3_000_000})
    assert (response.status_code, used()) == (200, 1 + 2 + 3)


def test_a_body_that_sets_custom_fields_is_counted(clinic):
    wire = Wire("practice", clinic)
    path = f"{wire.address(clinic.patient())}/field-values"
    wire.checked(wire.client()("PUT", path, raw=b'{"x":"' + b"x" * 2_000_000 + b'"}'), 422)
    assert used() == 3


# --- afterwards -------------------------------------------------------------------------------------
@pytest.mark.parametrize(("raw", "status"), [(b'{"rows":[]}', 200), (b'{"rows":0}', 422), (b"{", 400), (b'{"rows":[0]}', 200)])
def test_what_was_sent_is_forgotten_with_the_response(clinic, monkeypatch, raw, status):
    """Not when the garbage collector comes by: until then large bodies would add up."""
    seen: list[weakref.ref] = []
    parse = StrictJSONParser.parse

    def parsed(self, stream, media_type=None, parser_context=None):
        seen.extend(weakref.ref(parser_context[name]) for name in ("view", "request"))
        return parse(self, stream, media_type, parser_context)

    monkeypatch.setattr(StrictJSONParser, "parse", parsed)
    client = Wire("practice", clinic).client()
    gc.disable()
    try:
        assert client("POST", f"{clinic.base}/patients/bulk", raw=raw).status_code == status
        assert [reference() for reference in seen] == [None, None]
    finally:
        gc.enable()


@pytest.mark.parametrize(("wrong", "told"), [(1, 3), (9, 11), (10, 10), (24, 10)])
def test_a_row_that_is_wrong_throughout_names_ten_of_its_values(clinic, wrong, told):
    names = [name for name, field in PracticeBulkRowIn().fields.items() if isinstance(field, Text) and not field.required]
    rows = [dict.fromkeys(names[:wrong], 1)]
    response = Wire("practice", clinic).client().post(f"{clinic.base}/patients/bulk", {"rows": rows})
    assert len(names) >= 24
    assert len(response.json()["results"][0]["errors"]) == told
