"""Backends and clients that break off, and requests that are none."""

import json

import pytest

from apimctl.edge.connection import HALF_CLOSE_SECONDS

EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def fault_of(client) -> tuple[bytes, int]:
    first, headers = client.read_head()
    body = client.read(int(dict(headers)[b"content-length"]))
    return first.split()[1], json.loads(body)["fault"]["code"]


CUT_HEADS = {
    "with a length": b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n",
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n",
}


@pytest.mark.parametrize("head", CUT_HEADS.values(), ids=CUT_HEADS)
def test_a_body_that_the_backend_breaks_off_does_not_look_whole(wire, head):
    client, backend = wire.request()
    backend.read_head()
    backend.send(head + b"only")
    first, headers = client.read_head()
    assert first == b"HTTP/1.1 200 OK"
    is_chunked = b"transfer-encoding" in dict(headers)
    received = client.read(7 if is_chunked else 4)
    backend.close()
    received += client.read_to_end()
    assert b"only" in received
    assert b"0\r\n\r\n" not in received
    assert len(received) < 1000
    # The gateway itself is well.
    client, backend = wire.request()
    backend.read_head()
    backend.send(EMPTY)
    assert client.read_head()[0] == b"HTTP/1.1 200 OK"


BAD_ANSWERS = {
    "nothing": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-",
    "garbage": b"this is no HTTP\r\n\r\n",
    "a huge header": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
}


@pytest.mark.parametrize("sent", BAD_ANSWERS.values(), ids=BAD_ANSWERS)
def test_an_answer_that_is_none_is_101503(wire, sent):
    client, backend = wire.request(b"Content-Length: 1", method=b"POST", body=b"x")
    backend.read_head()
    backend.send(sent)
    backend.close()
    assert fault_of(client) == (b"502", 101503)


def test_an_early_answer_reaches_a_client_that_is_still_sending(wire):
    client, backend = wire.request(b"Content-Length: 1000000", method=b"POST", body=b"start")
    backend.read_head()
    backend.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    assert client.read_head()[0] == b"HTTP/1.1 413 Too Large"


def test_a_client_that_goes_away_ends_the_request_to_the_backend(wire):
    client, backend = wire.request()
    backend.read_head()
    assert client.hears_nothing(HALF_CLOSE_SECONDS + 0.1)
    client.close()
    assert backend.read_to_end() == b""


def test_a_client_that_has_said_all_it_has_to_say_gets_its_answer(wire):
    client, backend = wire.request()
    client.half_close()
    backend.read_head()
    assert client.hears_nothing(HALF_CLOSE_SECONDS + 0.1)
    backend.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    first, headers = client.read_head()
    assert (first, dict(headers)[b"connection"]) == (b"HTTP/1.1 200 OK", b"close")
    assert client.read_to_end() == b"ok"


def test_all_requests_before_a_half_close_are_answered(wire):
    client = wire.connect()
    client.send(wire.head(rest=b"/1") + wire.head(rest=b"/2"))
    client.half_close()
    backend = wire.accept()
    for path in (b"/1", b"/2"):
        assert backend.read_head()[0] == b"GET %b HTTP/1.1" % path
        backend.send(EMPTY)
        assert client.read_head()[0] == b"HTTP/1.1 200 OK"
    assert client.read_to_end() == b""


def test_a_half_close_behind_a_body_is_no_reason_to_cut_it(wire):
    client, backend = wire.request(b"Content-Length: 4", method=b"POST", body=b"whol")
    client.half_close()
    backend.read_head()
    assert backend.read(4) == b"whol"
    backend.send(EMPTY)
    assert client.read_head()[0] == b"HTTP/1.1 200 OK"


def test_a_client_that_goes_away_while_it_sends_leaves_no_whole_body(wire):
    chunked = b"Transfer-Encoding: chunked"
    client, backend = wire.request(chunked, method=b"POST", body=b"4\r\nhalf\r\n")
    backend.read_head()
    client.close()
    assert b"0\r\n\r\n" not in backend.read_to_end()


def test_a_stale_connection_to_the_backend_is_replaced(wire):
    client, backend = wire.request()
    backend.read_head()
    backend.send(EMPTY)
    client.read_head()
    client.send(wire.head(rest=b"/again"))
    assert backend.read_head()[0] == b"GET /again HTTP/1.1"
    backend.close()
    backend = wire.accept()
    assert backend.read_head()[0] == b"GET /again HTTP/1.1"
    backend.send(EMPTY)
    assert client.read_head()[0] == b"HTTP/1.1 200 OK"


NOT_HTTP = {
    "no HTTP": b"hello\r\n\r\n",
    "a bare CR": b"GET / HTTP/1.1\r\nHost: x\r\nX: a\rb\r\n\r\n",
    "length and chunked": (
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
    ),
    "two lengths": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
    "a signed length": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +5\r\n\r\n",
    "a folded header": b"GET / HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n",
    "a space before the colon": b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
    "a NUL": b"GET / HTTP/1.1\r\nHost: x\r\nX: a\x00b\r\n\r\n",
    "too many headers": b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 10_000 + b"\r\n",
}


@pytest.mark.parametrize("sent", NOT_HTTP.values(), ids=NOT_HTTP)
def test_what_is_not_http_is_400_in_our_words(wire, sent):
    client = wire.connect()
    client.send(sent)
    assert fault_of(client) == (b"400", 400)


ENDLESS = {
    "a header": b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
    "a target": b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
}


@pytest.mark.parametrize("sent", ENDLESS.values(), ids=ENDLESS)
def test_an_endless_line_is_431(wire, sent):
    client = wire.connect()
    client.send(sent)
    assert fault_of(client) == (b"431", 431)


def test_a_chunk_that_is_none_is_refused(wire):
    client = wire.connect()
    lines = (b"Transfer-Encoding: chunked", b"Content-Type: application/x-www-form-urlencoded")
    client.send(wire.head(*lines, method=b"POST", target=b"/token") + b"zz\r\nno chunk\r\n")
    assert client.read_head()[0].split()[1] == b"400"


def test_a_chunk_that_is_none_is_never_passed_on_as_a_whole_body(wire):
    client, backend = wire.request(
        b"Transfer-Encoding: chunked", method=b"POST", body=b"4\r\ngood\r\n"
    )
    backend.read_head()
    client.send(b"zz\r\nbad\r\n")
    client.close()
    assert b"0\r\n\r\n" not in backend.read_to_end()
