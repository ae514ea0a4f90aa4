"""Doors: a listening socket and the server behind it, opened, and closed without turning one away.

asyncio closes a listening socket with whatever waits in its queue; who stood there is let in first.
"""

import asyncio
import socket
from collections.abc import Iterable

from apimctl.edge.connection import Server
from apimctl.edge.tls import SHUTDOWN_SECONDS, Certificate
from apimctl.serving.sockets import BACKLOG

TURNS_TO_ENTER = 3
"""Of the event loop: so many at most after `accept`, the server knows a connection."""

HANDSHAKE_SECONDS = 1.0
"""How long a TLS handshake that has begun may go on once no more connections are accepted."""


async def open_door(
    server: Server,
    listener: socket.socket,
    *,
    certificate: Certificate | None = None,
    header_timeout_seconds: float = 0.0,
) -> asyncio.Server:
    """Accept connections; with a certificate, over TLS. 0 seconds for a handshake are any time.

    Where other processes have the socket, closing the door leaves the connections to them.
    """
    loop = asyncio.get_running_loop()
    if certificate is None:
        return await loop.create_server(server, sock=listener, backlog=BACKLOG)
    return await loop.create_server(
        server,
        sock=listener,
        backlog=BACKLOG,
        ssl=certificate.context,
        ssl_handshake_timeout=header_timeout_seconds or None,
        ssl_shutdown_timeout=SHUTDOWN_SECONDS,
    )


async def let_in(server: Server, waiting: Iterable[socket.socket]) -> None:
    """Let the server know connections that were accepted as its door was closed."""
    loop = asyncio.get_running_loop()
    entering = [loop.connect_accepted_socket(server, connection) for connection in waiting]
    await asyncio.gather(*entering, return_exceptions=True)  # some may have left
    for _ in range(TURNS_TO_ENTER):
        await asyncio.sleep(0)
