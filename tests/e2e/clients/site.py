"""Where a client finds the gateway, and who it is there."""

from dataclasses import dataclass
from pathlib import Path


class RefusedError(Exception):
    """The gateway refused; the message is the error as the client read it (RFC 6749)."""


@dataclass(frozen=True)
class Site:
    """A gateway with TLS, by its issuer, and an application. A public one has no secret."""

    url: str
    certificate: Path
    id: str
    secret: str | None
    redirect_uri: str
