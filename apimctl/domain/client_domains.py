"""The domains a key's tokens may be used from. SPEC section 3.

A pattern is an exact host (``example.com``) or any subdomain of one (``*.example.com``, not the
apex), with a port where only that port is meant. The value of the client's header is a host, or a
URL that is reduced to its host, as in ``Origin`` and ``Referer``. Both sides are compared in lower
case and IDNA form.

What cannot be read as exactly one host never matches: that keeps ``example.com@evil.net``,
``evilexample.com`` and ``example.com.evil.net`` out.
"""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import idna

from apimctl.domain.names import printable
from apimctl.errors import InvalidInputError

MOST_DOMAINS = 100

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://(.*)", re.DOTALL)
_DEFAULT_PORTS = {"http": 80, "https": 443, "ws": 80, "wss": 443}
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?", re.ASCII)
_LONGEST_HOST = 253
_HIGHEST_PORT = 65_535
_HINT = "Write hosts such as example.com or *.example.com, separated by commas."


@dataclass(frozen=True, slots=True)
class Host:
    """A host in IDNA form and lower case, with its port where one is known."""

    name: str
    port: int | None


def parse_domains(text: str) -> tuple[str, ...]:
    """Return the patterns of a comma-separated list, normalised, in order, without repeats.

    A blank list is empty: every domain. Raises InvalidInputError for anything that is no pattern.
    """
    patterns = dict.fromkeys(_pattern(part.strip()) for part in text.split(",") if part.strip())
    if len(patterns) > MOST_DOMAINS:
        raise InvalidInputError(
            f"{len(patterns)} allowed domains are more than {MOST_DOMAINS}",
            hint="Use *.example.com for all subdomains of one.",
        )
    return tuple(patterns)


def is_allowed(patterns: tuple[str, ...], header_values: Sequence[str]) -> bool:
    """Return whether the client's domain header names one of the patterns.

    No patterns allow everything. Two headers, an empty one or an unreadable one allow nothing.
    """
    if not patterns:
        return True
    return len(header_values) == 1 and _is_named(header_values[0], patterns)


@lru_cache(maxsize=1024)
def _is_named(value: str, patterns: tuple[str, ...]) -> bool:
    client = parse_client_domain(value)
    return client is not None and any(_matches(pattern, client) for pattern in patterns)


def parse_client_domain(value: str) -> Host | None:
    """Return the host that a header value names, None where it does not name exactly one."""
    value = value.strip(" \t")
    default_port = None
    is_url = _SCHEME.fullmatch(value)
    if is_url:
        scheme, rest = is_url.groups()
        default_port = _DEFAULT_PORTS.get(scheme.lower())
        value = re.split(r"[/?#]", rest, maxsplit=1)[0]
    host = _parse_host(value)
    if host is None or host.port is not None:
        return host
    return Host(host.name, default_port)


def _matches(pattern: str, client: Host) -> bool:
    name, port = _split_port(pattern)
    if port is not None and port != client.port:
        return False
    if name.startswith("*."):
        return client.name.endswith(name[1:]) and len(client.name) > len(name) - 1
    return client.name == name


def _pattern(text: str) -> str:
    wildcard, bare = ("*.", text[2:]) if text.startswith("*.") else ("", text)
    host = _parse_host(bare)
    if host is None or (wildcard and _is_address(host.name)):
        raise InvalidInputError(f"{printable(text)!r} is not a domain", hint=_HINT)
    port = "" if host.port is None else f":{host.port}"
    return f"{wildcard}{host.name}{port}"


def _parse_host(text: str) -> Host | None:
    name, port = _split_port(text)
    if port is not None and not 0 < port <= _HIGHEST_PORT:
        return None
    if text.endswith(":"):
        return None
    if name.startswith("[") and name.endswith("]"):
        return _parse_address(name[1:-1], port)
    ascii_name = _to_ascii(name.removesuffix("."))
    return None if ascii_name is None else Host(ascii_name, port)


def _parse_address(text: str, port: int | None) -> Host | None:
    if "%" in text:  # a zone may hold anything, quotes and spaces too, and means nothing to others
        return None
    try:
        return Host(f"[{ipaddress.IPv6Address(text)}]", port)
    except ValueError:
        return None


def _to_ascii(name: str) -> str | None:
    if not name.isascii():
        try:
            name = idna.encode(name, uts46=True).decode("ascii")
        except (idna.IDNAError, UnicodeError):
            return None
    name = name.lower()
    if not name or len(name) > _LONGEST_HOST:
        return None
    return name if all(_LABEL.fullmatch(label) for label in name.split(".")) else None


def _split_port(text: str) -> tuple[str, int | None]:
    name, colon, port = text.rpartition(":")
    is_port = colon and port.isascii() and port.isdigit() and len(port) <= 5  # noqa: PLR2004
    if is_port and (":" not in name or name.endswith("]")):
        return name, int(port)
    return text, None


def _is_address(name: str) -> bool:
    return name.startswith("[") or name.replace(".", "").isdigit()
