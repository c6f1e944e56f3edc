"""What is read from the load generator and counted on the wire."""

import pytest

from bench.load import Load, read_report
from bench.run import medians
from bench.wire import Link, Messages, Wire

SAID = """
  Latency Distribution
     50%   18.83ms
     75%   25.10ms
     99%    1.20s
  2476 requests in 3.00s, 1.2MB read
Requests/sec:    824.91
"""


def test_the_report_of_the_load_generator_is_read_in_milliseconds():
    assert read_report(SAID, 0.03) == Load(824.91, 18.83, 1200, 0.03)
    assert read_report(SAID.replace("18.83ms", "830.00us"), 0).p50 == pytest.approx(0.83)


def test_where_no_answer_came_in_time_there_is_no_latency():
    """A wait of 0 ms would meet every target."""
    said = SAID.replace("824.91", "0.00").replace("18.83ms", "0.00us").replace("1.20s", "0.00us")
    assert read_report(said, 0.01) == Load(0.0, None, None, 0.01)
    nothing, some = Load(0.0, None, None, 0.01)._asdict(), Load(1.0, 900.0, 950.0, 0.01)._asdict()
    assert medians([nothing, some, nothing]) == {"rate": 0.0, "p50": 900.0, "p99": 950.0, "generator": 0.01}
    assert medians([nothing]) == {"rate": 0.0, "generator": 0.01}


def test_a_report_that_lacks_a_figure_ends_the_bench():
    with pytest.raises(SystemExit):
        read_report(SAID.replace("Requests/sec", "Requests"), 0)


def message(kind: bytes, body: bytes = b"x") -> bytes:
    return kind + (4 + len(body)).to_bytes(4) + body


def test_messages_are_read_however_they_are_cut():
    stream = (8).to_bytes(4) + b"v3.0" + message(b"P") + message(b"E", b"") + message(b"S")
    messages = Messages(greeting=True)
    assert [kind for place in range(len(stream)) for kind in messages.read(stream[place : place + 1])] == [b"", b"P", b"E", b"S"]


@pytest.fixture
def link():
    wire = Wire("postgres://user@127.0.0.1:5432/name")
    yield Link(wire, None, None)
    wire.listener.close()


def counts(link):
    return link.wire.statements, link.wire.round_trips


def test_each_statement_that_waits_for_its_answer_is_a_round_trip(link):
    for _ in range(2):
        link.asked([b"P", b"B", b"E", b"S"])
        link.answered([b"1", b"2", b"C", b"Z"])
    link.asked([b"Q"])
    assert counts(link) == (3, 3)


def test_statements_of_a_pipeline_share_a_round_trip(link):
    link.asked([b"B", b"E", b"S"])
    link.asked([b"B", b"E", b"S"])
    link.answered([b"2", b"C", b"Z", b"2", b"C", b"Z"])
    assert counts(link) == (2, 1)


def test_the_relay_has_the_address_of_the_database_with_its_own_port(link):
    port = link.wire.listener.getsockname()[1]
    assert link.wire.address == f"postgres://user@127.0.0.1:{port}/name"
