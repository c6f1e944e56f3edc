"""Bodies are read within a deadline, a limit and a budget of memory."""

import asyncio

import pytest

from config.rsgi.bodies import SMALL, Body, BodyFault, Memory, body_limit
from tests.rsgi.fakes import Headers, Proto

END = b""
CHUNKED = ("transfer-encoding", "chunked")
BULK = "/api/v1/00000000-0000-0000-0000-000000000000/patients/bulk"


def read(parts: list[bytes | None], *headers: tuple[str, str], path: str = "/v1/patients", memory: Memory | None = None) -> Body:
    body = Body(memory or Memory(10**9))
    asyncio.run(body.read(Proto(parts), Headers(*headers), path))
    return body


def fault_of(parts: list[bytes | None], *headers: tuple[str, str], **given) -> int:
    with pytest.raises(BodyFault) as fault:
        read(parts, *headers, **given)
    return fault.value.status


def length(size: int) -> tuple[str, str]:
    return ("content-length", str(size))


def test_a_body_is_read_whole_with_its_length_or_in_chunks():
    for header in (length(5), CHUNKED):
        body = read([b"abc", b"de", END], header)
        assert (body.content, body.length) == (b"abcde", 5)


def test_a_request_without_a_body_is_not_waited_for():
    assert read([None]).length == 0


def test_a_client_that_sends_no_more_is_late(settings):
    settings.BODY_SECONDS = 0
    assert fault_of([b"a", None], length(2)) == 408
    assert fault_of([b"a", None], CHUNKED) == 408


def test_what_came_quickly_is_no_credit_for_silence(settings):
    settings.BODY_SECONDS, settings.BODY_BYTES_PER_SECOND = 0.05, 1
    assert fault_of([b"a" * 1_000, None], CHUNKED) == 408


def test_a_large_body_has_the_time_that_its_pace_allows(settings):
    settings.BODY_SECONDS, settings.BODY_BYTES_PER_SECOND = 0.2, 10

    class Slow(Proto):
        async def __aiter__(self):
            for part in (b"a" * 25, b"a" * 25, END):
                await asyncio.sleep(0.1)
                yield part

    body = Body(Memory(0))
    asyncio.run(body.read(Slow(), Headers(CHUNKED), "/v1/patients"))
    assert body.length == 50
    settings.BODY_BYTES_PER_SECOND = 1_000_000
    with pytest.raises(BodyFault):
        asyncio.run(Body(Memory(0)).read(Slow(), Headers(CHUNKED), "/v1/patients"))


def test_a_body_that_breaks_off_is_none():
    assert fault_of([b"a", END], length(2)) == 400
    assert fault_of([b"a", END, END], CHUNKED) == 400


def test_a_body_over_the_limit_is_not_read_and_keeps_its_length(settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 4
    declared = read([None], length(5))
    counted = read([b"abc", b"de", None], CHUNKED)
    assert [(body.content, body.length) for body in (declared, counted)] == [(b"", 5)] * 2


def test_a_view_may_take_more(settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 4
    assert read([b"abcde", END], length(5), path=BULK).content == b"abcde"
    assert [body_limit(path) for path in (BULK, "/v1/patients", "/admin/login/", "/nowhere")] == [25_000_000, 4, 4, 4]


def test_large_bodies_share_a_memory_and_small_ones_need_none():
    memory = Memory(SMALL + 1)
    small = [b"a" * SMALL, END]
    first = read([b"a" * SMALL, b"a", END], CHUNKED, memory=memory)
    assert fault_of([b"a" * SMALL, b"a", END], CHUNKED, memory=memory) == 503
    assert read(small, CHUNKED, memory=memory).length == SMALL
    first.release()
    first.release()
    assert memory.free == SMALL + 1
    assert read([b"a" * SMALL, b"a", END], CHUNKED, memory=memory).length == SMALL + 1
