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
    b"/a?",
    b"?",
    b"/a??b",
    b"/a?x=%2F..%2F",
    b"/a?x[]=1&x[0]=/../&y=%00",
    b"/a?%zz%&=%u0041",
    b"/%zz%",
    b"/a%252Fb%252e%252e%252f",
    b"/a%2fb%2Fc%5Cd%5c",
    b"/a//b///",
    b"/;a=1;b/~c+d",
    b"/a\\b",
    b"/..a/a../.a./%2ea",
    b"/:80/@a/*",
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
    b"/a?caf\xc3\xa9",
    b"/%2e%2e/",
    b"/%2E./a",
    b"/..%2f",
    b"/a%2f..",
    b"/..\\a",
    b"/%5c..",
    b"/a%5C..%5Cb",
    b"/..;/a",
    b"/..;x=y/a",
    b"/.;x/a",
    b"/..%3bx/a",
    b"/.",
    b"/a/.?b",
    b"/a%00",
    b"/a%00/b?c",
    b"/a\x00b",
    b"/a\x01b",
    b"/a\x7fb",
    b"/a\tb",
    b"/a\rb",
    b"/a\x0bb",
    b"/a?\x01",
    b"/a b",
]


@pytest.mark.parametrize("rest", REFUSED_TARGETS)
def test_a_target_that_backends_may_read_otherwise_is_400(wire, rest):
    client = wire.connect()
    client.send(wire.head(rest=rest))
    first, headers = client.read_head()
    assert first.split()[1] == b"400"
    length = int(dict(headers)[b"content-length"])
    assert b"apim_" not in client.read(length)


@pytest.mark.parametrize("base_path", ["", "/", "/base", "/base/"])
def test_no_path_leaves_the_backends_base_path(wire, base_path):
    endpoint = f"http://127.0.0.1:{wire.listener.getsockname()[1]}{base_path}"
    wire.stall = wire.market.stall(production_url=endpoint)
    client, backend = wire.request(rest=b"//a/%2e%2ea?/../b")
    kept = base_path.removesuffix("/").encode()
    assert backend.read_head()[0] == b"GET " + kept + b"//a/%2e%2ea?/../b HTTP/1.1"
    backend.send(EMPTY)
    assert client.read_head()[0] == b"HTTP/1.1 200 OK"


def test_the_absolute_form_is_the_same_request_to_the_host_that_it_names(wire):
    name = wire.stall.name.encode()
    client, backend = wire.request(target=b"http://else.test:99/%s/1.0.0/x?y=http://z/" % name)
    first, headers = backend.read_head()
    assert first == b"GET /x?y=http://z/ HTTP/1.1"
    told = dict(headers)
    assert told[b"host"].startswith(b"127.0.0.1:")
    assert told[b"x-forwarded-host"] == b"else.test:99"
    assert b'host="else.test:99"' in told[b"forwarded"]
    backend.send(EMPTY)
    assert client.read_head()[0] == b"HTTP/1.1 200 OK"


AUTHORITIES = [b"", b"user@else.test", b"a,b", b'"a"', b"else.test:80:90", b"else.test\\", b"[::1"]


@pytest.mark.parametrize("version", [b"HTTP/1.1", b"HTTP/1.0"])
@pytest.mark.parametrize("authority", AUTHORITIES)
def test_an_absolute_form_that_names_no_host_is_400(wire, authority, version):
    client = wire.connect()
    target = b"http://%s/%s/1.0.0/x" % (authority, wire.stall.name.encode())
    head = wire.head(target=target).replace(b"HTTP/1.1", version, 1)
    if version == b"HTTP/1.0":
        head = head.replace(b"Host: gateway.test\r\n", b"")
    client.send(head)
    assert b" 400 " in client.read_head()[0]


HOSTS = [
    b"",
    b":80",
    b"a b",
    b"a\tb",
    b'a"b',
    b"a,b",
    b"a\\b",
    b"a@b",
    b"a/b",
    b"caf\xc3\xa9",
    b"<a>",
]


@pytest.mark.parametrize("host", HOSTS)
def test_a_host_that_is_none_is_400(wire, host):
    client = wire.connect()
    client.send(wire.head().replace(b"gateway.test", host, 1))
    assert b" 400 " in client.read_head()[0]


@pytest.mark.parametrize("host", [*HOSTS, b"gateway.test\r\nHost: other.test"])
def test_the_gateways_own_endpoints_ask_for_a_host_as_well(wire, host):
    client = wire.connect()
    metadata = b"/.well-known/oauth-authorization-server"
    client.send(wire.head(target=metadata).replace(b"gateway.test", host, 1))
    assert b" 400 " in client.read_head()[0]


@pytest.mark.parametrize("host", [b"gateway.test:8280", b"[::1]:80", b"127.0.0.1", b"a_b", b"%41"])
def test_a_host_is_told_to_the_backend_as_it_came(wire, host):
    client = wire.connect()
    client.send(wire.head().replace(b"gateway.test", host, 1))
    backend = wire.accept()
    assert dict(backend.read_head()[1])[b"x-forwarded-host"] == host
    backend.send(EMPTY)
    client.read_head()


@pytest.mark.parametrize("target", [b"*", b"stall/1.0.0", b"ftp://else.test/stall/1.0.0"])
def test_a_target_without_a_path_is_400(wire, target):
    client = wire.connect()
    client.send(wire.head(target=target, method=b"OPTIONS"))
    assert client.read_head()[0].split()[1] == b"400"


def test_an_absolute_form_without_a_path_asks_for_the_root(wire):
    client = wire.connect()
    client.send(wire.head(target=b"http://else.test?/%s/1.0.0/x" % wire.stall.name.encode()))
    assert client.read_head()[0].split()[1] == b"404"
