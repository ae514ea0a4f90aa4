"""How connections of clients go on, are drained and are given up, on real sockets."""

import asyncio
import contextlib
import socket
import struct

import pytest

from apimctl.edge.answers import Answer
from apimctl.edge.connection import KEEP_ALIVE_SECONDS, MOST_WAITING, STALL_SECONDS, Server

GET = b"GET /%b HTTP/1.1\r\nHost: x\r\n\r\n"
HEADER_SECONDS = 15.0


class Speaker:
    """One client: it sends bytes and reads answers."""

    def __init__(self, reader, writer):
        self.reader = reader
        self.writer = writer

    async def ask(self, path=b"", *, request=GET):
        self.writer.write(request % path if b"%b" in request else request)
        return await self.answer()

    async def answer(self):
        """Return the status, the value of Connection, and the body."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines if line)
        body = await self.reader.readexactly(int(headers["content-length"]))
        return int(first.split()[1]), headers.get("connection"), body

    async def hears_the_end(self):
        with contextlib.suppress(ConnectionResetError):
            return await self.reader.read() == b""
        return True


class House:
    """A server and its clients."""

    def __init__(self, server, port):
        self.server = server
        self.port = port
        self.speakers = []

    async def connect(self):
        speaker = Speaker(*await asyncio.open_connection("127.0.0.1", self.port))
        self.speakers.append(speaker)
        return speaker

    def look(self, *, later):
        """Look for late clients, as the server does every second, so many seconds later."""
        now = asyncio.get_running_loop().time() + later
        for connection in list(self.server.connections):
            connection.check(now, header_seconds=HEADER_SECONDS)


def housed(handler):
    """Make a test of a scenario that is given a server with this handler."""

    def decorate(scenario):
        def test():
            async def run():
                server = Server(handler, header_timeout_seconds=HEADER_SECONDS)
                loop = asyncio.get_running_loop()
                listener = await loop.create_server(server, "127.0.0.1", 0)
                house = House(server, listener.sockets[0].getsockname()[1])
                try:
                    async with asyncio.timeout(60):
                        await scenario(house)
                finally:
                    listener.close()
                    await server.drain(0)
                    for speaker in house.speakers:
                        speaker.writer.close()
                    await listener.wait_closed()

            asyncio.run(run())

        test.__name__ = scenario.__name__
        return test

    return decorate


async def echo(request):
    return Answer(status=200, body=request.raw_path.encode())


class Gate:
    """A handler whose requests under way wait until it opens."""

    def __init__(self):
        self.arrived = asyncio.Queue()
        self.opened = asyncio.Event()

    async def __call__(self, request):
        await self.arrived.put(request)
        await self.opened.wait()
        return Answer(status=200)


def gated(scenario):
    """Make a test of a scenario that is given a server and its gate."""

    def test():
        async def handle(request):
            return await gate(request)

        gate = None

        @housed(handle)
        async def within(house):
            nonlocal gate
            gate = Gate()
            await scenario(house, gate)

        within()

    test.__name__ = scenario.__name__
    return test


@housed(echo)
async def test_a_connection_goes_on_until_somebody_says_close(house):
    client = await house.connect()
    for number in (b"1", b"2"):
        assert await client.ask(number) == (200, None, b"/" + number)
    last = b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    assert await client.ask(request=last) == (200, "close", b"/")
    assert await client.hears_the_end()


@housed(echo)
async def test_more_requests_than_may_wait_are_all_answered_in_order(house):
    client = await house.connect()
    count = MOST_WAITING * 5
    client.writer.write(b"".join(GET % b"%d" % number for number in range(count)))
    for number in range(count):
        assert await client.answer() == (200, None, b"/%d" % number)
    assert await client.ask(b"more") == (200, None, b"/more")


@housed(echo)
async def test_what_comes_together_with_garbage_is_refused_and_nothing_of_it_done(house):
    client = await house.connect()
    assert await client.ask(b"1") == (200, None, b"/1")
    client.writer.write(GET % b"2" + b"garbage\r\n\r\n" + GET % b"3")
    status, connection, _ = await client.answer()
    assert (status, connection) == (400, "close")
    assert await client.hears_the_end()


@housed(echo)
async def test_a_body_nobody_wants_is_read_so_that_the_next_request_is_one(house):
    client = await house.connect()
    post = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"
    client.writer.write(post)
    assert await client.answer() == (200, None, b"/")
    client.writer.write(b"hello" + GET % b"next")
    assert await client.answer() == (200, None, b"/next")


async def fail(request):
    raise KeyError("a secret")


def test_a_defect_is_answered_and_logged_without_its_values(caplog):
    @housed(fail)
    async def scenario(house):
        client = await house.connect()
        status, connection, body = await client.ask()
        assert (status, connection) == (500, "close")
        assert b"secret" not in body

    scenario()
    assert "KeyError at test_connection.py" in caplog.text
    assert "secret" not in caplog.text


@housed(echo)
async def test_idle_connections_end_after_a_while_and_heads_that_stop_coming_sooner(house):
    silent, slow, kept = [await house.connect() for _ in range(3)]
    await kept.ask()
    slow.writer.write(b"GET / HT")
    await slow.writer.drain()
    await (await house.connect()).ask()  # by then the slow one was heard
    house.look(later=HEADER_SECONDS - 1)
    assert await kept.ask() == (200, None, b"/")
    house.look(later=HEADER_SECONDS + 1)
    assert await silent.hears_the_end()
    assert await slow.hears_the_end()
    assert await kept.ask() == (200, None, b"/")
    house.look(later=KEEP_ALIVE_SECONDS + 1)
    assert await kept.hears_the_end()


async def flood(request):
    return Answer(status=200, body=b"x" * 50_000_000)


@housed(flood)
async def test_a_client_that_takes_nothing_is_given_up_and_one_that_takes_little_is_not(house):
    client = await house.connect()
    client.writer.write(GET % b"")
    await client.reader.readuntil(b"\r\n\r\n")
    house.look(later=0)
    house.look(later=STALL_SECONDS - 1)
    await client.reader.readexactly(20_000_000)
    house.look(later=STALL_SECONDS + 1)
    assert len(house.server.connections) == 1
    house.look(later=2 * STALL_SECONDS + 2)
    with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
        await client.reader.readexactly(30_000_000)


@gated
async def test_a_drain_lets_what_is_under_way_end_and_says_that_it_is_the_last(house, gate):
    client = await house.connect()
    client.writer.write(GET % b"")
    await gate.arrived.get()
    draining = asyncio.create_task(house.server.drain(60))
    await asyncio.sleep(0)
    gate.opened.set()
    assert await client.answer() == (200, "close", b"")
    assert await client.hears_the_end()
    await draining


@gated
async def test_a_request_that_was_on_its_way_when_the_drain_began_is_answered(house, gate):
    gate.opened.set()
    client = await house.connect()
    await client.ask()
    draining = asyncio.create_task(house.server.drain(60))
    await asyncio.sleep(0)
    assert await client.ask() == (200, "close", b"")
    assert await client.hears_the_end()
    await draining


@gated
async def test_a_drain_waits_for_nobody_who_asks_for_nothing(house, gate):
    client = await house.connect()
    fresh = await house.connect()
    gate.opened.set()
    await client.ask()
    await house.server.drain(60)
    assert await client.hears_the_end()
    assert await fresh.hears_the_end()


@gated
async def test_what_a_drain_cannot_wait_for_is_cut(house, gate):
    client = await house.connect()
    client.writer.write(GET % b"")
    await gate.arrived.get()
    await house.server.drain(0)
    assert await client.hears_the_end()
    assert not house.server.connections


@gated
async def test_a_drain_in_a_hurry_cuts_at_once(house, gate):
    client = await house.connect()
    client.writer.write(GET % b"")
    await gate.arrived.get()
    draining = asyncio.create_task(house.server.drain(3600))
    await asyncio.sleep(0)
    house.server.hurry()
    await draining
    assert await client.hears_the_end()


@gated
async def test_a_client_that_leaves_cancels_what_is_done_for_it(house, gate):
    client = await house.connect()
    client.writer.write(GET % b"")
    await gate.arrived.get()
    (connection,) = house.server.connections
    task = connection._task
    opened = client.writer.get_extra_info("socket")
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.writer.transport.abort()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    assert task.cancelled()
    assert not house.server.connections
