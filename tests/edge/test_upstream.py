"""Which connections to a backend are kept, on real sockets."""

import asyncio
import socket
from contextlib import asynccontextmanager

import pytest

from apimctl.edge.upstream import KEEP_ALIVE_SECONDS, Backend, BrokenResponseError

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
EMPTY = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


class Listener:
    """A backend: it hands out the connections that are made to it."""

    def __init__(self):
        self.accepted = asyncio.Queue()

    async def take(self, reader, writer):
        await self.accepted.put((reader, writer))


@asynccontextmanager
async def backend():
    """Give a backend and what lends connections to it."""
    listener = Listener()
    server = await asyncio.start_server(listener.take, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    lender = Backend(f"http://127.0.0.1:{port}/base")
    try:
        yield lender, listener
    finally:
        lender.close()
        while not listener.accepted.empty():
            listener.accepted.get_nowait()[1].close()
        server.close()
        await server.wait_closed()


def running(scenario):
    """Make a test of a coroutine that is given a backend and what lends connections to it."""

    def test():
        async def run():
            async with asyncio.timeout(60), backend() as (lender, listener):
                await scenario(lender, listener)

        asyncio.run(run())

    test.__name__ = scenario.__name__
    return test


async def borrowed(lender):
    return lender.take() or await lender.connect(timeout_seconds=60)


async def exchanged(connection, peer, answer=EMPTY, *, to_head=False):
    """Send a request, let the backend answer, and return the answer."""
    reader, writer = peer
    connection.expect_response(to_head=to_head)
    connection.write(REQUEST)
    await reader.readuntil(b"\r\n\r\n")
    writer.write(answer)
    return await connection.response()


@running
async def test_a_connection_that_was_given_back_is_lent_again(lender, listener):
    assert lender.take() is None
    connection = await borrowed(lender)
    peer = await listener.accepted.get()
    for _ in range(2):
        message, payload = await exchanged(connection, peer)
        assert (message.code, await payload.read()) == (200, b"")
        lender.give_back(connection, is_over=True)
        assert lender.take() is connection
    peer[1].close()
    connection.close()


@running
async def test_a_connection_is_lent_to_one_at_a_time_the_last_one_first(lender, listener):
    first, second = await borrowed(lender), await borrowed(lender)
    assert first is not second
    peers = [await listener.accepted.get(), await listener.accepted.get()]
    for connection, peer in zip((first, second), peers, strict=True):
        await exchanged(connection, peer)
    lender.give_back(first, is_over=True)
    lender.give_back(second, is_over=True)
    assert await borrowed(lender) is second
    assert await borrowed(lender) is first
    for connection, (_, writer) in zip((first, second), peers, strict=True):
        connection.close()
        writer.close()


@running
async def test_a_connection_that_the_backend_closed_meanwhile_is_not_lent(lender, listener):
    connection = await borrowed(lender)
    _, writer = await listener.accepted.get()
    lender.give_back(connection, is_over=True)
    writer.close()
    with pytest.raises(ConnectionError):
        await connection.response()
    assert lender.take() is None
    with pytest.raises(ConnectionError):
        connection.write(REQUEST)


@running
async def test_a_connection_that_was_idle_for_long_is_closed(lender, listener):
    connection = await borrowed(lender)
    reader, writer = await listener.accepted.get()
    lender.give_back(connection, is_over=True)
    connection.returned_at -= KEEP_ALIVE_SECONDS
    assert lender.take() is None
    assert await reader.read() == b""
    writer.close()


NOT_TO_BE_KEPT = {
    "says close": EMPTY.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),
    "is not read to its end": b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart",
    "ends with the connection": b"HTTP/1.0 200 OK\r\n\r\npart",
    "has another one behind it": EMPTY + EMPTY,
    "has half another one behind it": EMPTY + b"HTTP/1.1 200 OK\r\nX-",
    "has a whole head behind it": EMPTY + b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
    "has a byte behind it": EMPTY + b"H",
    "switches protocols": b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nx",
}


@pytest.mark.parametrize("answer", NOT_TO_BE_KEPT.values(), ids=NOT_TO_BE_KEPT)
def test_a_connection_whose_answer_leaves_a_doubt_is_closed(answer):
    @running
    async def scenario(lender, listener):
        connection = await borrowed(lender)
        peer = await listener.accepted.get()
        await exchanged(connection, peer, answer)
        lender.give_back(connection, is_over=True)
        assert await peer[0].read() == b""
        assert lender.take() is None
        peer[1].close()

    scenario()


UNASKED = {"an answer": EMPTY, "the beginning of one": b"HTTP/1.1 200", "a byte": b"H"}


@pytest.mark.parametrize("sent", UNASKED.values(), ids=UNASKED)
def test_what_a_backend_sends_unasked_spoils_the_connection(sent):
    @running
    async def scenario(lender, listener):
        connection = await borrowed(lender)
        reader, writer = await listener.accepted.get()
        await exchanged(connection, (reader, writer))
        lender.give_back(connection, is_over=True)
        writer.write(sent)
        assert await reader.read() == b""
        assert lender.take() is None
        writer.close()

    scenario()


@running
async def test_much_that_a_backend_sends_unasked_is_not_taken(lender, listener):
    connection = await borrowed(lender)
    reader, writer = await listener.accepted.get()
    await exchanged(connection, (reader, writer))
    lender.give_back(connection, is_over=True)
    writer.write(b"x" * 50_000_000)
    with pytest.raises(ConnectionError):
        await writer.drain()
    assert lender.take() is None
    writer.close()


@running
async def test_an_answer_to_head_has_no_body_to_wait_for(lender, listener):
    connection = await borrowed(lender)
    peer = await listener.accepted.get()
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
    _, payload = await exchanged(connection, peer, answer, to_head=True)
    assert await payload.read() == b""
    lender.give_back(connection, is_over=True)
    assert lender.take() is connection
    peer[1].close()
    connection.close()


@running
async def test_a_backend_that_leaves_without_an_answer_is_told_apart(lender, listener):
    connection = await borrowed(lender)
    _, writer = await listener.accepted.get()
    connection.expect_response(to_head=False)
    connection.write(REQUEST)
    writer.close()
    with pytest.raises(ConnectionError):
        await connection.response()
    connection.close()


@running
async def test_closing_closes_what_is_idle(lender, listener):
    connection = await borrowed(lender)
    reader, writer = await listener.accepted.get()
    lender.give_back(connection, is_over=True)
    lender.close()
    assert await reader.read() == b""
    assert not connection.is_open()
    writer.close()


def test_a_backend_that_refuses_or_does_not_answer_in_time_is_an_error():
    async def run():
        with socket.socket() as reserved:
            reserved.bind(("127.0.0.1", 0))
            lender = Backend(f"http://127.0.0.1:{reserved.getsockname()[1]}")
            with pytest.raises(OSError, match="111"):
                await lender.connect(timeout_seconds=60)
            with pytest.raises(TimeoutError):
                await lender.connect(timeout_seconds=0)

    asyncio.run(run())


@running
async def test_a_backend_that_speaks_no_tls_is_refused(lender, listener):
    secure = Backend(f"https://{lender.host_header.decode()}")

    async def answer_plainly():
        reader, writer = await listener.accepted.get()
        await reader.read(1)
        writer.write(EMPTY)
        writer.close()

    answering = asyncio.create_task(answer_plainly())
    with pytest.raises(OSError, match=r"(?i)ssl"):
        await secure.connect(timeout_seconds=60)
    await answering


@pytest.mark.parametrize(
    ("endpoint", "base_path", "host"),
    [
        ("http://localhost", "", b"localhost"),
        ("http://localhost:8000/", "/", b"localhost:8000"),
        ("https://[::1]:8443/a/b", "/a/b", b"[::1]:8443"),
    ],
)
def test_an_endpoint_is_a_base_path_and_a_host(endpoint, base_path, host):
    lender = Backend(endpoint)
    assert (lender.base_path, lender.host_header) == (base_path, host)


LONG = b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + b"x" * 999_999


async def paused(connection):
    """Wait until so much has come that no more is taken."""
    for _ in range(100_000):
        if connection._reading_paused:
            return
        await asyncio.sleep(0)
    raise AssertionError(connection)


@running
async def test_a_backend_cannot_be_late_while_nobody_takes_what_it_sends(lender, listener):
    connection = await borrowed(lender)
    peer = await listener.accepted.get()
    _, payload = await exchanged(connection, peer, LONG)
    await paused(connection)
    connection.start_clock()  # as behind a body of the request that ends only now
    lender.check(silence_seconds=0)
    assert payload.exception() is None
    await payload.readexactly(999_999)
    lender.check(silence_seconds=0)
    assert isinstance(payload.exception(), TimeoutError)
    lender.give_back(connection, is_over=False)
    peer[1].close()


@running
async def test_nobody_waits_for_a_backend_that_still_waits_for_the_request(lender, listener):
    connection = await borrowed(lender)
    peer = await listener.accepted.get()
    _, payload = await exchanged(connection, peer, LONG)
    await paused(connection)
    await payload.readexactly(999_999)
    lender.check(silence_seconds=0)
    assert payload.exception() is None
    lender.give_back(connection, is_over=False)
    peer[1].close()


@running
async def test_who_answers_garbage_need_not_take_the_rest_of_the_request(lender, listener):
    connection = await borrowed(lender)
    _, writer = await listener.accepted.get()
    connection.expect_response(to_head=False)
    connection.write(bytes(50_000_000))
    transport = connection.transport
    writer.transport.pause_reading()
    writer.write(b"garbage\r\n\r\n")
    with pytest.raises(BrokenResponseError):
        await connection.response()
    lender.give_back(connection, is_over=False)
    assert transport.get_write_buffer_size() == 0
    writer.close()
