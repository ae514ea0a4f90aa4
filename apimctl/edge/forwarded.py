"""Who the client is, behind proxies we trust, and what the backend is told of it.

`Forwarded` (RFC 7239) and the older `X-Forwarded-*`: continued where the peer is a trusted proxy,
started anew where it is not, since anybody can send them.
"""

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

from aiohttp import hdrs

from apimctl.config import Networks
from apimctl.edge.heads import OwnHeaders
from apimctl.edge.request import Request


def client_address(request: Request, trusted: Networks) -> str:
    """Return the address of the client: the nearest one that is not a trusted proxy."""
    address = plain_address(request.remote) or ""
    if not trusted:
        return address
    behind = _split(request.headers.getall("X-Forwarded-For", ()))
    while is_trusted(address, trusted) and behind:
        before = plain_address(behind.pop())
        if before is None:  # whoever wrote that cannot be told apart: the last good one counts
            break
        address = before
    return address


@lru_cache(maxsize=4096)
def plain_address(text: str) -> str | None:
    """Return an address without port, brackets and zone, IPv4 as such; None if it is none."""
    bare = text.strip()
    if bare.startswith("["):
        bare = bare[1:].partition("]")[0]
    elif bare.count(":") == 1:
        bare = bare.partition(":")[0]
    try:
        parsed = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return str(mapped or parsed)


def forwarding_headers(request: Request, trusted: Networks) -> OwnHeaders:
    """Return the lines that tell the backend who asked whom, and how."""
    headers = request.headers
    peer = plain_address(request.remote) or "unknown"
    first_hop = _first_hop(peer, headers.get(hdrs.HOST, ""), request.scheme)
    if not trusted or not is_trusted(peer, trusted):
        return first_hop
    before = {
        b"X-Forwarded-For": _split(headers.getall("X-Forwarded-For", ())),
        b"Forwarded": _split(headers.getall("Forwarded", ())),
    }
    said = {
        b"X-Forwarded-Proto": headers.get("X-Forwarded-Proto"),
        b"X-Forwarded-Host": headers.get("X-Forwarded-Host"),
    }
    return [
        (name, _encoded(said.get(name) or ", ".join([*before.get(name, ()), value.decode()])))
        for name, value in first_hop
    ]


@lru_cache(maxsize=1024)
def _first_hop(peer: str, host: str, scheme: str) -> OwnHeaders:
    """Return the lines as the first proxy of all writes them."""
    node = f'"[{peer}]"' if ":" in peer else peer
    return (
        (b"X-Forwarded-For", _encoded(peer)),
        (b"X-Forwarded-Proto", _encoded(scheme)),
        (b"X-Forwarded-Host", _encoded(host)),
        (b"Forwarded", _encoded(f'for={node};host="{host}";proto={scheme}')),
    )


@lru_cache(maxsize=1024)
def is_trusted(address: str, trusted: Networks) -> bool:
    """Return whether the address lies in one of the networks."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in trusted)


def _split(values: Sequence[str]) -> list[str]:
    return [part.strip() for value in values for part in value.split(",") if part.strip()]


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
