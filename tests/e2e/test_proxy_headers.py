"""Header fields, byte by byte: their order, spelling and repeats, and which go no further."""

import pytest

EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
LAST = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


def lines_of(peer) -> list[bytes]:
    """Return the header lines as they came."""
    return peer.read_until(b"\r\n\r\n").split(b"\r\n")[1:-2]


def passed_up(wire, *lines, **how) -> list[bytes]:
    """Return the lines that the backend gets, but for those of the gateway's own."""
    client, backend = wire.request(*lines, **how)
    got = lines_of(backend)
    backend.send(LAST)
    client.read_head()
    own = (b"Host: 127.0.0.1", b"X-Forwarded-", b"Forwarded: ", b"X-Request-ID: ")
    return [line for line in got if not line.startswith(own)]


def passed_down(wire, *lines) -> list[bytes]:
    """Return the lines that the client gets of an answer with these, but for length and date."""
    client, backend = wire.request()
    backend.read_head()
    backend.send(b"\r\n".join([b"HTTP/1.1 200 OK", *lines, b"Content-Length: 0", b"", b""]))
    return [line for line in lines_of(client) if not line.startswith((b"Content-Len", b"Date: "))]


KEPT = [
    b"X-A: 2",
    b"x-B: 1",
    b"X-A: 1",
    b"x-a: 3",
    b"X-Empty: ",
    b'X-Odd: a, "b;c" \\ \x80\xff\tz',
    b"X_Under.score!#$%&'*+^`|~: 1",
    b"Accept-Encoding: br, gzip",
]


def test_order_spelling_and_repeats_are_kept_on_the_way_up(wire):
    kept = [*KEPT, b"Cookie: a=1", b"Cookie: b=2", b"User-Agent: me"]
    assert passed_up(wire, *kept) == kept


def test_order_spelling_and_repeats_are_kept_on_the_way_down(wire):
    challenges = [b"WWW-Authenticate: Basic", b'WWW-Authenticate: Bearer realm="x"']
    cookies = [b"Set-Cookie: b=2; Path=/", b"set-cookie: a=1", b"Set-Cookie: b=3"]
    kept = [cookies[0], *KEPT, *challenges, *cookies[1:], b"Server: theirs", b"Vary: *", b"vary: a"]
    assert passed_down(wire, *kept) == kept


def test_nothing_is_invented_on_the_way_up(wire):
    assert passed_up(wire) == []
    assert passed_up(wire, method=b"OPTIONS") == []
    assert passed_up(wire, b"Content-Length: 0", method=b"POST") == [b"Content-Length: 0"]


def test_cookies_of_one_client_do_not_reach_another_on_the_same_connection(wire):
    client, backend = wire.request(b"Cookie: session=mine")
    assert b"Cookie: session=mine" in lines_of(backend)
    backend.send(EMPTY.replace(b"\r\n\r\n", b"\r\nSet-Cookie: session=made\r\n\r\n"))
    client.read_head()
    for other in (client, wire.connect()):
        other.send(wire.head())
        assert not [line for line in lines_of(backend) if b"session" in line]
        backend.send(EMPTY)
        assert not [line for line in lines_of(other) if b"session" in line]


HOP_BY_HOP = [
    b"Connection: X-Hop",
    b"CONNECTION: keep-alive ,, x-other-hop",
    b"X-Hop: 1",
    b"X-Other-Hop: 1",
    b"x-hop: 2",
    b"Keep-Alive: timeout=5",
    b"Proxy-Connection: keep-alive",
    b"Proxy-Authorization: Basic eDp5",
    b"Proxy-Authenticate: Basic",
    b"TE: trailers",
    b"Trailer: X-T",
    b"Upgrade: h2c",
    b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
]


def test_hop_by_hop_fields_end_here_both_ways(wire):
    assert passed_up(wire, *HOP_BY_HOP, b"X-Kept: 1") == [b"X-Kept: 1"]
    assert passed_down(wire, *HOP_BY_HOP, b"X-Kept: 1") == [b"X-Kept: 1"]


def test_connection_names_nothing_away_that_others_rest_on(wire):
    named = b"Connection: close, Host, Content-Length, Authorization, X-Forwarded-For, Forwarded"
    client, backend = wire.request(
        named + b", X-Forwarded-Host, X-Forwarded-Proto, Transfer-Encoding",
        b"Content-Length: 4",
        method=b"POST",
        body=b"body",
    )
    names = [line.partition(b":")[0].lower() for line in lines_of(backend)]
    assert sorted(names) == [
        *(b"content-length", b"forwarded", b"host"),
        *(b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-request-id"),
    ]
    assert backend.read(4) == b"body"
    backend.send(b"HTTP/1.1 200 OK\r\nConnection: Content-Length\r\nContent-Length: 2\r\n\r\nok")
    assert b"Content-Length: 2" in lines_of(client)
    assert client.read(2) == b"ok"


FORGED = [
    b"X_Forwarded_For: 192.0.2.1",
    b"X-Forwarded_For: 192.0.2.1",
    b"x.forwarded.for: 192.0.2.1",
    b"X_FORWARDED_PROTO: https",
    b"X_Forwarded-Host: evil.test",
]


def test_the_forwarding_fields_are_the_gateways_however_they_are_spelt(wire):
    client, backend = wire.request(*FORGED, b"X_Other: kept")
    got = lines_of(backend)
    backend.send(EMPTY)
    client.read_head()
    assert not [line for line in got if b"192.0.2.1" in line or b"evil" in line or b"https" in line]
    assert b"X_Other: kept" in got


UPGRADES = {
    "h2c": (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk"),
    "h2c that is not named": (b"Connection: Upgrade", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABk"),
    "one of two": (b"Connection: Upgrade", b"Upgrade: h2c, websocket"),
    "one that is not named": (b"Upgrade: websocket",),
    "TLS": (b"Connection: Upgrade", b"Upgrade: TLS/1.0"),
}


@pytest.mark.parametrize("lines", UPGRADES.values(), ids=UPGRADES)
def test_no_other_protocol_is_offered_to_the_backend(wire, lines):
    assert passed_up(wire, *lines) == []


SPLITTING = {
    "a bare CR": b"X: a\rX-Evil: 1",
    "a NUL": b"X: a\0b",
    "a space before the colon": b"X : a",
    "no name": b": a",
    "a space in the name": b"X Y: a",
    "no colon": b"X-Evil",
}


@pytest.mark.parametrize("line", SPLITTING.values(), ids=SPLITTING)
def test_an_answer_whose_fields_could_be_read_in_two_ways_is_refused(wire, line):
    client, backend = wire.request()
    backend.read_head()
    backend.send(b"HTTP/1.1 200 OK\r\n" + line + b"\r\nContent-Length: 0\r\n\r\n")
    assert client.read_head()[0] == b"HTTP/1.1 502 Bad Gateway"


def test_a_folded_line_of_an_answer_is_unfolded(wire):
    assert passed_down(wire, b"X: a\r\n Set-Cookie: b=1\r\n\tc") == [b"X: a Set-Cookie: b=1\tc"]


def test_lines_that_end_without_cr_are_ended_with_it(wire):
    assert passed_down(wire, b"X-A: 1\nX-B: 2") == [b"X-A: 1", b"X-B: 2"]


@pytest.mark.parametrize("reason", [b"caf\xe9", b"", b"A B"])
def test_a_reason_is_kept_as_it_is(wire, reason):
    client, backend = wire.request()
    backend.read_head()
    backend.send(b"HTTP/1.1 299 " + reason + b"\r\nContent-Length: 0\r\n\r\n")
    assert client.read_head()[0] == b"HTTP/1.1 299 " + reason


SPACED = [b"Content-Length", b"Transfer-Encoding", b"Connection", b"Upgrade", b"Proxy-Connection"]


@pytest.mark.parametrize("spaces", [b" ", b"  ", b"\t"])
@pytest.mark.parametrize("name", SPACED)
def test_no_framing_is_passed_on_that_clients_might_read_otherwise(wire, name, spaces):
    client, backend = wire.request(b"Connection: close")
    backend.read_head()
    backend.send(b"HTTP/1.1 200 OK\r\n" + name + spaces + b": 1\r\n\r\nbody")
    backend.close()
    assert name + spaces not in client.read_to_end()
