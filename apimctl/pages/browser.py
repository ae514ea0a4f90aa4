"""A browser at one of our pages: its cookie, its session, and whether a form is our own.

The cookie holds a random secret, known to the store only once a user has logged in: then it is a
new one. A form carries a token made of the secret, so that no other site can send it (RFC 6749
section 10.12), log-in forms included.
"""

import hmac
import re
from dataclasses import dataclass, field, replace
from typing import Protocol, Self

from aiohttp import hdrs
from multidict import MultiMapping

from apimctl.services import sessions
from apimctl.services.identifiers import RandomBytes

COOKIE = "apimctl"
SECURE_COOKIE = "__Host-apimctl"
"""Of https only: no other host and no plain http can set it (RFC 6265bis section 4.1.3.2)."""

_SECRET = re.compile(r"[0-9a-f]{64}", re.ASCII)
assert 2 * sessions.SECRET_BYTES == 64  # noqa: PLR2004, S101 - as the pattern has it


class Request(Protocol):
    """What is looked at of a request, the gateway's own or the portal's."""

    @property
    def headers(self) -> MultiMapping[str]:
        """The headers as they came."""

    @property
    def scheme(self) -> str:
        """How the browser speaks to us: http or https."""

    @property
    def host(self) -> str:
        """What the browser calls us, with the port."""


@dataclass(frozen=True, slots=True)
class Browser:
    """What a request says of the browser it comes from. `secret` is None for a new one."""

    secret: str | None = field(repr=False)
    is_secure: bool

    def told_apart(self, random: RandomBytes) -> Self:
        """Return the browser with a secret: the one it has, else a new one."""
        return self if self.secret is not None else self.anew(random)

    def anew(self, random: RandomBytes) -> Self:
        """Return the browser with another secret, as it needs one where a session has ended.

        By that, browsers know not to show the pages again that they keep for going back, and
        whoever knows the old one knows no form of the next user's.
        """
        return replace(self, secret=sessions.new_secret(random))

    def form_token(self) -> str:
        """Return what a form of ours carries. The browser has to have a secret."""
        assert self.secret is not None  # noqa: S101 - a page gives it one first
        return hmac.digest(self.secret.encode(), b"form", "sha256").hex()

    def wrote(self, form_token: str | None) -> bool:
        """Return whether a form of ours, shown in this browser, carried this."""
        if self.secret is None or form_token is None:
            return False
        return hmac.compare_digest(self.form_token().encode(), form_token.encode())

    def cookie(self) -> tuple[str, str]:
        """Return the header that lets the browser keep its secret until it is closed."""
        name, more = (SECURE_COOKIE, "; Secure") if self.is_secure else (COOKIE, "")
        return (
            hdrs.SET_COOKIE,
            f"{name}={self.secret or ''}; Path=/; HttpOnly; SameSite=Lax{more}",
        )


def browser_of(request: Request, *, issuer: str) -> Browser:
    """Return the browser. `issuer` is the URL that it knows us by."""
    is_secure = issuer.startswith("https:")
    name = SECURE_COOKIE if is_secure else COOKIE
    for header in request.headers.getall(hdrs.COOKIE, ()):
        for pair in header.split(";"):
            found, _, value = pair.strip().partition("=")
            if found == name and _SECRET.fullmatch(value):
                return Browser(value, is_secure)
    return Browser(None, is_secure)


def is_from_elsewhere(request: Request, *, issuer: str) -> bool:
    """Return whether another site made the browser send this, as far as the browser says.

    Old browsers, and all of them on plain http, send no Sec-Fetch-Site; to our own pages, which
    send no referrer, the Origin is ``null``. There the form's token alone speaks.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site not in {"same-origin", "none"}
    origin = request.headers.get(hdrs.ORIGIN, "null").lower()
    own = {f"{request.scheme}://{request.host}".lower(), _origin(issuer)}
    return origin not in {"null", *own}


def _origin(url: str) -> str:
    return "/".join(url.lower().split("/", 3)[:3])
