"""Backends that stall, and answers that cannot be passed on as they are."""

import pytest

CHUNKED = b"Transfer-Encoding: chunked"


@pytest.fixture
def impatient(wire):
    setting = {"file": str(wire.market.cli.config), "key": "gateway.backend_timeout"}
    wire.stall.change("configure", **setting, value="1s")
    yield wire
    wire.stall.change("configure", **setting, value=None)


def test_a_backend_that_does_not_read_is_given_up(impatient):
    client, backend = impatient.request(CHUNKED, method=b"POST")
    chunk = b"10000\r\n" + b"x" * 0x10000 + b"\r\n"
    client.send_what_is_taken(chunk * 400)
    assert client.read_head()[0] == b"HTTP/1.1 504 Gateway Timeout"
    backend.close()


def test_a_backend_that_hints_and_then_says_nothing_is_given_up(impatient):
    client, backend = impatient.request()
    backend.read_head()
    backend.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n")
    assert client.read_head()[0] == b"HTTP/1.1 504 Gateway Timeout"


def test_hints_come_before_the_answer_and_not_for_ever(wire):
    client, backend = wire.request()
    backend.read_head()
    backend.send(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 3)
    backend.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    assert client.read_head()[0] == b"HTTP/1.1 200 OK"
    client, backend = wire.request()
    backend.read_head()
    backend.send(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100)
    assert client.read_head()[0] == b"HTTP/1.1 502 Bad Gateway"


def test_a_transfer_coding_that_cannot_be_passed_on_is_refused(wire):
    client, backend = wire.request()
    backend.read_head()
    backend.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")
    assert client.read_head()[0] == b"HTTP/1.1 502 Bad Gateway"
    client = wire.connect()
    client.send(wire.head(b"Transfer-Encoding: gzip, chunked", method=b"POST"))
    assert client.read_head()[0].endswith(b" 400 Bad Request")


def test_a_client_of_http_1_0_is_not_told_to_continue(wire):
    client = wire.connect()
    head = wire.head(b"Expect: 100-continue", b"Content-Length: 2", method=b"POST")
    client.send(head.replace(b"HTTP/1.1", b"HTTP/1.0", 1) + b"ok")
    backend = wire.accept()
    backend.read_head()
    assert backend.read(2) == b"ok"
    backend.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
    assert client.read_head()[0] == b"HTTP/1.1 200 OK"


def test_a_body_that_is_cut_off_does_not_look_whole_to_http_1_0(wire):
    client = wire.connect()
    client.send(wire.head().replace(b"HTTP/1.1", b"HTTP/1.0", 1))
    backend = wire.accept()
    backend.read_head()
    backend.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n")
    client.read_head()
    assert client.read(2) == b"ok"
    backend.close()
    assert client.is_reset()
