"""Where a gateway can be reached, and by which certificate it is known there."""

import socket
from dataclasses import dataclass
from pathlib import Path

from apimctl.edge.tls import Certificate
from apimctl.serving.sockets import Sockets


@dataclass(frozen=True, slots=True)
class Addresses:
    """The URLs of one gateway.

    `certificate` is PEM; `own_certificate` is its file if it is the gateway's own, to be trusted.
    """

    url: str
    tls_url: str | None = None
    admin_url: str | None = None
    certificate: str = ""
    own_certificate: Path | None = None


def addresses_of(sockets: Sockets, certificate: Certificate | None) -> Addresses:
    """Return where these sockets can be reached."""
    return Addresses(
        url=url_of(sockets.http),
        tls_url=url_of(sockets.https, scheme="https") if sockets.https else None,
        admin_url=url_of(sockets.admin) if sockets.admin else None,
        certificate=certificate.pem if certificate else "",
        own_certificate=certificate.own_path if certificate else None,
    )


def url_of(listener: socket.socket, *, scheme: str = "http") -> str:
    """Return where a bound socket can be reached."""
    host, port = listener.getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
