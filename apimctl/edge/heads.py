"""The heads of requests and responses, put together of the bytes they came as."""

from collections.abc import Sequence
from enum import Enum, auto
from functools import lru_cache
from http import HTTPStatus

from aiohttp import hdrs
from aiohttp.helpers import rfc822_formatted_time
from aiohttp.http import HttpVersion10, HttpVersion11, RawRequestMessage, RawResponseMessage

from apimctl.edge.headers import (
    HOP_BY_HOP,
    NOT_TO_BACKEND,
    NOT_TO_BACKEND_WITH_TOKEN,
    RawHeaders,
    end_to_end,
)
from apimctl.edge.request import Request
from apimctl.edge.upstream import BrokenResponseError

LAST_CHUNK = b"0\r\n\r\n"
WEBSOCKET_LINES = b"Connection: Upgrade\r\nUpgrade: websocket\r\n"

OwnHeaders = Sequence[tuple[bytes, bytes]]
"""Header lines of the gateway's own."""

JOINED = frozenset({b"vary", b"access-control-expose-headers"})
"""Lists whose every line counts: what the gateway adds leaves the backend's as it is."""

_AS_IT_CAME = "surrogateescape"
"""How aiohttp decodes bytes that are no UTF-8, and so how they become those bytes again."""

_BODILESS = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


class Framing(Enum):
    """How the client learns where a body ends (RFC 9112 section 6.3)."""

    AS_DECLARED = auto()
    CHUNKED = auto()
    UNTIL_CLOSE = auto()


def chunk_frame(data: bytes) -> bytes:
    """Return data as one chunk (RFC 9112 section 7.1)."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def request_head(
    message: RawRequestMessage,
    target: str,
    host: bytes,
    own_headers: OwnHeaders,
    *,
    keeps_token: bool,
    is_websocket: bool,
) -> bytes:
    """Return the head for the backend; the framing of the body stays what it was."""
    without = NOT_TO_BACKEND if keeps_token else NOT_TO_BACKEND_WITH_TOKEN
    pieces = [
        f"{message.method} {target} HTTP/1.1\r\nHost: ".encode("utf-8", _AS_IT_CAME),
        host,
        b"\r\n",
        *end_to_end(message.raw_headers, without=without),
    ]
    for name, value in own_headers:
        pieces += (name, b": ", value, b"\r\n")
    if message.chunked:
        pieces.append(b"Transfer-Encoding: chunked\r\n")
    if is_websocket:
        pieces.append(WEBSOCKET_LINES)
    pieces.append(b"\r\n")
    return b"".join(pieces)


def response_head(
    request: Request,
    message: RawResponseMessage,
    framing: Framing,
    own_headers: OwnHeaders,
    *,
    keeps_alive: bool,
) -> bytes:
    """Return the head for the client; `own_headers` replace the backend's of the same names.

    Those of `JOINED` stand beside the backend's; an empty value only takes the backend's away.
    Raises BrokenResponseError for headers that clients read differently.
    """
    without = _replaced(tuple([name for name, _ in own_headers])) if own_headers else HOP_BY_HOP
    pieces = [
        b"HTTP/1.1 %d %b\r\n" % (message.code, message.reason.encode("utf-8", _AS_IT_CAME)),
        *end_to_end(message.raw_headers, without=without),
    ]
    for name, value in own_headers:
        if value:
            pieces += (name, b": ", value, b"\r\n")
    if hdrs.DATE not in message.headers:  # whoever forwards adds it (RFC 9110 section 6.6.1)
        pieces.append(b"Date: %b\r\n" % rfc822_formatted_time().encode())
    if framing is Framing.CHUNKED:
        pieces.append(b"Transfer-Encoding: chunked\r\n")
    if message.code == 101:  # noqa: PLR2004 - Switching Protocols
        pieces.append(WEBSOCKET_LINES)
    elif not keeps_alive:
        pieces.append(b"Connection: close\r\n")
    elif request.version == HttpVersion10:
        pieces.append(b"Connection: keep-alive\r\n")
    pieces.append(b"\r\n")
    head = b"".join(pieces)
    if b" :" in head or b"\t:" in head:
        _refuse_spaced_names(message.raw_headers)
    return head


def _refuse_spaced_names(headers: RawHeaders) -> None:
    """Refuse what some clients would take for framing and others would not (RFC 9112 5.1).

    aiohttp's parser takes a few names with spaces behind them for names of no meaning.
    """
    if any(name.endswith((b" ", b"\t")) for name, _ in headers):
        raise BrokenResponseError("there are spaces between a name and its colon")


@lru_cache(maxsize=256)
def _replaced(names: tuple[bytes, ...]) -> frozenset[bytes]:
    """Return what of a backend's headers stays behind, in lower case."""
    return HOP_BY_HOP | ({name.lower() for name in names} - JOINED)


def choose_framing(request: Request, message: RawResponseMessage) -> Framing:
    """Return how this response reaches this client: as it came, where the client can read that."""
    is_bodiless = request.method == hdrs.METH_HEAD or message.code in _BODILESS
    if is_bodiless or (hdrs.CONTENT_LENGTH in message.headers and not message.chunked):
        return Framing.AS_DECLARED
    return Framing.UNTIL_CLOSE if request.version < HttpVersion11 else Framing.CHUNKED
