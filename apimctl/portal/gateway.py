"""The gateway: its URL as the API Store shows it to those who call it, and where we reach it."""

import asyncio
import ssl
from collections.abc import Iterable
from dataclasses import dataclass, field
from sqlite3 import Connection
from urllib.parse import urlsplit

from apimctl.portal.visits import Visit
from apimctl.services import gateways
from apimctl.tables.gateways import Gateway

_ANY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - what to say instead


@dataclass(frozen=True, slots=True)
class Target:
    """Where the portal itself sends requests for the gateway.

    `certificate` is what the gateway shows there, as PEM; empty where it speaks plain HTTP, and
    where others vouch for it. `listed` is its row, None for one that the setting names.
    """

    url: str
    certificate: str = field(default="", repr=False)
    listed: Gateway | None = None

    def tls(self) -> ssl.SSLContext | bool:
        """Return how its certificate is to be checked, as aiohttp has it."""
        return gateways.trusting(self.certificate) if self.certificate else True

    async def is_there(self) -> bool:
        """Return whether the gateway is there, as far as it can be known.

        Of one that is listed it can: behind a crash another program may have its port, and its
        number, and is to get no token.
        """
        return self.listed is None or await asyncio.to_thread(gateways.answers, self.listed)


def url_for(visit: Visit, db: Connection) -> str:
    """Return the URL that the setting names, else that of a gateway that runs: TLS goes first.

    One that listens on every address is called what browsers call us, by the setting, else as this
    one does. Where none runs, it is where one is configured to listen.
    """
    named = visit.settings.portal.gateway_url
    if named:
        return named.rstrip("/")
    urls = [gateway.url for gateway in gateways.list_running(db)]
    urls.sort(key=lambda url: not url.startswith("https:"))
    return reachable(
        urls[0] if urls else visit.settings.tokens.signing.gateway_url,
        asked_host=urlsplit(visit.settings.portal.url or "").netloc or visit.host,
    )


def targets(visit: Visit, db: Connection) -> list[Target]:
    """Return the gateways that say they run on this machine, and the one that the setting names.

    The store knows the certificate of those here, and a public address may lead through proxies
    that this machine does not pass: so it goes last, and TLS goes first.
    """
    running = gateways.list_running(db)
    running.sort(key=lambda each: not each.url.startswith("https:"))
    found = [Target(gateways.local_url(each), each.certificate, each) for each in running]
    named = visit.settings.portal.gateway_url
    return [*found, Target(named.rstrip("/"))] if named else found


async def find(candidates: Iterable[Target]) -> Target | None:
    """Return the first that is there, None if none is."""
    for each in candidates:
        if await each.is_there():
            return each
    return None


def reachable(url: str, *, asked_host: str) -> str:
    """Return a URL with the host that a browser asked for, in place of every address."""
    parts = urlsplit(url)
    if parts.hostname not in _ANY_ADDRESS:
        return url
    try:
        host = urlsplit(f"//{asked_host}").hostname
    except ValueError:  # no browser asks for that
        host = None
    host = host or "localhost"
    return f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{parts.port}"
