"""The face of `apimctl portal serve`: one process, one socket, until it is told to stop."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
from collections.abc import Callable
from typing import Any

from apimctl.config import Settings
from apimctl.edge.connection import Server
from apimctl.edge.redaction import place_of
from apimctl.edge.tls import Certificate
from apimctl.portal.site import Site
from apimctl.serving import logs
from apimctl.serving.addresses import url_of
from apimctl.serving.doors import HANDSHAKE_SECONDS, let_in, open_door
from apimctl.serving.live_settings import LiveSettings
from apimctl.serving.notify import Notifier
from apimctl.serving.sockets import accept_waiting, listen
from apimctl.serving.worker import loop_factory, require_c_parser

OnReady = Callable[[str, Certificate | None], None]
"""Told where it listens, and the certificate that is shown there, once pages are answered."""

log = logging.getLogger("apimctl.gateway")


def run(
    load: Callable[[], Settings], *, is_plain: bool, is_verbose: bool, on_ready: OnReady
) -> None:
    """Serve the API Store until SIGTERM or SIGINT; over plain HTTP if that is asked for.

    `load` returns the settings anew. Raises StoreError, ConflictError for a port in use,
    DeniedError for one that needs rights, InvalidInputError for a bad host, or for a certificate
    that cannot be used.
    """
    logs.set_up(is_verbose=is_verbose)
    require_c_parser()
    notifier = Notifier.take(os.environ)
    settings = LiveSettings(load)
    now = settings()
    certificate = None if is_plain else Certificate(now)
    with (
        listen(now.portal.host, now.portal.port) as listener,
        asyncio.Runner(loop_factory=loop_factory()) as runner,
    ):
        runner.run(_serve(settings, listener, certificate, notifier, on_ready))


async def _serve(
    settings: LiveSettings,
    listener: socket.socket,
    certificate: Certificate | None,
    notifier: Notifier,
    on_ready: OnReady,
) -> None:
    asyncio.get_running_loop().set_exception_handler(_note_defect)
    patience = settings().gateway.header_timeout_seconds
    site = Site(settings)
    server = Server(site.handle, header_timeout_seconds=patience)
    told_to_stop, told_twice = _obey_signals(settings, certificate, notifier, server)
    try:
        door = await open_door(
            server, listener, certificate=certificate, header_timeout_seconds=patience
        )
        scheme = "http" if certificate is None else "https"
        on_ready(url_of(listener, scheme=scheme), certificate)
        notifier.ready()
        await told_to_stop.wait()
        notifier.stopping()
        waiting = accept_waiting(listener) if certificate is None else []
        door.close()
        await let_in(server, waiting)
        if certificate is not None:
            # Who is amid a handshake is no connection of the server's yet, and would be cut.
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(told_twice.wait(), HANDSHAKE_SECONDS)
        await server.drain(settings().gateway.drain_seconds)
    finally:
        await site.close()


def _obey_signals(
    settings: LiveSettings, certificate: Certificate | None, notifier: Notifier, server: Server
) -> tuple[asyncio.Event, asyncio.Event]:
    """Obey signals from now on; return what is set when told to stop, and when told again."""
    told_to_stop, told_twice = asyncio.Event(), asyncio.Event()

    def stop() -> None:
        if told_to_stop.is_set():
            told_twice.set()
            server.hurry()
        told_to_stop.set()

    def read_again() -> None:
        notifier.reloading()
        settings.reload()
        if certificate is not None:
            certificate.renew(settings().gateway)
        notifier.ready()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    loop.add_signal_handler(signal.SIGHUP, read_again)
    return told_to_stop, told_twice


def _note_defect(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Log what nobody caught without the traceback: its values may be secrets."""
    error = context.get("exception")
    told = "" if error is None else f": {type(error).__name__} at {place_of(error)}"
    log.error("%s%s", context.get("message", "a task failed"), told)
