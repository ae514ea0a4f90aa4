"""The face of `apimctl portal serve`: one process, one socket, until it is told to stop."""

import asyncio
import os
import signal
import socket
from collections.abc import Callable

from apimctl.config import Settings
from apimctl.edge.connection import Server
from apimctl.edge.tls import SHUTDOWN_SECONDS, Certificate
from apimctl.portal.site import Site
from apimctl.serving.notify import Notifier
from apimctl.serving.sockets import BACKLOG, listen
from apimctl.serving.worker import loop_factory, require_c_parser

DRAIN_SECONDS = 5.0
"""How long pages under way may take once the portal is told to stop."""

OnReady = Callable[[str, Certificate | None], None]
"""Told the URL, and the certificate that is shown there, once pages are answered."""


def run(settings: Callable[[], Settings], *, is_plain: bool, on_ready: OnReady) -> None:
    """Serve the API Store until SIGTERM or SIGINT; over plain HTTP if that is asked for.

    `settings` returns them as they are now. Raises StoreError, and as `listen` and `Certificate`.
    """
    require_c_parser()
    now = settings()
    certificate = None if is_plain else Certificate(now)
    with (
        listen(now.portal.host, now.portal.port) as listener,
        asyncio.Runner(loop_factory=loop_factory()) as runner,
    ):
        runner.run(_serve(settings, listener, certificate, on_ready))


async def _serve(
    settings: Callable[[], Settings],
    listener: socket.socket,
    certificate: Certificate | None,
    on_ready: OnReady,
) -> None:
    notifier = Notifier.take(os.environ)
    loop = asyncio.get_running_loop()
    ends = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ends.set)
    if certificate is not None:
        loop.add_signal_handler(signal.SIGHUP, lambda: certificate.renew(settings().gateway))
    site = Site(settings)
    patience = settings().gateway.header_timeout_seconds
    server = Server(site.handle, header_timeout_seconds=patience)
    try:
        door = await loop.create_server(
            server,
            sock=listener,
            backlog=BACKLOG,
            ssl=certificate.context if certificate else None,
            ssl_handshake_timeout=(patience or None) if certificate else None,
            ssl_shutdown_timeout=SHUTDOWN_SECONDS if certificate else None,
        )
        host, port = listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        on_ready(
            f"{'http' if certificate is None else 'https'}://{shown}:{port}/store", certificate
        )
        notifier.ready()
        await ends.wait()
        notifier.stopping()
        door.close()
        await server.drain(DRAIN_SECONDS)
    finally:
        await site.close()
