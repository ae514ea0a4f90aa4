"""The gateway's URL, as the API Store shows it to those who are to call it."""

from sqlite3 import Connection
from urllib.parse import urlsplit

from apimctl.portal.visits import Visit
from apimctl.services import gateways

_ANY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - what to say instead


def url_for(visit: Visit, db: Connection) -> str:
    """Return the URL that the setting names, else that of a gateway that runs: TLS goes first.

    One that listens on every address is called what the browser calls us. Where none runs, it is
    where one is configured to listen.
    """
    named = visit.settings.portal.gateway_url
    if named:
        return named.rstrip("/")
    urls = [gateway.url for gateway in gateways.list_running(db)]
    urls.sort(key=lambda url: not url.startswith("https:"))
    return reachable(
        urls[0] if urls else visit.settings.tokens.signing.gateway_url, asked_host=visit.host
    )


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
