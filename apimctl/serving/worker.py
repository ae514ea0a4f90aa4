"""A worker: one process, one event loop, one `Gateway`, on sockets that it inherited.

It obeys its supervisor, and ends with it: the end of their channel means the same as being told to
drain.
"""

import asyncio
import contextlib
import os
import signal
import socket
import traceback
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import aiohttp.http_parser

from apimctl.config import GatewaySettings, Settings
from apimctl.edge.admin import Admin
from apimctl.edge.connection import Server
from apimctl.edge.observer import Observer
from apimctl.edge.tls import Certificate
from apimctl.errors import ApimctlError, explain
from apimctl.gateway import Gateway
from apimctl.serving.channel import Command, Report, listen_for_commands
from apimctl.serving.doors import HANDSHAKE_SECONDS, let_in, open_door
from apimctl.serving.sockets import Sockets

ADMIN_HEADER_SECONDS = 15.0
ADMIN_DRAIN_SECONDS = 1.0
"""How long somebody who asks for health or metrics is waited for at the end."""

KEEPER = 0
"""The number of the worker that throws away what is over: there always is one of it."""


@dataclass(frozen=True, slots=True)
class Post:
    """What a worker is given. `certificate` is there where it listens for https."""

    gateway_id: str
    settings: Settings
    reload: Callable[[], Settings]
    sockets: Sockets
    certificate: Certificate | None
    metrics_folder: Path


def work(post: Post, supervisor: socket.socket, *, number: int) -> int:
    """Serve until told to drain, in a process of its own; return its exit code.

    `number` is one that no other living worker has. What prevents serving is reported, and raises
    nothing.
    """
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(_serve(post, supervisor, number))
    except Exception as error:  # noqa: BLE001 - a process of its own: nobody is above
        if os.environ.get("APIMCTL_DEBUG"):
            traceback.print_exc()
        explained = explain(error)
        with contextlib.suppress(ConnectionError):  # the supervisor is dead
            supervisor.send(Report(explained).encode())
        return explained.exit_code
    return 0


def require_c_parser() -> None:
    """Refuse the pure Python HTTP parser: it has had request smuggling faults.

    Raises ApimctlError.
    """
    if aiohttp.http_parser.HttpRequestParser is aiohttp.http_parser.HttpRequestParserPy:
        raise ApimctlError(
            "aiohttp runs without its C parser, which the gateway needs",
            hint="Unset AIOHTTP_NO_EXTENSIONS, or install aiohttp from a wheel.",
        )


async def _serve(post: Post, supervisor: socket.socket, number: int) -> None:
    commands = listen_for_commands(supervisor)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, commands.put_nowait, Command.DRAIN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})
    async with _running(post, number) as (gateway, server):
        doors = await _open_doors(server, post, gateway.settings)
        admin_doors, admin = await _open_admin(post, gateway, server)
        supervisor.send(Report().encode())
        last = await _obey_until_the_end(commands, gateway, post.certificate)
        # With nothing in between: closing breaks off whoever is connected and not accepted.
        waiting = post.sockets.accept_waiting()
        for door in doors if last is Command.STOP else (*doors, *admin_doors):
            door.close()
        hurrying = asyncio.create_task(_hurry_when_told(commands, server))
        await let_in(server, waiting)
        if post.certificate is not None:
            # Who is amid a handshake is no connection of the server's yet, and would be cut.
            await asyncio.sleep(HANDSHAKE_SECONDS)
        await server.drain(gateway.settings.drain_seconds)
        for door in admin_doors:
            door.close()
        await admin.drain(ADMIN_DRAIN_SECONDS)
        hurrying.cancel()


@contextlib.asynccontextmanager
async def _running(post: Post, number: int) -> AsyncIterator[tuple[Gateway, Server]]:
    observer = Observer(
        post.settings,
        folder=post.metrics_folder,
        worker=number,
        count_connections=lambda: len(server.connections),
    )
    gateway = Gateway(
        post.settings, gateway_id=post.gateway_id, reload=post.reload, observer=observer
    )
    server = Server(
        gateway.handle,
        header_timeout_seconds=gateway.settings.header_timeout_seconds,
        note_unreadable=gateway.note_unreadable,
    )
    # It follows changes from here on; those that came before it was made are in the settings.
    gateway.reload_settings()
    tasks = [asyncio.create_task(gateway.watch_file())]
    if number == KEEPER:
        tasks.append(asyncio.create_task(gateway.upkeep.run()))
    try:
        yield gateway, server
    finally:
        for task in tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await gateway.close()


async def _open_doors(
    server: Server, post: Post, settings: GatewaySettings
) -> list[asyncio.Server]:
    """Accept connections; a door that is closed again leaves them to the other workers."""
    doors = [await open_door(server, post.sockets.http)]
    if post.sockets.https is not None and post.certificate is not None:
        tls = await open_door(
            server,
            post.sockets.https,
            certificate=post.certificate,
            header_timeout_seconds=settings.header_timeout_seconds,
        )
        doors.append(tls)
    return doors


async def _open_admin(
    post: Post, gateway: Gateway, server: Server
) -> tuple[list[asyncio.Server], Server]:
    """Answer the operator as well, if there is a port for that."""

    def find_trouble() -> str | None:
        return "the gateway is told to stop" if server.is_draining else gateway.find_trouble()

    admin = Admin(gateway.observer.metrics, find_trouble=find_trouble)
    admin_server = Server(admin.handle, header_timeout_seconds=ADMIN_HEADER_SECONDS)
    if post.sockets.admin is None:
        return [], admin_server
    return [await open_door(admin_server, post.sockets.admin)], admin_server


async def _obey_until_the_end(
    commands: asyncio.Queue[Command], gateway: Gateway, certificate: Certificate | None
) -> Command:
    """Return how it is to end: STOP or DRAIN."""
    while (command := await commands.get()) not in {Command.STOP, Command.DRAIN}:
        match command:
            case Command.RELOAD:
                gateway.reload_settings()
            case Command.REOPEN:
                gateway.observer.reopen()
            case Command.RENEW if certificate is not None:
                certificate.renew(gateway.settings)
    return command


async def _hurry_when_told(commands: asyncio.Queue[Command], server: Server) -> None:
    while await commands.get() is not Command.HURRY:
        pass
    server.hurry()


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop]:
    """Return what makes an event loop: uvloop's, where there is one."""
    try:
        import uvloop  # noqa: PLC0415 - not on every system
    except ImportError:
        return asyncio.new_event_loop
    factory: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return factory
