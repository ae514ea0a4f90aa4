"""The socket the gateway listens on, and what can be wrong with it."""

import errno
import socket

from apimctl.errors import ApimctlError, ConflictError, DeniedError, InvalidInputError


def listen(host: str, port: int) -> socket.socket:
    """Return a bound socket; port 0 is any free one.

    Raises ConflictError for a port in use, DeniedError for one that needs rights,
    InvalidInputError for a bad host.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except socket.gaierror as error:
        raise InvalidInputError(
            f"the host {host!r} has no address: {error.strerror}", hint="Try --host 127.0.0.1."
        ) from None
    except OSError as error:
        raise _explain_bind(error, host, port) from None
    listener.setblocking(False)
    return listener


def url_of(listener: socket.socket) -> str:
    """Return where a bound socket can be reached."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _explain_bind(error: OSError, host: str, port: int) -> ApimctlError:
    if error.errno == errno.EADDRINUSE:
        return ConflictError(
            f"port {port} on {host} is in use",
            hint=f"Choose another with --port, or see who has it: ss -ltnp 'sport = :{port}'",
        )
    if error.errno in {errno.EACCES, errno.EPERM}:
        return DeniedError(
            f"port {port} on {host} needs rights that this user lacks",
            hint="Choose a port from 1024 on with --port.",
        )
    return InvalidInputError(
        f"cannot listen on {host}, port {port}: {error.strerror}", hint="Try --host 127.0.0.1."
    )
