"""Origins of web pages: what may be listed for an API, and which ones it covers.

An origin is compared as browsers send it: lower case, IDNA form, no default port, nothing behind
(RFC 6454 section 6.2). ``null``, which any sandboxed page sends, is covered by ``*`` alone.
"""

import re
from collections.abc import Collection, Iterable

from apimctl.domain.client_domains import parse_client_domain
from apimctl.domain.names import printable
from apimctl.errors import InvalidInputError

ANY_ORIGIN = "*"
MOST_ORIGINS = 100

_ORIGIN = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#@\\\s]+)")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def check_origins(origins: Iterable[str], *, has_credentials: bool) -> tuple[str, ...]:
    """Return the origins as browsers send them, without repeats; an empty one counts as none.

    Raises InvalidInputError, also for ``*`` where pages may send cookies: every page would. What
    has an @ is not quoted: however it is misspelt, no credentials are shown.
    """
    found = tuple(dict.fromkeys(_origin(origin.strip()) for origin in origins if origin.strip()))
    if len(found) > MOST_ORIGINS:
        raise InvalidInputError(
            f"{len(found)} origins are more than {MOST_ORIGINS}", hint="Use * for every origin."
        )
    if ANY_ORIGIN in found and len(found) > 1:
        raise InvalidInputError("the origin * stands for all others", hint="Use it alone.")
    if has_credentials and ANY_ORIGIN in found:
        raise InvalidInputError(
            "cookies and the origin * exclude each other",
            hint="List the origins, or leave --cors-credentials out: tokens need no cookies.",
        )
    if has_credentials and not found:
        raise InvalidInputError(
            "cookies are for CORS, which is off", hint="Give --cors-origin as well."
        )
    return found


def allowed_origin(origins: Collection[str], origin: str | None) -> str | None:
    """Return the value of Access-Control-Allow-Origin for a request from `origin`, None for none.

    `origin` is the value of its Origin header, None where it has none or several.
    """
    if ANY_ORIGIN in origins:
        return ANY_ORIGIN
    return origin if origin is not None and origin in origins else None


def _origin(text: str) -> str:
    if text == ANY_ORIGIN:
        return text
    written = _ORIGIN.fullmatch(text)
    host = parse_client_domain(written[2]) if written else None
    if written is None or host is None:
        shown = "that" if "@" in text else repr(printable(text))
        raise InvalidInputError(
            f"{shown} is not an origin",
            hint="Write scheme and host, as https://app.example.com, without a path; or * for all.",
        )
    scheme = written[1].lower()
    is_usual = host.port in {None, _DEFAULT_PORTS.get(scheme)}
    return f"{scheme}://{host.name}" if is_usual else f"{scheme}://{host.name}:{host.port}"
