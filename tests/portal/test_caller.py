"""The console's own client, against servers that do not behave."""

import asyncio
import contextlib
import ssl

import pytest

from apimctl.edge import self_signed
from apimctl.portal import caller
from apimctl.portal.caller import MOST_BYTES, NoResponse, Response
from apimctl.portal.calls import Call
from apimctl.portal.gateway import Target

HEAD = b"HTTP/1.1 200 OK\r\n"


@contextlib.asynccontextmanager
async def answering(*pieces, ends=True, context=None):
    """Serve one who sends these pieces to whoever asks; yield its URL and what it was asked."""
    asked = []
    held = asyncio.Event()

    async def answer(reader, writer):
        with contextlib.closing(writer), contextlib.suppress(ConnectionError):
            asked.append(await reader.readuntil(b"\r\n\r\n"))
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            if not ends:
                await held.wait()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    scheme = "http" if context is None else "https"
    async with server:
        yield f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked
        held.set()


def sent(call, *pieces, patience_seconds=20.0, **how):
    """Return what came of a call to such a server, and what it was asked."""

    async def send():
        async with answering(*pieces, **how) as (url, asked):
            outcome = await caller.send(Target(url), call, patience_seconds=patience_seconds)
            return outcome, asked

    return asyncio.run(send())


GET = Call("GET", "/x/1.0.0/y%2Fz?q=%20")


def test_what_is_sent_is_what_was_typed_and_little_else():
    call = Call(
        "POST",
        "/x/1.0.0//%7E?a=%2B",
        (("X-A", "1"), ("X-A", "2"), ("accept", "a/b")),
        b"hello",
        "t0ken",
    )
    _, (head,) = sent(call, HEAD + b"Content-Length: 0\r\n\r\n")
    first, *lines = head.decode().split("\r\n")[:-2]
    assert first == "POST /x/1.0.0//%7E?a=%2B HTTP/1.1"
    names = [line.partition(":")[0].lower() for line in lines]
    assert sorted(names) == sorted(
        [
            "host",
            "x-a",
            "x-a",
            "accept",
            "user-agent",
            "authorization",
            "content-length",
            "connection",
        ]
    )
    assert "Authorization: Bearer t0ken" in lines


def test_a_redirect_is_shown_and_not_followed():
    outcome, asked = sent(GET, b"HTTP/1.1 302 Found\r\nLocation: /z\r\nContent-Length: 0\r\n\r\n")
    assert outcome.status == 302
    assert ("Location", "/z") in outcome.headers
    assert len(asked) == 1


def test_a_packed_body_is_left_as_it_is():
    bomb = b"\x1f\x8b\x08" + b"\x00" * 20
    headers = HEAD + b"Content-Encoding: gzip\r\nContent-Length: 23\r\n\r\n"
    outcome, _ = sent(GET, headers + bomb)
    assert outcome.body == bomb


@pytest.mark.parametrize("framing", [b"Connection: close", b"Content-Length: 1000000"])
def test_only_the_beginning_of_a_long_body_is_taken(framing):
    piece = b"x" * 1000
    outcome, _ = sent(GET, HEAD + framing + b"\r\n\r\n", *[piece] * 1000, ends=False)
    assert outcome.body == b"x" * MOST_BYTES
    assert "65,536" in outcome.cut


def test_who_says_nothing_is_not_waited_for():
    outcome, _ = sent(GET, ends=False, patience_seconds=0.05)
    assert isinstance(outcome, NoResponse)
    assert "did not answer" in outcome.why


def test_what_came_before_the_time_was_over_is_shown():
    pieces = [HEAD + b"Content-Length: 100\r\n\r\n", b"so far"]
    outcome, _ = sent(GET, *pieces, ends=False, patience_seconds=0.5)
    assert isinstance(outcome, Response)
    assert outcome.body == b"so far"
    assert "time was over" in outcome.cut


@pytest.mark.parametrize(
    ("pieces", "why"),
    [
        ((), "broke off"),
        ((b"HTTP/1.1 OK 200\r\n\r\n",), "broke off"),
        ((HEAD + b"X: " + b"x" * 100_000 + b"\r\n\r\n",), "broke off"),
    ],
)
def test_what_is_no_response_is_told_apart(pieces, why):
    outcome, _ = sent(GET, *pieces)
    assert isinstance(outcome, NoResponse)
    assert why in outcome.why


def test_a_body_that_breaks_off_is_shown_as_far_as_it_goes():
    outcome, _ = sent(GET, HEAD + b"Content-Length: 100\r\n\r\nonly this")
    assert outcome.body == b"only this"
    assert outcome.cut == "It broke off"


def test_what_is_no_utf_8_in_a_head_can_be_shown():
    outcome, _ = sent(GET, b"HTTP/1.1 200 \xff\r\nX: \xfe\xe9\r\nContent-Length: 0\r\n\r\n")
    assert (outcome.reason + dict(outcome.headers)["X"]).encode()


def test_nobody_is_there():
    outcome = asyncio.run(caller.send(Target("http://127.0.0.1:1"), GET))
    assert outcome == NoResponse("The gateway cannot be reached")


def test_the_certificate_that_the_store_knows_is_the_one_that_counts(tmp_path):
    pairs = [self_signed.make("gate.test", now=1_700_000_000) for _ in range(2)]
    path = tmp_path / "both.pem"
    path.write_bytes(b"".join(pairs[0]))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)

    async def send(certificate):
        response = HEAD + b"Content-Length: 2\r\n\r\nhi"
        async with answering(response, context=context) as (url, _):
            return await caller.send(Target(url, certificate), GET)

    assert asyncio.run(send(pairs[0][0].decode())).body == b"hi"
    untrusted = NoResponse("The gateway's certificate is not trusted here")
    assert asyncio.run(send(pairs[1][0].decode())) == untrusted
    assert asyncio.run(send("")) == untrusted
