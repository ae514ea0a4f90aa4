"""What a request asks for, if there is only one way to read that."""

import re

from aiohttp import hdrs
from aiohttp.http import HttpVersion11

from apimctl.domain.routing import has_dot_segments
from apimctl.edge.request import Request

_HOST = re.compile(r"(?:[A-Za-z0-9._~%!$&'()*+;=-]{0,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{0,5})?")
_ABSOLUTE_FORM = re.compile(r"https?://[^/?#]*", re.IGNORECASE)


def origin_form(target: str) -> str:
    """Return a request target without scheme and host (RFC 9112 section 3.2.2).

    It is empty for a target that has no path, such as ``*``.
    """
    if target.startswith("/"):
        return target
    absolute = _ABSOLUTE_FORM.match(target)
    if absolute is None:
        return ""
    rest = target[absolute.end() :]
    return rest if rest.startswith("/") else "/" + rest


def unclear(request: Request, path: str, query: str) -> str | None:
    """Return what a backend might read otherwise than the gateway does, None for nothing."""
    if request.method == hdrs.METH_CONNECT:
        return "The gateway is no tunnel."
    hosts = request.headers.getall(hdrs.HOST, ())
    if len(hosts) != 1 and (hosts or request.version >= HttpVersion11):
        return "The request needs one Host header."
    if hosts and not _HOST.fullmatch(hosts[0]):
        return "The Host header names no host."
    if request.headers.get(hdrs.TRANSFER_ENCODING, "chunked").lower() != "chunked":
        return "The only transfer coding is chunked."
    if request.wants_websocket and _declares_body(request):
        return "A request for a WebSocket has no body."
    if not path.startswith("/"):
        return "The request target has no path."
    if "#" in path or "#" in query:
        return "The request target has a fragment."
    if has_dot_segments(path):
        return "The path has dot segments."
    return None


def _declares_body(request: Request) -> bool:
    """Return whether there should be a body: behind an upgrade, the parser reads none."""
    length = request.headers.get(hdrs.CONTENT_LENGTH, "0")
    return length != "0" or hdrs.TRANSFER_ENCODING in request.headers
