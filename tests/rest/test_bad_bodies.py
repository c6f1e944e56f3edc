"""Bodies that are no body: framing, size, depth, and JSON that is not quite JSON."""

import gzip
import json

import pytest

from patients.models import Patient
from tests.rest.wire import CHANGES

DEEP = 100_000


def sent(wire, raw: bytes, **headers: str):
    """Send `raw` to every operation that takes a body; return the answers."""
    patient = wire.clinic.patient()
    answers = [wire.client()("POST", wire.patients, raw=raw, **headers)]
    if wire.name in CHANGES:
        answers.append(wire.client()(CHANGES[wire.name][0], wire.address(patient), raw=raw, **headers))
    stored = Patient.objects.get(pk=patient.pk)
    assert (Patient.objects.count(), stored.version) == (1, 1), "nothing is stored"
    assert wire.client().get(wire.patients).status_code == 200
    return answers


UNREADABLE = {
    "nothing but a blank": b" ",
    "deep lists": b"[" * DEEP + b"]" * DEEP,
    "deep objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "deep and unfinished": b"[" * DEEP,
    "33 levels": b'{"a":' * 33 + b"1" + b"}" * 33,
    "duplicate keys": b'{"first_name":"a","first_name":"b"}',
    "duplicate keys below": b'{"address":{"city":"a","city":"b"}}',
    "NaN": b'{"first_name":NaN}',
    "Infinity": b'{"first_name":Infinity}',
    "-Infinity": b'{"first_name":-Infinity}',
    "1e400": b'{"first_name":1e400}',
    "5,000 digits": b'{"base_version":' + b"9" * 5000 + b"}",
    "UTF-16": '{"first_name":"a"}'.encode("utf-16"),
    "UTF-32": '{"first_name":"a"}'.encode("utf-32"),
    "byte order mark alone": b"\xef\xbb\xbf",
    "two byte order marks": b"\xef\xbb\xbf\xef\xbb\xbf{}",
    "byte order mark of another encoding": b"\xff\xfe{}",
    "Latin-1": b'{"first_name":"\xe9"}',
    "raw surrogate": b'{"first_name":"\xed\xa0\x80"}',
    "overlong NUL": b'{"first_name":"\xc0\x80"}',
    "raw NUL": b'{"first_name":"\x00"}',
    "raw newline in text": b'{"first_name":"a\nb"}',
    "single quotes": b"{'first_name':'a'}",
    "trailing comma": b'{"first_name":"a",}',
    "comment": b'{"first_name":"a"} // x',
    "two values": b"{}{}",
    "cut off": b'{"first_name":"a"',
    "leading zero": b'{"base_version":01}',
    "hexadecimal": b'{"base_version":0x1}',
    "a form": b"first_name=a&last_name=b",
    "XML": b"<patient/>",
    "compressed": b"\x1f\x8b\x08\x00",
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_what_is_not_json_is_400(wire, kind):
    for response in sent(wire, UNREADABLE[kind]):
        wire.limited(wire.checked(response, 400))
        assert wire.message(response) in ("The body is not valid JSON", "The body is nested too deeply")


@pytest.mark.parametrize("raw", [b"[]", b"null", b'"x"', b"1", b"1.5", b"true", b"[{}]", b'[{"first_name":"a"}]'])
def test_json_that_is_no_object_is_422_as_a_whole(wire, raw):
    for response in sent(wire, raw):
        assert wire.named(response) == [""]


def test_a_byte_order_mark_before_json_is_skipped(wire):
    body = b"\xef\xbb\xbf" + json.dumps(wire.body(wire.values())).encode()
    assert wire.client()("POST", wire.patients, raw=body).status_code == 201


def test_depth_up_to_the_limit_is_read(wire):
    """32 levels are read, and then the values are missing; what lies in unknown keys is nobody's."""
    body = json.dumps(wire.body(wire.values(unknown="DEEP"))).replace('"DEEP"', '{"a":' * 28 + "1" + "}" * 28)
    assert wire.client()("POST", wire.patients, raw=body.encode()).status_code == 201


def test_empty_body_lacks_everything(wire):
    assert len(wire.named(wire.client()("POST", wire.patients, raw=b""))) >= 1


@pytest.mark.parametrize("size", [2_600_000, 30_000_000])
def test_large_body_is_413(wire, size):
    for response in sent(wire, b'{"first_name":"' + b"x" * size + b'"}'):
        wire.limited(wire.checked(response, 413))


def test_body_just_under_the_limit_is_read(wire):
    note = "x" * 2_400_000
    assert wire.create(wire.values(unknown=note)).status_code == 201


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/xml",
        "text/xml",
        "application/json, text/plain",
        "application/jsonx",
        "application/+json",
        "application/x+jsonx",
        "image/svg+json",
        "*/*",
        "application/json; charset=latin-1",
        "application/json; charset=utf-16",
    ],
)
def test_other_types_are_415(wire, content_type):
    for response in sent(wire, json.dumps(wire.body(wire.values())).encode(), **{"Content-Type": content_type}):
        wire.limited(wire.checked(response, 415))


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json; charset=utf8",
        "application/json; charset=UTF_8",
        "application/json; charset=us-ascii",
        "application/merge-patch+json",
        "application/vnd.api+json; charset=utf-8",
        "text/json",
    ],
)
def test_json_is_known_by_each_of_its_types(wire, content_type):
    for response in sent(wire, b"[]", **{"Content-Type": content_type}):
        wire.checked(response, 422)


@pytest.mark.parametrize("charset", ["utf-16", "latin-1", "nonsense"])
def test_another_charset_is_named(wire, charset):
    for response in sent(wire, b"{}", **{"Content-Type": f"application/json; charset={charset}"}):
        wire.checked(response, 415)
        assert wire.message(response) == f"The body must be in UTF-8, not in '{charset}'"


@pytest.mark.parametrize("coding", ["gzip", "br", "identity, gzip", "GZIP"])
def test_another_content_coding_is_415_and_named(wire, coding):
    body = gzip.compress(json.dumps(wire.body(wire.values())).encode())
    for response in sent(wire, body, **{"Content-Encoding": coding}):
        wire.limited(wire.checked(response, 415))
        assert wire.message(response) == "The body must be sent as it is, without Content-Encoding"


@pytest.mark.parametrize("coding", ["", "identity", "Identity"])
def test_a_content_coding_that_changes_nothing_is_taken(wire, coding):
    for response in sent(wire, b"[]", **{"Content-Encoding": coding}):
        wire.checked(response, 422)


def test_body_is_not_read_before_the_role_is_known(wire):
    """A reader who sends nonsense is told 403, not what is wrong with it."""
    response = wire.client("HC_VIEW_ALL")("POST", wire.patients, raw=b"[" * DEEP)
    wire.checked(response, 403)


def test_body_that_a_read_carries_is_left_alone(wire):
    assert wire.client()("GET", wire.patients, raw=b"[" * DEEP).status_code == 200


def test_many_faults_are_told_up_to_a_hundred(wire):
    raw = json.dumps(wire.body({f"k{number}": "\x00" for number in range(5000)})).encode()
    for response in sent(wire, raw):
        assert len(wire.named(response)) == 100


def test_text_with_quotes_and_markup_is_kept_as_it_is(changing_wire):
    wire = changing_wire
    text = "O'Brien\"; DROP TABLE patients; -- <script>%s{}\\"
    answer = wire.create(wire.values(first_name=text)).json()
    assert answer["first_name"] == text
    assert wire.client().get(wire.address(Patient.objects.get())).json()["first_name"] == text
