"""Where a user's browser may be sent back: redirect URIs (RFC 6749 section 3.1.2, RFC 9700 2.1).

They are compared as texts, but for the port of a loopback address, which a native app learns only
when it starts (RFC 8252 section 7.3).
"""

import re
from collections.abc import Collection
from urllib.parse import urlsplit

from apimctl.domain.names import check_url, printable
from apimctl.errors import InvalidInputError

LONGEST_URI = 2048

_LOOPBACK = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]))(?::[0-9]{1,5})?((?:[/?].*)?)", re.ASCII)
_PRIVATE_USE = re.compile(r"[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+:/[^#]*", re.ASCII)
"""A scheme that is a domain name backwards, as ``com.example.app:/back`` (RFC 8252 section 7.1)."""

_NO_URI = re.compile(r"[^\x21-\x7e]|[\\\"<>^`{|}]")
_PLAIN_HOSTS = frozenset({"127.0.0.1", "::1", "localhost"})


def is_registered(uri: str, registered: Collection[str]) -> bool:
    """Return whether a client that registered these may have its users sent to `uri`."""
    if uri in registered:
        return True
    asked = _without_port(uri)
    return asked is not None and asked in map(_without_port, registered)


def origin_of(uri: str) -> str:
    """Return what a person should read of a redirect URI: ``https://shop.example``, or the scheme.

    Nothing else of it is shown, so that no path can pretend to be another place.
    """
    parts = urlsplit(uri)
    is_web = parts.scheme in {"http", "https"}
    return f"{parts.scheme}://{parts.netloc}" if is_web else f"{parts.scheme}:"


def check_redirect_uri(uri: str, *, what: str) -> str:
    """Return a URI that can be registered.

    It is https, http to this very machine, or of a private-use scheme; it may have a query, no
    fragment. Raises InvalidInputError.
    """
    if len(uri) > LONGEST_URI:
        raise InvalidInputError(
            f"the {what} is {len(uri)} characters long", hint=f"Use at most {LONGEST_URI}."
        )
    address, _, query = uri.partition("?")
    if "#" in uri:
        raise InvalidInputError(
            f"the {what} has a fragment", hint="Leave out everything from the # on."
        )
    if _NO_URI.search(query):
        raise InvalidInputError(
            f"the query of the {what} has characters a URL cannot have",
            hint="Percent-encode them.",
        )
    if _PRIVATE_USE.fullmatch(address) and not _NO_URI.search(address):
        return uri
    check_url(address, what=what)
    parts = urlsplit(address)
    if parts.scheme == "http" and parts.hostname not in _PLAIN_HOSTS:
        raise InvalidInputError(
            f"the {what} {printable(address)!r} is http to another machine",
            hint="Use https: whoever reads the network would read what lets the user in.",
        )
    return uri


def _without_port(uri: str) -> str | None:
    """Return a loopback URI without its port, None for any other one."""
    found = _LOOPBACK.fullmatch(uri)
    return found[1] + found[2] if found else None
