"""Who the client is, behind proxies we trust, and what the backend is told of it.

`Forwarded` (RFC 7239) and the older `X-Forwarded-*`: continued where the peer is a trusted proxy,
started anew where it is not, since anybody can send them. Where `X-Forwarded-For` is given it
counts, and `Forwarded` is written from it: most proxies keep the older ones only, and let through
what a stranger claims in the other.
"""

import ipaddress
import re
from collections.abc import Sequence
from functools import lru_cache

from aiohttp import hdrs
from multidict import MultiMapping

from apimctl.config_values import Networks
from apimctl.edge import forwarded_field
from apimctl.edge.forwarded_field import Element
from apimctl.edge.heads import OwnHeaders
from apimctl.edge.request import Request

ABSOLUTE_FORM = re.compile(r"https?://([^/?#]*)", re.IGNORECASE)

_UNKNOWN = "unknown"
_LONGEST_ADDRESS = 80
"""With brackets, zone and port. What is longer is none, and not worth a place in memory."""


def asked_host(request: Request) -> str:
    """Return the host that was asked: the target's, if it names one (RFC 9112 section 3.2.2)."""
    target = request.raw_path
    absolute = None if target.startswith("/") else ABSOLUTE_FORM.match(target)
    return absolute[1] if absolute else request.headers.get(hdrs.HOST, "")


def client_address(request: Request, trusted: Networks) -> str:
    """Return the address of the client: the nearest one that is not a trusted proxy."""
    peer = plain_address(request.remote) or ""
    if not trusted or not is_trusted(peer, trusted):
        return peer
    # Whoever has no address cannot be told apart: the nearest one that has counts.
    known = (plain_address(_node(hop)) for hop in _reliable(_hops(request.headers), trusted))
    return next(filter(None, known), peer)


def plain_address(text: str) -> str | None:
    """Return an address without port, brackets and zone, IPv4 as such; None if it is none."""
    return _parsed(text) if len(text) <= _LONGEST_ADDRESS else None


@lru_cache(maxsize=1024)
def _parsed(text: str) -> str | None:
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
    headers, scheme = request.headers, request.scheme
    peer = plain_address(request.remote) or _UNKNOWN
    host = asked_host(request)
    first_hop = _first_hop(peer, host, scheme)
    if not trusted or not is_trusted(peer, trusted):
        return first_hop
    addresses = _split(headers.getall("X-Forwarded-For", ()))
    hops = _hops(headers)
    reliable = _reliable(hops, trusted)
    said = {
        "host": _said(reliable, "host") or headers.get("X-Forwarded-Host"),
        "proto": _said(reliable, "proto") or headers.get("X-Forwarded-Proto"),
    }
    if addresses:
        at = len(hops) - len(reliable)
        hops[at] = {**hops[at], **{name: value for name, value in said.items() if value}}
    else:
        addresses = [plain_address(_node(hop)) or _UNKNOWN for hop in hops]
    own_hop = dict(first_hop)[b"Forwarded"].decode()
    return (
        (b"X-Forwarded-For", _encoded(", ".join([*addresses, peer]))),
        (b"X-Forwarded-Proto", _encoded(said["proto"] or scheme)),
        (b"X-Forwarded-Host", _encoded(said["host"] or host)),
        (b"Forwarded", _encoded(", ".join([*map(forwarded_field.write, hops), own_hop]))),
    )


def _hops(headers: MultiMapping[str]) -> list[Element]:
    """Return what is said of those who asked before the peer, the farthest one first."""
    addresses = _split(headers.getall("X-Forwarded-For", ()))
    if addresses:
        return [{"for": forwarded_field.node(plain_address(text))} for text in addresses]
    hops: list[Element] = []
    for line in headers.getall("Forwarded", ()):
        elements = forwarded_field.parse(line)
        # Who wrote what cannot be read, and all before that, is anybody's guess.
        hops = [] if elements is None else [*hops, *elements]
    return hops


def _reliable(hops: list[Element], trusted: Networks) -> list[Element]:
    """Return the hops that trusted proxies wrote: the client's, and those behind it."""
    start = max(len(hops) - 1, 0)
    while start and is_trusted(plain_address(_node(hops[start])) or "", trusted):
        start -= 1
    return hops[start:]


def _node(hop: Element) -> str:
    return hop.get("for", _UNKNOWN)


def _said(hops: list[Element], name: str) -> str | None:
    return next((hop[name] for hop in hops if hop.get(name)), None)


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
