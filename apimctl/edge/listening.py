"""The sockets the gateway listens on, plain and with TLS, and what can be wrong with them."""

import asyncio
import contextlib
import errno
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from apimctl.config import GatewaySettings, Settings
from apimctl.edge.connection import Server
from apimctl.edge.tls import SHUTDOWN_SECONDS, Certificate
from apimctl.errors import ApimctlError, ConflictError, DeniedError, InvalidInputError

BACKLOG = 1024


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a gateway can be reached, and by which certificate it is known.

    `certificate` is PEM; `own_certificate` is its file if it is the gateway's own, to be trusted.
    """

    url: str
    tls_url: str | None = None
    certificate: str = ""
    own_certificate: Path | None = None
    admin_url: str = ""


class Listeners:
    """The sockets of one gateway: bound at once, so that a port is known to be free."""

    def __init__(self, settings: Settings) -> None:
        """Bind the sockets. Raises as `listen` and `Certificate`, with no socket left open."""
        gateway = settings.gateway
        self._certificate = None if gateway.tls_port is None else Certificate(settings)
        self._handshake_seconds = gateway.header_timeout_seconds or None
        self._servers: list[asyncio.Server] = []
        with contextlib.ExitStack() as opened:
            self._plain = opened.enter_context(listen(gateway.host, gateway.port))
            self._tls = None
            if gateway.tls_port is not None:
                tls = listen(gateway.host, gateway.tls_port, option="--tls-port")
                self._tls = opened.enter_context(tls)
            self._sockets = opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._sockets.close()

    @property
    def addresses(self) -> Addresses:
        """Where they can be reached."""
        url = url_of(self._plain)
        if self._tls is None or self._certificate is None:
            return Addresses(url)
        tls_url = url_of(self._tls, scheme="https")
        return Addresses(url, tls_url, self._certificate.pem, self._certificate.own_path)

    def renew_certificate(self, settings: GatewaySettings) -> bool:
        """Read the certificate's files anew; return whether another one may be shown now."""
        return self._certificate is not None and self._certificate.renew(settings)

    async def serve(self, server: Server) -> None:
        """Hand every connection from now on to the server."""
        loop = asyncio.get_running_loop()
        self._servers.append(
            await loop.create_server(server, sock=self._plain, backlog=BACKLOG),
        )
        if self._tls is not None and self._certificate is not None:
            self._servers.append(
                await loop.create_server(
                    server,
                    sock=self._tls,
                    backlog=BACKLOG,
                    ssl=self._certificate.context,
                    ssl_handshake_timeout=self._handshake_seconds,
                    ssl_shutdown_timeout=SHUTDOWN_SECONDS,
                )
            )

    def close(self) -> None:
        """Accept no more connections; those that are there go on."""
        for server in self._servers:
            server.close()


def listen(host: str, port: int, *, option: str = "--port") -> socket.socket:
    """Return a bound socket; port 0 is any free one. `option` is what the port was named with.

    Raises ConflictError for a port in use, DeniedError for one that needs rights,
    InvalidInputError for a bad host.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with contextlib.ExitStack() as opened:
            listener = opened.enter_context(socket.socket(family, kind, protocol))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            opened.pop_all()
    except socket.gaierror as error:
        raise InvalidInputError(
            f"the host {host!r} has no address: {error.strerror}", hint="Try --host 127.0.0.1."
        ) from None
    except OSError as error:
        raise _explain_bind(error, host, port, option) from None
    listener.setblocking(False)
    return listener


def url_of(listener: socket.socket, *, scheme: str = "http") -> str:
    """Return where a bound socket can be reached."""
    host, port = listener.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _explain_bind(error: OSError, host: str, port: int, option: str) -> ApimctlError:
    if error.errno == errno.EADDRINUSE:
        return ConflictError(
            f"port {port} on {host} is in use",
            hint=f"Choose another with {option}, or see who has it: ss -ltnp 'sport = :{port}'",
        )
    if error.errno in {errno.EACCES, errno.EPERM}:
        return DeniedError(
            f"port {port} on {host} needs rights that this user lacks",
            hint=f"Choose a port from 1024 on with {option}.",
        )
    return InvalidInputError(
        f"cannot listen on {host}, port {port}: {error.strerror}", hint="Try --host 127.0.0.1."
    )
