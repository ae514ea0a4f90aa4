"""Both ways at once: events as they are sent, answers before the end of a question, and leaving."""

import socket

import pytest

from tests.e2e.test_proxy_failures import fault_of

EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked"
EVENTS = [b"data: %d\n\n" % number for number in range(5)]


def chunk(data) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


STREAMS = {
    "in chunks": (CHUNKED, chunk),
    "with a length": (b"Content-Length: %d" % sum(map(len, EVENTS)), bytes),
    "until the end": (b"Connection: close", bytes),
}


@pytest.mark.parametrize("version", [b"HTTP/1.1", b"HTTP/1.0"])
@pytest.mark.parametrize(("line", "framed"), STREAMS.values(), ids=STREAMS)
def test_each_event_arrives_before_the_next_is_sent(wire, line, framed, version):
    client = wire.connect()
    head = wire.head(b"Accept: text/event-stream", b"Connection: close")
    client.send(head.replace(b"HTTP/1.1", version, 1))
    backend = wire.accept()
    backend.read_head()
    backend.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" + line + b"\r\n\r\n")
    assert (b"content-type", b"text/event-stream") in client.read_head()[1]
    for event in EVENTS:
        backend.send(framed(event))
        client.read_until(event)
    if line == CHUNKED:
        backend.send(b"0\r\n\r\n")
    backend.close()
    assert client.read_to_end() in {b"", b"\r\n0\r\n\r\n"}


def test_a_conversation_of_chunks_both_ways(wire):
    client, backend = wire.request(CHUNKED, method=b"POST")
    backend.read_head()
    client.send(chunk(b"first"))
    assert backend.read(10) == chunk(b"first")
    # Neither side has ended yet: an answer that begins before the question is over goes through.
    backend.send(b"HTTP/1.1 200 OK\r\n" + CHUNKED + b"\r\n\r\n" + chunk(b"to the first"))
    client.read_until(b"to the first\r\n")
    for number in range(3):
        client.send(chunk(b"up %d" % number))
        assert backend.read(9) == chunk(b"up %d" % number)
        backend.send(chunk(b"down %d" % number))
        client.read_until(b"down %d\r\n" % number)
    client.send(b"0\r\n\r\n")
    assert backend.read(5) == b"0\r\n\r\n"
    backend.send(b"0\r\n\r\n")
    assert client.read_to_end() == b"0\r\n\r\n"


def test_a_client_that_waits_for_100_continue_is_not_told_so_by_a_backend_that_is_away(wire):
    wire.listener.close()
    client = wire.connect()
    client.send(wire.head(b"Content-Length: 4", b"Expect: 100-continue", method=b"POST"))
    assert client.read_head()[0] == b"HTTP/1.1 502 Bad Gateway"


def test_a_hundred_continues_of_the_backend_are_not_the_answer(wire):
    client, backend = wire.request(b"Content-Length: 4", method=b"POST", body=b"body")
    backend.read_head()
    backend.send(b"HTTP/1.1 100 Continue\r\n\r\n" + EMPTY)
    assert client.read_head()[0] == b"HTTP/1.1 200 OK"


@pytest.mark.parametrize("value", [b"100-Continue", b"100-continue"])
def test_the_expectation_is_met_once_however_it_is_spelt(wire, value):
    client, backend = wire.request(b"Content-Length: 4", b"Expect: " + value, method=b"POST")
    assert client.read_until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.send(b"body")
    backend.read_head()
    assert backend.read(4) == b"body"
    backend.send(EMPTY)
    assert client.read_head()[0] == b"HTTP/1.1 200 OK"


def test_a_client_that_leaves_while_events_come_ends_them(wire):
    client, backend = wire.request()
    backend.read_head()
    backend.send(b"HTTP/1.1 200 OK\r\n" + CHUNKED + b"\r\n\r\n" + chunk(EVENTS[0]))
    client.read_until(EVENTS[0])
    client.close()
    assert backend.read_to_end() == b""


def test_a_backend_that_says_no_more_is_still_asked(wire):
    client, backend = wire.request(b"Content-Length: 8", method=b"POST", body=b"half")
    backend.read_head()
    backend.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    backend.socket.shutdown(socket.SHUT_WR)
    assert client.read_head()[0] == b"HTTP/1.1 200 OK"
    assert client.read(2) == b"ok"


PIPELINED = [b"/first", b"/second", b"/third"]


def test_pipelined_requests_are_answered_in_their_order(wire):
    client = wire.connect()
    client.send(b"".join(wire.head(rest=rest) for rest in PIPELINED))
    backend = wire.accept()
    for rest in PIPELINED:
        assert backend.read_head()[0] == b"GET " + rest + b" HTTP/1.1"
        backend.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(rest), rest))
    for rest in PIPELINED:
        assert client.read_head()[0] == b"HTTP/1.1 200 OK"
        assert client.read(len(rest)) == rest


def test_what_comes_behind_the_last_request_is_never_one(wire):
    last = wire.head(b"Connection: close", rest=b"/last")
    client = wire.connect()
    client.send(last)
    backend = wire.accept()
    assert backend.read_head()[0] == b"GET /last HTTP/1.1"
    client.send(wire.head(rest=b"/beyond"))
    backend.send(EMPTY)
    assert client.read_to_end().count(b"HTTP/1.") == 1
    # Where it came in one packet, both are refused.
    client = wire.connect()
    client.send(last + wire.head(rest=b"/beyond"))
    assert fault_of(client) == (b"400", 400)
    assert client.read_to_end() == b""
    client = wire.connect()
    client.send(wire.head(rest=b"/intact"))
    assert backend.read_head()[0] == b"GET /intact HTTP/1.1"
    backend.send(EMPTY)
    assert client.read_head()[0] == b"HTTP/1.1 200 OK"


@pytest.mark.parametrize("line", [b"Content-Length: 4", CHUNKED], ids=["length", "chunks"])
def test_a_client_that_says_no_more_still_gets_its_answer(wire, line):
    body = b"body" if line != CHUNKED else chunk(b"body") + b"0\r\n\r\n"
    client, backend = wire.request(line, method=b"POST", body=body)
    client.socket.shutdown(socket.SHUT_WR)
    backend.read_head()
    assert backend.read(len(body)) == body
    backend.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    assert client.read_to_end().endswith(b"\r\n\r\nok")
