"""Which path and query the backend gets, byte by byte."""

import pytest

EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

TARGETS = [
    b"",
    b"/",
    b"//",
    b"/a//b/",
    b"/%7e%2F%2f%41~",
    b"/a;b=c/d,e(f)!$&'*+@:",
    b"/x?a=%20+b&&a=1&=;?/%zz",
    b"/x?q=../..&u=http://a/b",
    b'/[]|^`{}"<>',
    b"/...",
]


@pytest.mark.parametrize("rest", TARGETS)
def test_path_and_query_are_the_bytes_that_were_sent(wire, rest):
    client, backend = wire.request(rest=rest)
    first, _ = backend.read_head()
    assert first == b"GET " + (rest if rest.startswith(b"/") else b"/" + rest) + b" HTTP/1.1"
    backend.send(EMPTY)
    assert client.read_head()[0] == b"HTTP/1.1 200 OK"


REFUSED_TARGETS = [
    b"/..",
    b"/../secret",
    b"/a/./b",
    b"/%2e%2E/secret",
    b"/..%2fsecret",
    b"/..;/secret",
    b"/a\\..\\b",
    b"/.\xff./secret",
    b"/a\xffb",
    b"/a#b",
    b"/a?b#c",
    b"/caf\xc3\xa9",
]


@pytest.mark.parametrize("rest", REFUSED_TARGETS)
def test_a_target_that_backends_may_read_otherwise_is_400(wire, rest):
    client = wire.connect()
    client.send(wire.head(rest=rest))
    first, headers = client.read_head()
    assert first.split()[1] == b"400"
    length = int(dict(headers)[b"content-length"])
    assert b"apim_" not in client.read(length)


def test_the_absolute_form_is_the_same_request(wire):
    name = wire.stall.name.encode()
    client, backend = wire.request(target=b"http://else.test:99/%s/1.0.0/x?y=http://z/" % name)
    first, headers = backend.read_head()
    assert first == b"GET /x?y=http://z/ HTTP/1.1"
    assert dict(headers)[b"host"].startswith(b"127.0.0.1:")
    backend.send(EMPTY)
    assert client.read_head()[0] == b"HTTP/1.1 200 OK"


@pytest.mark.parametrize("target", [b"*", b"stall/1.0.0", b"ftp://else.test/stall/1.0.0"])
def test_a_target_without_a_path_is_400(wire, target):
    client = wire.connect()
    client.send(wire.head(target=target, method=b"OPTIONS"))
    assert client.read_head()[0].split()[1] == b"400"


def test_an_absolute_form_without_a_path_asks_for_the_root(wire):
    client = wire.connect()
    client.send(wire.head(target=b"http://else.test?/%s/1.0.0/x" % wire.stall.name.encode()))
    assert client.read_head()[0].split()[1] == b"404"
