"""How the values of settings are written: each function reads one kind of text.

Each raises InvalidInputError for a text that is none of its kind, saying what would be one.
"""

import ipaddress
import re
from pathlib import Path

from apimctl.domain.models import GrantType, Introspection
from apimctl.domain.names import check_url
from apimctl.domain.validity import parse_duration, parse_duration_or_none
from apimctl.errors import InvalidInputError

_HIGHEST_PORT = 65_535
_MOST_WORKERS = 256
_COUNT = re.compile(r"[0-9]{1,7}", re.ASCII)
_SIZE = re.compile(r"([0-9]{1,15})(|[kmg]ib)", re.ASCII | re.IGNORECASE)
_SIZE_UNITS = {"": 1, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30}
_LOG_FORMATS = ("json", "combined")
_NO_DOMAIN = frozenset({"authorization", "host", "cookie", "connection", "content-length"})
_HEADER_CHARACTERS = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")

Networks = tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]


def port(text: str) -> int:
    """Return a TCP port."""
    if not _COUNT.fullmatch(text) or int(text) > _HIGHEST_PORT:
        raise InvalidInputError(f"{text!r} is not a port", hint="Use a number from 0 to 65535.")
    return int(text)


def port_or_off(text: str) -> int | None:
    """Return a TCP port, None for off."""
    return None if text == "off" else port(text)


def workers(text: str) -> int | None:
    """Return a number of processes, None for auto."""
    if text == "auto":
        return None
    if not _COUNT.fullmatch(text) or not 0 < int(text) <= _MOST_WORKERS:
        raise InvalidInputError(
            f"{text!r} is not a number of workers",
            hint=f"Use a number from 1 to {_MOST_WORKERS}, or auto for one per processor.",
        )
    return int(text)


def path(text: str) -> Path | None:
    """Return a path, None for an empty text."""
    if "\0" in text:
        raise InvalidInputError(f"{text!r} is not a path", hint="Name a file.")
    return Path(text).expanduser() if text else None


def count(text: str) -> int:
    """Return a number from 1 to 1,000,000."""
    if not _COUNT.fullmatch(text) or not 0 < int(text) <= 1_000_000:  # noqa: PLR2004
        raise InvalidInputError(f"{text!r} is not a count", hint="Use a number from 1 on.")
    return int(text)


def size(text: str) -> int:
    """Return a size in bytes."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise InvalidInputError(f"{text!r} is not a size", hint="Use bytes, 64KiB, 100MiB or 2GiB.")
    return int(found[1]) * _SIZE_UNITS[found[2].lower()]


def networks(text: str) -> Networks:
    """Return networks, written with commas between them; an address is one of its own."""
    try:
        return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise InvalidInputError(
            f"{text!r} are not addresses: {error}",
            hint="Write 127.0.0.1 or 10.0.0.0/8, with commas.",
        ) from None


def switch(text: str) -> bool:
    """Return whether something is on."""
    switches = {"true": True, "yes": True, "on": True, "1": True}
    switches |= {"false": False, "no": False, "off": False, "0": False}
    if text.lower() not in switches:
        raise InvalidInputError(f"{text!r} is neither true nor false", hint="Use true or false.")
    return switches[text.lower()]


def log_format(text: str) -> str | None:
    """Return the format of an access log, None for off."""
    if text not in {"off", *_LOG_FORMATS}:
        raise InvalidInputError(
            f"{text!r} is no format of the access log", hint="Use off, json or combined."
        )
    return None if text == "off" else text


def header_name(text: str) -> str:
    """Return a header that can name the domain of a client, in lower case."""
    if not text or not set(text.lower()) <= _HEADER_CHARACTERS or text.lower() in _NO_DOMAIN:
        raise InvalidInputError(
            f"{text!r} cannot name the client's domain",
            hint="Use a header that names the client's domain, as X-Domain or Origin.",
        )
    return text.lower()


def host(text: str) -> str:
    """Return what can be listened on."""
    if not text or any(character.isspace() for character in text) or "/" in text:
        raise InvalidInputError(f"{text!r} is not a host", hint="Use an address, as 127.0.0.1.")
    return text


def grants(text: str) -> frozenset[GrantType]:
    """Return grants, written with commas between them."""
    names = {name.strip() for name in text.split(",") if name.strip()}
    unknown = names - set(GrantType)
    if unknown or not names:
        raise InvalidInputError(
            f"{text!r} are not grants", hint=f"Use some of {', '.join(GrantType)}."
        )
    return frozenset(GrantType(name) for name in names)


def introspection(text: str) -> Introspection:
    """Return of whose tokens clients may ask."""
    if text not in set(Introspection):
        raise InvalidInputError(
            f"{text!r} says of nobody's tokens", hint=f"Use {' or '.join(Introspection)}."
        )
    return Introspection(text)


def issuer(text: str) -> str | None:
    """Return the URL of an issuer (RFC 8414 section 2), None for an empty text.

    A slash at its end is taken off, so that what follows can be joined.
    """
    if not text:
        return None
    return check_url(text, what="URL of an issuer").rstrip("/")


def web_url(text: str) -> str | None:
    """Return an http or https URL without a slash at its end, None for an empty text."""
    return check_url(text, what="URL").rstrip("/") if text else None


def duration(text: str) -> int:
    """Return a length of time in seconds. Raises UsageError."""
    return parse_duration(text, what="duration")


def skew(text: str) -> int:
    """Return a length of time in seconds, which may be none at all. Raises UsageError."""
    return parse_duration_or_none(text, what="skew")
