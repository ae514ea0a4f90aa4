"""What a request asks for, if there is only one way to read that."""

import re

from aiohttp import hdrs
from aiohttp.http import HttpVersion10, HttpVersion11

from apimctl.domain.routing import has_dot_segments
from apimctl.edge.forwarded import ABSOLUTE_FORM
from apimctl.edge.request import Request

_HOST = re.compile(r"(?:[A-Za-z0-9._~%!$&'()*+;=-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{0,5})?")


def origin_form(target: str) -> str:
    """Return a request target without scheme and host (RFC 9112 section 3.2.2).

    It is empty for a target that has no path, such as ``*``.
    """
    if target.startswith("/"):
        return target
    absolute = ABSOLUTE_FORM.match(target)
    if absolute is None:
        return ""
    rest = target[absolute.end() :]
    return rest if rest.startswith("/") else "/" + rest


def unclear(request: Request, path: str, query: str) -> str | None:
    """Return what a backend might read otherwise than the gateway does, None for nothing."""
    return _unclear_head(request) or _unclear_target(request.raw_path, path, query)


def _unclear_head(request: Request) -> str | None:
    if request.method == hdrs.METH_CONNECT:
        return "This is no tunnel."
    version = request.version
    if version not in (HttpVersion11, HttpVersion10):
        return "Only HTTP/1.1 and HTTP/1.0 are spoken here."
    hosts = request.headers.getall(hdrs.HOST, ())
    if len(hosts) != 1 and (hosts or version != HttpVersion10):
        return "The request needs one Host header."
    if hosts and not _HOST.fullmatch(hosts[0]):
        return "The Host header names no host."
    coding = request.headers.get(hdrs.TRANSFER_ENCODING)
    if coding is not None and (coding.lower() != "chunked" or version == HttpVersion10):
        return "The only transfer coding is chunked, of HTTP/1.1."
    if request.wants_websocket and _declares_body(request):
        return "A request for a WebSocket has no body."
    return None


def _unclear_target(target: str, path: str, query: str) -> str | None:
    if not target.startswith("/"):
        absolute = ABSOLUTE_FORM.match(target)
        if absolute is None:
            return "The request target has no path."
        if not _HOST.fullmatch(absolute[1]):
            return "The request target names no host."
    if "#" in path or "#" in query:
        return "The request target has a fragment."
    if "%00" in path:
        return "The path has a NUL."
    if has_dot_segments(path):
        return "The path has dot segments."
    return None


def _declares_body(request: Request) -> bool:
    """Return whether there should be a body: behind an upgrade, the parser reads none."""
    length = request.headers.get(hdrs.CONTENT_LENGTH, "0")
    return length != "0" or hdrs.TRANSFER_ENCODING in request.headers
