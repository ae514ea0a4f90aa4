"""What the backend and the client get of each other. Both are the test itself, on real sockets."""

import gzip

import pytest

EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked"


def is_own(name) -> bool:
    """Return whether a header is one that the gateway adds for the backend."""
    return b"forwarded" in name or name == b"x-request-id"


def test_a_request_arrives_as_it_was_sent_and_nothing_is_invented(wire):
    client, backend = wire.request(b"X-One: 1", b"x-two: a", b"x-two: b", b"Accept: text/*;q=0.5")
    first, headers = backend.read_head()
    assert first == b"GET /x HTTP/1.1"
    host = b"127.0.0.1:%d" % wire.listener.getsockname()[1]
    assert sorted(pair for pair in headers if not is_own(pair[0])) == [
        (b"accept", b"text/*;q=0.5"),
        (b"host", host),
        (b"x-one", b"1"),
        (b"x-two", b"a"),
        (b"x-two", b"b"),
    ]
    backend.send(EMPTY)
    assert client.read_head()[0] == b"HTTP/1.1 200 OK"


def test_a_response_arrives_as_it_was_sent_and_nothing_is_invented(wire):
    client, backend = wire.request()
    backend.read_head()
    backend.send(
        b"HTTP/1.1 218 This is fine\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nServer: backend\r\n"
        b"Set-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 4\r\nContent-Type: x/y\r\n\r\nbody"
    )
    first, headers = client.read_head()
    assert first == b"HTTP/1.1 218 This is fine"
    assert headers == [
        (b"date", b"Thu, 01 Jan 2026 00:00:00 GMT"),
        (b"server", b"backend"),
        (b"set-cookie", b"a=1"),
        (b"set-cookie", b"b=2"),
        (b"content-length", b"4"),
        (b"content-type", b"x/y"),
    ]
    assert client.read(4) == b"body"


def test_a_bare_response_gets_a_date_and_no_server_or_type(wire):
    client, backend = wire.request()
    backend.read_head()
    backend.send(EMPTY)
    _, headers = client.read_head()
    assert {name for name, _ in headers} == {b"content-length", b"date"}


@pytest.mark.parametrize("method", [b"GET", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS"])
def test_methods_and_bodies_go_through(wire, method):
    client, backend = wire.request(b"Content-Length: 5", method=method, body=b"\x00body")
    first, headers = backend.read_head()
    assert first == method + b" /x HTTP/1.1"
    assert dict(headers)[b"content-length"] == b"5"
    assert backend.read(5) == b"\x00body"
    backend.send(EMPTY)
    assert client.read_head()[0] == b"HTTP/1.1 200 OK"


def test_a_chunked_body_goes_up_chunked(wire):
    client, backend = wire.request(CHUNKED, method=b"POST", body=b"3\r\none\r\n3\r\ntwo\r\n")
    _, headers = backend.read_head()
    assert dict(headers)[b"transfer-encoding"] == b"chunked"
    assert b"content-length" not in dict(headers)
    client.send(b"5\r\nthree\r\n0\r\n\r\n")
    assert backend.read_chunked() == b"onetwothree"
    backend.send(EMPTY)
    assert client.read_head()[0] == b"HTTP/1.1 200 OK"


def test_a_body_goes_up_before_its_end_is_known(wire):
    client, backend = wire.request(b"Content-Length: 8", method=b"PUT", body=b"half")
    backend.read_head()
    assert backend.read(4) == b"half"
    client.send(b"rest")
    assert backend.read(4) == b"rest"
    backend.send(EMPTY)
    assert client.read_head()[0] == b"HTTP/1.1 200 OK"


def test_a_chunked_body_comes_down_as_it_is_made(wire):
    client, backend = wire.request()
    backend.read_head()
    backend.send(b"HTTP/1.1 200 OK\r\n" + CHUNKED + b"\r\n\r\n5\r\nfirst\r\n")
    _, headers = client.read_head()
    assert dict(headers)[b"transfer-encoding"] == b"chunked"
    assert client.read(10) == b"5\r\nfirst\r\n"
    backend.send(b"4\r\nlast\r\n0\r\n\r\n")
    assert client.read_chunked() == b"last"


def test_a_body_that_ends_with_the_connection_comes_down_whole(wire):
    client, backend = wire.request()
    backend.read_head()
    backend.send(b"HTTP/1.0 200 OK\r\n\r\nuntil the end")
    backend.close()
    client.read_head()
    assert client.read_chunked() == b"until the end"


def test_large_bodies_go_both_ways(wire):
    body = bytes(range(256)) * 4096
    head = b"Content-Length: %d" % len(body)
    client, backend = wire.request(head, method=b"POST", body=body[:1])
    backend.read_head()
    assert backend.read(1) == body[:1]
    for start in range(1, len(body), 65536):
        part = body[start : start + 65536]
        client.send(part)
        assert backend.read(len(part)) == part
    backend.send(b"HTTP/1.1 200 OK\r\n%s\r\n\r\n" % head)
    client.read_head()
    for start in range(0, len(body), 65536):
        part = body[start : start + 65536]
        backend.send(part)
        assert client.read(len(part)) == part


def test_compressed_bodies_stay_as_they_are(wire):
    packed = gzip.compress(b"packed " * 100)
    lines = b"Content-Encoding: gzip\r\nContent-Length: %d" % len(packed)
    client, backend = wire.request(lines, method=b"POST", body=packed)
    _, headers = backend.read_head()
    assert (b"content-encoding", b"gzip") in headers
    assert backend.read(len(packed)) == packed
    backend.send(b"HTTP/1.1 200 OK\r\n%s\r\n\r\n%s" % (lines, packed))
    _, headers = client.read_head()
    assert (b"content-encoding", b"gzip") in headers
    assert client.read(len(packed)) == packed


def test_an_answer_to_head_has_the_length_and_no_body(wire):
    client, backend = wire.request(method=b"HEAD")
    assert backend.read_head()[0] == b"HEAD /x HTTP/1.1"
    backend.send(b'HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nETag: "a"\r\n\r\n')
    _, headers = client.read_head()
    assert (dict(headers)[b"content-length"], dict(headers)[b"etag"]) == (b"1234", b'"a"')
    client.send(wire.head(b"Connection: close"))
    backend.read_head()
    backend.send(EMPTY)
    assert client.read_to_end().startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_an_answer_that_has_no_body_gets_none(wire, status):
    client, backend = wire.request(b"Connection: close", b'If-None-Match: "a"')
    assert (b"if-none-match", b'"a"') in backend.read_head()[1]
    backend.send(b"HTTP/1.1 " + status + b'\r\nETag: "a"\r\n\r\n')
    first, headers = client.read_head()
    assert first == b"HTTP/1.1 " + status
    assert (b"etag", b'"a"') in headers
    assert b"transfer-encoding" not in dict(headers)
    assert client.read_to_end() == b""


def test_redirects_and_cookies_are_the_clients_business(wire):
    client, backend = wire.request()
    backend.read_head()
    backend.send(
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1/y\r\nSet-Cookie: a=1\r\n"
        b"Content-Length: 0\r\n\r\n"
    )
    first, headers = client.read_head()
    assert first == b"HTTP/1.1 302 Found"
    assert dict(headers)[b"location"] == b"http://127.0.0.1/y"
    client.send(wire.head())
    assert b"cookie" not in dict(backend.read_head()[1])
    backend.send(EMPTY)
    client.read_head()


def test_hop_by_hop_headers_end_at_the_gateway(wire):
    client, backend = wire.request(
        b"Connection: keep-alive, X-Private, Host, Authorization",
        b"Keep-Alive: timeout=5",
        b"X-Private: of this hop",
        b"TE: trailers",
        b"Upgrade: websocket",
        b"Proxy-Authorization: Basic eDp5",
        b"Proxy-Connection: keep-alive",
        b"X-Public: kept",
    )
    _, headers = backend.read_head()
    names = {name for name, _ in headers if not is_own(name)}
    assert names == {b"host", b"x-public"}
    backend.send(
        b"HTTP/1.1 200 OK\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=9\r\n"
        b"Proxy-Authenticate: Basic\r\nX-Kept: 1\r\nContent-Length: 0\r\n\r\n"
    )
    _, headers = client.read_head()
    assert {name for name, _ in headers} == {b"content-length", b"date", b"x-kept"}


def test_the_token_is_kept_from_the_backend_unless_it_is_told_to_pass(wire):
    file = str(wire.market.cli.config)
    key = "gateway.remove_oauth_headers"
    wire.market.changer("configure", file=file, key=key, value="false")
    client, backend = wire.request()
    assert (b"authorization", f"Bearer {wire.stall.token}".encode()) in backend.read_head()[1]
    backend.send(EMPTY)
    client.read_head()
    wire.market.changer("configure", file=file, key=key, value=None)
    client.send(wire.head())
    assert b"authorization" not in dict(backend.read_head()[1])
    backend.send(EMPTY)
    client.read_head()


def test_headers_beyond_ascii_lose_nothing(wire):
    client, backend = wire.request("X-Name: café".encode(), "X-Old: café".encode("latin-1"))
    headers = dict(backend.read_head()[1])
    assert headers[b"x-name"].decode() == "café"
    assert headers[b"x-old"].decode("latin-1") == "café"
    lines = ["X-Name: café".encode(), "X-Old: café".encode("latin-1"), b"Content-Length: 0"]
    backend.send(b"\r\n".join([b"HTTP/1.1 200 OK", *lines, b"", b""]))
    headers = dict(client.read_head()[1])
    assert headers[b"x-name"].decode() == "café"
    assert headers[b"x-old"].decode("latin-1") == "café"


def test_a_client_that_waits_for_100_continue_is_told_to_go_on(wire):
    client, backend = wire.request(b"Content-Length: 4", b"Expect: 100-continue", method=b"POST")
    assert client.read_until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.send(b"body")
    _, headers = backend.read_head()
    assert b"expect" not in dict(headers)
    assert backend.read(4) == b"body"
    backend.send(EMPTY)
    assert client.read_head()[0] == b"HTTP/1.1 200 OK"


def test_a_client_that_waits_for_100_continue_is_refused_before_its_body(wire):
    client = wire.connect()
    lines = (b"Content-Length: 1000000", b"Expect: 100-continue")
    client.send(wire.head(*lines, method=b"POST", token="wrong"))
    assert client.read_head()[0] == b"HTTP/1.1 401 Unauthorized"


def test_requests_on_one_connection_are_answered_in_turn(wire):
    client, backend = wire.request(body=wire.head(rest=b"/second"))
    assert backend.read_head()[0] == b"GET /x HTTP/1.1"
    backend.send(EMPTY)
    assert client.read_head()[0] == b"HTTP/1.1 200 OK"
    assert backend.read_head()[0] == b"GET /second HTTP/1.1"
    backend.send(EMPTY)
    assert client.read_head()[0] == b"HTTP/1.1 200 OK"
