"""A request as it is typed into the console, and what of it may be sent.

It goes to the gateway, below the base path of one API, whatever is typed: a path that could lead
elsewhere is refused, and so is every header that frames or routes a request or says who asks.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from apimctl.domain import credentials
from apimctl.domain.credentials import Kind
from apimctl.domain.names import printable
from apimctl.domain.routing import has_dot_segments
from apimctl.edge.headers import NOT_TO_BACKEND_WITH_TOKEN
from apimctl.errors import InvalidInputError

MOST_HEADERS = 50

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_LONE_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_PLACEHOLDER = re.compile(r"\{[^/]*\}")
_PATH_SAFE = "/%:@!$&'()*+,;=~-._"
_QUERY_SAFE = _PATH_SAFE + "?[]"
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_VALUE = re.compile(r"[\t\x20-\x7e]*", re.ASCII)
_CREDENTIAL = re.compile(r"[\x21-\x7e]*", re.ASCII)
_OURS_TO_SAY = NOT_TO_BACKEND_WITH_TOKEN | {b"content-length", b"x-real-ip"}
_NOT_FOR_APIS: Mapping[Kind, str] = {
    Kind.CONSUMER_KEY: "a consumer key",
    Kind.CONSUMER_SECRET: "a consumer secret",
    Kind.REFRESH_TOKEN: "a refresh token",
    Kind.AUTHORIZATION_CODE: "an authorization code",
}

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A request that may be sent: `target` is its path and query, percent-encoded.

    Without a `token` it has no Authorization header.
    """

    method: str
    target: str
    headers: Headers = ()
    body: bytes = field(default=b"", repr=False)
    token: str = field(default="", repr=False)


def read_path(text: str) -> str:
    """Return a path below an API's base path, percent-encoded where it has to be.

    Raises InvalidInputError for one that is not below it, and for one with a query.
    """
    if _CONTROL.search(text):
        raise InvalidInputError("the path has control characters", hint="Write it on one line.")
    if text and not text.startswith("/"):
        raise InvalidInputError(
            "the path does not start with /", hint="Write only what follows the API's own path."
        )
    if "?" in text or "#" in text:
        raise InvalidInputError(
            "the path has a ? or a #", hint="What follows a ? is the query, in a field of its own."
        )
    if found := _PLACEHOLDER.search(text):
        raise InvalidInputError(f"write a value in place of {printable(found[0])}")
    path = _encoded(text, safe=_PATH_SAFE)
    if "\\" in text or has_dot_segments(path):
        raise InvalidInputError(
            "the path has a \\, or . or .. for a segment", hint="Write it out, from the left."
        )
    return path


def read_query(text: str) -> str:
    """Return a query, percent-encoded where it has to be, without its ``?``.

    Raises InvalidInputError.
    """
    if _CONTROL.search(text) or "#" in text:
        raise InvalidInputError(
            "the query has a # or control characters", hint="Write %23 for a #."
        )
    return _encoded(text.removeprefix("?"), safe=_QUERY_SAFE)


def read_headers(text: str) -> Headers:
    """Return the headers, one a line: ``Accept: application/json``. Raises InvalidInputError."""
    lines = [line for line in text.replace("\r\n", "\n").split("\n") if line.strip(" ")]
    if len(lines) > MOST_HEADERS:
        raise InvalidInputError(
            f"there are {len(lines)} headers", hint=f"Send at most {MOST_HEADERS}."
        )
    return tuple(_header(line) for line in lines)


def read_header_value(text: str) -> str:
    """Return what may follow the name of a header. Raises InvalidInputError."""
    if not _VALUE.fullmatch(text):
        raise InvalidInputError(
            f"the value {printable(text)!r} has characters no header can have",
            hint="Use letters, digits and punctuation of ASCII.",
        )
    return text


def read_token(text: str) -> str:
    """Return the access token, without a ``Bearer`` before it; also one that is mistyped.

    Raises InvalidInputError for what cannot stand in a header, and for another credential of ours.
    """
    token = re.sub(r"bearer +", "", text, count=1, flags=re.IGNORECASE)
    if not _CREDENTIAL.fullmatch(token):
        raise InvalidInputError(
            "an access token has no spaces and is all ASCII", hint="Paste it alone."
        )
    credential = credentials.parse(token)
    if credential is not None and credential.kind in _NOT_FOR_APIS:
        raise InvalidInputError(
            f"this is {_NOT_FOR_APIS[credential.kind]}", hint="APIs are called with access tokens."
        )
    return token


def typed(headers: Headers, body: str) -> Headers:
    """Return the headers with a Content-Type for a body that has none: JSON if it is any."""
    if not body or any(name.lower() == "content-type" for name, _ in headers):
        return headers
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return (*headers, ("Content-Type", "text/plain; charset=utf-8"))
    return (*headers, ("Content-Type", "application/json"))


def _encoded(text: str, *, safe: str) -> str:
    return quote(_LONE_PERCENT.sub("%25", text), safe=safe)


def _header(line: str) -> tuple[str, str]:
    name, colon, value = line.partition(":")
    if not colon or not _TOKEN.fullmatch(name):
        raise InvalidInputError(
            f"the line {printable(line)!r} is no header", hint="Write Name: value, one a line."
        )
    if name.lower().encode() in _OURS_TO_SAY:
        raise InvalidInputError(
            f"the header {printable(name)!r} is not yours to send here",
            hint="The access token has a field of its own."
            if name.lower() == "authorization"
            else "It is the portal's and the gateway's.",
        )
    return name, read_header_value(value.strip(" \t"))
