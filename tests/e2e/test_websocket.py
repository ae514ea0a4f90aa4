"""WebSockets through the gateway: admitted like any request, then bytes both ways."""

import asyncio
import contextlib
import os
import select

import aiohttp
import pytest
from aiohttp import web

HANDSHAKE = (
    b"Upgrade: websocket",
    b"Connection: keep-alive, Upgrade",
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    b"Sec-WebSocket-Version: 13",
)
SWITCHED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)


def opened(wire):
    client, backend = wire.request(*HANDSHAKE)
    _, headers = backend.read_head()
    assert dict(headers)[b"upgrade"] == b"websocket"
    assert dict(headers)[b"connection"] == b"Upgrade"
    backend.send(SWITCHED)
    first, headers = client.read_head()
    assert first == b"HTTP/1.1 101 Switching Protocols"
    assert dict(headers)[b"sec-websocket-accept"] == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    assert dict(headers)[b"connection"] == b"Upgrade"
    return client, backend


def test_bytes_go_both_ways_in_their_order(wire):
    client, backend = opened(wire)
    for number in range(20):
        client.send(b"to the backend %d" % number)
        backend.send(b"to the client %d" % number)
    assert backend.read(len(b"to the backend 0")) == b"to the backend 0"
    assert client.read_until(b"to the client 19").startswith(b"to the client 0")


def test_bytes_right_behind_the_handshake_are_not_lost(wire):
    client = wire.connect()
    client.send(wire.head(*HANDSHAKE) + b"early")
    backend = wire.accept()
    backend.read_head()
    backend.send(SWITCHED + b"prompt")
    client.read_head()
    assert client.read(6) == b"prompt"
    assert backend.read(5) == b"early"


@pytest.mark.parametrize("who_leaves", ["client", "backend"])
def test_when_one_side_leaves_the_other_is_told(wire, who_leaves):
    client, backend = opened(wire)
    leaving, staying = (client, backend) if who_leaves == "client" else (backend, client)
    leaving.send(b"goodbye")
    leaving.close()
    assert staying.read_to_end() == b"goodbye"


def test_a_backend_that_declines_answers_as_ever(wire):
    client, backend = wire.request(*HANDSHAKE)
    backend.read_head()
    backend.send(b"HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno")
    assert client.read_head()[0] == b"HTTP/1.1 426 Upgrade Required"
    assert client.read(2) == b"no"
    client.send(wire.head())
    backend.read_head()


def test_no_other_protocol_is_switched_to(wire):
    client, backend = wire.request(b"Upgrade: h2c", b"Connection: Upgrade, HTTP2-Settings")
    _, headers = backend.read_head()
    assert not {b"upgrade", b"connection", b"http2-settings"} & set(dict(headers))
    backend.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n")
    assert client.read_head()[0] == b"HTTP/1.1 502 Bad Gateway"


def test_without_a_token_there_is_no_tunnel(wire):
    client = wire.connect()
    client.send(wire.head(*HANDSHAKE, token="nonsense"))
    assert client.read_head()[0] == b"HTTP/1.1 401 Unauthorized"


def test_a_real_client_and_a_real_server_understand_each_other(market):
    large = os.urandom(3 << 20)

    async def echo(request):
        socket = web.WebSocketResponse(max_msg_size=0)
        await socket.prepare(request)
        async for message in socket:
            if message.data == "leave":
                await socket.close(code=4001)
            elif message.type is aiohttp.WSMsgType.TEXT:
                await socket.send_str(message.data[::-1])
            else:
                await socket.send_bytes(message.data)
        return socket

    async def talk():
        application = web.Application()
        application.router.add_get("/ws", echo)
        runner = web.AppRunner(application)
        await runner.setup()
        async with contextlib.AsyncExitStack() as stack:
            stack.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            backend = f"http://127.0.0.1:{runner.addresses[0][1]}"
            stall = await asyncio.to_thread(market.stall, production_url=backend)
            client = await stack.enter_async_context(aiohttp.ClientSession())
            url = f"{market.gateway.url}/{stall.name}/1.0.0/ws"
            headers = {"Authorization": f"Bearer {stall.token}"}
            socket = await stack.enter_async_context(
                client.ws_connect(url, headers=headers, max_msg_size=0)
            )
            await socket.send_str("hello")
            assert await socket.receive_str() == "olleh"
            await socket.send_bytes(large)
            assert await socket.receive_bytes() == large
            await socket.ping(b"still there")
            await socket.send_str("yes")
            assert await socket.receive_str() == "sey"
            await socket.send_str("leave")
            assert (await socket.receive()).data == 4001

    asyncio.run(talk())


def test_what_a_client_says_before_it_leaves_reaches_a_backend_that_is_slow(wire):
    client, backend = opened(wire)
    sent, said = 0, os.urandom(1 << 16)
    while select.select([], [client.socket], [], 0.5)[1]:
        sent += client.socket.send(said)
    client.close()
    assert len(backend.read_to_end()) == sent


def test_a_switch_that_is_none_by_its_own_headers_is_refused(wire):
    client, backend = wire.request(*HANDSHAKE)
    backend.read_head()
    backend.send(b"HTTP/1.1 101 Switching Protocols\r\n\r\nprompt")
    assert client.read_head()[0] == b"HTTP/1.1 502 Bad Gateway"
