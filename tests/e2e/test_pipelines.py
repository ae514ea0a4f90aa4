"""Many requests on one connection: none is lost, none hangs, none changes the next."""

import select

import pytest

from apimctl.edge.connection import MOST_WAITING

EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked"
MOST_TAKEN_BYTES = 32 << 20
TRAILERS = [b"X-A: b", b"Cookie: session=1"]


@pytest.mark.parametrize("trailer", TRAILERS)
def test_trailers_are_no_headers_of_the_next_request(wire, trailer):
    body = b"1\r\na\r\n0\r\n" + trailer + b"\r\n\r\n"
    client, backend = wire.request(CHUNKED, method=b"POST", body=body, rest=b"/1")
    backend.read_head()
    assert backend.read_chunked() == b"a"
    backend.send(EMPTY)
    assert client.read_head()[0] == b"HTTP/1.1 200 OK"
    client.send(wire.head(rest=b"/2"))
    first, headers = backend.read_head()
    assert first == b"GET /2 HTTP/1.1"
    name, value = trailer.lower().split(b": ")
    assert (name, value) not in headers


@pytest.mark.parametrize("trailer", TRAILERS)
@pytest.mark.parametrize("cut", [0, 20])
def test_what_comes_in_one_packet_with_trailers_is_not_changed_by_them(wire, trailer, cut):
    body = b"1\r\na\r\n0\r\n" + trailer + b"\r\n\r\n"
    following = wire.head(rest=b"/2")
    client, backend = wire.request(
        CHUNKED, method=b"POST", body=body + following[: cut or None], rest=b"/1"
    )
    backend.read_head()
    assert backend.read_chunked() == b"a"
    backend.send(EMPTY)
    first, headers = client.read_head()
    assert first == b"HTTP/1.1 200 OK"
    # It is left unanswered, for the client to ask again.
    assert dict(headers)[b"connection"] == b"close"
    assert client.read_to_end() == b""


def test_a_body_in_chunks_is_no_reason_to_end_the_connection(wire):
    client, backend = wire.request(CHUNKED, method=b"POST", rest=b"/0")
    backend.read_head()
    for number in range(1, 4):
        client.send(b"1\r\na\r\n0\r\n\r\n")
        assert backend.read_chunked() == b"a"
        backend.send(EMPTY)
        assert b"connection" not in dict(client.read_head()[1])
        client.send(wire.head(CHUNKED, method=b"POST", rest=b"/%d" % number))
        assert backend.read_head()[0] == b"POST /%d HTTP/1.1" % number


@pytest.mark.parametrize("body", [b"", b"body"])
def test_what_follows_an_upgrade_that_nobody_wants_is_not_taken_for_something_else(wire, body):
    lines = (b"Upgrade: h2c", b"Connection: Upgrade", b"Content-Length: %d" % len(body))
    hidden = wire.head(rest=b"/hidden")
    client, backend = wire.request(*lines, method=b"POST", body=body + wire.head()[:40], rest=b"/1")
    backend.read_head()
    assert backend.read(len(body)) == body
    client.send(hidden)
    backend.send(EMPTY)
    first, headers = client.read_head()
    assert first == b"HTTP/1.1 200 OK"
    assert dict(headers)[b"connection"] == b"close"
    assert client.read_to_end() == b""


def test_requests_that_come_while_the_first_is_under_way_are_all_answered(wire):
    client, backend = wire.request(rest=b"/0")
    backend.read_head()
    count = 5 * MOST_WAITING
    client.send(b"".join(wire.head(rest=b"/%d" % number) for number in range(1, count)))
    assert client.hears_nothing(0.2)
    backend.send(EMPTY)
    for number in range(1, count):
        assert backend.read_head()[0] == b"GET /%d HTTP/1.1" % number
        backend.send(EMPTY)
    for _ in range(count):
        assert client.read_head()[0] == b"HTTP/1.1 200 OK"


def test_requests_behind_an_upgrade_that_was_declined_are_all_answered(wire):
    count = 3 * MOST_WAITING
    upgrade = wire.head(b"Upgrade: websocket", b"Connection: Upgrade", rest=b"/0")
    client = wire.connect()
    client.send(upgrade + b"".join(wire.head(rest=b"/%d" % number) for number in range(1, count)))
    backend = wire.accept()
    for number in range(count):
        assert backend.read_head()[0] == b"GET /%d HTTP/1.1" % number
        backend.send(EMPTY)
        assert client.read_head()[0] == b"HTTP/1.1 200 OK"


def test_who_reads_no_answer_is_asked_for_no_more_requests(wire):
    client = wire.connect()
    client.socket.setblocking(False)
    refused = wire.head(target=b"/nowhere") * 100
    sent = 0
    while select.select([], [client.socket], [], 1)[1]:
        sent += client.socket.send(refused)
        assert sent < MOST_TAKEN_BYTES
