"""Bodies are read within a deadline, a limit and a budget of memory."""

import asyncio
from contextlib import suppress

import pytest

from config.rsgi.bodies import DISCARDED, EACH_USER, SMALL, Body, BodyFault, Memory, Sender, body_limit
from tests.rsgi.fakes import Headers, Proto

END = b""
CHUNKED = ("transfer-encoding", "chunked")
BULK = "/api/v1/00000000-0000-0000-0000-000000000000/patients/bulk"


NURSE, COLLEAGUE, NEIGHBOUR = Sender(1, 1), Sender(2, 1), Sender(3, 2)


def body_of(sender: Sender | None, memory: Memory) -> Body:
    async def find_sender() -> Sender | None:
        return sender

    return Body(memory, find_sender)


def read(
    parts: list[bytes | None],
    *headers: tuple[str, str],
    path: str = "/v1/patients",
    memory: Memory | None = None,
    sender: Sender | None = NURSE,
) -> Body:
    body = body_of(sender, memory or Memory(10**9))
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

    body = body_of(None, Memory(0))
    asyncio.run(body.read(Slow(), Headers(CHUNKED), "/v1/patients"))
    assert body.length == 50
    settings.BODY_BYTES_PER_SECOND = 1_000_000
    with pytest.raises(BodyFault):
        asyncio.run(body_of(None, Memory(0)).read(Slow(), Headers(CHUNKED), "/v1/patients"))


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
    assert body_limit("/admin/patients/imports/") == 8_200_000


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


# --- what is left unread --------------------------------------------------------------------------------


def is_over(parts: list[bytes | None], *headers: tuple[str, str], sender: Sender | None = None) -> bool:
    """Tell whether nothing is left of a body that was read and then discarded."""

    async def read_and_discard() -> bool:
        body, found = body_of(sender, Memory(SMALL + 1)), Headers(*headers)
        with suppress(BodyFault):
            await body.read(Proto(parts), found, "/v1/patients")
        return await body.discard(found)

    return asyncio.run(read_and_discard())


HALF = b"a" * (SMALL // 2 + 1)
LARGE = [HALF] * 3


@pytest.mark.parametrize("header", [length(len(HALF) * 3), CHUNKED])
@pytest.mark.parametrize("sender", [None, NURSE])
def test_the_rest_of_a_body_that_is_refused_is_discarded(header, sender):
    """Nobody's is refused for its size, and the user's for want of memory."""
    assert is_over([*LARGE, END], header, sender=sender)


def test_a_body_that_was_read_leaves_nothing_to_discard():
    assert is_over([b"a", END], length(1))
    assert is_over([None])


@pytest.mark.parametrize("header", [length(len(HALF) * 3), CHUNKED])
def test_what_does_not_come_is_not_waited_for_without_end(settings, header):
    settings.BODY_SECONDS = 0.05
    assert not is_over([*LARGE, None], header)


def test_what_breaks_off_is_not_over():
    assert not is_over([*LARGE, END, END], CHUNKED)


def test_a_body_without_end_is_not_discarded_without_end():
    assert not is_over([b"a" * 1_000_000] * (DISCARDED // 1_000_000 + 2), CHUNKED)
    assert not is_over([None], length(DISCARDED + 1))


def test_who_waits_to_be_asked_for_a_body_is_not_asked():
    expects = ("expect", "100-continue")
    assert not is_over([None], length(SMALL + 1), expects)
    # Of a body in chunks only its beginning tells that it is large: that has been asked for.
    assert is_over([*LARGE, END], CHUNKED, expects)


# --- who sends ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", [BULK, "/v1/patients", "/v1/nothing"])
def test_a_large_body_of_an_anonymous_client_is_not_read(path):
    """The view refuses the client. Did it not, it would still refuse the body by its length, never take it for an empty one."""
    memory = Memory(10**9)
    declared = read([None], length(SMALL + 1), path=path, memory=memory, sender=None)
    counted = read([b"a" * SMALL, b"a", None], CHUNKED, path=path, memory=memory, sender=None)
    assert [(body.content, body.length) for body in (declared, counted)] == [(b"", body_limit(path) + 1)] * 2
    assert memory.free == 10**9


def test_to_a_page_an_anonymous_body_is_as_long_as_it_said():
    """The page counts the request, and refuses far fewer bytes."""
    assert read([None], length(SMALL + 1), path="/admin/login/", sender=None).length == SMALL + 1
    assert read([b"a" * SMALL, b"ab", None], CHUNKED, path="/admin/login/", sender=None).length == SMALL + 2


def test_nobody_is_asked_for_a_small_body():
    async def asked() -> None:
        raise AssertionError("the database was asked")

    body = Body(Memory(0), asked)
    asyncio.run(body.read(Proto([b"a" * SMALL, END]), Headers(length(SMALL)), BULK))
    assert len(body.content) == SMALL


def test_one_user_holds_the_memory_of_one_of_the_largest_bodies():
    assert body_limit(BULK) <= EACH_USER
    memory = Memory(EACH_USER * 4)
    memory.take(EACH_USER, NURSE)
    with pytest.raises(BodyFault):
        memory.take(1, NURSE)
    memory.take(EACH_USER, COLLEAGUE)
    memory.release(EACH_USER, NURSE)
    memory.take(EACH_USER, NURSE)


def test_one_organization_holds_half_of_the_memory():
    memory = Memory(EACH_USER * 4)
    for sender in (NURSE, COLLEAGUE):
        memory.take(EACH_USER, sender)
    with pytest.raises(BodyFault):
        memory.take(1, Sender(4, 1))
    memory.take(EACH_USER, NEIGHBOUR)
