"""The listening sockets: the supervisor's own, which every worker inherits.

One queue of connections for all workers, so none is lost with a worker that goes: another one takes
it. Sockets that come from systemd or from a predecessor are used in place of binding.
"""

import contextlib
import errno
import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apimctl.config import GatewaySettings
from apimctl.errors import ApimctlError, ConflictError, DeniedError, InvalidInputError

BACKLOG = 1024
ADMIN_HOST = "127.0.0.1"
NAMES = ("http", "https", "admin")
"""What a socket is for, as systemd's FileDescriptorName= has it."""


@dataclass(frozen=True, slots=True)
class Sockets:
    """What one gateway listens on; None where it does not."""

    http: socket.socket
    https: socket.socket | None
    admin: socket.socket | None

    def by_name(self) -> dict[str, socket.socket]:
        """Return those that are there, by their names."""
        found = {name: getattr(self, name) for name in NAMES}
        return {name: listener for name, listener in found.items() if listener is not None}

    def accept_waiting(self) -> list[socket.socket]:
        """Return the connections over http that nobody has accepted yet, with requests perhaps.

        Over https there is no request before a handshake, so nothing that would be lost.
        """
        return accept_waiting(self.http)

    def close(self) -> None:
        """Close them in this process; whoever else has them goes on listening."""
        for listener in self.by_name().values():
            listener.close()


def open_sockets(settings: GatewaySettings, given: Mapping[str, socket.socket]) -> Sockets:
    """Return the sockets, listening: those given, and the others bound as the settings say.

    Raises as `listen`, with no socket left open.
    """
    wanted = (
        ("http", settings.host, settings.port, "--port"),
        ("https", settings.host, settings.tls_port, "--tls-port"),
        ("admin", ADMIN_HOST, settings.admin_port, "--admin-port"),
    )
    with contextlib.ExitStack() as opened:
        found = {name: opened.enter_context(listener) for name, listener in given.items()}
        for name, host, port, option in wanted:
            if name not in found and port is not None:
                found[name] = opened.enter_context(listen(host, port, option=option))
        opened.pop_all()
    return Sockets(found["http"], found.get("https"), found.get("admin"))


def listen(host: str, port: int, *, option: str = "--port") -> socket.socket:
    """Return a listening socket; port 0 is any free one. `option` is what the port was named with.

    Raises ConflictError for a port in use, DeniedError for one that needs rights,
    InvalidInputError for a bad host.
    """
    family, address = _resolve(host, port)
    try:
        with contextlib.ExitStack() as opened:
            listener = opened.enter_context(socket.socket(family, socket.SOCK_STREAM))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(BACKLOG)
            opened.pop_all()
    except OSError as error:
        raise _explain_bind(error, host, port, option) from None
    listener.setblocking(False)
    return listener


def accept_waiting(listener: socket.socket) -> list[socket.socket]:
    """Return the connections that nobody has accepted yet: closing the listener cuts them off."""
    accepted = []
    with contextlib.suppress(OSError):
        while True:
            accepted.append(listener.accept()[0])
    for connection in accepted:
        connection.setblocking(False)
    return accepted


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches what listens on that host.

    Raises InvalidInputError for a host without an address.
    """
    _, (number, *_) = _resolve(host, 0)
    address = ipaddress.ip_address(str(number).partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return (mapped or address).is_loopback


def adopt(descriptor: int, *, name: str) -> socket.socket:
    """Return the listening TCP socket of an inherited descriptor; what this starts gets it not.

    Raises InvalidInputError, naming what was found.
    """
    what = f"the descriptor {descriptor}, which was given as {name!r},"
    try:
        listener = socket.socket(fileno=descriptor)
    except OSError as error:
        raise _refuse_inherited(f"{what} is no socket: {error.strerror}") from None
    is_internet = listener.family in {socket.AF_INET, socket.AF_INET6}
    is_stream = listener.type == socket.SOCK_STREAM
    if not (is_internet and is_stream and _is_listening(listener)):
        found = f"{listener.family.name} {listener.type.name}"
        listener.close()
        raise _refuse_inherited(f"{what} is no listening TCP socket, but {found}")
    listener.setblocking(False)
    listener.set_inheritable(False)
    return listener


def _resolve(host: str, port: int) -> tuple[socket.AddressFamily, tuple[Any, ...]]:
    """Return the first address of a host. Raises InvalidInputError for one that has none."""
    try:
        family, _, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except (socket.gaierror, UnicodeError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        raise InvalidInputError(
            f"the host {host!r} has no address: {reason}", hint="Try --host 127.0.0.1."
        ) from None
    return family, address


def _is_listening(stream: socket.socket) -> bool:
    return bool(stream.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


def _refuse_inherited(message: str) -> InvalidInputError:
    return InvalidInputError(message, hint="In the socket unit, use ListenStream= with a port.")


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
    reason = (error.strerror or str(error)).lower()
    return InvalidInputError(
        f"cannot listen on {host}, port {port}: {reason}", hint="Try --host 127.0.0.1."
    )
