"""Where messages end: every byte belongs to one request, one answer, and nobody else's."""

import select

import pytest

from tests.e2e.test_proxy_failures import fault_of

EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"


def names(headers) -> set[bytes]:
    return {name for name, _ in headers}


def is_reached_by(wire, first_line) -> bool:
    """Return whether the next that the backend sees, on a new connection, is this request."""
    other = wire.connect()
    other.send(wire.head(b"Connection: close", rest=b"/intact"))
    backend = wire.accept()
    is_same = backend.read_head()[0] == first_line
    backend.send(EMPTY)
    return is_same


# On the way up


@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"OPTIONS", b"DELETE", b"POST"])
def test_a_request_without_a_body_stays_without(wire, method):
    client, backend = wire.request(method=method)
    _, headers = backend.read_head()
    assert not names(headers) & {b"content-length", b"transfer-encoding"}
    backend.send(EMPTY)
    assert client.read_head()[0] == b"HTTP/1.1 200 OK"


@pytest.mark.parametrize("length", [b"0", b"4", b"0004"])
def test_a_declared_length_stays_as_it_was_declared(wire, length):
    body = b"body"[: int(length)]
    client, backend = wire.request(b"Content-Length: " + length, method=b"POST", body=body)
    _, headers = backend.read_head()
    assert dict(headers)[b"content-length"] == length
    assert b"transfer-encoding" not in names(headers)
    assert backend.read(len(body)) == body
    backend.send(EMPTY)
    assert client.read_head()[0] == b"HTTP/1.1 200 OK"


CHUNKS = {
    "as ever": b"4\r\nbody\r\n0\r\n\r\n",
    "with trailers": b"4\r\nbody\r\n0\r\nX-Trailer: 1\r\nX-Other: 2\r\n\r\n",
    "with extensions": b'4;a=b;c="d"\r\nbody\r\n0;e\r\n\r\n',
    "of many": b"1\r\nb\r\n1\r\no\r\n2\r\ndy\r\n0\r\n\r\n",
    "with zeros before the length": b"0000000004\r\nbody\r\n000\r\n\r\n",
}


@pytest.mark.parametrize("method", [b"POST", b"GET"])
@pytest.mark.parametrize("chunks", CHUNKS.values(), ids=CHUNKS)
def test_chunks_stay_chunks_and_trailers_are_no_headers(wire, chunks, method):
    client, backend = wire.request(CHUNKED, b"Trailer: X-Trailer", method=method, body=chunks)
    _, headers = backend.read_head()
    assert dict(headers)[b"transfer-encoding"] == b"chunked"
    assert not names(headers) & {b"content-length", b"trailer", b"x-trailer", b"x-other"}
    assert backend.read_chunked() == b"body"
    backend.send(EMPTY)
    assert client.read_head()[0] == b"HTTP/1.1 200 OK"


UNCLEAR = {
    "length and chunks": (b"Content-Length: 4", CHUNKED),
    "chunks and length": (CHUNKED, b"Content-Length: 0"),
    "chunked twice": (CHUNKED, CHUNKED),
    "chunked twice in one": (b"Transfer-Encoding: chunked, chunked",),
    "chunked, identity": (b"Transfer-Encoding: chunked, identity",),
    "identity, chunked": (b"Transfer-Encoding: identity, chunked",),
    "identity": (b"Transfer-Encoding: identity",),
    "chunked and identity": (CHUNKED, b"Transfer-Encoding: identity"),
    "identity and chunked": (b"Transfer-Encoding: identity", CHUNKED),
    "almost chunked": (b"Transfer-Encoding: xchunked",),
    "chunked in quotes": (b'Transfer-Encoding: "chunked"',),
    "an empty coding": (b"Transfer-Encoding:", b"Content-Length: 4"),
    "a space before the colon": (b"Transfer-Encoding : chunked",),
    "a vertical tab before the coding": (b"Transfer-Encoding: \x0bchunked",),
    "two lengths": (b"Content-Length: 4", b"Content-Length: 5"),
    "a length twice": (b"Content-Length: 4", b"Content-Length: 4"),
    "a list of lengths": (b"Content-Length: 4, 4",),
    "a negative length": (b"Content-Length: -4",),
    "a length of hexadecimals": (b"Content-Length: 0x4",),
    "an underscore in a length": (b"Content-Length: 1_0",),
    "no length": (b"Content-Length:",),
    "a length beyond all bounds": (b"Content-Length: 99999999999999999999999",),
    "a folded coding": (b"Transfer-Encoding:\r\n chunked",),
    "a line that ends without CR": (b"X: a\nTransfer-Encoding: chunked",),
}


@pytest.mark.parametrize("lines", UNCLEAR.values(), ids=UNCLEAR)
def test_a_request_that_may_end_elsewhere_is_refused_and_cut(wire, lines):
    client = wire.connect()
    client.send(wire.head(*lines, method=b"POST") + b"0\r\n\r\n" + SMUGGLED)
    assert fault_of(client) == (b"400", 400)
    assert b"HTTP/1" not in client.read_to_end()
    assert is_reached_by(wire, b"GET /intact HTTP/1.1")


BAD_CHUNKS = {
    "more than it says": b"2\r\nbody\r\n0\r\n\r\n",
    "less than it says": b"5\r\nbody\r\n0\r\n\r\n",
    "a prefix": b"0x4\r\nbody\r\n0\r\n\r\n",
    "a sign": b"+4\r\nbody\r\n0\r\n\r\n",
    "a space": b"4 \r\nbody\r\n0\r\n\r\n",
    "no length": b"\r\nbody\r\n0\r\n\r\n",
    "lines without CR": b"4\nbody\n0\n\n",
    "a line without LF": b"4\rXbody\r\n0\r\n\r\n",
    "an extension with LF": b"4;\nx\r\nbody\r\n0\r\n\r\n",
    "a length beyond all bounds": b"fffffffffffffffff4\r\nbody\r\n0\r\n\r\n",
    "a trailer that is none": b"4\r\nbody\r\n0\r\nGET /x HTTP/1.1\r\n\r\n",
    "a length as a trailer": b"4\r\nbody\r\n0\r\nContent-Length: 9\r\n\r\n",
}


@pytest.mark.parametrize("chunks", BAD_CHUNKS.values(), ids=BAD_CHUNKS)
def test_bad_chunks_are_refused_and_cut(wire, chunks):
    client = wire.connect()
    client.send(wire.head(CHUNKED, method=b"POST") + chunks + SMUGGLED)
    assert fault_of(client) == (b"400", 400)
    assert b"HTTP/1" not in client.read_to_end()
    assert is_reached_by(wire, b"GET /intact HTTP/1.1")


VERSIONS = [b"HTTP/0.9", b"HTTP/2.0", b"HTTP/1.2", b"HTTP/11", b"HTTP/1", b"http/1.1", b"HTTPS/1.1"]


@pytest.mark.parametrize("version", VERSIONS)
def test_another_version_is_refused(wire, version):
    client = wire.connect()
    client.send(wire.head().replace(b"HTTP/1.1", version, 1))
    assert b" 400 " in client.read_head()[0]


def test_a_request_without_a_version_is_refused(wire):
    client = wire.connect()
    client.send(b"GET /%s/1.0.0/x\r\n\r\n" % wire.stall.name.encode())
    assert b'"code": 400' in client.read_to_end()


def test_http_1_0_knows_no_chunks(wire):
    client = wire.connect()
    head = wire.head(CHUNKED, method=b"POST").replace(b"HTTP/1.1", b"HTTP/1.0", 1)
    client.send(head + b"4\r\nbody\r\n0\r\n\r\n" + SMUGGLED)
    assert fault_of(client) == (b"400", 400)
    client.read_to_end()


def test_lines_before_a_request_count_for_nothing(wire):
    client = wire.connect()
    client.send(b"\r\n\r\n" + wire.head(b"Content-Length: 4", method=b"POST") + b"body\r\n")
    backend = wire.accept()
    for _ in range(2):
        assert backend.read_head()[0] == b"POST /x HTTP/1.1"
        assert backend.read(4) == b"body"
        backend.send(EMPTY)
        assert client.read_head()[0] == b"HTTP/1.1 200 OK"
        client.send(b"\r\n" + wire.head(b"Content-Length: 4", method=b"POST") + b"body")


def test_a_refused_request_with_a_body_hides_no_other(wire):
    client = wire.connect()
    length = b"Content-Length: %d" % len(SMUGGLED)
    refused = wire.head(length, method=b"POST", token="wrong") + SMUGGLED
    client.send(refused + wire.head(rest=b"/second") + refused)
    assert fault_of(client) == (b"401", 900901)
    backend = wire.accept()
    assert backend.read_head()[0] == b"GET /second HTTP/1.1"
    backend.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    assert client.read_head()[0] == b"HTTP/1.1 200 OK"
    assert client.read(2) == b"ok"
    assert fault_of(client) == (b"401", 900901)


def test_a_refused_body_in_chunks_hides_no_request(wire):
    client = wire.connect()
    refused = wire.head(CHUNKED, method=b"POST", token="wrong")
    client.send(refused + b"%x\r\n%b\r\n" % (len(SMUGGLED), SMUGGLED))
    assert fault_of(client) == (b"401", 900901)
    client.send(b"0\r\n\r\n" + wire.head(token="wrong"))
    assert client.read_to_end() == b""  # trailers might change it: it is to be sent again


# On the way down


ANSWERS = {
    "a length": (b"Content-Length: 4\r\n\r\nbody", b"4"),
    "chunks": (CHUNKED + b"\r\n\r\n4\r\nbody\r\n0\r\n\r\n", None),
    "chunks with trailers": (
        CHUNKED
        + b"\r\nTrailer: X-T\r\n\r\n4;x=y\r\nbody\r\n0\r\nX-T: 1\r\nSet-Cookie: a=1\r\n\r\n",
        None,
    ),
    "an end": (b"Connection: close\r\n\r\nbody", None),
}


@pytest.mark.parametrize(("answer", "length"), ANSWERS.values(), ids=ANSWERS)
def test_an_answer_is_framed_as_it_was(wire, answer, length):
    client, backend = wire.request()
    backend.read_head()
    backend.send(b"HTTP/1.1 200 OK\r\n" + answer)
    if length is None:
        backend.close()
    _, headers = client.read_head()
    assert dict(headers).get(b"content-length") == length
    assert (b"transfer-encoding" in names(headers)) is (length is None)
    assert not names(headers) & {b"x-t", b"set-cookie", b"trailer"}
    assert (client.read(4) if length else client.read_chunked()) == b"body"


@pytest.mark.parametrize(("answer", "length"), ANSWERS.values(), ids=ANSWERS)
def test_a_client_of_http_1_0_gets_no_chunks(wire, answer, length):
    client = wire.connect()
    client.send(wire.head(b"Connection: keep-alive").replace(b"HTTP/1.1", b"HTTP/1.0", 1))
    backend = wire.accept()
    assert backend.read_head()[0] == b"GET /x HTTP/1.1"
    backend.send(b"HTTP/1.1 200 OK\r\n" + answer)
    if length is None:
        backend.close()
    _, headers = client.read_head()
    assert b"transfer-encoding" not in names(headers)
    assert dict(headers)[b"connection"] == (b"keep-alive" if length else b"close")
    assert (client.read(4) if length else client.read_to_end()) == b"body"


def test_a_client_of_http_1_0_needs_no_host(wire):
    client = wire.connect()
    head = wire.head().replace(b"HTTP/1.1\r\nHost: gateway.test", b"HTTP/1.0", 1)
    client.send(head)
    backend = wire.accept()
    assert dict(backend.read_head()[1])[b"x-forwarded-host"] == b""
    backend.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    assert client.read_to_end().endswith(b"\r\n\r\nok")


BODILESS = {
    "HEAD": (b"HEAD", b"200 OK\r\nContent-Length: 1234"),
    "HEAD of chunks": (b"HEAD", b"200 OK\r\n" + CHUNKED),
    "204": (b"GET", b"204 No Content"),
    "204 with a length": (b"GET", b"204 No Content\r\nContent-Length: 0"),
    "304 with a length": (b"GET", b"304 Not Modified\r\nContent-Length: 1234"),
    "304": (b"GET", b"304 Not Modified"),
    "205": (b"GET", b"205 Reset Content\r\nContent-Length: 0"),
}


@pytest.mark.parametrize(("method", "answer"), BODILESS.values(), ids=BODILESS)
def test_behind_an_answer_without_a_body_comes_the_next(wire, method, answer):
    client, backend = wire.request(method=method)
    for _ in range(2):
        backend.read_head()
        backend.send(b"HTTP/1.1 " + answer + b"\r\n\r\n")
        first, headers = client.read_head()
        assert first == b"HTTP/1.1 " + answer.partition(b"\r\n")[0]
        if b"Length" in answer:
            assert dict(headers)[b"content-length"] == answer.rpartition(b" ")[2]
        client.send(wire.head(method=method))


BAD_ANSWERS = {
    "length and chunks": b"Content-Length: 4\r\n" + CHUNKED + b"\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
    "two lengths": b"Content-Length: 4\r\nContent-Length: 5\r\n\r\nbody",
    "a length twice": b"Content-Length: 4\r\nContent-Length: 4\r\n\r\nbody",
    "a list of lengths": b"Content-Length: 4, 4\r\n\r\nbody",
    "a signed length": b"Content-Length: +4\r\n\r\nbody",
    "chunked, identity": b"Transfer-Encoding: chunked, identity\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
    "identity and chunked": (
        b"Transfer-Encoding: identity\r\n" + CHUNKED + b"\r\n\r\n4\r\nbody\r\n0\r\n\r\n"
    ),
    "a chunk beyond all bounds": CHUNKED + b"\r\n\r\nfffffffffffffffff\r\nbody\r\n0\r\n\r\n",
    "chunks of lines without CR": CHUNKED + b"\r\n\r\n4\nbody\n0\n\n",
}


@pytest.mark.parametrize("answer", BAD_ANSWERS.values(), ids=BAD_ANSWERS)
def test_an_answer_that_may_end_elsewhere_is_refused(wire, answer):
    client, backend = wire.request()
    backend.read_head()
    backend.send(b"HTTP/1.1 200 OK\r\n" + answer)
    assert fault_of(client) == (b"502", 101503)
    assert backend.read_to_end() == b""
    assert is_reached_by(wire, b"GET /intact HTTP/1.1")


@pytest.mark.parametrize("chunks", [b"4\r\nbody\r\nzz\r\n", b"2\r\nbody\r\n0\r\n\r\n", b"4\r\nbo"])
def test_bad_chunks_of_an_answer_make_no_whole_body(wire, chunks):
    client, backend = wire.request()
    backend.read_head()
    backend.send(b"HTTP/1.1 200 OK\r\n" + CHUNKED + b"\r\n\r\n1\r\nX\r\n")
    client.read_until(b"X\r\n")
    backend.send(chunks)
    backend.close()
    assert not client.read_to_end().endswith(b"0\r\n\r\n")


def test_an_endless_chunk_extension_is_given_up(wire):
    setting = {"file": str(wire.market.cli.config), "key": "gateway.body_timeout"}
    wire.market.changer("configure", **setting, value="1s")
    client, backend = wire.request(CHUNKED, method=b"POST", body=b"4;")
    backend.read_head()
    while not select.select([client.socket], [], [], 0)[0]:
        client.send_what_is_taken(b"a" * 65536)
    assert b" 408 " in client.read_head()[0]
    wire.market.changer("configure", **setting, value=None)


@pytest.mark.parametrize("chunks", BAD_CHUNKS.values(), ids=BAD_CHUNKS)
def test_bad_chunks_end_the_connection_and_make_no_whole_body(wire, chunks):
    client, backend = wire.request(CHUNKED, method=b"POST", body=b"1\r\nX\r\n")
    backend.read_head()
    client.send(chunks + SMUGGLED)
    assert not backend.read_to_end().endswith(b"0\r\n\r\n")
    assert fault_of(client)[0] == b"400"
    assert b"HTTP/1" not in client.read_to_end()
